"""A folder is written whole or not at all, and reads back as it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fish_dataset.cli import INTERRUPTED, exit_status
from fish_dataset.errors import FishDataError
from fish_dataset.files import replacing, require_new_folder
from fish_dataset.folder import Part, read_folder, write_folder


@pytest.fixture(scope="module")
def parts(drawn_data: Path) -> dict[str, Part]:
    return read_folder(drawn_data)


@pytest.mark.parametrize("images", ["copy", "hardlink", "symlink"])
def test_a_written_folder_reads_back_as_it_was(parts, images, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    write_folder(out, parts, images=images, documents={"note.json": {"boxes": 3}})
    back = read_folder(out)
    assert back.keys() == parts.keys()
    assert all(back[name].annotations.equals(parts[name].annotations) for name in parts)
    first = parts["val"].annotations.file_names[0]
    assert (out / "images" / first).read_bytes() == (parts["val"].image_dir / first).read_bytes()
    assert (out / "images" / first).is_symlink() == (images == "symlink")
    assert json.loads((out / "note.json").read_text())["boxes"] == 3
    assert sorted(path.name for path in out.parent.iterdir()) == ["out"]


def test_a_folder_that_holds_something_is_left_alone(parts, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(FishDataError, match="holds files already"):
        write_folder(tmp_path, parts)
    with pytest.raises(FishDataError, match="is a file"):
        write_folder(tmp_path / "mine.txt", parts)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_missing_picture_leaves_nothing_behind(parts, tmp_path: Path) -> None:
    lost = {"val": Part(parts["val"].annotations, tmp_path / "nowhere")}
    with pytest.raises(FishDataError, match=r"nowhere.*No such file.*was not written"):
        write_folder(tmp_path / "out", lost)
    assert list(tmp_path.iterdir()) == []


def test_two_pictures_of_one_name_are_refused(parts, tmp_path: Path) -> None:
    other = {"val": parts["val"], "test": Part(parts["val"].annotations, tmp_path)}
    with pytest.raises(FishDataError, match="would both become"):
        write_folder(tmp_path / "out", other)


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
def test_an_error_on_the_way_brings_the_old_folder_back(failure, tmp_path: Path) -> None:
    root = tmp_path / "set"
    root.mkdir()
    (root / "old").write_text("old")
    with pytest.raises(failure), replacing(root) as work:
        (work / "new").write_text("new")
        raise failure
    assert [path.name for path in tmp_path.iterdir()] == ["set"]
    assert [path.name for path in root.iterdir()] == ["old"]


def test_an_empty_folder_is_as_good_as_none(tmp_path: Path) -> None:
    assert require_new_folder(tmp_path) == tmp_path


def _raise(error: BaseException) -> Callable[[], None]:
    def run() -> None:
        raise error

    return run


def test_the_exit_status_tells_how_it_ended(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_status(lambda: None) == 0
    assert exit_status(lambda: 1) == 1
    assert exit_status(_raise(FishDataError("fish.json: no box"))) == 2
    assert exit_status(_raise(KeyboardInterrupt())) == INTERRUPTED
    assert exit_status(_raise(OSError("x")), OSError) == 2
    with pytest.raises(OSError):
        exit_status(_raise(OSError("x")))
    assert "error: fish.json: no box" in capsys.readouterr().err


def test_a_reader_that_leaves_costs_no_result(tmp_path: Path) -> None:
    """What ``script | head -1`` does: the pipe is closed while the script still prints."""
    script = f"""
import sys
from pathlib import Path
from rich.console import Console
from fish_dataset.cli import exit_status
def run():
    for line in range(20_000):
        Console().print(line)
    Path({str(tmp_path / "done")!r}).touch()
sys.exit(exit_status(run))
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, env={**os.environ, "COLUMNS": "80"}
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait() == 0
    assert (tmp_path / "done").exists()
