"""What all command lines share: how a user's mistake ends."""

from __future__ import annotations

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
    try:
        status = run()
    except (FishDataError, *errors) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped by Ctrl-C", file=sys.stderr)
        return INTERRUPTED
    return status if isinstance(status, int) else 0
