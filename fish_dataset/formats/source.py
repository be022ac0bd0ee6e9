"""What every foreign format is read into.

A format reads its files into a :class:`~fish_dataset.formats.builder.Builder` and returns what that
builds; :class:`Converted` holds the data set by split and the account of every box: boxes in =
boxes out + losses, each by reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fish_dataset.errors import FishDataError
from fish_dataset.formats.builder import Builder
from fish_dataset.formats.columns import check_roles
from fish_dataset.formats.losses import Loss, Losses
from fish_dataset.formats.pictures import split_of

if TYPE_CHECKING:
    from fish_dataset.folder import Part

__all__ = ["Builder", "Converted", "Format", "Loss", "Options", "options_from_text", "split_of"]


@dataclass(frozen=True)
class Options:
    """What a user may say about a source that it does not say itself.

    Attributes:
        image_dir: Folder of the pictures, where it is not the source or inside it.
        columns: For tables: our name of a column → the table's.
        class_names: Names of classes 0, 1, …, where the source gives numbers only.
        box_size: (width, height) of the frame that the boxes were drawn on, where pictures have
            another size.
        frames: An empty folder for pictures that have to be taken from a video. Without it a
            format writes nothing.
    """

    image_dir: Path | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    class_names: tuple[str, ...] = ()
    box_size: tuple[int, int] | None = None
    frames: Path | None = None


def options_from_text(
    image_dir: Path | None = None, columns: str = "", classes: str = "", box_size: str = ""
) -> Options:
    """Options as a command line gives them: ``xmin=x1,class=species``, ``eel,salmon``, ``960x540``.

    Raises:
        FishDataError: one of them cannot be understood, or the folder is missing.
    """
    pairs = [text.partition("=") for text in columns.split(",") if text.strip()]
    if any(not ours.strip() or not theirs.strip() for ours, _, theirs in pairs):
        raise FishDataError(f"--columns {columns}: write OURS=THEIRS,OURS=THEIRS")
    check_roles(ours.strip() for ours, _, _ in pairs)
    size = re.fullmatch(r"([1-9]\d{0,5})[x×]([1-9]\d{0,5})", box_size)
    if box_size and size is None:
        raise FishDataError(f"--box-size {box_size}: write WIDTHxHEIGHT, such as 960x540")
    if image_dir is not None and not image_dir.is_dir():
        raise FishDataError(f"--image-dir {image_dir}: no such folder")
    return Options(
        image_dir=image_dir,
        columns={ours.strip(): theirs.strip() for ours, _, theirs in pairs},
        class_names=tuple(name.strip() for name in classes.split(",") if name.strip()),
        box_size=(int(size[1]), int(size[2])) if size else None,
    )


@dataclass(frozen=True)
class Converted:
    """A source as it was read.

    Attributes:
        parts: Annotations and image folder by split; all have one class list.
        boxes_in: Boxes that the source holds, the unreadable ones included.
        boxes_out: Boxes in ``parts``.
        images_in: Images that the source names.
        losses: What was not kept, by reason; ``boxes_in == boxes_out + sum of loss.count``.
        names_in: Boxes of the source by class name, '' for those whose class is not known.
        notes: What was changed or is worth knowing, in words.
    """

    parts: dict[str, Part]
    boxes_in: int
    boxes_out: int
    images_in: int
    losses: Losses
    names_in: dict[str, int]
    notes: list[str]

    @property
    def images_out(self) -> int:
        """Images in ``parts``."""
        return sum(part.annotations.num_images for part in self.parts.values())

    @property
    def names_out(self) -> dict[str, int]:
        """Boxes of ``parts`` by class name, in the order of the classes, ignored ones too."""
        total: dict[str, int] = {}
        for part in self.parts.values():
            data = part.annotations
            counts: np.ndarray = data.boxes_per_class() + data.ignored_per_class()
            for name, count in zip(data.classes, counts.tolist(), strict=True):
                total[name] = total.get(name, 0) + count
        return total


@dataclass(frozen=True)
class Format:
    """One foreign format.

    Attributes:
        name: What ``--format`` takes, such as ``'yolo'``.
        title: The format's name for people, such as ``'YOLO (Ultralytics, Darknet)'``.
        recognise: Evidence in words that a file or folder is of this format, or None. Cheap: looks
            at names and first bytes only, and raises nothing.
        read: Reads a source whole.
        rank: Where two formats recognise a source, the higher rank is taken: 0 for a general form
            (any table with boxes), 1 for a format, 2 for a variety that is known by a mark of its
            own.
    """

    name: str
    title: str
    recognise: Callable[[Path], str | None]
    read: Callable[[Path, Options], Converted]
    rank: int = 1
