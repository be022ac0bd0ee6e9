"""What all command lines share: how a user's mistake ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from fish_dataset.errors import FishDataError

INTERRUPTED = 130  # as a shell reports a process that SIGINT ended


def exit_status(run: Callable[[], Any], *errors: type[Exception]) -> int:
    """Call ``run`` and return the exit status of the script.

    Returns:
        The status that ``run`` returns, 0 for None; 2 with one line on stderr on a user's mistake
        (``FishDataError`` and ``errors``); 130 on Ctrl-C.
    """
    mistakes: tuple[type[Exception], ...] = (FishDataError, *errors)
    try:
        status = run()
    except mistakes as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # `… | head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("stopped by Ctrl-C", file=sys.stderr)
        return INTERRUPTED
    return status if isinstance(status, int) else 0
