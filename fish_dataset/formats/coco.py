"""COCO JSON and its varieties.

One reader for all of them, since they differ in names and omissions only (looked up 2026-11-25):

- plain COCO: https://cocodataset.org/#format-data; ``annotations/instances_*.json``
- Roboflow: ``train/_annotations.coco.json`` among the pictures, a dummy category 0
- CVAT: ``annotations/instances_<subset>.json`` (``default`` where a task has no subset) and
  ``images/``; https://github.com/cvat-ai/cvat/discussions/7963 shows one
- Label Studio: ``result.json`` and ``images/``, with file names such as
  ``images\\1/90fbb0c7-a.jpg`` (https://github.com/HumanSignal/label-studio-converter/issues/139) or
  ``..\\..\\label-studio\\label-studio\\media\\upload\\4\\….png``
  (https://github.com/HumanSignal/label-studio/issues/7294)
- COCO Camera Traps, as LILA publishes it: text ids, category 0 ``empty``, annotations without
  ``bbox`` (a label of the whole picture), ``location``, ``seq_id``, ``frame_num``, ``corrupt``;
  https://lila.science/coco-camera-traps,
  https://github.com/agentmorris/MegaDetector/blob/main/megadetector/data_management/README.md
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from fish_dataset.errors import FishDataError
from fish_dataset.formats.builder import SAME_PICTURE, Builder
from fish_dataset.formats.coco_document import Document, document_of
from fish_dataset.formats.pictures import Pictures, split_of
from fish_dataset.formats.seen import describe_file
from fish_dataset.formats.source import Converted, Format, Options
from fish_dataset.layout import image_folders

_LISTS = re.compile(rb'"(?:images|annotations|categories)"\s*:\s*\[')
_FIELDS = re.compile(rb'"(?:file_name|image_id|category_id|supercategory)"\s*:')
_LOOK = 1 << 16
_OTHER_TASKS = ("captions_", "person_keypoints_", "panoptic_", "stuff_", "image_info")
_PATTERNS = ("*.json", "*/*.json", "*/annotations/*.json")
_VARIETIES = (
    ("_annotations.coco.json", "Roboflow's COCO export"),
    ("instances_default.json", "CVAT's COCO export"),
    ("result.json", "COCO as Label Studio exports it"),
)


def recognise(source: Path) -> str | None:
    """Evidence that ``source`` is COCO JSON, or a folder with some."""
    files = _candidates(source)
    if not files:
        return None
    title = next((title for name, title in _VARIETIES if files[0].name == name), "COCO JSON")
    more = f" and {len(files) - 1} more" if len(files) > 1 else ""
    return f"{files[0].name}{more} ({title})"


def read(source: Path, options: Options) -> Converted:
    """Reads the COCO file, or every split of a folder.

    Raises:
        FishDataError: no COCO file; two for one split; a file that is no COCO JSON at all.
    """
    builder = Builder(options.class_names, place="annotation")
    chosen = _by_split(source, builder)
    documents = [(split, path, document_of(path, builder)) for split, path in chosen]
    builder.declare(name for _, _, document in documents for name in document.classes)
    root = source if source.is_dir() else source.parent
    if source.is_file() and root.name.lower() == "annotations":
        root = root.parent  # a file named alone: its pictures lie beside its folder
    for split, path, document in documents:
        folders = [path.parent, *image_folders(root, path), root]
        if options.image_dir is not None:
            folders.insert(0, options.image_dir)
        _add(builder, split, document, Pictures(folders))
    return builder.build(source, options.image_dir)


FORMATS = (
    Format(
        "coco",
        "COCO JSON (plain, Roboflow, CVAT, Label Studio, LILA camera traps)",
        recognise,
        read,
    ),
)


def _candidates(source: Path) -> list[Path]:
    if source.is_file():
        return [source] if looks_like_coco(source) else []
    found = [path for pattern in _PATTERNS for path in sorted(source.glob(pattern))]
    return [path for path in dict.fromkeys(found) if path.is_file() and looks_like_coco(path)]


def looks_like_coco(path: Path) -> bool:
    """Whether a file begins or ends as COCO JSON does; looks at 64 KB of both."""
    try:
        with path.open("rb") as stream:
            data = stream.read(_LOOK)
            if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                data = data.decode("utf-16", errors="ignore").encode(errors="ignore")
            if not data.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
                return False
            stream.seek(max(0, path.stat().st_size - _LOOK))
            data += stream.read(_LOOK)
    except OSError:
        return False
    return bool(_LISTS.search(data) and _FIELDS.search(data))


def _by_split(source: Path, builder: Builder) -> list[tuple[str, Path]]:
    """The files to read, each with its split ('' where there are no splits)."""
    if source.is_file():
        return [(_split_of_file(source), source)]
    files = [path for path in _candidates(source) if not path.name.startswith(_OTHER_TASKS)]
    _check_others(source, files, builder)
    if not files:
        raise FishDataError(f"{source}: holds no COCO JSON with boxes")
    by_split: dict[str, list[Path]] = {}
    for path in files:
        by_split.setdefault(_split_of_file(path), []).append(path)
    left = by_split.pop("", []) if len(by_split) > 1 else []
    chosen = []
    for split, paths in by_split.items():
        exact = [path for path in paths if split and _is_exact(path)]
        if len(paths) > 1 and split and len(exact) != 1:
            listed = ", ".join(str(path) for path in paths)
            raise FishDataError(f"{source}: the {split} split could be any of {listed}; name one")
        chosen += [(split, path) for path in (exact if len(exact) == 1 else paths)]
        left += [path for path in paths if len(exact) == 1 and path not in exact]
    for path in left:
        builder.note(f"{path.relative_to(source)} is left alone; name it to convert it")
    return chosen


def _check_others(source: Path, files: list[Path], builder: Builder) -> None:
    """Names JSON files that are no COCO; an empty or cut one that a split is named by is refused,
    since a whole split would be missing without a word."""
    for path in dict.fromkeys(p for pattern in _PATTERNS for p in sorted(source.glob(pattern))):
        if path in files or not path.is_file() or path.name.startswith(_OTHER_TASKS):
            continue
        seen = describe_file(path)
        if _is_exact(path) and ("empty" in seen or "cut short" in seen or "no valid JSON" in seen):
            raise FishDataError(
                f"{path}: {seen}; or move it away to convert the other splits without it"
            )
        builder.note(f"{path.relative_to(source)} is not read: {seen}")


def _split_of_file(path: Path) -> str:
    """By the file's name, in whole or in part (``kakadu_train.json``), else by its folder's."""
    tokens = re.split(r"[_\-. ]", path.stem)
    found = [split for split in map(split_of, [path.stem, *tokens]) if split]
    return found[0] if found else split_of(path.parent.name)


def _is_exact(path: Path) -> bool:
    return bool(split_of(path.stem)) or path.name == "_annotations.coco.json"


def _add(builder: Builder, split: str, document: Document, pictures: Pictures) -> None:
    rows: dict[int, int] = {}
    builder.reading(document.path.name)
    for image in document.images:
        path = pictures.find(image.file_name, split)
        known = len(builder.images)
        place = path or image.file_name
        row = builder.image(split, place, image.width, image.height, measured=False, **image.meta)
        rows[image.key] = row
        if row < known:
            builder.count(SAME_PICTURE)
        if image.key in document.spoiled:
            builder.spoil(row)
    for box in document.boxes:
        builder.box(
            rows[box.image], *box.xywh, box.name, box.crowd, box.ignore, area=box.area, at=box.at
        )
