"""Decoding at a reduced scale changes pixels a little, and nothing else."""

from __future__ import annotations

import io
import json

import cv2
import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from mmcv.transforms import Compose
from mmdet.registry import TRANSFORMS
from PIL import Image

from fish_dataset import FishDataError, FishDataset
from fish_dataset.decoding import decode_reduced, divisor_for, jpeg_shape
from fish_dataset.transforms.reduced import LoadImageReduced, with_reduced_decoding

LOAD, BOXES = {"type": "LoadImageFromFile"}, {"type": "LoadAnnotations", "with_bbox": True}
BOX = [31.0, 17.0, 120.0, 90.0]


def picture(height: int, width: int) -> np.ndarray:
    """A smooth picture, whose corners differ."""
    rows, columns = np.mgrid[0:height, 0:width]
    red, green = 255 * rows / height, 255 * columns / width
    return np.stack([128 + 0 * red, green, red], -1).astype(np.uint8)


def jpeg(image: np.ndarray, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image[..., ::-1]).save(stream, "JPEG", quality=95, **options)
    return stream.getvalue()


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def run(content: bytes, resize: dict, reduce: bool, folder, name: str = "a.jpg") -> dict:
    """The results of loading and resizing a file."""
    path = folder / name
    path.write_bytes(content)
    steps = Compose([TRANSFORMS.build(step) for step in (LOAD, BOXES, resize)])
    steps = with_reduced_decoding(steps) if reduce else steps
    instance = {"bbox": BOX, "bbox_label": 0, "ignore_flag": 0}
    np.random.seed(0)
    return steps({"img_path": str(path), "instances": [instance]})


def same_but_pixels(ours: dict, theirs: dict) -> float:
    """Check all that is no pixel, and return the mean difference of pixels."""
    for key in ("img_shape", "ori_shape", "scale_factor", "scale", "keep_ratio"):
        assert ours[key] == theirs[key], key
    assert ours["gt_bboxes"].tensor.tolist() == theirs["gt_bboxes"].tensor.tolist()
    assert np.array_equal(ours["homography_matrix"], theirs["homography_matrix"])
    assert "whole_shape" not in ours
    assert ours["img"].shape == theirs["img"].shape and ours["img"].dtype == theirs["img"].dtype
    return float(np.abs(ours["img"].astype(float) - theirs["img"].astype(float)).mean())


RESIZES = [
    {"type": "Resize", "scale": (160, 120), "keep_ratio": True},
    {"type": "Resize", "scale": (100, 140), "keep_ratio": False},
    {"type": "RandomChoiceResize", "scales": [(160, 96), (160, 128)], "keep_ratio": True},
    {"type": "RandomResize", "scale": (200, 100), "ratio_range": (0.5, 0.8), "keep_ratio": True},
    {"type": "RandomResize", "scale": [(200, 100), (160, 130)], "keep_ratio": True},
]


@pytest.mark.parametrize("resize", RESIZES, ids=lambda resize: f"{list(resize.values())[:2]}")
@pytest.mark.parametrize("shape", [(480, 640), (1001, 777), (641, 483)])
def test_all_but_pixels_is_that_of_the_whole_picture(resize, shape, tmp_path, monkeypatch):
    content = jpeg(picture(*shape))
    theirs = run(content, resize, False, tmp_path)
    monkeypatch.setattr("mmcv.imfrombytes", None)  # reduced it must be
    assert same_but_pixels(run(content, resize, True, tmp_path), theirs) < 2


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("resize", RESIZES[:2], ids=["ratio", "free"])
def test_exif_turns_a_reduced_picture_too(orientation, resize, tmp_path):
    content = jpeg(picture(480, 660), exif=turned(orientation))
    ours, theirs = (run(content, resize, reduce, tmp_path) for reduce in (True, False))
    assert decode_reduced(content, (160, 120), True) is not None
    assert ours["ori_shape"] == ((660, 480) if orientation > 4 else (480, 660))
    assert same_but_pixels(ours, theirs) < 2


def test_progressive_and_grey(tmp_path):
    grey = io.BytesIO()
    Image.fromarray(picture(600, 800)[..., 1]).save(grey, "JPEG")
    for content in (jpeg(picture(600, 800), progressive=True), grey.getvalue()):
        assert decode_reduced(content, (200, 200), True)[0].shape == (150, 200, 3)
        ours, theirs = (run(content, RESIZES[0], reduce, tmp_path) for reduce in (True, False))
        assert same_but_pixels(ours, theirs) < 2


def as_png(image: np.ndarray) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()


def as_cmyk(image: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).convert("CMYK").save(stream, "JPEG")
    return stream.getvalue()


@pytest.mark.parametrize("encode", [as_png, as_cmyk])
def test_other_files_are_decoded_whole(encode, tmp_path):
    content = encode(picture(600, 800))
    ours, theirs = (run(content, RESIZES[0], reduce, tmp_path) for reduce in (True, False))
    assert same_but_pixels(ours, theirs) == 0


