"""Pictures with what is there and what was said, coloured by whether it is right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

from fish_dataset.fonts import pillow_font

from ...errors import FishdetError
from ...inference.inputs import read_image
from .analysis import Analysis
from .outcome import Seen
from .overlaps import corners

COLOURS: Mapping[str, tuple[int, int, int]] = {
    "right": (86, 204, 150),
    "misnamed": (255, 176, 0),
    "false": (255, 92, 92),
    "missed": (120, 200, 255),
}
"""RGB. Missed boxes are dashed too, so that the four differ without colours."""

_CROWDED = 14  # boxes; beyond, only errors carry a name


def draw_errors(
    analysis: Analysis, row: int, image_dir: Path, names: Sequence[str], side: int = 480
) -> np.ndarray:
    """Picture ``row`` with its boxes and detections above the threshold.

    Right detections as thin boxes, misnamed ones as "said (is)", false ones with name and score,
    missed boxes dashed with their name.

    Args:
        analysis: Of the data set.
        row: Of the picture.
        image_dir: Folder of the pictures.
        names: What to call the classes.
        side: Pixels of the longer side.

    Returns:
        (H, W, 3) uint8 BGR; a grey field with words where the picture cannot be read.
    """
    image = _read(image_dir / analysis.annotations.file_names[row])
    if image is None:
        field = Image.new("RGB", (side, side * 3 // 4), (96, 96, 96))
        ImageDraw.Draw(field).text((10, 10), "cannot be read", font=pillow_font(18))
        return np.asarray(field)
    scale = side / max(image.shape[:2])
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    drawn = Image.fromarray(
        cv2.cvtColor(cv2.resize(image, size, interpolation=how), cv2.COLOR_BGR2RGB)
    )
    pencil = ImageDraw.Draw(drawn)
    marks = _marks(analysis, row, names)
    crowded = len(marks) > _CROWDED
    for kind, box, text in marks:
        x1, y1, x2, y2 = (float(value) for value in box * scale)
        corner = (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
        _box(pencil, corner, COLOURS[kind], dashed=kind == "missed")
        if not (crowded and kind == "right"):
            _label(pencil, corner, text, COLOURS[kind], drawn.size)
    return cv2.cvtColor(np.asarray(drawn), cv2.COLOR_RGB2BGR)


def _read(path: Path) -> np.ndarray | None:
    try:
        return read_image(path)
    except FishdetError:
        return None


def _marks(analysis: Analysis, row: int, names: Sequence[str]) -> list[tuple[str, np.ndarray, str]]:
    """(kind, corners, text), errors last so that they lie on top."""
    truth, seen, found = analysis.annotations, analysis.outcome, analysis.verdicts.detections
    boxes = corners(truth)
    marks: list[tuple[str, np.ndarray, str]] = []
    for number in np.flatnonzero(found.image_row == row).tolist():
        how = seen.of_detection[number]
        if how == Seen.LEFT_OUT:
            continue
        name, partner = names[found.labels[number]], seen.partner[number]
        text = f"{name} {found.scores[number]:.2f}"
        if how == Seen.MISNAMED:
            text += f" ≠ {names[truth.labels[partner]]}"
        kind = {Seen.RIGHT: "right", Seen.MISNAMED: "misnamed"}.get(Seen(how), "false")
        marks.append((kind, found.bboxes[number].astype(np.float64), text))
    here = truth.boxes_of(row)
    for number in range(here.start, here.stop):
        if seen.of_box[number] == Seen.WRONG:
            marks.append(("missed", boxes[number], names[truth.labels[number]]))
    return sorted(marks, key=lambda mark: list(COLOURS).index(mark[0]))


def _box(
    pencil: ImageDraw.ImageDraw,
    box: tuple[float, float, float, float],
    colour: tuple[int, int, int],
    dashed: bool,
) -> None:
    if not dashed:
        pencil.rectangle(box, outline=colour, width=2)
        return
    x1, y1, x2, y2 = box
    for start, end, across in ((x1, x2, True), (y1, y2, False)):
        for place in np.arange(start, end, 9).tolist():
            stop = min(place + 5, end)
            for edge in (y1, y2) if across else (x1, x2):
                ends = (place, edge, stop, edge) if across else (edge, place, edge, stop)
                pencil.line(ends, fill=colour, width=2)


def _label(
    pencil: ImageDraw.ImageDraw,
    box: tuple[float, float, float, float],
    text: str,
    colour: tuple[int, int, int],
    size: tuple[int, int],
) -> None:
    font = pillow_font(12)
    left, top, right, bottom = pencil.textbbox((0, 0), text, font=font)
    width, height = right - left + 4, bottom - top + 4
    x = min(max(box[0], 0), max(size[0] - width, 0))
    y = box[1] - height if box[1] >= height else min(max(box[3], 0), size[1] - height)
    pencil.rectangle((x, y, x + width, y + height), fill=colour)
    pencil.text((x + 2 - left, y + 2 - top), text, fill=(15, 20, 25), font=font)
