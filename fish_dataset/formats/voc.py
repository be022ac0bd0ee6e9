"""Pascal VOC: one XML file a picture.

Forms (looked up 2026-11-25): ``Annotations/*.xml`` with ``JPEGImages/`` and
``ImageSets/Main/{train,val,test}.txt`` (http://host.robots.ox.ac.uk/pascal/VOC/voc2012/htmldoc/);
XML beside the pictures, as LabelImg and, in ``train/``, ``valid/``, ``test/``, Roboflow write it.

The corners of the challenge's own files are pixels counted from 1, both inclusive: a box from 1 to
the picture's width covers it, so that it begins at ``xmin - 1`` and ends at ``xmax``
(https://github.com/facebookresearch/detectron2/blob/main/detectron2/data/datasets/pascal_voc.py).
Labelling tools write the edges themselves: LabelImg rounds them down, only lifting 0 to 1
(https://github.com/HumanSignal/labelImg/blob/master/libs/labelFile.py). So a file whose ``source``
names VOC is read the first way, all others as they stand; the report counts both.

A picture is matched by the XML file's name, as the challenge does, else by ``filename`` (in which
early LabelImg left the suffix out). A picture without an XML file has not been looked at and is
left out; one whose XML lists no object is a picture without fish. ``difficult`` becomes ``ignore``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from fish_dataset.errors import FishDataError
from fish_dataset.formats.builder import Builder
from fish_dataset.formats.pictures import list_pictures, split_of_path
from fish_dataset.formats.source import Converted, Format, Options
from fish_dataset.formats.text import first_text, read_text
from fish_dataset.formats.voc_xml import VocFile, parse_voc
from fish_dataset.progress import track

_ROOT = re.compile(r"<annotation[\s>]")
_PATTERNS = ("Annotations/*.xml", "*.xml", "*/*.xml", "*/Annotations/*.xml", "*/*/*.xml")
_SETS = (("train", "train"), ("val", "val"), ("test", "test"), ("train", "trainval"))


def recognise(source: Path) -> str | None:
    """Evidence that ``source`` holds Pascal VOC's XML."""
    if source.is_file():
        return f"{source.name} (Pascal VOC)" if _is_voc(source) else None
    for pattern in _PATTERNS:
        for path in sorted(source.glob(pattern))[:3]:
            if _is_voc(path):
                return f"{path.relative_to(source)} (Pascal VOC)"
    return None


def read(source: Path, options: Options) -> Converted:
    """Reads every XML file under a folder, or the one file given.

    Raises:
        FishDataError: there is none, or no picture is found.
    """
    root = source if source.is_dir() else source.parent
    files = sorted(root.rglob("*.xml")) if source.is_dir() else [source]
    files = [path for path in files if path.is_file() and not path.name.startswith("._")]
    if not files:
        raise FishDataError(f"{source}: holds no XML file")
    builder = Builder(options.class_names, place="object")
    pictures = _Matcher([top for top in (options.image_dir, root) if top is not None])
    sets = _ImageSets(root, builder) if source.is_dir() else None
    for path in track(files, len(files), "XML files"):
        _add(builder, path, root, pictures, sets)
    if sets is not None:
        sets.report_unused(builder)
    if not builder.images:
        first = next(iter(builder.losses.values())).examples[0] if builder.losses else ""
        raise FishDataError(f"{source}: no XML file of Pascal VOC can be used; {first}")
    left = pictures.unused() if source.is_dir() else 0
    if left:
        builder.count("picture without an XML file; left out, since nobody has labelled it", left)
    return builder.build(source, options.image_dir)


FORMATS = (Format("voc", "Pascal VOC XML (VOC, LabelImg, Roboflow, CVAT)", recognise, read),)


def _is_voc(path: Path) -> bool:
    return bool(_ROOT.search(first_text(path)))


