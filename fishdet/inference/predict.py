"""Run a detector over many files: pictures with boxes, one JSON, and what could not be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import supervision as sv

from fish_dataset.files import require_writable
from fishdet.errors import FishdetError

from .detector import Detector
from .draw import draw_detections, picture_name, write_picture
from .inputs import ImageFile, read_image
from .writers import ImageResult, coco_dict, write_coco

RESULTS_FILE = "predictions.json"


@dataclass
class Outcome:
    """What a run did: results in the order of the files, and a message for each broken file."""

    results: list[ImageResult] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def counts(self) -> Counter[str]:
        """Return the number of detections by displayed class name, the largest first."""
        names = (name for result in self.results for name in result.detections.data["class_name"])
        return Counter(map(str, names))


def require_output_folder(out: Path, inputs: Sequence[str]) -> None:
    """Refuse an output folder that is a file or one of the inputs.

    Raises:
        FishdetError: says which.
    """
    if out.exists() and not out.is_dir():
        raise FishdetError(f"--out {out} is a file; name a folder")
    if any(out.resolve() == Path(one).resolve() for one in inputs):
        raise FishdetError(f"--out {out} is an input folder; name another folder for the results")


def require_no_overwriting(out: Path, files: Sequence[ImageFile]) -> None:
    """Refuse an output folder in which a drawn picture would replace an input or another picture.

    Raises:
        FishdetError: names the first such input.
    """
    taken = {file.path.resolve(): file.path for file in files}
    for file in files:
        target = (out / picture_name(file.name)).resolve()
        if target in taken:
            raise FishdetError(
                f"--out {out}: the picture of {file.path} would be written over {taken[target]}; "
                "name another folder, or other inputs"
            )
        taken[target] = target


def batches(files: Sequence[ImageFile], size: int) -> list[list[ImageFile]]:
    """Return the files in groups of ``size``, the last one smaller."""
    return [list(files[start : start + size]) for start in range(0, len(files), size)]


def predict_files(detector: Detector, groups: Iterable[list[ImageFile]], out: Path) -> Outcome:
    """Detect on every file, write each picture below ``out`` and the JSON at the end.

    Broken files are left out and named in the outcome. The folder structure of the inputs is
    kept, so files of one name in two folders stay apart.

    Raises:
        FishdetError, FishDataError: a result cannot be written.
    """
    require_writable(out, "--out")
    outcome = Outcome()
    for group in groups:
        for file, image, detections in _detect(detector, group, outcome.broken):
            write_picture(out / picture_name(file.name), draw_detections(image, detections))
            size = (image.shape[1], image.shape[0])
            outcome.results.append(ImageResult(file.name, *size, detections))
    write_coco(out / RESULTS_FILE, coco_dict(outcome.results, detector.classes, _info(detector)))
    return outcome


def _detect(
    detector: Detector, group: list[ImageFile], broken: list[str]
) -> Iterator[tuple[ImageFile, np.ndarray, sv.Detections]]:
    files, images = _read(group, broken)
    try:
        yield from zip(files, images, detector.predict(images), strict=True)
    except FishdetError as error:
        if len(files) == 1:
            broken.append(f"{files[0].path}: {error}")
            return
        for file in files:
            yield from _detect(detector, [file], broken)


def _read(group: list[ImageFile], broken: list[str]) -> tuple[list[ImageFile], list[np.ndarray]]:
    files, images = [], []
    for file in group:
        try:
            images.append(read_image(file.path))
            files.append(file)
        except FishdetError as error:
            broken.append(str(error))
    return files, images


def _info(detector: Detector) -> dict[str, Any]:
    return {"description": "Detections of fishdet", "score_thr": detector.score_thr}
