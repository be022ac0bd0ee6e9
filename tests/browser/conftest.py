"""A real headless Chromium, and a running service on a network that is known by heart."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from colour_service import fake_model
from running_service import running

from fishdet.service.app import create_app
from fishdet.service.settings import Settings

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium as Playwright drives it; skips where there is none (apt-get install chromium)."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    driver = pytest.importorskip("playwright.sync_api")
    with driver.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu"]
        )
        yield chromium
        chromium.close()


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
