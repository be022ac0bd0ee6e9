"""Run the application until it is told to stop."""

from __future__ import annotations

import logging
import socket

import numpy as np
import uvicorn

from fishdet.errors import FishdetError

from .app import create_app
from .model import Model
from .settings import Settings

GRACE_S = 30
BACKLOG = 2048


def serve(model: Model, settings: Settings, host: str, port: int) -> None:
    """Answer requests until SIGINT or SIGTERM; open requests are answered first.

    Raises:
        FishdetError: the address cannot be had.
    """
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("fishdet.service").setLevel(logging.INFO)
    blank = [np.zeros((256, 256, 3), np.uint8)]
    app = create_app(model, settings, lambda: model.find(blank))  # the first one costs seconds
    app.state.service.worker.start()
    listening = listen(host, port)
    print(f"http://{host}:{listening.getsockname()[1]}", flush=True)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        backlog=BACKLOG,
    )
    uvicorn.Server(config).run(sockets=[listening])


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that takes connections at an address; port 0 takes a free one.

    Raises:
        FishdetError: the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listening.close()
        raise FishdetError(
            f"--host {host} --port {port}: {error}; choose another port, or 0 for any"
        ) from error
    return listening
