"""A running service on a network that is known by heart (``tests/support/colour_service.py``)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from colour_service import fake_model
from fastapi.testclient import TestClient

from fishdet.service.app import create_app
from fishdet.service.settings import Settings


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    settings = Settings(rate=0, feedback=tmp_path / "corrections.sqlite", max_bytes=2**20)
    with TestClient(create_app(fake_model(), settings), raise_server_exceptions=False) as client:
        yield client
