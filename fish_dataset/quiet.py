"""Silence for what C libraries write to stderr on their own.

libjpeg, as OpenCV carries it, prints 'Corrupt JPEG data: premature end of data segment' for damaged
pictures, without a file name and between our lines. What is damaged is found and named by the
checks; these lines only make readers wonder which picture is meant.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_STDERR = 2


@contextmanager
def quiet_decoders() -> Iterator[None]:
    """Within it, file descriptor 2 leads nowhere; ``sys.stderr`` goes on to where it led.

    For one thread at a time to enter; decoding threads started inside are silent too.
    """
    try:
        kept = os.dup(_STDERR)
    except OSError:  # closed: nothing to silence
        yield
        return
    ours = sys.stderr
    if ours is not None:
        ours.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _STDERR)
    os.close(nowhere)
    if ours is not None and _descriptor(ours) == _STDERR:
        sys.stderr = os.fdopen(os.dup(kept), "w", 1, ours.encoding, "backslashreplace")
    try:
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)
        instead, sys.stderr = sys.stderr, ours
        if instead is not ours:
            instead.close()


def _descriptor(stream: object) -> int | None:
    try:
        return stream.fileno()  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError):  # none at all, or one in memory, as in tests
        return None
