"""One picture of a contact sheet: scaled, with boxes and names over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, ImageDraw

from fish_dataset.fonts import pillow_font
from fish_dataset.palette import palette

TEXT = 11  # pixels
IGNORED = (150, 150, 150)
_PAPER, _INK = (245, 246, 247), (25, 35, 42)


@dataclass(frozen=True)
class Shown:
    """A picture with its boxes, ready to be drawn.

    Attributes:
        pixels: (H, W, 3) uint8 BGR; None where the file cannot be read.
        corners: (M, 4) x1, y1, x2, y2 in pixels.
        labels: (M,) int.
        ignore: (M,) bool, drawn grey.
        caption: Its name.
        note: More words.
    """

    pixels: np.ndarray | None
    corners: np.ndarray
    labels: np.ndarray
    ignore: np.ndarray
    caption: str
    note: str = ""


def draw(shown: Shown, classes: Sequence[str], side: int) -> np.ndarray:
    """``shown`` with boxes in the colours of their classes; the longer side has ``side`` pixels."""
    if shown.pixels is None:
        return _text_field("cannot be read", side)
    height, width = shown.pixels.shape[:2]
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    image = cv2.cvtColor(cv2.resize(shown.pixels, size, interpolation=how), cv2.COLOR_BGR2RGB)
    drawn = Image.fromarray(image)
    pencil = ImageDraw.Draw(drawn)
    colours = palette(len(classes))
    crowded = len(shown.corners) > 25  # names would hide the fish
    for box, label, ignored in zip(shown.corners, shown.labels, shown.ignore, strict=True):
        x1, y1, x2, y2 = (box * scale).tolist()
        colour = IGNORED if ignored else colours[label]
        pencil.rectangle((x1, y1, max(x1, x2 - 1), max(y1, y2 - 1)), outline=colour, width=1)
        if not crowded:
            _name(pencil, classes[label], (x1, y1), colour)
    return cv2.cvtColor(np.asarray(drawn), cv2.COLOR_RGB2BGR)


def captioned(image: np.ndarray, text: str, cell: tuple[int, int]) -> np.ndarray:
    """``image`` in the middle of a white ``cell`` (height, width) with ``text`` under it."""
    height, width = cell
    field = Image.new("RGB", (width, height), _PAPER)
    top = max(0, (height - TEXT - 8 - image.shape[0]) // 2)
    shown = Image.fromarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
    field.paste(shown, ((width - image.shape[1]) // 2, top))
    pencil, font = ImageDraw.Draw(field), pillow_font(TEXT)
    while text and pencil.textlength(text, font=font) > width - 8:
        text = "…" + text[2:]  # the end of a file name tells more than its beginning
    pencil.text((4, height - TEXT - 6), text, fill=_INK, font=font)
    return cv2.cvtColor(np.asarray(field), cv2.COLOR_RGB2BGR)


def _name(
    pencil: ImageDraw.ImageDraw, name: str, corner: tuple[float, float], colour: tuple
) -> None:
    font = pillow_font(TEXT)
    at = max(0.0, corner[0]), max(0.0, corner[1] - TEXT - 3)
    left, top, right, bottom = pencil.textbbox(at, name, font=font)
    pencil.rectangle((left - 1, top - 1, right + 1, bottom + 1), fill=colour)
    bright = sum(colour) > 380
    pencil.text(at, name, fill=(0, 0, 0) if bright else (255, 255, 255), font=font)


def _text_field(text: str, side: int) -> np.ndarray:
    field = Image.new("RGB", (side, side * 3 // 4), (90, 90, 90))
    ImageDraw.Draw(field).text((8, 8), text, fill=(255, 255, 255), font=pillow_font(TEXT))
    return np.asarray(field)
