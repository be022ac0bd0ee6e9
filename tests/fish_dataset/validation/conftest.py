"""A clean part of a real set, and a copy of it in which faults are planted."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from fish_dataset.validation.run import Report, validate

COUNTS = {"train": 34, "val": 12}


@dataclass
class Planted:
    """A faulty folder; ``faults`` maps a rule to what its finding must name."""

    root: Path
    faults: dict[str, list[str]] = field(default_factory=dict)

    def note(self, rule: str, *words: str) -> None:
        self.faults.setdefault(rule, []).extend(words)


class Planter:
    """Edits a folder; each picture is taken once, so that every fault stands alone."""

    def __init__(self, root: Path) -> None:
        self.root, self.planted = root, Planted(root)
        self.documents: dict[str, Any] = {
            split: json.loads((root / f"{split}.json").read_text()) for split in COUNTS
        }
        self.free = {split: list(d["images"]) for split, d in self.documents.items()}

    def take(self, split: str = "train", wanted: Callable[[dict], bool] = lambda _: True) -> dict:
        """An image entry that no fault has yet."""
        image = next(image for image in self.free[split] if wanted(image))
        self.free[split].remove(image)
        return image

    def path(self, image: dict) -> Path:
        return self.root / "images" / image["file_name"]

    def boxes(self, image: dict, split: str = "train") -> list[dict]:
        return [b for b in self.documents[split]["annotations"] if b["image_id"] == image["id"]]

    def add_box(self, image: dict, bbox: list[float], category: int = 1, **more: Any) -> dict:
        entries = self.documents["train"]["annotations"]
        number = max(entry["id"] for entry in entries) + 1
        entry = {"id": number, "image_id": image["id"], "category_id": category, "bbox": bbox}
        entries.append({**entry, "area": 100.0, "iscrowd": 0, **more})
        return entry

    def add_image(self, split: str, file_name: str, width: int, height: int, **more: Any) -> dict:
        entries = self.documents[split]["images"]
        number = max(entry["id"] for entry in entries) + 1
        entry = {"id": number, "file_name": file_name, "width": width, "height": height, **more}
        entries.append(entry)
        return entry

    def save(self) -> Planted:
        for split, document in self.documents.items():
            (self.root / f"{split}.json").write_text(json.dumps(document, ensure_ascii=False))
        return self.planted


@pytest.fixture(scope="session")
def clean(fishdet_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of Aquarium with fish and sharks only, of which the validator has nothing to say."""
    source = fishdet_data / "aquarium"
    report = validate(source, progress=False)
    told = {(spot.split, spot.row) for one in report.evidence for spot in one.spots}
    root = tmp_path_factory.mktemp("clean") / "set"
    (root / "images").mkdir(parents=True)
    for split, count in COUNTS.items():
        document = json.loads((source / f"{split}.json").read_text())
        classes = [c for c in document["categories"] if c["name"] in ("fish", "shark")]
        ids = {c["id"] for c in classes}
        other = {b["image_id"] for b in document["annotations"] if b["category_id"] not in ids}
        images = [
            image
            for row, image in enumerate(document["images"])
            if (split, row) not in told and image["id"] not in other
        ][:count]
        for image in images:
            shutil.copy(source / "images" / image["file_name"], root / "images")
        kept = {image["id"] for image in images}
        boxes = [box for box in document["annotations"] if box["image_id"] in kept]
        part = {"images": images, "annotations": boxes, "categories": classes}
        (root / f"{split}.json").write_text(json.dumps(part))
    return root


@pytest.fixture(scope="session")
def clean_report(clean: Path) -> Report:
    """What the validator says of the clean part."""
    return validate(clean, progress=False)


