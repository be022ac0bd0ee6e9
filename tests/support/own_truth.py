"""A data set whose truth is what a detector itself finds: AP of what must find the same is 1."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import supervision as sv
from detections_alike import picture

from fishdet import Detector


def own_truth(detector: Detector, folder: Path, images: int = 4) -> Path:
    """Write train.json, val.json and their pictures into a new folder, and return it."""
    (folder / "images").mkdir(parents=True)
    for split in ("train", "val"):
        pictures, boxes = [], []
        for number in range(1, images + 1):
            name = f"{split}{number}.png"
            image = picture(128, 128, number)
            cv2.imwrite(str(folder / "images" / name), image)
            pictures.append({"id": number, "file_name": name, "width": 128, "height": 128})
            found = detector(image)
            corners = sv.xyxy_to_xywh(found.xyxy).tolist()
            for box, label in zip(corners, found.class_id.tolist(), strict=True):
                boxes.append({"id": len(boxes) + 1, "image_id": number, "category_id": label + 1,
                              "bbox": box, "area": box[2] * box[3], "iscrowd": 0})  # fmt: skip
        names = enumerate(detector.classes, 1)
        content = {"images": pictures, "annotations": boxes,
                   "categories": [{"id": row, "name": name} for row, name in names]}  # fmt: skip
        (folder / f"{split}.json").write_text(json.dumps(content))
    return folder
