"""Pictures that show a fault: the boxes that it is about over the photo, cut out where tiny."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from fish_dataset.checks.subject import Evidence, Spot, Subject
from fish_dataset.page import Picture
from fish_dataset.quiet import quiet_decoders

LONGEST = 420  # pixels of a drawn picture
_FAULT, _SECOND, _OTHER = (40, 60, 255), (255, 190, 0), (235, 235, 235)  # BGR
_TINY = 0.12  # of the picture, the longer side of all boxes together; below it a part is shown
_OVER = 0.25  # of a picture's side that is shown beyond its edge, for boxes that lie there
_GREY = 90
_MOST = 300  # other boxes of the picture that are drawn


def show(subject: Subject, one: Evidence) -> Picture:
    """The evidence as one picture: side by side where it has two.

    Args:
        subject: What the evidence is on.
        one: Evidence with at least one spot.
    """
    drawn = [_draw(subject, spot) for spot in one.spots[:2]]
    height = min(image.shape[0] for image in drawn)
    images = [_scaled(image, height / image.shape[0]) for image in drawn]
    gap = np.full((height, 6, 3), 255, np.uint8)
    beside = images[0] if len(images) == 1 else np.hstack([images[0], gap, images[1]])
    longest = LONGEST if len(images) == 1 else LONGEST * 3 // 2
    beside = _scaled(beside, min(1.0, longest / max(beside.shape[:2])))
    places = " · ".join(_place(subject, spot) for spot in one.spots[:2])
    return Picture.of(beside, places, f"{one.finding.field} {one.finding.value}".strip(), 75)


def _place(subject: Subject, spot: Spot) -> str:
    return f"{subject.data(spot.split).file_names[spot.row]} ({spot.split})"


def _draw(subject: Subject, spot: Spot) -> np.ndarray:
    reading = subject.readings[spot.split]
    data = reading.annotations
    path = reading.image_dir / data.file_names[spot.row]
    # Of a cut file OpenCV shows what is left.
    with quiet_decoders():
        pixels = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.is_file() else None
    if pixels is None:
        return _nothing(int(data.widths[spot.row]), int(data.heights[spot.row]))
    view = _view(pixels.shape[1], pixels.shape[0], spot.boxes)
    image, scale = _cut(pixels, view)
    others = data.bboxes[data.boxes_of(spot.row)][:_MOST].tolist()
    for box in others:
        _rectangle(image, box, view, scale, _OTHER, 1)
    colours = [_FAULT, _SECOND]
    for number, box in reversed(list(enumerate(spot.boxes))):
        _rectangle(image, box, view, scale, colours[min(number, 1)], 2)
    return image


def _nothing(width: int, height: int) -> np.ndarray:
    """A grey field with a cross in place of a picture that cannot be decoded."""
    scale = LONGEST / max(width, height, 1)
    size = (max(24, round(height * scale)), max(24, round(width * scale)))
    field = np.full((*size, 3), _GREY, np.uint8)
    for start, end in (((0, 0), size[::-1]), ((size[1], 0), (0, size[0]))):
        cv2.line(field, start, end, _FAULT, 2)
    return field


def _view(width: int, height: int, boxes: Sequence[Sequence[float]]) -> tuple[int, int, int, int]:
    """x1, y1, x2, y2 of what is shown: all, with a margin for boxes beyond it, or a part."""
    if not boxes:
        return 0, 0, width, height
    low = np.min([box[:2] for box in boxes], axis=0)
    high = np.max([[b[0] + max(b[2], 0), b[1] + max(b[3], 0)] for b in boxes], axis=0)
    size = np.array([width, height], dtype=np.float64)
    inside = (low >= 0).all() and (high <= size).all()
    if inside and ((high - low) < _TINY * size).all():
        half = np.minimum(np.maximum((high - low).max() * 3, 24.0), size / 2)
        middle = np.clip((low + high) / 2, half, size - half)
        corners = [*np.floor(middle - half), *np.ceil(middle + half)]
        return tuple(int(v) for v in corners)  # type: ignore[return-value]
    low = np.floor(np.clip(low, -_OVER * size, 0))
    high = np.ceil(np.clip(high, size, (1 + _OVER) * size))
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _cut(pixels: np.ndarray, view: tuple[int, int, int, int]) -> tuple[np.ndarray, float]:
    """The view of a picture, grey beyond its edges, at about ``LONGEST`` pixels; and its scale."""
    x1, y1, x2, y2 = view
    height, width = pixels.shape[:2]
    part = pixels[max(y1, 0) : y2, max(x1, 0) : x2]
    beyond = (max(-y1, 0), max(y2 - height, 0), max(-x1, 0), max(x2 - width, 0))
    if any(beyond):
        part = cv2.copyMakeBorder(part, *beyond, cv2.BORDER_CONSTANT, value=(_GREY,) * 3)
    scale = LONGEST / max(part.shape[:2])
    return _scaled(part, scale), scale


def _scaled(image: np.ndarray, scale: float) -> np.ndarray:
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.ascontiguousarray(cv2.resize(image, size, interpolation=way))


def _rectangle(
    image: np.ndarray,
    box: Sequence[float],
    view: tuple[int, int, int, int],
    scale: float,
    colour: tuple[int, int, int],
    thickness: int,
) -> None:
    corners = np.array([box[0], box[1], box[0] + box[2], box[1] + box[3]])
    points = (corners - np.array([view[0], view[1]] * 2)) * scale
    limit = max(image.shape[:2]) - 1
    x1, y1, x2, y2 = (int(v) for v in np.clip(np.round(points), -2, limit + 2))
    cv2.rectangle(image, (x1, y1), (x2, y2), colour, thickness)
