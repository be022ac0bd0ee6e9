"""Two models on the same photos: where they agree, and what only one of them sees.

python examples/compare_two_models.py work_dirs/one work_dirs/other photos/
"""

from __future__ import annotations

import sys

import numpy as np
import supervision as sv

from fishdet import Detector
from fishdet.inference import find_images

SAME_FISH_IOU = 0.5


def compare(one: sv.Detections, other: sv.Detections) -> tuple[int, int, int, int]:
    """Return fish with one name, with two names, of the first alone, and of the second alone."""
    iou = sv.box_iou_batch(one.xyxy, other.xyxy)
    same_name = renamed = 0
    while iou.size and iou.max() >= SAME_FISH_IOU:  # the closest pair first
        row, column = np.unravel_index(iou.argmax(), iou.shape)
        iou[row], iou[:, column] = 0, 0
        equal = one.data["name_en"][row] == other.data["name_en"][column]
        same_name, renamed = same_name + int(equal), renamed + int(not equal)
    pairs = same_name + renamed
    return same_name, renamed, len(one) - pairs, len(other) - pairs


def main(first: str, second: str, *photos: str) -> None:
    """Print the counts for each photo and their sum."""
    detectors = [Detector(model, agnostic_nms=0.7) for model in (first, second)]
    print("same name, other name, first alone, second alone")
    total = np.zeros(4, int)
    for file in find_images(photos):
        counts = compare(*(detector(file.path) for detector in detectors))
        print(*counts, file.name)
        total += counts
    print(*total, "in all")


if __name__ == "__main__":
    main(*sys.argv[1:])
