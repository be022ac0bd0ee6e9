"""Starts torchrun for ``tools/dist_train.sh``, and tells how it ended in a line, not a traceback.

python -m fishdet.launch [torchrun's arguments]
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence

FAILED, MISTAKE = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run torchrun; return the exit status of the process that ended first, 128 + N for signal N.

    What that process said stands above: its output goes to this one's.
    """
    try:
        from torch.distributed.elastic.multiprocessing import SignalException
        from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
        from torch.distributed.elastic.rendezvous.api import RendezvousError
        from torch.distributed.run import main as torchrun
    except ModuleNotFoundError as error:
        text = f"{sys.executable} has no {error.name}; activate the environment, or name its PYTHON"
        return _told(text, MISTAKE)

    try:
        torchrun(None if arguments is None else list(arguments))
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        code = failure.exitcode
        return _told(f"process {rank} ended first, with {_words(code)}", code)
    except SignalException as error:
        number = int(error.sigval)
        return _told(f"torchrun was sent {signal.Signals(number).name}", -number)
    except RendezvousError as error:
        reason = str(error).split("See inner")[0].strip() or "Not all came in time."
        return _told(
            f"the machines of this training did not meet. {reason} Is MASTER_ADDR:PORT reachable "
            "from each of them, and the command started on all?",
            FAILED,
        )
    return 0


def _words(code: int) -> str:
    """Return an exit code of Python's ``subprocess`` in words."""
    if code >= 0:
        return f"status {code}; its reason stands above"
    return f"signal {-code} ({signal.Signals(-code).name})"


def _told(text: str, code: int) -> int:
    print(f"error: {text}", file=sys.stderr, flush=True)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