def test_small_pictures_are_the_same_to_the_bit(tmp_path):
    content = jpeg(picture(237, 317))  # 160 × 120 is more than a half of it
    ours, theirs = (run(content, RESIZES[0], reduce, tmp_path) for reduce in (True, False))
    assert same_but_pixels(ours, theirs) == 0
    random = {"type": "RandomChoiceResize", "scales": [(80, 60), (330, 300)], "keep_ratio": True}
    content = jpeg(picture(480, 640))  # the larger size might have been drawn
    ours, theirs = (run(content, random, reduce, tmp_path) for reduce in (True, False))
    assert same_but_pixels(ours, theirs) == 0


def test_nearly_square_pictures_are_whole_where_a_turn_would_not_show():
    assert decode_reduced(jpeg(picture(400, 399)), (100, 100), True) is None
    assert decode_reduced(jpeg(picture(400, 400)), (100, 100), True)[1] == (400, 400)


sides = st.integers(1, 4000)


@given(sides, sides, sides, sides, st.booleans())
@settings(deadline=None, max_examples=300)
def test_a_reduced_picture_is_never_enlarged(height, width, first, second, keep_ratio):
    divisor = divisor_for((height, width), (first, second), keep_ratio)
    assert divisor in (1, 2, 4, 8)
    if divisor == 1:
        return
    resize = TRANSFORMS.build(
        {"type": "Resize", "scale": (first, second), "keep_ratio": keep_ratio}
    )
    for shape in ((height, width), (width, height)):  # EXIF may turn it
        try:
            result = resize({"img": np.zeros(shape, np.uint8)})["img_shape"]
        except cv2.error:  # so long and narrow that Resize leaves no pixel of the shorter side
            reject()
        assert all(-(-s // divisor) >= r for s, r in zip(shape, result, strict=True))


@given(st.integers(40, 300), st.integers(40, 300), st.integers(8, 64), st.integers(8, 64))
@settings(deadline=None, max_examples=25)
def test_any_size_keeps_its_boxes(tmp_path_factory, height, width, first, second):
    folder = tmp_path_factory.mktemp("sizes")
    resize = {"type": "Resize", "scale": (first, second), "keep_ratio": True}
    content = jpeg(picture(height, width))
    ours, theirs = (run(content, resize, reduce, folder) for reduce in (True, False))
    same_but_pixels(ours, theirs)


@given(st.binary(max_size=400))
@settings(deadline=None)
def test_no_bytes_after_a_jpeg_mark_break_the_header(rest):
    jpeg_shape(b"\xff\xd8\xff" + rest)
    decode_reduced(b"\xff\xd8\xff" + rest, (10, 10), True)


@pytest.mark.parametrize(
    "steps",
    [
        [{**LOAD, "color_type": "grayscale"}, RESIZES[0]],
        [{**LOAD, "imdecode_backend": "pillow"}, RESIZES[0]],
        [LOAD, {"type": "RandomFlip", "prob": 0.5}, RESIZES[0]],
        [LOAD, {"type": "Resize", "scale_factor": 0.5}],
        [LOAD, {"type": "ResizeShortestEdge", "scale": 100}],
        [LOAD, BOXES],
        [BOXES],
        [],
    ],
)
def test_pipelines_that_stay(steps):
    pipeline = Compose([TRANSFORMS.build(step) for step in steps])
    assert with_reduced_decoding(pipeline) is pipeline


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.jpg").write_bytes(jpeg(picture(480, 640)))
    truth = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 640, "height": 480}],
        "categories": [{"id": 1, "name": "fish"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [31, 17, 89, 73], "area": 6497}
        ],
    }
    (tmp_path / "train.json").write_text(json.dumps(truth))
    return tmp_path


def dataset(folder, **options) -> FishDataset:
    return FishDataset(
        data_root=str(folder),
        ann_file="train.json",
        data_prefix={"img": "images/"},
        pipeline=[LOAD, BOXES, RESIZES[0], {"type": "PackDetInputs", "meta_keys": ["ori_shape"]}],
        **options,
    )


def test_where_it_is_asked_for(folder):
    def reduces(found: FishDataset) -> bool:
        return isinstance(found.pipeline.transforms[0], LoadImageReduced)

    assert not reduces(dataset(folder)) and not reduces(dataset(folder, test_mode=True))
    assert reduces(dataset(folder, reduced_decode=True))
    assert reduces(dataset(folder, test_mode=True, reduced_decode=True))
    switched = dataset(folder, reduced_decode=True)
    switched.pipeline = Compose([LOAD, BOXES, RESIZES[1]])  # as PipelineSwitchHook does
    assert reduces(switched) and reduces(switched.get_subset([0]))
    with pytest.raises(FishDataError, match="reduced_decode='yes'"):
        dataset(folder, reduced_decode="yes")


def test_a_sample_is_that_of_the_whole_picture(folder):
    ours, theirs = dataset(folder, reduced_decode=True)[0], dataset(folder)[0]
    assert ours["data_samples"].ori_shape == theirs["data_samples"].ori_shape == (480, 640)
    boxes = [found["data_samples"].gt_instances.bboxes.tensor.tolist() for found in (ours, theirs)]
    assert boxes[0] == boxes[1]


def test_a_damaged_picture_is_named(folder):
    path = folder / "images" / "a.jpg"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(FishDataError, match="a.jpg"):
        dataset(folder, reduced_decode=True)[0]
