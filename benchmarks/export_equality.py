"""Exported files against PyTorch on every validation picture: boxes matched, and AP.

    python benchmarks/export_equality.py MODEL --data DIR [--formats onnx openvino] [--most N]

A box above 0.05 of one side is matched where the other has one of the same class within 0.5 px at
every corner and 1e-3 of score; both ways. AP where the data has the model's classes. Exit status 1
where more than one box in a thousand stays without a match or AP differs by 0.1 (of 100).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import supervision as sv

from fish_dataset.coco import read_coco
from fish_dataset.layout import find_splits
from fishdet import Detector, FishdetError
from fishdet.cli import exit_status
from fishdet.evaluation import Detections, evaluate
from fishdet.export.run import SUFFIX, ExportOptions, export

LEAST, CORNER, SCORE = 0.05, 0.5, 1e-3


def main() -> int:
    """Compare and print; the exit status tells whether all is equal."""
    args = parse_args()
    splits = find_splits(args.data)
    if "val" not in splits:
        raise FishdetError(f"--data {args.data}: needs a val split; it has {', '.join(splits)}")
    split = splits["val"]
    torch_side = Detector(
        args.model, device="cpu", precision="fp32", score_thr=0.0, runtime="named"
    )
    truth, _ = read_coco(split.ann_file, image_dir=split.image_dir)
    same_classes = truth.classes == torch_side.classes
    files = [split.image_dir / name for name in list(truth.file_names)[: args.most]]
    expected = [torch_side(file) for file in files]
    equal = True
    with tempfile.TemporaryDirectory() as folder:
        for kind in args.formats:
            out = Path(folder) / f"model{SUFFIX[kind]}"
            export(ExportOptions(str(args.model), kind, out))
            other = Detector(out, score_thr=0.0)
            found = [other(file) for file in files]
            pairs = list(zip(expected, found, strict=True))
            missing = sum(unmatched(a, b) + unmatched(b, a) for a, b in pairs)
            count = sum(int((side.confidence > LEAST).sum()) for pair in pairs for side in pair)
            line = (
                f"{other.engine}: {len(files)} pictures, {count} boxes, {missing} without a match"
            )
            equal &= missing <= count / 1000
            if same_classes and args.most is None:
                scores = [ap(truth, side) for side in (expected, found)]
                line += f"; AP {100 * scores[0]:.2f} in PyTorch, {100 * scores[1]:.2f}"
                equal &= abs(scores[0] - scores[1]) < 1e-3
            print(line, flush=True)
    return 0 if equal else 1


def parse_args() -> argparse.Namespace:
    """Parse the model and the data."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="data folder; val is looked at")
    parser.add_argument("--formats", nargs="+", choices=tuple(SUFFIX), default=["onnx", "openvino"])
    parser.add_argument("--most", type=int, help="pictures at most (no AP then)")
    return parser.parse_args()


def unmatched(one: sv.Detections, other: sv.Detections) -> int:
    """Return how many boxes of ``one`` above 0.05 have no counterpart."""
    sure = one[one.confidence > LEAST]
    if len(sure) == 0:
        return 0
    if len(other) == 0:
        return len(sure)
    near = np.abs(sure.xyxy[:, None] - other.xyxy[None]).max(axis=2) <= CORNER
    near &= np.abs(sure.confidence[:, None] - other.confidence[None]) <= SCORE
    near &= sure.class_id[:, None] == other.class_id[None]
    return int((~near.any(axis=1)).sum())


def ap(truth: object, sides: list[sv.Detections]) -> float:
    """Return COCO's AP, of 1."""
    parts = ((row, d.xyxy, d.confidence, d.class_id) for row, d in enumerate(sides))
    return evaluate(truth, Detections.from_images(parts)).totals["bbox_mAP"]


if __name__ == "__main__":
    sys.exit(exit_status(main))
