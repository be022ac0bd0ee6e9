"""A page as a browser lays it out: no wider than the window, on a desktop and on a phone.

Chromium draws the page at two widths; a page that is too wide for the window would end in a
sideways scroll, which shows as content cut at the right edge. So a bar that stands at the far right
of the page must be inside the picture.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from fish_dataset.page import Badge, Grid, Picture, Section, Table, Text, render

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")


def browser(page: Path, *options: str) -> str:
    """Standard output of headless Chromium on ``page``."""
    common = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
    command = [CHROMIUM, *common, f"--user-data-dir={page.parent / 'profile'}", *options]
    done = subprocess.run(
        [*command, page.as_uri()], capture_output=True, text=True, timeout=300, check=True
    )
    return done.stdout


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """Long words, a wide table, Korean names and pictures."""
    picture = Picture.of(np.full((60, 90, 3), (200, 80, 20), np.uint8), "참돔_" + "x" * 80)
    wide = Table([f"column {n}" for n in range(12)], [["고등어", *range(11)]], "wide")
    blocks = [Text("긴 이름 " + "a/" * 120), wide, Grid([picture] * 5)]
    section = Section("기록 " + "b" * 90, blocks, Badge("error", "error"))
    render(tmp_path / "page.html", "어종 보고서", [section, section], facts=[("images", 12345)])
    return tmp_path / "page.html"


def test_the_browser_reads_what_was_written(page: Path) -> None:
    text = browser(page, "--dump-dom")
    assert "어종 보고서" in text and "고등어" in text
    assert len(re.findall("<figure", text)) == 10 and "12\u202f345" in text


@pytest.mark.parametrize("width", [1280, 500])  # headless Chromium makes no window under 500
def test_nothing_sticks_out_of_the_window(page: Path, width: int) -> None:
    shot = page.parent / "shot.png"
    browser(page, f"--screenshot={shot}", f"--window-size={width},1600")
    pixels = cv2.imread(str(shot))
    assert pixels.shape[1] == width
    paper = pixels[-1, 0]
    # The margin of the body is free on both sides, all the way down.
    assert (pixels[:, :8] == paper).all() and (pixels[:, -8:] == paper).all()

    near = np.abs(pixels.astype(int) - (200, 80, 20)).max(axis=2) < 12
    assert near.sum() > 5000  # the pictures are drawn
