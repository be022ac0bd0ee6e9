"""Findings on the boxes and images of each split."""

from __future__ import annotations

import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.checks.shapes import OUTLIER, box_pairs, robust_z, shape_numbers, whole_picture
from fish_dataset.checks.subject import Log, Spot, Subject

_WORDS = {"box-odd-shape": "width / height", "box-odd-size": "relative size"}


def check_boxes(subject: Subject, log: Log) -> None:
    """Boxes twice, nested or as large as the picture; images without a box."""
    for split in subject.splits:
        data = subject.data(split)
        for rule, pairs in box_pairs(data).items():
            shown = pairs[: log.room(rule)]
            for pair in shown[:, ::-1].tolist():
                log.box(rule, split, pair, _both(data, pair))
            log.more(rule, split, len(pairs) - len(shown))
        for row in np.flatnonzero(whole_picture(data)):
            log.box("box-whole-picture", split, [row], _one(data, int(row)))
        _check_empty(subject, log, split)


def _check_empty(subject: Subject, log: Log, split: str) -> None:
    reading = subject.readings[split]
    # Boxes of the file that are faulty do not make their picture one without fish.
    has_box = np.zeros(reading.annotations.num_images + 1, dtype=bool)
    has_box[reading.raw_image] = True
    for row in np.flatnonzero(~has_box[:-1]):
        field = f"images[{int(reading.image_entries[row])}]"
        name = repr(reading.annotations.file_names[row])
        log.add("image-empty", split, field, name, [Spot(split, int(row))])


def check_shapes(subject: Subject, log: Log) -> None:
    """Boxes whose shape or size stands out among those of their class in all splits."""
    datas = [subject.data(split) for split in subject.splits]
    if not datas:
        return
    names = sorted({name for data in datas for name in data.classes})
    numbers = {name: number for number, name in enumerate(names)}
    for rule, words in _WORDS.items():
        values = [shape_numbers(data)[rule] for data in datas]
        labels = [_labels(data, numbers) for data in datas]
        # Crowd and ignored boxes hold schools and regions: no class of their own to stand out of.
        z, medians = robust_z(np.concatenate(values), np.concatenate(labels))
        start = 0
        for split, data, value in zip(subject.splits, datas, values, strict=True):
            part = slice(start, start + data.num_boxes)
            start += data.num_boxes
            odd = np.flatnonzero((z[part] > OUTLIER) & ~(data.crowd | data.ignore))
            for row in odd[np.argsort(-z[part][odd], kind="stable")]:
                told = (
                    f"{words} {value[row]:.3g}, the median of "
                    f"{data.classes[data.labels[row]]!r} is {medians[part][row]:.3g} "
                    f"(z {z[part][row]:.1f}); {_one(data, int(row))}"
                )
                log.box(rule, split, [row], told)


def _labels(data: Annotations, numbers: dict[str, int]) -> np.ndarray:
    own = np.array([numbers[name] for name in data.classes], dtype=np.int64)
    return own[data.labels] if len(own) else np.zeros(0, np.int64)


def _one(data: Annotations, row: int) -> str:
    sides = ", ".join(f"{value:g}" for value in data.bboxes[row].tolist())
    return f"{data.classes[data.labels[row]]!r} [{sides}]"


def _both(data: Annotations, pair: list[int]) -> str:
    return " on ".join(_one(data, row) for row in pair)
