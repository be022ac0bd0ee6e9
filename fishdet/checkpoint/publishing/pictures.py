"""Pictures of results for a model card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fishdet.inference.detector import Detector
from fishdet.inference.draw import draw_detections, write_picture
from fishdet.inference.inputs import read_image

SHOWN = 6


def draw_results(model: Path, images: Sequence[Path], out: Path) -> list[str]:
    """Detect on pictures with a published model and draw what it finds.

    Args:
        model: the published file.
        images: the first six are drawn.
        out: folder for ``results-1.jpg``, ``results-2.jpg``, …

    Returns:
        the files' names.

    Raises:
        FishdetError: a picture that cannot be read or written.
    """
    detector = Detector(model)
    names = []
    for number, path in enumerate(images[:SHOWN], start=1):
        image = read_image(path)
        names.append(f"results-{number}.jpg")
        write_picture(out / names[-1], draw_detections(image, detector(image)))
    return names
