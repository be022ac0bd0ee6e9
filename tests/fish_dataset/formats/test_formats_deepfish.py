"""DeepFish's segmentation part: boxes from masks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from skimage import measure

from fish_dataset import formats
from fish_dataset.errors import FishDataError
from fish_dataset.formats import deepfish
from fish_dataset.formats.source import Options

Draw = Callable[..., Path]

FISH, EMPTY, OTHER = "valid/7623_F2_f000460", "empty/7623_F2_f000470", "valid/9862_Gerres_2_f000010"


def mask(path: Path, *islands: tuple[int, int, int, int]) -> None:
    pixels = np.zeros((108, 192), np.uint8)
    for left, top, right, bottom in islands:
        pixels[top:bottom, left:right] = 255
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels)


@pytest.fixture
def folder(tmp_path: Path, draw: Draw) -> Path:
    root = tmp_path / "DeepFish" / "Segmentation"
    draw(root / "images", [f"{name}.jpg" for name in (FISH, EMPTY, OTHER)], size=(192, 108))
    mask(root / "masks" / f"{FISH}.png", (10, 20, 40, 30), (100, 50, 192, 108), (5, 5, 8, 8))
    mask(root / "masks" / f"{EMPTY}.png")
    mask(root / "masks" / f"{OTHER}.png", (0, 0, 10, 10), (10, 10, 20, 20))
    (root / "train.csv").write_text(f",ID,labels\n0,{FISH},1\n1,{EMPTY},0\n")
    (root / "val.csv").write_text(f"ID,labels\n{OTHER},1\n")
    return tmp_path / "DeepFish"


def test_islands_become_boxes(folder: Path) -> None:
    converted = deepfish.read(folder, Options())
    train = converted.parts["train"].annotations
    assert train.bboxes.tolist() == [[10, 20, 30, 10], [100, 50, 92, 58]]
    assert train.areas.tolist() == [300, 92 * 58]
    assert list(train.file_names) == [f"{FISH}.jpg", f"{EMPTY}.jpg"]
    assert {key: list(values) for key, values in train.image_meta.items()} == {
        "site": ["7623", "7623"],
        "video": ["7623_F2", "7623_F2"],
        "frame": ["460", "470"],
        "source_id": [FISH, EMPTY],
    }
    # Two squares that touch at a corner are one island.
    assert converted.parts["val"].annotations.bboxes.tolist() == [[0, 0, 20, 20]]
    assert converted.parts["val"].annotations.image_meta["video"][0] == "9862_Gerres_2"
    assert (converted.boxes_in, converted.boxes_out) == (4, 3)
    (loss,) = converted.losses.values()
    assert loss.examples == [f"masks/{FISH}.png: [5, 5, 3, 3], 9 pixels"]


def test_counts_of_the_localization_part_are_compared(folder: Path) -> None:
    (folder / "Localization").mkdir()
    (folder / "Localization/train.csv").write_text(f"ID,labels,counts\n{FISH},1,5\n{EMPTY},0,0\n")
    notes = deepfish.read(folder, Options()).notes
    assert "1 × frame has another number of boxes than Localization counts fish" in notes
    assert "Localization/ is not read: it holds no boxes" in notes


def test_missing_and_broken_files_are_listed(folder: Path) -> None:
    root = folder / "Segmentation"
    (root / "masks" / f"{EMPTY}.png").write_bytes(b"\x89PNG cut")
    (root / "images" / f"{FISH}.jpg").unlink()
    with (root / "train.csv").open("a") as stream:
        stream.write("2,valid/gone,1\n3,../../etc/passwd,1\n4,,1\n")
    converted = deepfish.read(folder, Options())
    told = {reason: loss.examples for reason, loss in converted.losses.items()}
    assert told["frame without a mask that can be read"] == [f"train: {EMPTY}", "train: valid/gone"]
    assert told["frame whose ID leads out of the folder"] == ["train: ../../etc/passwd"]
    assert converted.losses["picture not found (or several of that name)"].count == 2
    assert converted.boxes_out == 1


def test_mask_of_another_size(folder: Path, draw: Draw) -> None:
    draw(folder / "Segmentation/images", [f"{FISH}.jpg"], size=(200, 108))
    converted = deepfish.read(folder, Options())
    assert converted.losses["mask of another size than its picture"].count == 3


def test_recognise(folder: Path, fishdet_data: Path, tmp_path: Path) -> None:
    for source in (folder, folder / "Segmentation", folder.parent):
        assert deepfish.recognise(source) is not None
        assert deepfish.read(source, Options()).boxes_out == 3
    assert formats.recognise(folder)[0].name == "deepfish"
    assert deepfish.recognise(fishdet_data / "deepfish") is None  # that copy is COCO
    with pytest.raises(FishDataError, match="no DeepFish segmentation"):
        deepfish.read(fishdet_data / "deepfish", Options())


@settings(max_examples=100, deadline=None)
@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12))))
def test_boxes_equal_those_of_scikit_image(pixels: np.ndarray) -> None:
    boxes, areas = deepfish.mask_boxes(pixels)
    regions = measure.regionprops(measure.label(pixels > 127, connectivity=2))
    want = {
        (r.bbox[1], r.bbox[0], r.bbox[3] - r.bbox[1], r.bbox[2] - r.bbox[0], r.area)
        for r in regions
    }
    assert len(boxes) == len(regions)
    assert {(*box, area) for box, area in zip(boxes.tolist(), areas.tolist(), strict=True)} == want


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60), st.sampled_from([b"ID,labels\n", b"labels;id;counts\n", b""]))
def test_only_our_error_comes_out(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, head: bytes
) -> None:
    root = tmp_path_factory.mktemp("fuzz")
    for name in ("images/valid", "masks/valid"):
        (root / name).mkdir(parents=True)
    (root / "train.csv").write_bytes(head + content)
    deepfish.recognise(root)
    try:
        deepfish.read(root, Options())
    except FishDataError as error:
        assert str(error)
