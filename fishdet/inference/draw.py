"""Draw boxes with names and scores on a picture."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from pathlib import Path

import cv2
import numpy as np
import supervision as sv

from fish_dataset.files import write_atomic
from fish_dataset.fonts import label_font
from fishdet.errors import FishdetError

# Twenty hues far apart on blue-green water; class i has colour i mod 20 on every picture.
COLOURS = (
    "#FF5A5F", "#FFD23F", "#3BCEAC", "#F78FB3", "#8AC926", "#FF924C", "#A06CD5", "#36C9F5",
    "#F9F871", "#E84A9B", "#00A878", "#FFB5A7", "#5E7CE2", "#C5D86D", "#D7263D", "#B8F2E6",
    "#F46036", "#CDB4DB", "#70C1B3", "#FFE8D6",
)  # fmt: skip
JPEG_QUALITY = 92
JPEG_SUFFIXES = (".jpg", ".jpeg")


def draw_detections(
    image: np.ndarray,
    detections: sv.Detections,
    labels: Sequence[str] | None = None,
    colours: np.ndarray | None = None,
) -> np.ndarray:
    """Return a copy of ``image`` with a box and a label for each detection.

    Lines and letters grow with the picture, each class keeps its colour, letters are black or
    white by the lightness of the colour under them, and surer detections lie on top.

    Args:
        image: uint8 BGR (H, W, 3).
        detections: boxes in pixels of ``image``, with ``class_id``.
        labels: one text a detection; by default the class name and the score.
        colours: a number (N,) for each detection; equal numbers have equal colours. By default
            the class.
    """
    scene = image.copy()
    if len(detections) == 0:
        return scene
    texts = list(labels) if labels is not None else label_texts(detections)
    order = np.argsort(_scores(detections), kind="stable")
    lookup = (detections.class_id if colours is None else colours)[order]
    detections, texts = detections[order], [texts[index] for index in order]
    scene = _box_annotator(image).annotate(scene, detections, custom_color_lookup=lookup)
    annotator = _label_annotator(image)
    anchored = _inside(detections, texts, annotator, (image.shape[1], image.shape[0]))
    return annotator.annotate(scene, anchored, labels=texts, custom_color_lookup=lookup)


def label_texts(detections: sv.Detections) -> list[str]:
    """Return "name 87%" for each detection; of identified fish what was claimed, and how surely."""
    if "identified_rank" in detections.data:
        return [_claim(detections, row) for row in range(len(detections))]
    names = detections.data["class_name"]
    return [f"{name} {score:.0%}" for name, score in zip(names, _scores(detections), strict=True)]


def _claim(detections: sv.Detections, row: int) -> str:
    data = {name: detections.data[f"identified_{name}"][row] for name in
            ("rank", "name", "probability", "known")}  # fmt: skip
    if data["rank"] == "fish":
        return f"{detections.data['class_name'][row]} ?"
    rank = "" if data["rank"] == "species" else f" ({data['rank']})"
    return f"{data['name']}{rank} {data['probability']:.0%}"


def write_picture(path: Path, image: np.ndarray) -> None:
    """Write a BGR picture, as JPEG of quality 92 or PNG by the suffix, whole or not at all.

    Raises:
        FishdetError: the file cannot be written.
    """
    jpeg = path.suffix.lower() in JPEG_SUFFIXES
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if jpeg else []
    done, content = cv2.imencode(".jpg" if jpeg else ".png", image, options)
    if not done:
        raise FishdetError(f"{path}: OpenCV cannot encode a picture of shape {image.shape}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, lambda temporary: _write_bytes(temporary, content.tobytes()))
    except OSError as error:
        raise FishdetError(f"{path}: not written: {error.strerror or error}") from error


def picture_name(name: str) -> str:
    """Return the file name of the drawn picture: JPEG stays JPEG and PNG stays PNG, others get
    ``.png`` appended, so that no two inputs share one."""
    return name if name.lower().endswith((*JPEG_SUFFIXES, ".png")) else f"{name}.png"


def _write_bytes(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _scores(detections: sv.Detections) -> np.ndarray:
    if detections.confidence is None:
        return np.ones(len(detections), np.float32)
    return detections.confidence


def _scale(image: np.ndarray) -> float:
    return max(image.shape[0], image.shape[1]) / 640


def _box_annotator(image: np.ndarray) -> sv.BoxAnnotator:
    thickness = max(1, round(2 * _scale(image)))
    return sv.BoxAnnotator(color=sv.ColorPalette.from_hex(list(COLOURS)), thickness=thickness)


def _label_annotator(image: np.ndarray) -> sv.RichLabelAnnotator:
    font = label_font()
    return sv.RichLabelAnnotator(
        color=sv.ColorPalette.from_hex(list(COLOURS)),
        text_color=sv.ColorPalette([_letters_on(colour) for colour in COLOURS]),
        font_path=None if font is None else str(font),
        font_size=max(9, round(11 * _scale(image))),
        text_padding=max(1, round(2 * _scale(image))),
    )


def _inside(
    detections: sv.Detections,
    texts: list[str],
    annotator: sv.RichLabelAnnotator,
    size: tuple[int, int],
) -> sv.Detections:
    """Move the corners that labels stand on so that each label is on the picture and, where one
    of the places at its own box is free, on no other label.

    Surer detections, which come last, choose first. The annotator's own smart_position pulls
    labels apart until, in a school, nobody can tell which box they belong to.
    """
    boxes = [annotator.font.getbbox(text) for text in texts]
    room = np.array([[right - left, bottom - top] for left, top, right, bottom in boxes])
    room = room + 2 * annotator.text_padding
    moved = copy(detections)
    moved.xyxy = detections.xyxy.copy()
    taken: list[tuple[float, float, float, float]] = []
    for index in reversed(range(len(texts))):
        width, height = room[index]
        places = _places(detections.xyxy[index], width, height, size)
        left, top, _, bottom = min(places, key=lambda place: _covered(place, taken))
        taken.append((left, top, left + width, bottom))
        moved.xyxy[index, :2] = left, bottom
    return moved


def _places(
    box: np.ndarray, width: float, height: float, size: tuple[int, int]
) -> list[tuple[float, float, float, float]]:
    """Where a box's label may stand, dearest first: above, below, above at the right end, inside
    at the foot, then at the other corners inside and below, and beside the box."""
    x1, y1, x2, y2 = (float(value) for value in box)
    corners = (
        (x1, y1), (x1, y2 + height), (x2 - width, y1), (x1, y2), (x2 - width, y2 + height),
        (x2 - width, y2), (x1, y1 + height), (x2 - width, y1 + height),
        (x2, y1 + height), (x1 - width, y1 + height), (x2, y2), (x1 - width, y2),
    )  # fmt: skip
    places = []
    for left, bottom in corners:
        left = float(np.clip(left, 0, max(size[0] - width - 1, 0)))
        bottom = float(np.clip(bottom, height + 1, max(size[1], height + 1)))
        places.append((left, bottom - height, left + width, bottom))
    return places


def _covered(
    place: tuple[float, float, float, float], taken: list[tuple[float, float, float, float]]
) -> float:
    """How many square pixels of a place other labels have taken."""
    left, top, right, bottom = place
    widths = (max(0.0, min(right, x2) - max(left, x1)) for x1, _, x2, _ in taken)
    heights = (max(0.0, min(bottom, y2) - max(top, y1)) for _, y1, _, y2 in taken)
    return sum(width * height for width, height in zip(widths, heights, strict=True))


def _letters_on(colour: str) -> sv.Color:
    red, green, blue = sv.Color.from_hex(colour).as_rgb()
    dark = 0.299 * red + 0.587 * green + 0.114 * blue < 110
    return sv.Color.WHITE if dark else sv.Color.BLACK
