"""A running service on a network that is known by heart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from colour_service import fake_model
from running_service import running

from fishdet.service.app import create_app
from fishdet.service.settings import Settings


@pytest.fixture(scope="session")
def corrections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of corrections of the service."""
    return tmp_path_factory.mktemp("service") / "corrections.sqlite"


@pytest.fixture(scope="session")
def address(corrections: Path) -> Iterator[str]:
    """Where the service listens."""
    app = create_app(fake_model(), Settings(rate=0, feedback=corrections))
    with running(app) as port:
        yield f"http://127.0.0.1:{port}/"