@pytest.fixture(scope="session")
def planted(clean: Path, tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """A copy of the clean part with over twenty faults."""
    root = tmp_path_factory.mktemp("planted") / "set"
    shutil.copytree(clean, root)
    planter = Planter(root)
    _plant_pictures(planter)
    _plant_twins(planter)
    _plant_boxes(planter)
    _plant_classes(planter)
    return planter.save()


def _plant_pictures(planter: Planter) -> None:
    note = planter.planted.note
    image = planter.take()
    data = planter.path(image).read_bytes()
    planter.path(image).write_bytes(data[: len(data) // 2])
    note("picture-unreadable", image["file_name"], "cut short")
    image = planter.take()
    size = len(planter.path(image).read_bytes())
    data = planter.path(image).read_bytes()
    planter.path(image).write_bytes(data[: size // 3] + bytes(size - size // 3))  # a lost tail
    note("picture-unreadable", image["file_name"])
    image = planter.take()
    planter.path(image).write_text("<html>404 not found</html>")
    note("picture-unreadable", image["file_name"])
    for orientation, rule in ((6, "picture-turned"), (3, "picture-exif")):
        image = planter.take(wanted=lambda i: i["width"] != i["height"])
        _set_orientation(planter.path(image), orientation)
        note(rule, image["file_name"], f"orientation {orientation}")
    image = planter.take()
    pixels = cv2.imread(str(planter.path(image)))
    half = cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(planter.path(image)), half)
    note("picture-size", image["file_name"])
    image = planter.take()
    planter.path(image).unlink()
    note("image-file-missing", image["file_name"])
    image = planter.take()
    blank = np.full((image["height"], image["width"], 3), 7, np.uint8)
    cv2.imwrite(str(planter.path(image)), blank)
    note("picture-blank", image["file_name"])
    shutil.copy(planter.path(planter.take()), planter.root / "images" / "forgotten.png.jpg")
    random = np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    cv2.imwrite(str(planter.root / "images" / "forgotten.png.jpg"), random)
    note("picture-unlisted", "forgotten.png.jpg")


def _set_orientation(path: Path, orientation: int) -> None:
    with Image.open(path) as image:
        exif = image.getexif()
        exif[0x0112] = orientation
        image.save(path, quality=90, exif=exif)


def _plant_twins(planter: Planter) -> None:
    note = planter.planted.note
    for split, rule in (("train", "picture-copy"), ("val", "picture-leak")):
        image = planter.take()
        name = f"again_{split}.jpg"
        shutil.copy(planter.path(image), planter.root / "images" / name)
        planter.add_image(split, name, image["width"], image["height"])
        note(rule, name, image["file_name"])
    image = planter.take()
    pixels = cv2.imread(str(planter.path(image)))
    near = cv2.resize(pixels, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(planter.root / "images" / "resaved.jpg"), near, [cv2.IMWRITE_JPEG_QUALITY, 40])
    planter.add_image("val", "resaved.jpg", near.shape[1], near.shape[0])
    note("picture-near-leak", "resaved.jpg", image["file_name"])
    for key, rule in (("video", "group-leak"), ("site", "group-site")):
        for split in COUNTS:
            planter.take(split)[key] = "Dokdo 3"
        note(rule, "Dokdo 3", "1 in train, 1 in val")
    # A series of which the names tell: the middle of a picture, moved by a pixel or two.
    image = planter.take()
    pixels = cv2.imread(str(planter.path(image)))
    for number, split in enumerate(("train", "val", "train", "val")):
        name = f"hanlim_f{number:05d}.jpg"
        part = pixels[number * 2 : 300 + number * 2, :400]
        cv2.imwrite(str(planter.root / "images" / name), part)
        planter.add_image(split, name, min(400, pixels.shape[1]), 300)
    note("group-guess", "hanlim", "2 in train, 2 in val")


def _plant_boxes(planter: Planter) -> None:
    note = planter.planted.note

    def free() -> dict:
        return planter.take(wanted=lambda image: len(planter.boxes(image)) > 0)

    image = free()
    first = planter.boxes(image)[0]
    x, y, w, h = first["bbox"]
    planter.add_box(image, [x + 0.02 * w, y, w, h], first["category_id"])
    note("box-duplicate", image["file_name"])
    image = free()
    first = planter.boxes(image)[0]
    x, y, w, h = first["bbox"]
    planter.add_box(image, [x + w / 4, y + h / 4, w / 2, h / 2], first["category_id"])
    note("box-nested", image["file_name"])
    image = free()
    first = planter.boxes(image)[0]
    others = [c["id"] for c in planter.documents["train"]["categories"]]
    other = next(c for c in others if c != first["category_id"])
    planter.add_box(image, first["bbox"], other)
    note("box-two-classes", image["file_name"])
    fish = next(c["id"] for c in planter.documents["train"]["categories"] if c["name"] == "fish")
    image = free()
    planter.add_box(image, [0, 0, image["width"], image["height"]], others[-1])
    note("box-whole-picture", image["file_name"])
    image = free()
    planter.add_box(image, [1, 1, image["width"] - 2, 1.5], fish)
    note("box-odd-shape", image["file_name"])
    image = free()
    planter.add_box(image, [3, 3, 1.2, 1.2], fish)
    note("box-odd-size", image["file_name"])
    for rule, bbox in (
        ("box-outside", [5000, 10, 20, 20]),
        ("box-no-size", [10, 10, 0, 20]),
        ("box-not-finite", [float("nan"), 10, 20, 20]),
    ):
        entry = planter.add_box(free(), bbox, fish)
        note(rule, f"id {entry['id']}")
    planter.add_box(planter.take(), [5, 5, 50, 50], 4711)
    note("unknown-category", "4711")
    image = free()
    entries = planter.documents["train"]["annotations"]
    entries[:] = [entry for entry in entries if entry["image_id"] != image["id"]]
    note("image-empty", image["file_name"])


def _plant_classes(planter: Planter) -> None:
    note = planter.planted.note
    ids = {"Fïsh": 61, "Mackerel": 62, "고등어": 63}
    for split, document in planter.documents.items():
        names = [name for name in ids if split == "train" or name != "Mackerel"]
        document["categories"] += [{"id": ids[name], "name": name} for name in names]
    image = planter.take(wanted=lambda i: i["width"] >= 400)
    planter.add_box(image, [20, 20, 90, 60], ids["Fïsh"])
    planter.add_box(image, [220, 120, 90, 60], ids["Mackerel"])
    note("category-lookalike", "'fish'", "'Fïsh'")
    note("class-synonym", "'Mackerel'", "'고등어'")
    note("class-set", "Mackerel")
    note("class-one-split", "'Fïsh': boxes 1 in train, 0 in val")
    note("class-unused", "'고등어'")
