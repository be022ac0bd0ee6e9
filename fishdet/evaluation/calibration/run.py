"""Calibrate a model on a split of a data set: what ``tools/analysis/calibrate.py`` calls."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.coco import read_classes, read_coco
from fish_dataset.errors import FishDataError
from fish_dataset.files import file_sha256
from fish_dataset.layout import Split, find_splits
from fish_dataset.progress import track
from fish_dataset.wording import number_of
from fishdet.checkpoint.loading import load_model, resolve
from fishdet.errors import FishdetError
from fishdet.inference import Detector

from ..detections import Detections
from .fitting import Calibration, calibrate, write_calibration
from .outcomes import outcomes
from .plot import FILE, write_reliability


@dataclass(frozen=True)
class CalibrateOptions:
    """The choices of one calibration; each mirrors a flag of ``tools/analysis/calibrate.py``."""

    model: str
    data: Path
    split: str = "val"
    out: Path | None = None
    config: Path | None = None
    target_precision: float | None = None
    temperature_only: bool = False
    lang: str = "en"
    device: str | None = None
    precision: str = "auto"
    trust_pickle: bool = False


def calibrate_model(options: CalibrateOptions) -> tuple[Calibration, Path]:
    """Run the model over the split, fit, and write ``calibration.json`` and ``reliability.png``.

    Returns:
        The calibration and the file, in ``options.out`` or else beside the checkpoint.

    Raises:
        FishdetError, FishDataError: a mistake in options, model or data.
    """
    split = _split(options.data, options.split)
    path = resolve(options.model)
    out = options.out or path.parent
    detector = load_model(
        path,
        device=options.device,
        config=options.config,
        score_thr=0.0,
        precision=options.precision,
        trust_pickle=options.trust_pickle,
    )
    annotations = _annotations(split, detector, path)
    found = outcomes(annotations, detect(detector, annotations, split.image_dir))
    result = calibrate(
        found,
        with_bias=not options.temperature_only,
        target_precision=options.target_precision,
    )
    facts: dict[str, Any] = {
        "ann_file": Path(split.ann_file).name,
        "sha256": file_sha256(split.ann_file),
        "split": options.split,
        "checkpoint": path.name,
    }
    written = write_calibration(out, result, facts)
    parts = {"before": result.before, "after": result.after}
    write_reliability(out / FILE, parts, options.lang)
    return result, written


def detect(detector: Detector, annotations: Annotations, image_dir: Path) -> Detections:
    """Run a detector over the images of ``annotations``, one by one, with a progress bar.

    Raises:
        FishdetError: an image is not readable; names it.
    """
    results = []
    names = list(annotations.file_names)
    for row, name in enumerate(track(names, len(names))):
        found = detector(image_dir / name)
        labels = np.asarray(found.class_id, np.int64)
        results.append((row, found.xyxy, np.asarray(found.confidence), labels))
    detections = Detections.from_images(results)
    detections.check(annotations.num_images, len(annotations.classes))
    return detections


def summary(result: Calibration) -> str:
    """Return what the tool prints: the fit, its figures before and after, and the thresholds."""
    scaling = result.scaling
    lines = [
        f"Fitted on {number_of(result.detections, 'detection')} of "
        f"{number_of(result.images, 'image')}: temperature "
        f"{scaling.temperature:.3f}, bias {scaling.bias:+.3f}",
        *(
            f"{name:6} {before:.4f} → {after:.4f}"
            for name, (before, after) in result.figures.items()
        ),
        '("after": each half of the groups by a fit on the other half)',
        f"Thresholds for {result.thresholds_for}:",
        *(f"  {name}: {value:.3f}" for name, value in result.thresholds.items()),
    ]
    return "\n".join(lines)


def _split(data: Path, name: str) -> Split:
    splits = find_splits(data)
    if name not in splits:
        raise FishDataError(
            f"--split {name}: {data} has {', '.join(splits)} only; name one of these"
        )
    return splits[name]


def _annotations(split: Split, detector: Detector, path: Path) -> Annotations:
    classes = tuple(detector.classes)
    held = read_classes(split.ann_file)
    if set(held) != set(classes):
        raise FishdetError(
            f"{path} knows other species than {split.ann_file} holds.\n"
            f"  model: {', '.join(classes)}\n  data:  {', '.join(held)}\n"
            "Calibrate on data with the model's species."
        )
    annotations, _ = read_coco(
        split.ann_file, classes=classes, image_dir=split.image_dir, check_images=False
    )
    if annotations.num_boxes == 0:
        raise FishDataError(
            f"{split.ann_file}: no boxes, so that no detection can be right; use annotated images"
        )
    return annotations