def _add(
    builder: Builder, path: Path, root: Path, pictures: _Matcher, sets: _ImageSets | None
) -> None:
    where = str(path.relative_to(root))
    voc = parse_voc(path)
    if isinstance(voc, str):
        builder.lose("XML file cannot be read", where, voc, _count_objects(path))
        return
    if voc.encoding not in ("utf-8", "utf-8-sig"):
        builder.count(f"XML file is encoded as {voc.encoding.upper()} and was read so")
    builder.count(
        "XML file with corners counted from 1 (source names VOC)"
        if voc.from_one
        else "XML file with corners taken as edges (source does not name VOC)"
    )
    picture = pictures.match(path, voc)
    split = split_of_path(path.relative_to(root))
    splits = sets.splits_of(path) if sets is not None else []
    if len(splits) > 1:
        builder.count(f"picture is listed in {' and '.join(splits)}; put in {splits[0]}")
    row = builder.image(
        splits[0] if splits else split, picture or voc.filename or path.stem, *voc.size
    )
    builder.reading(where)
    for box in voc.boxes:
        if isinstance(box.corners, str):
            builder.spoil(row)
            builder.lose(box.corners, f"{where}, object {box.number}", box.name, name=box.name)
            continue
        x1, y1, x2, y2 = box.corners
        ignore = box.difficult
        builder.box(row, x1, y1, x2 - x1, y2 - y1, box.name, ignore=ignore, at=box.number)


def _count_objects(path: Path) -> int:
    try:
        return read_text(path).count("<object>")
    except FishDataError:
        return 0


class _Matcher:
    """Finds the picture of an XML file."""

    def __init__(self, tops: list[Path]) -> None:
        self._by_stem: dict[str, list[Path]] = {}
        self._used: set[Path] = set()
        self._count = 0
        for path in dict.fromkeys(path for top in tops for path in list_pictures(top)):
            self._by_stem.setdefault(path.stem.casefold(), []).append(path)
            self._count += 1

    def match(self, xml: Path, voc: VocFile) -> Path | None:
        """By the XML file's own name, else by the ``filename`` in it; None where neither tells."""
        given = Path(voc.filename.replace("\\", "/")).name
        stems = (xml.stem, Path(given).stem, given)
        found = next(filter(None, (self._by_name(xml, stem, given) for stem in stems)), None)
        if found is not None:
            self._used.add(found)
        return found

    def unused(self) -> int:
        """Pictures that no XML file has asked for."""
        return self._count - len(self._used)

    def _by_name(self, xml: Path, stem: str, given: str) -> Path | None:
        alike = self._by_stem.get(stem.casefold(), [])
        split = split_of_path(xml)
        rules = (
            lambda path: path.parent == xml.parent,
            lambda path: path.name == given,
            lambda path: bool(split) and split_of_path(path) == split,
        )
        for rule in (lambda path: True, *rules):
            chosen = [path for path in alike if rule(path)]
            if len(chosen) == 1:
                return chosen[0]
        return None


class _ImageSets:
    """The lists of ``ImageSets/Main``; per-class lists (``eel_train.txt``) are not splits."""

    def __init__(self, root: Path, builder: Builder) -> None:
        self._splits: dict[str, list[str]] = {}
        self._asked: set[str] = set()
        for split, name in _SETS:
            for path in sorted(root.glob(f"**/ImageSets/Main/{name}.txt")):
                for stem in _stems(path, builder):
                    known = self._splits.setdefault(stem, [])
                    if split not in known and (name != "trainval" or not known):
                        known.append(split)

    def splits_of(self, xml: Path) -> list[str]:
        """The splits that list a picture, train first; lists may name it with its folders."""
        inner = xml.with_suffix("").parts
        for start in range(len(inner) - 1, -1, -1):
            stem = "/".join(inner[start:])
            if stem in self._splits:
                self._asked.add(stem)
                return self._splits[stem]
            if inner[start] == "Annotations":
                break
        return []

    def report_unused(self, builder: Builder) -> None:
        """Counts listed names without an XML file as losses."""
        for stem in sorted(self._splits.keys() - self._asked):
            builder.lose("listed in ImageSets, without an XML file", "ImageSets/Main", stem, 0)


def _stems(path: Path, builder: Builder) -> Iterator[str]:
    try:
        lines = read_text(path).splitlines()
    except FishDataError as error:
        builder.lose("list cannot be read", path.name, str(error), 0)
        return
    for line in lines:
        if line.strip():
            # Per-class lists have a second column; a name may hold blanks all the same.
            yield re.sub(r"\s+-?[01]$", "", line.strip())
