"""The error that a user can act on."""

from __future__ import annotations


class FishdetError(Exception):
    """A user's mistake or a condition of the machine; the message is complete as it stands.

    It names the file, the field, the value and what to do. The tools print it without a
    traceback and exit with status 2.
    """
