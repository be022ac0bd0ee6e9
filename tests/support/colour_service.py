"""A network that is known by heart: it finds one fish, told by the picture's colour."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from fishdet.inference.boxes import Boxes
from fishdet.inference.names import names_of
from fishdet.service.model import Model

CLASSES = ("eel", "mackerel", "salmon")
SHA = "a" * 64
SURE_FROM = np.zeros(3, np.float32)


def colour_finder(images: Sequence[np.ndarray]) -> list[Boxes]:
    """One fish a picture, over its middle; red is an eel, green a mackerel, blue a salmon."""
    found = []
    for image in images:
        height, width = image.shape[:2]
        red, green, blue = (float(image[..., channel].mean()) for channel in (2, 1, 0))
        scores = np.array([red, green, blue]) / 255
        box = np.array([[width / 4, height / 4, width * 3 / 4, height * 3 / 4]], np.float32)
        label = int(scores.argmax())
        best = scores[label : label + 1].astype(np.float32)
        found.append(Boxes(box, best, np.array([label]), scores[None].astype(np.float32)))
    return found


def trace(image: np.ndarray, lang: str) -> str:
    """The page of a picture: its size."""
    return f"<!doctype html><html lang={lang}><title>t</title><h1>{image.shape[1]} px</h1>"


def fake_model(find: Callable[[Sequence[np.ndarray]], list[Boxes]] = colour_finder) -> Model:
    return Model(
        "colour.safetensors", SHA, CLASSES, names_of(CLASSES, "en"), None, SURE_FROM, find, trace
    )


def picture(
    colour: tuple[int, ...] = (240, 5, 5),
    size: tuple[int, int] = (80, 60),
    form: str = "PNG",
    mode: str = "RGB",
    **options: object,
) -> bytes:
    """The bytes of a picture of one colour."""
    held = io.BytesIO()
    Image.new(mode, size, colour if len(colour) > 1 else colour[0]).save(held, form, **options)
    return held.getvalue()
