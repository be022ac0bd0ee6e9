"""INT8 by post-training quantisation, with AP before and after, and layers that hurt left alone.

NNCF (https://github.com/openvinotoolkit/nncf) places the quantisers and takes their ranges from
pictures of the training split; the validation split measures. Where the network as a whole loses
more AP than allowed, ``search.rank`` finds the layers that move detections the most, on training
pictures and without labels, and the fewest of them that bring AP back stay in FP32.
"""

from __future__ import annotations

import io
import json
import logging
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np
import supervision as sv

from fish_dataset.annotations import Annotations
from fish_dataset.coco import read_coco
from fish_dataset.layout import Split, find_splits
from fish_dataset.progress import counted
from fishdet.errors import FishdetError
from fishdet.evaluation.calibration.run import detect
from fishdet.evaluation.coco_eval import evaluate
from fishdet.inference.detector import Detector
from fishdet.inference.inputs import read_image

from .graph import Graph
from .layers import EXACT, Layer, layers_of
from .likeness import damage
from .search import Ranked, fewest, rank
from .write import onnx_model, openvino_model, require_package, write_onnx, write_openvino

if TYPE_CHECKING:
    from .run import ExportOptions

RANKING = 16
"""Pictures of train on which layers are ranked; each attempt calibrates and detects on them."""


@dataclass
class Quantiser:
    """Makes and opens quantised versions of one model.

    Args:
        plain: the model in FP32.
        format: 'onnx' or 'openvino'.
        papers: of the model in FP32, as JSON.
        folder: for files in between.
    """

    plain: Any
    format: str
    papers: str
    folder: Path
    layers: list[Layer] = field(init=False)

    def __post_init__(self) -> None:
        self.layers = layers_of(self.plain)

    def quantised(
        self,
        kept: Sequence[Layer],
        pictures: Sequence[np.ndarray],
        told: TextIO | None = None,
    ) -> Any:
        """Return the model in INT8 with the layers ``kept`` in FP32.

        Args:
            pictures: uint8 BGR; the ranges of activations come from them.
            told: where NNCF's progress goes; None: nowhere.
        """
        nncf = require_package("nncf")
        names = [name for layer in kept for name in layer.operations]
        scope = nncf.IgnoredScope(names=names, patterns=list(EXACT), validate=False)
        dataset = nncf.Dataset(pictures, lambda image: _input(image, self.format))
        with _errors_alone(), redirect_stdout(told or io.StringIO()):
            return nncf.quantize(
                self.plain, dataset, ignored_scope=scope, subset_size=len(pictures)
            )

    def opened(self, model: Any) -> Detector:
        """Return a detector of a model, every score that it has."""
        path = self.folder / f"model{'.onnx' if self.format == 'onnx' else '.xml'}"
        _FORMATS[self.format][1](model, self.papers, path)
        return Detector(path, score_thr=0.0)

    def ranked(
        self, pictures: Sequence[np.ndarray], tries: int, before: Sequence[sv.Detections]
    ) -> list[Ranked[Layer]]:
        """Return the layers in groups, those that move detections the most first.

        Args:
            pictures: to calibrate on and to detect on.
            tries: how many versions to make.
            before: detections of the model in FP32 on the pictures.
        """

        def alone(group: tuple[Layer, ...]) -> float:
            rest = [layer for layer in self.layers if layer not in group]
            detector = self.opened(self.quantised(rest, pictures))
            return damage(before, [detector(picture) for picture in pictures])

        with counted(tries, "ranking layers") as done:
            return rank(self.layers, alone, tries, done)


@dataclass
class Attempt:
    """A quantised model, what stayed in FP32, and its AP on val."""

    model: Any
    kept: tuple[Layer, ...]
    ap: float


