"""Traces of a small untrained Faster R-CNN: with a box a class, and with one for all classes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from mmengine.registry import DefaultScope
from small_rcnn import busy_picture, save_small_rcnn

from fishdet.inference.detector import Detector
from fishdet.trace import Trace, record


@pytest.fixture(scope="session", params=[False, True], ids=["box a class", "one box"])
def detector(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Detector:
    with DefaultScope.overwrite_default_scope("mmdet"):
        path = save_small_rcnn(tmp_path_factory.mktemp("small"), request.param)
        return Detector(path, precision="fp32")


@pytest.fixture(scope="session")
def trace(detector: Detector) -> Trace:
    with DefaultScope.overwrite_default_scope("mmdet"):
        return record(detector, busy_picture())


NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium as Playwright drives it; skips where there is none (apt-get install chromium)."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    driver = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with driver.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu"]
        )
        yield chromium
        chromium.close()
