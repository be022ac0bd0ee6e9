"""What a command line names: a results file or a model, and a data set, to detections."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.classes import class_difference
from fish_dataset.coco import read_coco
from fish_dataset.layout import find_splits

from ...errors import FishdetError
from ..detections import Detections
from ..outside import BoxForm, read_outside


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
    source: str | Path, truth: Truth, box_form: BoxForm = "xywh", device: str | None = None
) -> Detections:
    """Read a results file (``.json``), or let a model look at the pictures.

    Args:
        source: COCO results file; else a checkpoint, a work dir or a published model.
        truth: The pictures.
        box_form: Of the results file; see ``read_outside``.
        device: Of the model; by default CUDA where there is one.

    Raises:
        FishdetError: the file is at fault, or the model cannot be used on this data.
    """
    if Path(source).suffix.lower() == ".json":
        classes = truth.annotations.classes
        return read_outside(source, truth.ann_file, classes=classes, box_form=box_form).detections
    return look(source, truth, device)


def look(model: str | Path, truth: Truth, device: str | None = None) -> Detections:
    """Let a model look at every picture; all that it puts out is kept.

    Raises:
        FishdetError: the model is at fault, knows other species, or a picture cannot be read.
    """
    from fishdet.checkpoint.loading import resolve
    from fishdet.inference import Detector

    from ..calibration.run import detect

    detector = Detector(resolve(model), device=device, score_thr=0.0)
    classes = truth.annotations.classes
    difference = class_difference(classes, detector.classes)
    if difference is not None:
        raise FishdetError(f"{model} knows other species than {truth.ann_file}: {difference}")
    found = detect(detector, truth.annotations, truth.image_dir)
    label_of = np.array([classes.index(name) for name in detector.classes])
    return replace(found, labels=label_of[found.labels])