def write_quantised(
    graph: Graph, papers: Mapping[str, Any], out: Path, options: ExportOptions
) -> dict[str, Any]:
    """Quantise, measure, and write the version with the fewest layers in FP32 that does.

    Args:
        graph: the detector.
        papers: its papers in FP32.
        out: file to write.
        options: format, data, pictures, drop, tries, force.

    Returns:
        What the papers say beyond those of FP32: ``precision``, ``ap`` with ``before``, ``after``,
        ``pictures``; ``in_fp32``, the names of layers that stayed, of ``layers`` in all.

    Raises:
        FishdetError, FishDataError: no data, data of other classes, val without boxes, a missing
            package, or AP that falls by more than allowed (nothing is written then).
    """
    require_package("nncf")
    train, val = _splits(options.data)
    classes = tuple(entry["name"] for entry in papers["classes"])
    truth = _annotations(val, classes)
    if not truth.boxes_per_class().any():
        raise FishdetError(f"{val.ann_file}: no boxes, so that no AP can be measured for --int8")
    pictures = _pictures(train, classes, options.images)
    make, write = _FORMATS[options.format]
    with tempfile.TemporaryDirectory() as folder:
        text = json.dumps(papers, ensure_ascii=False)
        quantiser = Quantiser(make(graph), options.format, text, Path(folder))

        def ap(model: Any) -> float:
            found = detect(quantiser.opened(model), truth, val.image_dir)
            return evaluate(truth, found).totals["bbox_mAP"]

        before = ap(make(graph))
        attempt = _best(quantiser, pictures, ap, before, options)
    if before - attempt.ap > options.drop and not options.force:
        raise FishdetError(
            f"--int8: AP falls from {before:.4f} to {attempt.ap:.4f}, by more than --drop "
            f"{options.drop}; nothing is written. Give more or other pictures (--images), more "
            "attempts (--tries), allow more, or write it anyway with --force"
        )
    extra = {
        "precision": "int8",
        "in_fp32": [layer.name for layer in attempt.kept],
        "layers": len(quantiser.layers),
        "ap": {"before": before, "after": attempt.ap, "pictures": truth.num_images},
        "calibration_pictures": len(pictures),
    }
    write(attempt.model, json.dumps({**papers, **extra}, ensure_ascii=False, sort_keys=True), out)
    return extra


def _best(
    quantiser: Quantiser,
    pictures: Sequence[np.ndarray],
    ap: Callable[[Any], float],
    before: float,
    options: ExportOptions,
) -> Attempt:
    """The attempt with the fewest layers in FP32 that loses little enough, else the best one."""
    attempts: dict[int, Attempt] = {}

    def good(number: int, groups: Sequence[Ranked[Layer]] = ()) -> bool:
        kept = tuple(layer for group in groups[:number] for layer in group.items)
        model = quantiser.quantised(kept, pictures, sys.stderr)
        attempts[number] = found = Attempt(model, kept, ap(model))
        print(f"INT8 with {len(kept)} of {len(quantiser.layers)} layers in FP32: AP {before:.4f} "
              f"→ {found.ap:.4f}", file=sys.stderr)  # fmt: skip
        return before - found.ap <= options.drop

    if good(0) or options.tries < 2:
        return attempts[0]
    sample = pictures[:: -(-len(pictures) // RANKING)]
    plain = quantiser.opened(quantiser.plain)
    groups = quantiser.ranked(sample, options.tries, [plain(picture) for picture in sample])
    for group in groups[:5]:
        names = ", ".join(layer.name for layer in group.items[:3])
        print(f"  moves detections by {group.damage:.1%}: {names}"
              f"{', …' if len(group.items) > 3 else ''}", file=sys.stderr)  # fmt: skip
    number = fewest(lambda number: good(number, groups), len(groups) - 1)
    if number is None:
        return max(attempts.values(), key=lambda attempt: attempt.ap)
    return attempts[number]


@contextmanager
def _errors_alone() -> Iterator[None]:
    """NNCF's advice on each attempt left out."""
    logger = logging.getLogger("nncf")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


_FORMATS: dict[str, tuple[Callable[[Graph], Any], Callable[[Any, str, Path], None]]] = {
    "onnx": (onnx_model, write_onnx),
    "openvino": (openvino_model, write_openvino),
}


def _input(image: np.ndarray, kind: str) -> Any:
    return {"images": image[None]} if kind == "onnx" else image[None]


def _splits(data: Path | None) -> tuple[Split, Split]:
    if data is None:
        raise FishdetError("--int8 needs pictures of yours: --data DIR")
    splits = find_splits(data)
    if "train" not in splits or "val" not in splits:
        raise FishdetError(
            f"--data {data}: --int8 calibrates on train and measures on val; it has "
            f"{', '.join(splits)}"
        )
    return splits["train"], splits["val"]


def _annotations(split: Split, classes: tuple[str, ...]) -> Annotations:
    annotations, _ = read_coco(split.ann_file, classes=classes, image_dir=split.image_dir)
    return annotations


def _pictures(split: Split, classes: tuple[str, ...], count: int) -> list[np.ndarray]:
    """Pictures spread evenly over the split."""
    names = list(_annotations(split, classes).file_names)
    if not names or count < 1:
        raise FishdetError(f"{split.ann_file}: no pictures to calibrate on")
    chosen = np.unique(np.linspace(0, len(names) - 1, min(count, len(names))).astype(int))
    return list(_read(split, [names[row] for row in chosen]))


def _read(split: Split, names: Sequence[str]) -> Iterator[np.ndarray]:
    yield from (read_image(split.image_dir / name) for name in names)
