"""Drawn pictures: pixels that must and must not change, fonts, files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import supervision as sv
from PIL import ImageFont

from fish_dataset import fonts
from fishdet.errors import FishdetError
from fishdet.inference import draw as drawing
from fishdet.inference.draw import (
    COLOURS,
    draw_detections,
    label_texts,
    picture_name,
    write_picture,
)

GREY = np.full((480, 640, 3), 128, np.uint8)


def boxes(*rows: tuple[float, float, float, float], labels: list[int], name: str) -> sv.Detections:
    return sv.Detections(
        xyxy=np.array(rows, np.float32).reshape(-1, 4),
        class_id=np.array(labels, dtype=int),
        confidence=np.linspace(0.9, 0.5, len(rows), dtype=np.float32),
        data={"class_name": np.array([name] * len(rows), dtype=str)},
    )


def test_the_input_is_left_alone_and_nothing_drawn_without_boxes() -> None:
    scene = GREY.copy()
    assert np.array_equal(draw_detections(scene, boxes(labels=[], name="")), GREY)
    draw_detections(scene, boxes((10, 50, 200, 200), labels=[0], name="eel"))
    assert np.array_equal(scene, GREY)


def test_the_box_has_the_colour_of_its_class_and_its_inside_is_kept() -> None:
    out = draw_detections(GREY, boxes((100, 100, 400, 300), labels=[2], name="eel"))
    colour = sv.Color.from_hex(COLOURS[2]).as_bgr()
    assert tuple(out[300, 250]) == colour
    assert tuple(out[200, 400]) == colour
    assert np.array_equal(out[130:290, 110:390], GREY[130:290, 110:390])


@pytest.mark.parametrize("name", ["eel", "고등어"])
@pytest.mark.parametrize(
    "box", [(0, 0, 100, 100), (600, 0, 640, 40), (560, 440, 640, 480), (-20, -20, 700, 500)]
)
def test_the_whole_label_is_on_the_picture(name: str, box: tuple[float, ...]) -> None:
    """Around the same box far from the border the label has as many coloured pixels."""
    width, height = box[2] - box[0], box[3] - box[1]
    canvas = np.full((1400, 1900, 3), 128, np.uint8)
    free = (600.0, 600.0, 600 + width, 600 + height)

    def label_pixels(image: np.ndarray, where: tuple[float, ...]) -> int:
        found = boxes(where, labels=[0], name=name)
        annotator = drawing._label_annotator(GREY)
        size = (image.shape[1], image.shape[0])
        moved = drawing._inside(found, label_texts(found), annotator, size)
        drawn = annotator.annotate(image.copy(), moved, labels=label_texts(found))
        return int((drawn != 128).any(axis=2).sum())

    assert label_pixels(GREY, box) == pytest.approx(label_pixels(canvas, free), rel=0.05)


def test_labels_of_boxes_on_one_fish_stand_apart() -> None:
    """The surest keeps the usual place; far from other labels every one does."""
    box = (200, 200, 400, 300)
    found = boxes(box, (203, 202, 401, 299), (199, 200, 396, 300), labels=[0, 1, 2], name="eel")
    found.confidence = found.confidence[::-1]
    annotator = drawing._label_annotator(GREY)
    moved = drawing._inside(found, label_texts(found), annotator, (640, 480))
    left, _, right, bottom = annotator.font.getbbox("eel 90%")
    height = bottom + 2 * annotator.text_padding
    tops, lefts = moved.xyxy[:, 1], moved.xyxy[:, 0]
    assert tuple(moved.xyxy[2, :2]) == (199, 200)
    for one, other in ((0, 1), (0, 2), (1, 2)):
        apart = abs(tops[one] - tops[other]) >= height - 4
        assert apart or abs(lefts[one] - lefts[other]) >= right - left


def test_labels_of_a_school_find_places_around_their_boxes() -> None:
    """Eight views of one fish, as tiles and mirror images leave them: no label hides another."""
    views = [(200 + i, 200 - i, 400 - i, 300 + i) for i in range(8)]
    found = boxes(*views, labels=[0] * 8, name="eel")
    annotator = drawing._label_annotator(GREY)
    texts = label_texts(found)
    moved = drawing._inside(found, texts, annotator, (640, 480))
    places = []
    for text, (left, bottom) in zip(texts, moved.xyxy[:, :2].tolist(), strict=True):
        x1, y1, x2, y2 = annotator.font.getbbox(text)
        width, height = x2 - x1 + 4, y2 - y1 + 4
        place = (left, bottom - height, left + width, bottom)
        assert drawing._covered(place, places) == 0
        places.append(place)


def test_lines_and_letters_grow_with_the_picture() -> None:
    large = np.full((1920, 2560, 3), 128, np.uint8)
    small_box, large_box = (100, 100, 400, 300), (400, 400, 1600, 1200)
    drawn = draw_detections(GREY, boxes(small_box, labels=[0], name="eel"))
    drawn_large = draw_detections(large, boxes(large_box, labels=[0], name="eel"))
    changed = (drawn != 128).any(axis=2).sum() / GREY[..., 0].size
    changed_large = (drawn_large != 128).any(axis=2).sum() / large[..., 0].size
    assert changed_large == pytest.approx(changed, rel=0.35)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (7, 5)])
def test_tiny_pictures_are_drawn_on(size: tuple[int, int]) -> None:
    image = np.zeros((*size, 3), np.uint8)
    assert draw_detections(image, boxes((0, 0, 1, 1), labels=[0], name="eel")).shape == image.shape


def test_letters_contrast_with_every_colour() -> None:
    for colour in COLOURS:
        ground = np.array(sv.Color.from_hex(colour).as_rgb()) / 255
        letters = np.array(drawing._letters_on(colour).as_rgb()) / 255
        lightness = [float(_luminance(rgb)) for rgb in (ground, letters)]
        ratio = (max(lightness) + 0.05) / (min(lightness) + 0.05)
        assert ratio >= 4.5, (colour, ratio)  # WCAG 2 AA


def _luminance(rgb: np.ndarray) -> np.ndarray:
    linear = np.where(rgb <= 0.03928, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def test_the_font_has_hangul() -> None:
    font = fonts.label_font()
    if font is None:
        pytest.skip("no font with Hangul: install koreanize-matplotlib")
    loaded = ImageFont.truetype(str(font), 40)
    shapes = {bytes(loaded.getmask(letter)) for letter in "고등어연장"}
    assert len(shapes) == 5  # a font without Hangul draws one box for all


def test_without_a_font_the_names_are_english_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fonts, "label_font", lambda: None)
    assert fonts.drawable_language("en") == "en"
    assert capsys.readouterr().err == ""
    assert fonts.drawable_language("ko") == "en"
    message = capsys.readouterr().err
    assert message.count("\n") == 1 and "koreanize-matplotlib" in message


def test_fonts_of_the_system_come_after_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "PACKAGE", "no_such_package_here")
    monkeypatch.setattr(fonts, "SYSTEM_FONTS", ("NoSuchFont.ttf", "DejaVuSans.ttf"))
    fonts.label_font.cache_clear()
    try:
        found = fonts.label_font()
    finally:
        fonts.label_font.cache_clear()
    assert found is None or found.name == "DejaVuSans.ttf"


def test_pictures_are_written_in_the_kind_of_their_name(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    for name in ("deep/a.png", "deep/b.JPG"):
        write_picture(tmp_path / name, noise)
    assert np.array_equal(cv2.imread(str(tmp_path / "deep/a.png")), noise)
    assert (tmp_path / "deep/b.JPG").read_bytes().startswith(b"\xff\xd8")
    assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == ["a.png", "b.JPG"]


def test_names_of_pictures_stay_apart() -> None:
    names = ["a.jpg", "a.JPEG", "a.png", "a.bmp", "a.tif"]
    drawn = ["a.jpg", "a.JPEG", "a.png", "a.bmp.png", "a.tif.png"]
    assert [picture_name(name) for name in names] == drawn


def test_a_picture_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FishdetError, match="a.png"):
        write_picture(tmp_path / "file" / "a.png", GREY)
