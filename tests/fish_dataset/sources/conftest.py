"""The server that misbehaves as told."""

from faulty_server import page, web  # noqa: F401
