"""Where reports go: names that tell folders apart, and places that cannot be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from fish_dataset.errors import FishDataError
from fish_dataset.output import check_output, default_folder


def test_folders_of_one_name_have_reports_of_their_own(tmp_path: Path) -> None:
    one, other = (default_folder("stats", tmp_path / disk / "reef 1" / "data") for disk in "ab")
    assert one != other and one.parent == Path("work_dirs/stats")
    assert one.name.startswith("reef-1-data-") and default_folder("stats", "/").name
    again = default_folder("stats", tmp_path / "b" / ".." / "a" / "reef 1" / "data")
    assert again == one


def test_korean_names_stay_readable(tmp_path: Path) -> None:
    assert "제주-바다" in default_folder("browse", tmp_path / "제주 바다").name


def test_places_are_tried_and_left_as_they_were(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(FishDataError, match="never written to"):
        check_output(tmp_path / "data" / "report", tmp_path / "data")
    with pytest.raises(FishDataError, match="is a file|Not a directory"):
        check_output(tmp_path / "file" / "report", tmp_path / "data")
    with pytest.raises(FishDataError, match="cannot be written"):
        check_output("/proc/report", tmp_path / "data")
    assert check_output(tmp_path / "a" / "b", tmp_path / "data") == tmp_path / "a" / "b"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "file"]
