"""INT8 by post-training quantisation, with AP before and after, and layers that hurt left alone.

NNCF (https://github.com/openvinotoolkit/nncf) places the quantisers and takes their ranges from
pictures of the training split; the validation split measures. Where the network as a whole loses
more AP than allowed, the heads stay in FP32, then the neck as well.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.coco import read_coco
from fish_dataset.layout import Split, find_splits
from fishdet.errors import FishdetError
from fishdet.evaluation.calibration.run import detect
from fishdet.evaluation.coco_eval import evaluate
from fishdet.inference.detector import Detector
from fishdet.inference.inputs import read_image

from .graph import Graph
from .write import onnx_model, openvino_model, require_package, write_onnx, write_openvino

if TYPE_CHECKING:
    from .run import ExportOptions

# Resizing and boxes are arithmetic on pixels: 8 bits would move them by whole ones.
_EXACT = (".*pixels/.*", r".*/heads/(?!(proposals/head|heads\.\d+|head)/).*")
KEPT: tuple[tuple[str, Sequence[str]], ...] = (
    ("nothing", _EXACT),
    ("the heads", (*_EXACT, ".*/heads/.*")),
    ("the heads and the neck", (*_EXACT, ".*/heads/.*", ".*/neck/.*")),
)
"""What stays in FP32, tried in turn; resizing and what makes boxes always do."""


def write_quantised(
    graph: Graph, papers: Mapping[str, Any], out: Path, options: ExportOptions
) -> dict[str, Any]:
    """Quantise, measure, and write the first attempt that costs no more AP than allowed.

    Args:
        graph: the detector.
        papers: its papers in FP32.
        out: file to write.
        options: format, data, pictures, drop, force.

    Returns:
        What the papers say beyond those of FP32: ``precision``, ``ap`` with ``before``, ``after``,
        ``pictures``; ``in_fp32``, what stayed.

    Raises:
        FishdetError: no data, data of other classes, val without boxes, a format without INT8, a
            missing package, or AP that falls by more than allowed (nothing is written then).
    """
    nncf = require_package("nncf")
    if options.format not in ("onnx", "openvino"):
        raise FishdetError(f"--int8: {options.format} has none here; use onnx or openvino")
    train, val = _splits(options.data)
    classes = tuple(entry["name"] for entry in papers["classes"])
    truth = _annotations(val, classes)
    if not truth.boxes_per_class().any():
        raise FishdetError(f"{val.ann_file}: no boxes, so that no AP can be measured for --int8")
    pictures = _pictures(train, classes, options.images)
    make, write = _FORMATS[options.format]
    plain = make(graph)
    with tempfile.TemporaryDirectory() as folder:

        def measured(model: Any, name: str) -> float:
            path = Path(folder) / f"{name}{out.suffix}"
            write(model, json.dumps(papers, ensure_ascii=False), path)
            detector = Detector(path, score_thr=0.0)
            return evaluate(truth, detect(detector, truth, val.image_dir)).totals["bbox_mAP"]

        before = measured(make(graph), "plain")
        for kept, patterns in KEPT:
            dataset = nncf.Dataset(pictures, lambda image: _input(image, options.format))
            scope = nncf.IgnoredScope(patterns=list(patterns), validate=False)
            model = nncf.quantize(plain, dataset, ignored_scope=scope,
                                  subset_size=len(pictures))  # fmt: skip
            after = measured(model, f"kept_{len(patterns)}")
            print(f"INT8 with {kept} in FP32: AP {before:.4f} → {after:.4f}", file=sys.stderr)
            if before - after <= options.drop:
                break
    if before - after > options.drop and not options.force:
        raise FishdetError(
            f"--int8: AP falls from {before:.4f} to {after:.4f}, by more than --drop "
            f"{options.drop}; nothing is written. Give more or other pictures (--images), allow "
            "more, or write it anyway with --force"
        )
    extra = {
        "precision": "int8",
        "in_fp32": kept,
        "ap": {"before": before, "after": after, "pictures": truth.num_images},
        "calibration_pictures": len(pictures),
    }
    write(model, json.dumps({**papers, **extra}, ensure_ascii=False, sort_keys=True), out)
    return extra


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
