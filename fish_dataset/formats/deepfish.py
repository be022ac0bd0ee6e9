"""DeepFish (Saleh et al. 2020): boxes from the masks of its segmentation part.

``DeepFish/Segmentation/{images,masks}/{valid,empty}/<clip>_f<frame>.{jpg,png}`` with
``train.csv val.csv test.csv`` (columns ``ID``, such as ``valid/7623_F2_f000460``, and ``labels``);
a mask is 0 for water and 255 for fish. ``Localization/`` has points and a column ``counts``,
``Classification/`` says fish or no fish: neither holds boxes. Looked up on 2026-11-25:
https://github.com/alzayats/DeepFish/tree/master/DeepFish/datasets (fish_seg.py, fish_loc.py,
fish_clf.py, __init__.py) and https://alzayats.github.io/DeepFish/.

Each island of a mask (8 neighbours) becomes one box of the class ``fish``, as in
https://github.com/filippovarini/fish-datasets/blob/main/data_preview/visualize_deepfish.py: fish
that touch are one box, and a fish that a rock cuts in two is two. Islands under 16 pixels are
specks of the drawing tool and are listed as losses. The first part of a clip's name is its site.
The copy that Roboflow and others give as COCO is read as COCO.
"""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np

from fish_dataset.errors import FishDataError
from fish_dataset.formats.columns import plain
from fish_dataset.formats.pictures import displayed_size
from fish_dataset.formats.source import Builder, Converted, Format, Options, split_of
from fish_dataset.formats.tables import look, stream
from fish_dataset.progress import track

MIN_ISLAND = 16
"""Pixels; smaller islands of a mask are no fish."""

CLASS = "fish"

_CLIP = re.compile(r"^(?P<clip>(?P<site>[^_]+)_.+)_f(?P<frame>\d+)$")


def recognise(source: Path) -> str | None:
    """A folder Segmentation, or the source itself, with images/ and masks/ and tables of IDs."""
    root = _segmentation(source)
    if root is None:
        return None
    return f"{root.name} holds images/, masks/ and tables with the column ID"


def read(source: Path, options: Options) -> Converted:
    """Reads the segmentation part.

    Raises:
        FishDataError: there is none, its tables cannot be read, or what ``Builder.build`` raises.
    """
    root = _segmentation(source)
    if root is None:
        raise FishDataError(
            f"{source}: no DeepFish segmentation; pass the folder DeepFish or its Segmentation "
            "(Localization has points and Classification has labels only: neither has boxes)"
        )
    builder = Builder([CLASS], place="island", units_known=True)
    frames = _frames(root)
    counts = _counts(root.parent / "Localization")
    differ = 0
    for split, name in track(frames, len(frames), "masks"):
        islands = _add_frame(root, split, name, builder)
        stem = name.rpartition("/")[2]
        differ += islands is not None and stem in counts and counts[stem] != islands
    _say(root, counts, differ, builder)
    return builder.build(root, options.image_dir)


def mask_boxes(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Boxes of the islands of a mask.

    Args:
        mask: (H, W) uint8, fish above 127.

    Returns:
        (M, 4) int64 left, top, width, height and (M,) int64 area in pixels.
    """
    binary = (mask > 127).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(binary, connectivity=8)
    islands = stats[1:].astype(np.int64)  # the first row is the water
    return islands[:, :4], islands[:, cv2.CC_STAT_AREA]


def _segmentation(source: Path) -> Path | None:
    for root in (source, source / "Segmentation", source / "DeepFish" / "Segmentation"):
        if (root / "masks").is_dir() and (root / "images").is_dir() and _id_tables(root):
            return root
    return None


def _id_tables(root: Path) -> dict[str, Path]:
    """The tables of IDs by split."""
    found = {}
    for path in sorted(root.glob("*.csv")):
        sheet = look(path)
        split = split_of(path.stem)
        if split and sheet is not None and "id" in [plain(name) for name in sheet.rows[0]]:
            found[split] = path
    return found


def _frames(root: Path) -> list[tuple[str, str]]:
    """Split and ID of each frame, in the order of the tables."""
    return [
        (split, row["id"])
        for split, path in _id_tables(root).items()
        for row in _named_rows(path)
        if row.get("id")
    ]


def _counts(folder: Path) -> dict[str, int]:
    """Fish by frame as the points of the localization part count them."""
    found = {}
    for path in _id_tables(folder).values() if folder.is_dir() else ():
        for row in _named_rows(path):
            text = row.get("counts", "")
            if row.get("id") and text.isascii() and text.isdecimal():
                found[row["id"].rpartition("/")[2]] = int(text)
    return found


def _named_rows(path: Path) -> list[dict[str, str]]:
    sheet = look(path)
    if sheet is None:
        return []
    rows = [row for _, row in stream(path, sheet.delimiter)]
    names = [plain(name) for name in rows[0]]
    return [dict(zip(names, (cell.strip() for cell in row), strict=False)) for row in rows[1:]]


def _add_frame(root: Path, split: str, name: str, builder: Builder) -> int | None:
    """Adds one frame with its boxes; the number of islands, or None where it has no mask."""
    if ".." in name or name.startswith("/") or "\0" in name:
        builder.lose("frame whose ID leads out of the folder", split, name, boxes=0)
        return None
    picture, mask_path = root / "images" / f"{name}.jpg", root / "masks" / f"{name}.png"
    mask = cv2.imread(str(mask_path), cv2.IMREAD_GRAYSCALE) if mask_path.is_file() else None
    if mask is None:
        builder.lose("frame without a mask that can be read", split, name, boxes=0)
        return None
    clip = _CLIP.match(picture.stem)
    site, video = (clip["site"], clip["clip"]) if clip else ("", "")
    frame = str(int(clip["frame"])) if clip else ""
    row = builder.image(split, picture, site=site, video=video, frame=frame, source_id=name)
    boxes, areas = mask_boxes(mask)
    shown = displayed_size(picture)
    if shown is not None and shown[:2] != (mask.shape[1], mask.shape[0]):
        what = f"{mask.shape[1]}×{mask.shape[0]} for a picture of {shown[0]}×{shown[1]}"
        place = f"masks/{name}.png"
        builder.lose("mask of another size than its picture", place, what, len(boxes), CLASS)
        builder.spoil(row)
        return None
    builder.reading(f"masks/{name}.png")
    kept = 0
    for number, (box, area) in enumerate(zip(boxes.tolist(), areas.tolist(), strict=True), start=1):
        if area < MIN_ISLAND:
            reason = f"island of a mask under {MIN_ISLAND} pixels"
            builder.lose(reason, f"masks/{name}.png", f"{box}, {area} pixels", name=CLASS)
            continue
        kept += 1
        x, y, w, h = box
        builder.box(row, x, y, w, h, CLASS, area=area, at=number)
    return kept


def _say(root: Path, counts: dict[str, int], differ: int, builder: Builder) -> None:
    builder.note(
        "boxes are the islands of the masks: fish that touch are one box, a fish cut in two is two"
    )
    if differ:
        builder.count("frame has another number of boxes than Localization counts fish", differ)
    others = [name for name in ("Localization", "Classification") if (root.parent / name).is_dir()]
    for name in others if root.name == "Segmentation" else ():
        builder.note(f"{name}/ is not read: it holds no boxes")


FORMATS: tuple[Format, ...] = (
    Format("deepfish", "DeepFish (masks of its segmentation part)", recognise, read, rank=2),
)
