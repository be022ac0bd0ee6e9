"""Photos in folders named by species, in any language of the catalogue: a fish each, whole.

``고등어/1.jpg``, ``mackerel/2.jpg`` and ``Scomber japonicus/3.jpg`` are photos of one class;
``train/…``, ``val/…`` and ``test/…`` above them are splits. Each photo becomes a picture with one
box, all of it: what the second stage (``FishCrops``) learns from. It is no truth for a detector.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fish_dataset.catalogue import find, search
from fish_dataset.errors import FishDataError
from fish_dataset.formats.builder import Builder
from fish_dataset.formats.pictures import displayed_size, is_picture, split_of
from fish_dataset.formats.source import Converted, Format, Options

NAME = "photos"
_ROOT = "fish"  # the catalogue's top: no species


def recognise(source: Path) -> str | None:
    """Folders of photos, each named by a species that the catalogue has."""
    if not source.is_dir():
        return None
    names = {folder.name for _, folder in _folders(source)}
    if not names or any(class_of(name) is None for name in names):
        return None
    return f"its {len(names)} folders of photos are named by species ({min(names)}, …)"


def read(source: Path, options: Options) -> Converted:
    """Reads every photo of every folder.

    Raises:
        FishDataError: no folder with photos, or what ``Builder.build`` raises.
    """
    folders = list(_folders(source)) if source.is_dir() else []
    if not folders:
        raise FishDataError(f"{source}: holds no folders of photos named by species")
    builder = Builder([], place="photo", units_known=True)
    builder.note("each photo is one box, all of it: for naming fish, not for finding them")
    for split, folder in folders:
        name = class_of(folder.name)
        if name is None:
            near = [one.species.id for one in search(folder.name)[:3]]
            hint = f"; did you mean {', '.join(near)}?" if near else ""
            builder.note(f"{folder.name!r} is no species of the catalogue and stays as it is{hint}")
        for photo in _photos(folder):
            shown = displayed_size(photo)
            width, height = shown[:2] if shown is not None else (0, 0)
            row = builder.image(split, photo, width, height, measured=True)
            builder.box(row, 0, 0, width or 1, height or 1, name or folder.name)
    return builder.build(source, options.image_dir)


def class_of(name: str) -> str | None:
    """Return what a species is called as a class: English, else scientific; None: not known."""
    found = find(name)
    if found is None or found.id == _ROOT:
        return None
    english = found.names.get("en", ())
    return english[0] if english else found.scientific_name or found.id


def _folders(source: Path) -> Iterator[tuple[str, Path]]:
    """Split and folder of each folder that holds photos, below the source or below a split."""
    for folder in sorted(one for one in source.iterdir() if one.is_dir()):
        split = split_of(folder.name)
        if split and not any(_photos(folder)):
            inner = sorted(one for one in folder.iterdir() if one.is_dir())
            yield from ((split, one) for one in inner if any(_photos(one)))
        elif any(_photos(folder)):
            yield "", folder


def _photos(folder: Path) -> Iterator[Path]:
    return (one for one in sorted(folder.iterdir()) if one.is_file() and is_picture(one.name))


FORMATS = (Format(NAME, "folders of photos named by species", recognise, read, rank=0),)
