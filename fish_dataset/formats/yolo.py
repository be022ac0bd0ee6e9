"""YOLO: one text file a picture, fractions of its size.

Forms (looked up 2026-11-25):

- Ultralytics: ``data.yaml`` with path, train, val, test (a folder, a list of folders or a .txt list
  of pictures) and names (list or dict); ``images/train`` beside ``labels/train``, or
  ``train/images`` beside ``train/labels`` as Roboflow exports it. A picture without fish needs no
  label file. https://docs.ultralytics.com/datasets/detect/
- Darknet, and CVAT's "YOLO 1.1": ``obj.data``, ``obj.names``, ``train.txt``, ``obj_train_data/``
  with labels beside pictures. https://docs.cvat.ai/docs/dataset_management/formats/format-yolo
- LabelImg: labels and ``classes.txt`` in the folder of the pictures, or in ``labels/``.

What a line holds is said in ``yolo_line``. Sizes are those of the picture as it is displayed, which
is what the fractions are of.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fish_dataset.errors import FishDataError
from fish_dataset.formats.builder import Builder
from fish_dataset.formats.pictures import displayed_size, list_pictures
from fish_dataset.formats.source import Converted, Format, Options
from fish_dataset.formats.text import encoding_of, first_text, read_text
from fish_dataset.formats.yolo_config import CONFIG_NAMES, Config, find_config, is_config
from fish_dataset.formats.yolo_line import Line, looks_like_labels, parse_line
from fish_dataset.progress import track

_TEXTS = ("*.txt", "labels/*.txt", "labels/*/*.txt", "*/labels/*.txt", "*/*.txt")


def recognise(source: Path) -> str | None:
    """Evidence that ``source`` is a YOLO data set."""
    if source.is_file():
        return f"{source.name} (YOLO configuration)" if is_config(source) else None
    config = find_config(source)
    if config is not None and config.name in CONFIG_NAMES:
        return f"{config.name} (YOLO)"
    for pattern in _TEXTS:
        for path in sorted(source.glob(pattern))[:3]:
            if looks_like_labels(first_text(path, 512)):
                return f"{path.relative_to(source)} (YOLO labels)"
    return f"{config.name} (YOLO)" if config is not None else None


def read(source: Path, options: Options) -> Converted:
    """Reads a YOLO data set from its folder, or from its ``data.yaml``.

    Raises:
        FishDataError: the configuration cannot be read or names no class; no picture is found.
    """
    root = source if source.is_dir() else source.parent
    config = Config.of(source, options)
    builder = Builder(config.names, units_known=True)
    for path in config.read_from:
        builder.note_encoding(path.name, encoding_of(path))
    taken: dict[Path, Path | None] = {}
    listed = list(config.pictures(builder))
    for split, path in track(listed, len(listed), "pictures"):
        taken[path] = _picture(builder, split, path, root, config)
    _left_over(builder, config, root, taken)
    if not builder.images:
        raise FishDataError(
            f"{source}: no picture found for these labels; pass their folder with --image-dir"
        )
    return builder.build(source, options.image_dir)


FORMATS = (Format("yolo", "YOLO (Ultralytics, Roboflow, Darknet, LabelImg)", recognise, read),)


def label_candidates(picture: Path, root: Path, image_dir: Path | None = None) -> Iterator[Path]:
    """Where a picture's label file may be, the likeliest first: under ``labels`` in place of the
    last folder ``images`` in its path, beside it, in ``labels`` beside it or in the source."""
    parts = list(picture.parts)
    for position in range(len(parts) - 2, len(root.parts) - 1, -1):
        if parts[position].lower() == "images":
            yield Path(*parts[:position], "labels", *parts[position + 1 :]).with_suffix(".txt")
            break
    yield picture.with_suffix(".txt")
    yield picture.parent / "labels" / f"{picture.stem}.txt"
    yield root / "labels" / f"{picture.stem}.txt"
    if image_dir is not None and picture.is_relative_to(image_dir):
        yield root / picture.relative_to(image_dir).with_suffix(".txt")
        yield (root / "labels" / picture.relative_to(image_dir)).with_suffix(".txt")


def _picture(builder: Builder, split: str, path: Path, root: Path, config: Config) -> Path | None:
    """Adds a picture with its boxes; returns its label file."""
    candidates = label_candidates(path, root, config.image_dir)
    label = next((candidate for candidate in candidates if candidate.is_file()), None)
    lost = sum(loss.places for loss in builder.losses.values())
    lines = list(_lines(builder, label, root, config)) if label is not None else []
    spoiled = sum(loss.places for loss in builder.losses.values()) > lost
    size = displayed_size(path) if path.is_file() else None
    if size is None:
        _lose_picture(builder, path, root, label, lines)
        return label
    if label is None:
        builder.count("picture without a label file, taken as one without fish")
    elif not lines and not spoiled:
        builder.count("picture with an empty label file, taken as one without fish")
    width, height, turned = size
    if turned:
        builder.count("picture is turned by its Exif tag; its size is taken as displayed")
    row = builder.image(split, path, width, height, measured=True)
    if spoiled:
        builder.spoil(row)
    builder.reading(_inner(label, root) if label is not None else "")
    for line in lines:
        x, y, w, h = line.box
        builder.box(row, x * width, y * height, w * width, h * height, line.name, at=line.number)
    return label


def _lose_picture(
    builder: Builder, path: Path, root: Path, label: Path | None, lines: list[Line]
) -> None:
    reason = "picture cannot be read" if path.is_file() else "picture not found"
    picture = _inner(path, root)
    if label is None or not lines:
        builder.lose(reason, "image", picture, 0, picture=picture)
        return
    for line in lines:
        where = f"{_inner(label, root)}, line {line.number}"
        builder.lose(reason, where, picture, 1, line.name, picture)


def _inner(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _lines(builder: Builder, label: Path, root: Path, config: Config) -> Iterator[Line]:
    place = _inner(label, root)
    try:
        text = read_text(label)
    except FishDataError as error:
        builder.lose("label file cannot be read", place, str(error), 0)
        return
    for number, raw in enumerate(text.splitlines(), 1):
        if not raw.strip():
            continue
        line = parse_line(raw, number, config.names, config.keypoint_values)
        if isinstance(line, str):
            builder.lose(line, f"{place}, line {number}", raw.strip())
            continue
        if line.remark:
            builder.count(line.remark)
        yield line


def _left_over(
    builder: Builder, config: Config, root: Path, taken: dict[Path, Path | None]
) -> None:
    """Counts label files without a picture, and pictures that the configuration does not name."""
    used = {label for label in taken.values() if label is not None}
    for label in sorted(root.rglob("*.txt")):
        if label in used or label in config.files or not label.is_file():
            continue
        if not looks_like_labels(first_text(label, 512)):
            continue
        for line in _lines(builder, label, root, config):
            where = f"{_inner(label, root)}, line {line.number}"
            reason = "label file that belongs to no picture of the set"
            builder.lose(reason, where, line.box, 1, line.name)
    extra = [path for path in list_pictures(root) if path not in taken]
    if extra and config.listed:
        builder.count("picture is in no split that the configuration names; left out", len(extra))
