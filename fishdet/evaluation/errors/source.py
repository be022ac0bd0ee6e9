"""What a command line names: a results file or a model, and a data set, to detections."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.classes import class_difference
from fish_dataset.coco import read_coco
from fish_dataset.layout import find_splits
from fish_dataset.progress import track

from ...errors import FishdetError
from ..detections import Detections
from .predictions import CategoryIds, read_predictions


@dataclass(frozen=True)
class Truth:
    """One split: its boxes, the file they stand in and the folder of its pictures."""

    annotations: Annotations
    ann_file: Path
    image_dir: Path


def read_truth(data: str | Path, split: str = "val") -> Truth:
    """Read a split of a data folder.

    Raises:
        FishdetError: the folder has no such split.
        fish_dataset.errors.FishDataError: the folder or the file is at fault.
    """
    splits = find_splits(data)
    if split not in splits:
        raise FishdetError(f"{data}: no {split} split; --split takes {', '.join(splits)}")
    place = splits[split]
    annotations, _ = read_coco(place.ann_file, image_dir=place.image_dir, check_images=False)
    return Truth(annotations, place.ann_file, place.image_dir)


def read_detections(
    source: str | Path, truth: Truth, category_ids: CategoryIds = "auto", device: str | None = None
) -> Detections:
    """Read a results file (``.json``), or let a model look at the pictures.

    Args:
        source: COCO results file; else a checkpoint, a work dir or a published model.
        truth: The pictures.
        category_ids: See ``read_predictions``.
        device: Of the model; by default CUDA where there is one.

    Raises:
        FishdetError: the file is at fault, or the model cannot be used on this data.
    """
    if Path(source).suffix.lower() == ".json":
        return read_predictions(source, truth.annotations, truth.ann_file, category_ids)
    return detect(source, truth, device)


def detect(model: str | Path, truth: Truth, device: str | None = None) -> Detections:
    """Let a model look at every picture; all that it puts out is kept.

    Raises:
        FishdetError: the model is at fault, knows other species, or a picture cannot be read.
    """
    from fishdet.checkpoint.loading import resolve
    from fishdet.inference import Detector

    detector = Detector(resolve(model), device=device, score_thr=0.0)
    classes = truth.annotations.classes
    difference = class_difference(classes, detector.classes)
    if difference is not None:
        raise FishdetError(f"{model} knows other species than {truth.ann_file}: {difference}")
    label_of = np.array([classes.index(name) for name in detector.classes])
    results = []
    names = truth.annotations.file_names
    for row in track(range(len(names)), len(names), "pictures"):
        found = detector(truth.image_dir / names[row])
        results.append((row, found.xyxy, found.confidence, label_of[found.class_id]))
    return Detections.from_images(results)
