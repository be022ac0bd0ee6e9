"""What all command lines share: how a user's mistake ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, TextIO

from fish_dataset.errors import FishDataError

INTERRUPTED = 130  # as a shell reports a process that SIGINT ended


def exit_status(run: Callable[[], Any], *errors: type[Exception]) -> int:
    """Call ``run`` and return the exit status of the script.

    Returns:
        The status that ``run`` returns, 0 for None; 2 with one line on stderr on a user's mistake
        (``FishDataError`` and ``errors``); 130 on Ctrl-C.
    """
    out, sys.stdout = sys.stdout, _Patient(sys.stdout)  # type: ignore[assignment]
    mistakes: tuple[type[Exception], ...] = (FishDataError, *errors)
    try:
        status = run()
    except mistakes as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped by Ctrl-C", file=sys.stderr)
        return INTERRUPTED
    finally:
        sys.stdout = out
    return status if isinstance(status, int) else 0


class _Patient:
    """Standard output that goes on when its reader has gone: ``… | head`` must not cost results."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            return self._give_up(len(text))

    def flush(self) -> None:
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._give_up(0)

    def _give_up(self, done: int) -> int:
        os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
        return done

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
