"""Light of pictures, the whole report, the command line."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from fish_dataset.errors import FishDataError
from fish_dataset.stats import look_over, write_overview
from fish_dataset.stats.light import measure, spread_rows
from fish_dataset.stats.words import told as sentences

ROOT = Path(__file__).resolve().parents[3]


def test_light_of_flat_pictures_by_hand(tmp_path: Path) -> None:
    colours = [(200, 100, 0), (90, 90, 90)]
    paths = []
    for number, colour in enumerate(colours):
        paths.append(tmp_path / f"{number}.png")
        cv2.imwrite(str(paths[-1]), np.full((64, 64, 3), colour, np.uint8))
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    told: list[int] = []
    light = measure([*paths, broken, tmp_path / "gone.png"], np.arange(4), told.append)
    assert sum(told) == 4 and light.unreadable == 2
    assert np.allclose(light.means[:2], colours)
    assert np.allclose(light.cast[0], [2, 1, 0]) and np.allclose(light.cast[1], 1)
    assert np.allclose(light.brightness[:2], [0.114 * 200 + 0.587 * 100, 90])
    assert np.allclose(light.contrast[:2], 0, atol=1e-4)


def test_rows_are_spread_over_all_pictures() -> None:
    assert spread_rows(3, 10).tolist() == [0, 1, 2]
    assert spread_rows(101, 5).tolist() == [0, 25, 50, 75, 100]
    assert spread_rows(10, 0).tolist() == []


def test_report_of_drawn_data(drawn_data: Path, tmp_path: Path) -> None:
    overview = look_over(drawn_data, progress=False, anchor_count=3, side=256)
    page = write_overview(overview, tmp_path / "out")
    text = page.read_text(encoding="utf-8")
    assert "고등어" in text and "mackerel" in text and text.count("<img") >= 9
    document = json.loads((page.parent / "stats.json").read_text(encoding="utf-8"))
    assert document["images"] == {"train": 12, "val": 6}
    assert document["boxes"] == sum(sum(c["boxes"].values()) for c in document["classes"])
    assert document["suggestions"]["anchors_for_side"] == 256
    assert len(document["suggestions"]["anchors"]) == 3
    assert document["light"]["images_measured"] == 18
    counts = [sum(c["boxes"].values()) for c in document["classes"]]
    assert counts == sorted(counts, reverse=True)


def test_a_set_without_boxes_is_reported(document: dict, write, draw, tmp_path: Path) -> None:
    document["annotations"] = []
    write(document)
    draw(tmp_path / "images", ["a.png", "b.png", "c.png"])
    overview = look_over(tmp_path, pictures=0, progress=False)
    assert overview.sizes is None and overview.light is None
    assert "Picture size" not in write_overview(overview, tmp_path.parent / "out").read_text()


def test_faulty_files_are_counted_as_far_as_they_go(document, write, draw, tmp_path: Path) -> None:
    document["annotations"][0]["bbox"] = [900, 5, 20, 10]
    write(document, "set/train.json")
    draw(tmp_path / "set" / "images", ["a.png", "b.png", "c.png"])
    overview = look_over(tmp_path / "set", progress=False)
    assert len(overview.boxes.image) == 2
    told = "0 of 3 pictures and 1 of 3 boxes cannot be shown (1 × box-outside)"
    assert told in overview.notes[0] and any(told in s for s in sentences(overview))
    assert told in write_overview(overview, tmp_path / "out").read_text(encoding="utf-8")
    assert told in (tmp_path / "out" / "stats.json").read_text(encoding="utf-8")


def test_nothing_is_written_into_the_data(drawn_data: Path) -> None:
    overview = look_over(drawn_data, pictures=0, progress=False)
    with pytest.raises(FishDataError, match="never written to"):
        write_overview(overview, drawn_data / "stats")
    assert not (drawn_data / "stats").exists()


def test_numbers_out_of_range_are_named(drawn_data: Path) -> None:
    for options in ({"pictures": -1}, {"anchor_count": 0}, {"min_side": 0}, {"side": 0}):
        (name,) = options
        with pytest.raises(FishDataError, match=f"{name}="):
            look_over(drawn_data, progress=False, **options)


def run_tool(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The script in this process, which has imported everything already."""
    monkeypatch.setattr(sys, "argv", ["stats.py", *arguments])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / "tools/dataset/stats.py"), run_name="__main__")
    return int(ended.value.code or 0)


def test_tool_prints_and_writes(
    drawn_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    options = ["--out", str(tmp_path / "o"), "--pictures", "3"]
    assert run_tool(monkeypatch, str(drawn_data), *options) == 0
    printed = capsys.readouterr().out
    assert "18 pictures" in printed and "Anchors at" in printed
    assert (tmp_path / "o" / "stats.html").is_file()


def test_tool_refuses_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    assert run_tool(monkeypatch, str(tmp_path / "nowhere")) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and "no such data folder" in error
