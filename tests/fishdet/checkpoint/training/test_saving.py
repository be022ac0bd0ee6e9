"""Durable writing, verification, and which checkpoint is the newest good one."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from fishdet.checkpoint.training.newest import NOTES, newest_good, verify_checkpoint
from fishdet.checkpoint.training.saving import (
    LAST,
    CheckpointNotWritten,
    explaining_full_disk,
    note,
    noted,
    remove_partials,
    save_durably,
    write_durably,
)
from fishdet.errors import FishdetError
from fishdet.hooks.graceful_stop import outlived


def checkpoint(path: Path, saved_at: float, value: float = 0.0) -> Path:
    meta = {"epoch": 1, "iter": 1, NOTES: {"saved_at": saved_at}}
    torch.save({"meta": meta, "state_dict": {"w": torch.full((1000,), value)}}, path)
    return path


def test_the_new_file_is_on_the_disk_before_it_takes_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Content, then name, then folder: the order that survives a power cut."""
    target, order = tmp_path / "epoch_1.pth", []
    fsync, replace = os.fsync, os.replace

    def spy_fsync(descriptor: int) -> None:
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        order.append("folder" if Path(path).is_dir() else f"file of {os.path.getsize(path)}")
        fsync(descriptor)

    def spy_replace(source: Any, to: Any) -> None:
        order.append("name")
        replace(source, to)

    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr(os, "replace", spy_replace)
    write_durably(target, lambda path: path.write_bytes(b"12345"))
    assert order == ["file of 5", "name", "folder"]
    assert target.read_bytes() == b"12345"


def test_a_full_disk_leaves_the_old_file_and_no_half_of_the_new(tmp_path: Path) -> None:
    target = tmp_path / "epoch_1.pth"
    target.write_bytes(b"good")

    def write(path: Path) -> None:
        path.write_bytes(b"ha")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(CheckpointNotWritten, match=r"epoch_1.pth cannot be written: No space"):
        save_durably(target, write)
    assert target.read_bytes() == b"good"
    assert list(tmp_path.iterdir()) == [target]


def test_a_disk_that_fails_at_fsync_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems report a full disk only when the bytes are to reach it."""
    target = tmp_path / "epoch_1.pth"
    target.write_bytes(b"good")

    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(CheckpointNotWritten, match="Input/output"):
        save_durably(target, lambda path: path.write_bytes(b"new"))
    assert target.read_bytes() == b"good"


def test_what_a_killed_run_left_half_written_is_no_checkpoint(tmp_path: Path) -> None:
    good = checkpoint(tmp_path / "epoch_1.pth", 1.0)
    half = tmp_path / ".epoch_2.pth.partial"
    half.write_bytes(good.read_bytes()[:500])
    assert newest_good(tmp_path) == (good, [])
    remove_partials(tmp_path)
    assert not half.exists() and good.exists()


def test_newest_is_by_the_time_in_the_file(tmp_path: Path) -> None:
    """A copied folder has one time for all; an older run's epoch 12 must not win."""
    checkpoint(tmp_path / "epoch_12.pth", 100.0)
    newest = checkpoint(tmp_path / "epoch_2.pth", 300.0)
    checkpoint(tmp_path / "interrupted_iter_7.pth", 200.0)
    checkpoint(tmp_path / "best_coco_bbox_mAP_epoch_2.pth", 400.0)
    for path in tmp_path.iterdir():
        os.utime(path, (0, 0))
    assert newest_good(tmp_path) == (newest, [])


@pytest.mark.parametrize("place", [0.3, 0.5, 0.7])
def test_a_flipped_byte_of_the_weights_is_found(tmp_path: Path, place: float) -> None:
    """torch itself reads such a file without a word."""
    good = checkpoint(tmp_path / "epoch_1.pth", 1.0)
    bad = checkpoint(tmp_path / "epoch_2.pth", 2.0)
    verify_checkpoint(bad)
    content = bytearray(bad.read_bytes())
    start = content.index(bytes(4000))  # the thousand zeros
    content[start + int(4000 * place)] ^= 1
    bad.write_bytes(content)
    assert torch.load(bad, weights_only=True)["state_dict"]["w"].any()
    found, skipped = newest_good(tmp_path)
    assert found == good
    assert len(skipped) == 1 and "epoch_2.pth: damaged: the check sum of its entry" in skipped[0]


@pytest.mark.parametrize("cut", [0, 100, -1])
def test_a_file_cut_short_is_passed_over(tmp_path: Path, cut: int) -> None:
    good = checkpoint(tmp_path / "epoch_1.pth", 1.0)
    bad = checkpoint(tmp_path / "epoch_2.pth", 2.0)
    bad.write_bytes(bad.read_bytes()[:cut])
    found, skipped = newest_good(tmp_path)
    assert found == good
    assert len(skipped) == 1 and "epoch_2.pth" in skipped[0]
    with pytest.raises(FishdetError, match="epoch_2.pth"):
        verify_checkpoint(bad)


def test_the_noted_file_is_found_where_its_folder_was_moved(tmp_path: Path) -> None:
    good = checkpoint(tmp_path / "odd_name.pth", 1.0)
    note(tmp_path, LAST, "/was/here/odd_name.pth")
    assert noted(tmp_path, LAST) == good
    assert newest_good(tmp_path) == (good, [])
    good.unlink()
    assert noted(tmp_path, LAST) is None
    assert newest_good(tmp_path) == (None, [])


def test_a_copied_work_dir_means_its_own_file(tmp_path: Path) -> None:
    first, copy = tmp_path / "first", tmp_path / "copy"
    first.mkdir()
    checkpoint(first / "epoch_1.pth", 1.0)
    note(first, LAST, str(first / "epoch_1.pth"))
    shutil.copytree(first, copy)
    assert noted(copy, LAST) == copy / "epoch_1.pth"
    assert noted(first, LAST) == first / "epoch_1.pth"


def test_a_log_that_meets_a_full_disk_ends_with_a_word(tmp_path: Path) -> None:
    with (
        pytest.raises(FishdetError, match=r"run.log: No space left.*--resume"),
        explaining_full_disk(tmp_path),
    ):
        raise OSError(errno.ENOSPC, "No space left on device", "run.log")
    with pytest.raises(PermissionError), explaining_full_disk(tmp_path):
        raise PermissionError(errno.EACCES, "Permission denied", "run.log")


def test_what_a_stop_left_goes_when_training_went_on(tmp_path: Path) -> None:
    stop = checkpoint(tmp_path / "interrupted_iter_7.pth", 1.0)
    assert outlived(tmp_path) == [], "nothing says that there is a later one"
    note(tmp_path, LAST, stop)
    assert outlived(tmp_path) == [], "it is the last"
    last = checkpoint(tmp_path / "epoch_2.pth", 2.0)
    note(tmp_path, LAST, last)
    assert outlived(tmp_path) == [stop]
    last.unlink()
    assert outlived(tmp_path) == [], "the later one is gone"
