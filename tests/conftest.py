"""Shared fixtures: real data where it is, small drawn data, a detector small enough for tests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer

import fishdet.registered  # noqa: F401  (registers operators, data set, hooks, metric)
from fish_dataset.synthesis import ensure_dataset

ROOT = Path(__file__).resolve().parent.parent

if "PYTEST_XDIST_WORKER" in os.environ:  # as many processes as cores: a thread for each
    torch.set_num_threads(1)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # of the programs that tests start

TINY_MODEL = """
model = dict(
    backbone=dict(
        depth=18,
        base_channels=16,
        stem_channels=16,
        init_cfg=None,
    ),
    neck=dict(in_channels=[16, 32, 64, 128], out_channels=16),
    rpn_head=dict(in_channels=16, feat_channels=16),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=16),
        bbox_head=dict(in_channels=16, fc_out_channels=32),
    ),
)
train_dataloader = dict(batch_size=2, num_workers=0, persistent_workers=False)
val_dataloader = dict(batch_size=2, num_workers=0, persistent_workers=False)
test_dataloader = dict(batch_size=2, num_workers=0, persistent_workers=False)
auto_img_scale = dict(longest=128, divisor=64)
"""


@pytest.fixture(autouse=True)
def nothing_of_another_run() -> None:
    """mmengine keeps loggers and histories by the second in which a run began.

    A run of the same second would write into the other's log; and mmdet's hook draws with the
    newest visualizer of the process, whoever made it.
    """
    for kept in (MMLogger, MessageHub, Visualizer):
        kept._instance_dict.clear()


@pytest.fixture(autouse=True)
def mmdet_scope() -> Iterator[None]:
    """Look types up in mmdet's registries, whatever a Runner of another test left behind."""
    with DefaultScope.overwrite_default_scope("mmdet"):
        yield


@pytest.fixture(scope="session")
def fishdet_data() -> Path:
    """The folder of real data sets that ``FISHDET_DATA`` names."""
    folder = os.environ.get("FISHDET_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("FISHDET_DATA does not name a folder with the real data sets")
    return Path(folder)


@pytest.fixture(scope="session")
def drawn_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small drawn data set: 12 training and 6 validation pictures of 128 px."""
    root = tmp_path_factory.mktemp("drawn") / "set"
    return ensure_dataset(root, seed=3, train=12, val=6, size=128, workers=1, progress=False)


@pytest.fixture(scope="session")
def tiny_config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``configs/fish.py`` with a network that trains in a second."""
    path = tmp_path_factory.mktemp("config") / "tiny.py"
    base = str(ROOT / "configs" / "fish.py")
    path.write_text(f"_base_ = {base!r}\n{TINY_MODEL}")
    return path


CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium as Playwright drives it; skips where there is none (apt-get install chromium).

    It is closed after each module: while it is open, its event loop is the thread's.
    """
    program = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if program is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    driver = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with driver.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu"]
        )
        yield chromium
        chromium.close()
