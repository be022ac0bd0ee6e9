"""Run a detector over many pictures: drawn pictures, results, and what could not be read."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import supervision as sv

from fish_dataset.files import require_writable
from fishdet.errors import FishdetError

from . import journal as journals
from .crops import write_crops
from .detector import Detector
from .draw import draw_detections, picture_name, write_picture
from .exif import Taken, read_taken
from .inputs import ImageFile, read_image
from .journal import Journal
from .results import from_plain, to_plain
from .writers import FORMATS, ImageResult, write_format

RESULTS_FILE = FORMATS["coco"]


@dataclass(frozen=True)
class OutputOptions:
    """What is written.

    Attributes:
        out: the folder.
        formats: keys of ``FORMATS``.
        crops: each fish as a picture of its own.
        places: keep the place of a photo in occurrence records.
        resume: go on where a run with the same settings stopped.
        settings: what the results depend on, for the journal; 'model' names the model.
        keep_journal: leave the journal at the end too: the run goes on with videos.
    """

    out: Path
    formats: Sequence[str] = ("coco",)
    crops: bool = False
    places: bool = True
    resume: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    keep_journal: bool = False


@dataclass
class Outcome:
    """What a run did: pictures and fish by displayed class name, a message for each broken file."""

    pictures: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    nameless: int = 0

    def add(self, result: ImageResult) -> None:
        """Count one more picture."""
        self.pictures += 1
        self.counts.update(map(str, result.detections.data["class_name"]))


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


def predict_files(
    detector: Detector, groups: Iterable[list[ImageFile]], options: OutputOptions
) -> Outcome:
    """Detect on every file, write each picture, and the results in each format at the end.

    Broken files are left out and named in the outcome. The folder structure of the inputs is
    kept, so files of one name in two folders stay apart. Results go through a journal on the disk
    and not through memory; ``options.resume`` skips the files that it holds.

    Raises:
        FishdetError, FishDataError: a result cannot be written.
    """
    require_writable(options.out, "--out")
    outcome = Outcome()
    journal = Journal(options.out / journals.FILE, options.settings, options.resume)
    try:
        done = {record["name"] for record in journal.records()}
        for group in groups:
            left = [file for file in group if file.name not in done]
            for file, image, found in _detect(detector, left, outcome.broken):
                _write_pictures(options, file, image, found)
                journal.append(_record(options, file, image, found))
        _write_results(detector, journal, options, outcome)
    except BaseException:
        journal.close()
        raise
    journal.close(remove=not options.keep_journal)
    return outcome


def _write_pictures(
    options: OutputOptions, file: ImageFile, image: np.ndarray, found: sv.Detections
) -> None:
    write_picture(options.out / picture_name(file.name), draw_detections(image, found))
    if options.crops:
        write_crops(options.out, file.name, image, found)


def _write_results(
    detector: Detector, journal: Journal, options: OutputOptions, outcome: Outcome
) -> None:
    def results() -> Iterator[ImageResult]:
        return (_result(record, detector) for record in journal.records())

    for result in results():
        outcome.add(result)
        outcome.nameless += int((result.detections.data["scientific_name"] == "").sum())
    info = {
        "description": "Detections of fishdet",
        "score_thr": detector.score_thr,
        "classes": detector.classes,
        "model": options.settings.get("model", "fishdet"),
    }
    if options.settings.get("gallery"):
        info["gallery"] = options.settings["gallery"]
    for kind in options.formats:
        write_format(kind, options.out, results(), info)


def _record(
    options: OutputOptions, file: ImageFile, image: np.ndarray, found: sv.Detections
) -> dict[str, Any]:
    record = {"name": file.name, "width": image.shape[1], "height": image.shape[0]}
    if "dwc" in options.formats:  # a photo's own time and place are read only where asked for
        record["taken"] = asdict(read_taken(file.path, options.places))
        record["digest"] = hashlib.sha256(file.path.read_bytes()).hexdigest()
    return {**record, "found": to_plain(found)}


def _result(record: dict[str, Any], detector: Detector) -> ImageResult:
    return ImageResult(
        record["name"],
        record["width"],
        record["height"],
        from_plain(record["found"], detector.catalogue_names),
        Taken(**record["taken"]) if "taken" in record else None,
        record.get("digest", ""),
    )


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
