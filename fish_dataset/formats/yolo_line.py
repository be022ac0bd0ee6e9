"""One line of a YOLO label file.

``class x_center y_center width height``, or ``class x1 y1 x2 y2 x3 y3 …`` (a polygon, or the four
corners of a turned box), all but the class as fractions of the picture; with keypoints
(``kpt_shape`` in ``data.yaml``) these follow the box. A sixth number after a box is the confidence
that prediction with ``save_conf`` writes.
Sources, 2026-11-25: https://docs.ultralytics.com/datasets/detect/,
https://docs.ultralytics.com/datasets/segment/,
https://docs.cvat.ai/docs/dataset_management/formats/format-yolo-ultralytics
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_MOST = 2.0
"""A fraction beyond this is no fraction: the line is in pixels."""


@dataclass(frozen=True)
class Line:
    """A box as left, top, width, height in fractions of the picture, its class and its line.

    ``remark`` says what else the line held; it is counted for the report.
    """

    number: int
    name: str
    box: tuple[float, float, float, float]
    remark: str = ""


def looks_like_labels(text: str) -> bool:
    """Whether the first line of a text is a class number and at least four fractions."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    values = first.split()
    if len(values) < 5 or not values[0].isascii() or not values[0].isdecimal():
        return False
    numbers = [_number(value) for value in values[1:5]]
    return all(number is not None and -0.5 <= number <= 1.5 for number in numbers)


def parse_line(raw: str, number: int, names: Sequence[str], keypoint_values: int = 0) -> Line | str:
    """The box of a line that is not blank, or why it has none, in words.

    Args:
        raw: The line.
        number: Its number in the file, from 1.
        names: Class names by number.
        keypoint_values: Numbers that follow the box, in a data set with keypoints.
    """
    values = [_number(value) for value in raw.split()]
    if any(value is None for value in values):
        return "line holds something that is no number"
    label, *numbers = [value for value in values if value is not None]
    if not label.is_integer():
        return "class is no whole number"
    if not 0 <= label < len(names):
        return "class number without a name"
    if not all(map(math.isfinite, numbers)):
        return "line holds NaN or infinity"
    count = len(numbers)
    if any(abs(value) > _MOST for value in numbers[: count if not keypoint_values else 4]):
        return "numbers are no fractions of the picture"
    name = names[int(label)]
    if count == 4 or (keypoint_values and count == 4 + keypoint_values):
        remark = "keypoints are not kept, only the box" if count > 4 else ""
        return Line(number, name, _from_center(numbers), remark)
    if count == 5:
        return Line(number, name, _from_center(numbers), "confidence after the box is not kept")
    if count >= 6 and count % 2 == 0 and not keypoint_values:
        return Line(number, name, _around(numbers), "polygon became the box around it")
    return "line of a wrong number of values"


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _from_center(numbers: Sequence[float]) -> tuple[float, float, float, float]:
    x, y, w, h = numbers[:4]
    return x - w / 2, y - h / 2, w, h


def _around(numbers: Sequence[float]) -> tuple[float, float, float, float]:
    xs, ys = numbers[::2], numbers[1::2]
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)
