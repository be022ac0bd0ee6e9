"""The written set: equal bytes, whole or absent, never over another's files."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from pathlib import Path

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO

from fish_dataset.errors import FishDataError
from fish_dataset.synthesis import CLASSES, dataset, ensure_dataset
from fish_dataset.synthesis.dataset import GROUP, group_seeds, image_seeds
from fish_dataset.synthesis.folder import Spec

SMALL = {"train": 22, "val": 9, "size": 64, "progress": False}


def digests(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ensure_dataset(tmp_path_factory.mktemp("drawn") / "set", workers=1, **SMALL)


def test_bytes_do_not_depend_on_the_number_of_workers(drawn: Path, tmp_path: Path) -> None:
    other = ensure_dataset(tmp_path / "set", workers=3, **SMALL)
    assert digests(other) == digests(drawn)
    assert len(digests(drawn)) == 22 + 9 + 3


def test_another_seed_gives_another_set(drawn: Path, tmp_path: Path) -> None:
    other = ensure_dataset(tmp_path / "set", seed=1, workers=1, **SMALL)
    assert not set(digests(other).values()) & set(digests(drawn).values())


@pytest.mark.parametrize(("split", "images"), [("train", 22), ("val", 9)])
def test_coco_file(drawn: Path, split: str, images: int) -> None:
    coco = COCO(str(drawn / f"{split}.json"))
    assert tuple(category["name"] for category in coco.dataset["categories"]) == CLASSES
    assert sorted(coco.cats) == list(range(1, len(CLASSES) + 1))
    assert sorted(coco.imgs) == list(range(1, images + 1))
    assert sorted(coco.anns) == list(range(1, len(coco.anns) + 1)) and coco.anns
    for image in coco.imgs.values():
        picture = cv2.imread(str(drawn / "images" / image["file_name"]))
        assert picture.shape == (image["height"], image["width"], 3) == (64, 64, 3)
        assert image["site"] and image["video"].startswith("scene_")
    for box in coco.anns.values():
        x, y, width, height = box["bbox"]
        assert 0 <= x < x + width <= 64 and 0 <= y < y + height <= 64
        assert 0 < box["area"] <= width * height and box["iscrowd"] == 0


def test_train_and_val_share_no_scene(drawn: Path) -> None:
    videos = []
    for split in ("train", "val"):
        images = json.loads((drawn / f"{split}.json").read_text())["images"]
        counts = np.unique([image["video"] for image in images], return_counts=True)[1]
        assert counts.max() <= GROUP
        videos.append({image["video"] for image in images})
    assert not videos[0] & videos[1]


def test_every_picture_and_group_has_seeds_of_its_own() -> None:
    spec = Spec(seed=5)
    states = [
        tuple(seeds(spec, split, index).generate_state(4).tolist())
        for seeds in (image_seeds, group_seeds)
        for split in ("train", "val")
        for index in range(200)
    ]
    assert len(set(states)) == len(states)


def test_a_whole_set_is_kept(drawn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "_write", lambda *_: pytest.fail("drawn again"))
    assert ensure_dataset(drawn, workers=1, **SMALL) == drawn


def test_another_spec_or_a_missing_file_draws_anew(tmp_path: Path) -> None:
    root, small = tmp_path / "set", {"train": 5, "val": 2, "size": 64, "progress": False}
    ensure_dataset(root, workers=1, **small)
    before = digests(root)
    (root / "images" / "val_000001.jpg").unlink()
    ensure_dataset(root, workers=1, **small)
    assert digests(root) == before
    ensure_dataset(root, workers=1, **{**small, "train": 3})
    assert len(json.loads((root / "train.json").read_text())["images"]) == 3
    assert not (root / "images" / "train_000004.jpg").exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("workers", [1, 2])
def test_an_interruption_leaves_no_half_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException], workers: int
) -> None:
    def stop(*_: object) -> None:
        raise error

    monkeypatch.setattr(dataset, "_coco", stop)
    with pytest.raises(error):
        ensure_dataset(tmp_path / "set", workers=workers, **SMALL)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def test_an_interruption_keeps_the_set_that_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, small = tmp_path / "set", {"train": 3, "val": 1, "size": 64, "progress": False}
    before = digests(ensure_dataset(root, workers=1, **small))
    monkeypatch.setattr(dataset, "_coco", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        ensure_dataset(root, workers=1, seed=2, **small)
    assert digests(root) == before


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    left = tmp_path / ".set.partial-1" / "images"
    left.mkdir(parents=True)
    ensure_dataset(tmp_path / "set", workers=1, train=1, val=1, size=64, progress=False)
    assert not left.parent.exists()


def test_a_foreign_folder_is_refused_and_stays(tmp_path: Path) -> None:
    root = tmp_path / "mine"
    root.mkdir()
    (root / "train.json").write_text("{}")
    with pytest.raises(FishDataError, match=r"mine: holds train.json but no spec.json"):
        ensure_dataset(root, workers=1, **SMALL)
    assert digests(root) == {"train.json": hashlib.sha256(b"{}").hexdigest()}


def test_files_of_others_and_edits_in_our_folder_are_not_lost(tmp_path: Path) -> None:
    root, small = tmp_path / "set", {"train": 3, "val": 1, "size": 64, "progress": False}
    ensure_dataset(root, workers=1, **small)
    (root / "images" / "dive.png").write_bytes(b"mine")
    with pytest.raises(FishDataError, match=r"dive\.png"):
        ensure_dataset(root, workers=1, seed=1, **small)
    (root / "images" / "dive.png").unlink()
    (root / "val.json").write_text("{}")
    ensure_dataset(root, workers=1, **small)  # the same spec: an edit stands
    with pytest.raises(FishDataError, match=r"val\.json: .* was changed"):
        ensure_dataset(root, workers=1, seed=1, **small)
    assert (root / "val.json").read_text() == "{}"


def test_an_empty_folder_serves(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    root = ensure_dataset(tmp_path / "set", workers=1, train=1, val=0, size=64, progress=False)
    assert json.loads((root / "val.json").read_text())["images"] == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FishDataError, match=r"file.set: .* could not be written.*choose a folder"):
        ensure_dataset(tmp_path / "file" / "set", workers=1, **SMALL)
    with pytest.raises(FishDataError, match="is a file"):
        ensure_dataset(tmp_path / "file", workers=1, **SMALL)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(FishDataError, match="No space left on device.*free some space"):
        ensure_dataset(tmp_path / "set", workers=workers, **SMALL)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


@pytest.mark.parametrize(
    ("field", "value"), [("size", 8), ("train", -1), ("seed", -3), ("val", 1.5), ("workers", 0)]
)
def test_numbers_that_make_no_set(tmp_path: Path, field: str, value: object) -> None:
    with pytest.raises(FishDataError, match=f"{field}={value}"):
        ensure_dataset(tmp_path / "set", **{**SMALL, field: value})


def draw_with_busy_opencv(root: Path) -> None:
    """In a process of its own: OpenCV's threads run already when the workers are forked."""
    cv2.setNumThreads(4)
    cv2.GaussianBlur(np.zeros((2000, 2000, 3), np.uint8), (0, 0), 3)
    ensure_dataset(root, workers=2, **SMALL)
    assert cv2.getNumThreads() == 4


def test_two_processes_at_once_end_with_one_whole_set(drawn: Path, tmp_path: Path) -> None:
    context, root = multiprocessing.get_context("spawn"), tmp_path / "set"
    both = [context.Process(target=draw_with_busy_opencv, args=(root,)) for _ in range(2)]
    try:
        for process in both:
            process.start()
        for process in both:
            process.join(120)
        assert [process.exitcode for process in both] == [0, 0]
    finally:
        for process in both:
            process.kill()
    assert digests(root) == digests(drawn)


def test_progress_without_a_terminal_is_plain_lines(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    ensure_dataset(tmp_path / "set", workers=1, train=4, val=1, size=64)
    told = capfd.readouterr().err
    assert "pictures: 5 of 5" in told and "\x1b" not in told
