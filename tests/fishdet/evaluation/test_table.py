"""The table reads the same in a terminal, a log and a message."""

from __future__ import annotations

import math

import pytest
from rich.cells import cell_len

from fishdet.evaluation import CocoReport, format_table
from fishdet.evaluation.intervals import Intervals

SALMON = {"name": "salmon", "AP": 0.5666, "AP50": 0.9, "AR": 0.61, "images": 12, "boxes": 345,
          "detections": 6789}  # fmt: skip
NONE = {"name": "은어 [bold]", "AP": math.nan, "AP50": math.nan, "AR": math.nan, "images": 0,
        "boxes": 0, "detections": 2}  # fmt: skip
TOTALS = {
    "bbox_mAP": 0.4, "bbox_mAP_50": 0.7, "bbox_mAP_75": 0.3, "bbox_mAP_s": math.nan,
    "bbox_mAP_m": 0.2, "bbox_mAP_l": 0.6, "bbox_AR_1": 0.25, "bbox_AR_10": 0.45,
    "bbox_AR_100": 0.475, "bbox_AR_s": math.nan, "bbox_AR_m": 0.3, "bbox_AR_l": 0.8,
}  # fmt: skip


@pytest.fixture
def report():
    return CocoReport(totals=TOTALS, per_class=[SALMON, NONE], num_images=20)


def _cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_every_value_stands_in_its_column(report):
    lines = format_table(report).splitlines()
    assert _cells(lines[0]) == ["species", "images", "boxes", "detections", "AP", "AP50", "AR100"]
    assert _cells(lines[2]) == ["salmon", "12", "345", "6789", "0.567", "0.900", "0.610"]
    assert _cells(lines[3]) == ["은어 [bold]", "0", "0", "2", "-", "-", "-"]
    assert _cells(lines[4]) == ["(all)", "20", "345", "6791", "0.400", "0.700", "0.475"]
    assert "mAP_75 0.300" in lines[5] and "mAP_s -" in lines[5] and "AR_l 0.800" in lines[5]


def test_wide_characters_stay_aligned_and_nothing_is_coloured(report):
    lines = format_table(report).splitlines()[:-1]
    edges = [[cell_len(line[:i]) for i, c in enumerate(line) if c == "|"] for line in lines]
    assert all(edge == edges[0] for edge in edges) and len(edges[0]) == 8
    assert "\x1b" not in format_table(report)


def test_common_names_on_request(report):
    assert "연어" in format_table(report, lang="ko")
    assert "연어" not in format_table(report)


def test_the_recall_column_says_its_limit(report):
    totals = {k.replace("_100", "_30"): v for k, v in TOTALS.items()}
    other = CocoReport(totals=totals, per_class=[SALMON], num_images=1)
    assert "AR30" in format_table(other).splitlines()[0]


def test_intervals_stand_behind_their_numbers(report):
    nan = (math.nan, math.nan)
    made = Intervals(
        intervals={"bbox_mAP": (0.349, 0.451), "bbox_mAP_75": (0.2, 0.4), "bbox_AR_100": nan},
        species={"salmon": {"AP": (0.5, 0.6)}, "은어 [bold]": {"AP": nan, "AP50": nan}},
        species_groups={}, count_MAE=0.0, groups=20, rule="video", resamples=9, warning="",
    )  # fmt: skip
    lines = format_table(report, intervals=made).splitlines()
    assert _cells(lines[2])[4:] == ["0.567 [0.50, 0.60]", "0.900", "0.610"]
    assert _cells(lines[3])[4:] == ["-", "-", "-"]
    assert _cells(lines[4])[4:] == ["0.400 [0.35, 0.45]", "0.700", "0.475"]
    assert "mAP_75 0.300 [0.20, 0.40]" in lines[5]
