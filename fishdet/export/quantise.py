"""INT8 by post-training quantisation, with AP before and after, and layers that hurt left alone.

NNCF (https://github.com/openvinotoolkit/nncf) places the quantisers and takes their ranges from
pictures of the training split; the validation split measures. Where the network as a whole loses
more AP than allowed, ``search.rank`` finds the layers that move detections the most, on training
pictures and without labels, and the fewest of them that bring AP back stay in FP32.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.coco import read_coco
from fish_dataset.layout import Split, find_splits
from fishdet.errors import FishdetError
from fishdet.evaluation.calibration.run import detect
from fishdet.evaluation.coco_eval import evaluate
from fishdet.inference.inputs import read_image

from .graph import Graph
from .layers import Layer
from .quantiser import FORMATS, RANKING, Quantiser
from .search import Ranked, fewest
from .write import require_package

if TYPE_CHECKING:
    from .run import ExportOptions


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
    make, write = FORMATS[options.format]
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
    best: list[tuple[tuple[bool, float], Attempt]] = []

    def good(number: int, groups: Sequence[Ranked[Layer]] = ()) -> bool:
        kept = tuple(layer for group in groups[:number] for layer in group.items)
        model = quantiser.quantised(kept, pictures, sys.stderr)
        found = Attempt(model, kept, ap(model))
        print(f"INT8 with {len(kept)} of {len(quantiser.layers)} layers in FP32: AP {before:.4f} "
              f"→ {found.ap:.4f}", file=sys.stderr)  # fmt: skip
        enough = before - found.ap <= options.drop
        worth = (enough, -len(kept) if enough else found.ap)
        if not best or worth > best[0][0]:
            best[:] = [(worth, found)]  # one alone: each holds all weights
        return enough

    if not good(0) and options.tries >= 2:
        sample = pictures[:: -(-len(pictures) // RANKING)]
        plain = quantiser.opened(quantiser.plain)
        groups = quantiser.ranked(sample, options.tries, [plain(picture) for picture in sample])
        for group in groups[:5]:
            names = ", ".join(layer.name for layer in group.items[:3])
            print(f"  moves detections by {group.damage:.1%}: {names}"
                  f"{', …' if len(group.items) > 3 else ''}", file=sys.stderr)  # fmt: skip
        fewest(lambda number: good(number, groups), len(groups) - 1)
    return best[0][1]


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
