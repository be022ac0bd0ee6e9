"""Corrections as a data set: checked COCO, the least certain pictures first.

One split, ``train.json``; the day of each correction and its id come along (``day``,
``source_id``), so that ``tools/dataset/split.py --by day`` and ``merge.py`` go on from here.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.catalogue import find, fold
from fish_dataset.coco import read_classes
from fish_dataset.files import require_new_folder, write_atomic
from fish_dataset.findings import format_findings
from fish_dataset.folder import Part, write_folder
from fish_dataset.layout import find_splits
from fish_dataset.strings import Strings
from fish_dataset.validation.run import validate
from fishdet.errors import FishdetError

from .feedback import Entry, FeedbackStore

UNNAMED = "fish"
REPORT = "feedback.json"


@dataclass(frozen=True)
class ExportOptions:
    """Choices of an export; each mirrors a flag of ``tools/dataset/export_feedback.py``.

    Attributes:
        like: a data folder whose classes and their order the corrections take; None: the classes
            that occur, by name.
        limit: at most so many pictures, the least certain; None: all.
        ignore_unnamed: mark fish of no known species as neither to be found nor a false alarm; else
            they are a class ``fish``.
    """

    like: Path | None = None
    limit: int | None = None
    ignore_unnamed: bool = False


@dataclass
class Account:
    """What became of the corrections."""

    pictures: list[dict[str, Any]] = field(default_factory=list)
    boxes: Counter[str] = field(default_factory=Counter)
    origins: Counter[str] = field(default_factory=Counter)
    not_in_catalogue: list[str] = field(default_factory=list)
    ignored: int = 0
    clipped: int = 0
    superseded: int = 0
    over_limit: int = 0


def export_feedback(database: Path, out: Path, options: ExportOptions) -> Account:
    """Write the corrections of a service as a data folder: the whole of it, checked, or nothing.

    Args:
        database: the ``--feedback`` file of ``tools/serve.py``; it may be in use.
        out: a new folder.
        options: see there.

    Raises:
        FishdetError: no such file, no corrections, names that ``like`` does not have, or a fault
            that training would refuse.
        FishDataError: ``out`` or ``like`` cannot be used.
    """
    if options.limit is not None and options.limit < 1:
        raise FishdetError(f"--limit {options.limit}: at least 1, or leave it out")
    require_new_folder(out)
    wanted = _classes(options.like) if options.like else None
    store = FeedbackStore(database, create=False)
    account = Account()
    try:
        with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as held:
            pictures = Path(held) / "pictures"
            pictures.mkdir()
            entries = _stored(store, pictures, options.limit, account)
            annotations = _annotations(entries, wanted, options.ignore_unnamed, account)
            staged = Path(held) / "set"
            parts = {"train": Part(annotations, pictures)}
            write_folder(staged, parts, documents={REPORT: as_document(account)})
            _check(staged, database)
            os.replace(staged, out)
    except OSError as error:
        raise FishdetError(f"{error.filename or out}: {error.strerror or error}") from error
    finally:
        store.close()
    return account


def as_document(account: Account) -> dict[str, Any]:
    """Return the account as ``feedback.json`` holds it; pictures stand in their order."""
    return vars(account)


def _stored(store: FeedbackStore, folder: Path, limit: int | None, account: Account) -> list[Entry]:
    """Write the pictures, one in memory at a time; entries without them, the least certain first.

    A picture that was corrected twice counts once, with the newer correction.
    """
    newest: dict[str, Entry] = {}
    for entry in store.entries():
        digest = hashlib.sha256(entry.picture).hexdigest()
        other = newest.get(digest)
        account.superseded += other is not None
        if other is not None and (other.created, other.id) > (entry.created, entry.id):
            continue
        name = f"{entry.id}.jpg"
        write_atomic(folder / name, partial(_write, entry.picture))
        newest[digest] = replace(entry, picture=b"")
    if not newest:
        raise FishdetError("the file holds no corrections yet; nothing was written")
    entries = sorted(newest.values(), key=lambda one: (one.least_chance, one.created, one.id))
    kept = entries[:limit]
    account.over_limit = len(entries) - len(kept)
    return kept


def _write(data: bytes, path: Path) -> None:
    path.write_bytes(data)


def _annotations(
    entries: Sequence[Entry], wanted: Sequence[str] | None, ignore_unnamed: bool, account: Account
) -> Annotations:
    names = [[_named(box["species"], wanted) for box in entry.boxes] for entry in entries]
    flat = [name for row in names for name in row]
    used = set(flat) - ({UNNAMED} if ignore_unnamed else set())
    classes = list(wanted) if wanted else sorted(used, key=fold)
    strange = sorted(used - set(classes))
    if strange and wanted:
        raise FishdetError(
            f"--like has no class {', '.join(strange)}; it has {', '.join(classes)}. Leave --like "
            "out and join the two with merge.py, or give --ignore-unnamed for fish without a name"
        )
    account.not_in_catalogue = sorted({name for name in used if find(name) is None})
    columns = _columns(entries, names, {name: i for i, name in enumerate(classes)}, account)
    return Annotations(
        classes=tuple(classes or [UNNAMED]),
        image_ids=np.arange(1, len(entries) + 1),
        file_names=Strings.of(f"{entry.id}.jpg" for entry in entries),
        widths=np.array([entry.width for entry in entries]),
        heights=np.array([entry.height for entry in entries]),
        image_meta={
            "day": Strings.of(entry.created[:10] for entry in entries),
            "source": Strings.of("feedback" for _ in entries),
            "source_id": Strings.of(entry.id for entry in entries),
        },
        **columns,
    )


def _columns(
    entries: Sequence[Entry],
    names: Sequence[Sequence[str]],
    label_of: dict[str, int],
    account: Account,
) -> dict[str, Any]:
    """The box columns of ``Annotations``, clipped to the pictures; counts go to the account."""
    rows, boxes, labels, ignore = [], [], [], []
    for row, (entry, named) in enumerate(zip(entries, names, strict=True)):
        account.pictures.append(_picture(entry))
        for box, name in zip(entry.boxes, named, strict=True):
            inside = _clipped(box["bbox"], entry.width, entry.height)
            account.clipped += inside != tuple(box["bbox"])
            account.origins[box["origin"]] += 1
            account.boxes[name] += 1
            account.ignored += name not in label_of
            rows.append(row)
            boxes.append(inside)
            labels.append(label_of.get(name, 0))
            ignore.append(name not in label_of)
    bboxes = np.array(boxes, np.float32).reshape(-1, 4)
    return {
        "box_ids": np.arange(1, len(rows) + 1),
        "box_image": rows,
        "bboxes": bboxes,
        "labels": labels,
        "crowd": np.zeros(len(rows), bool),
        "ignore": ignore,
        "areas": bboxes[:, 2] * bboxes[:, 3],
    }


def _picture(entry: Entry) -> dict[str, Any]:
    origins = Counter(box["origin"] for box in entry.boxes)
    facts = {"file_name": f"{entry.id}.jpg", "least_chance": entry.least_chance}
    return facts | {"created": entry.created, "model": entry.model, "boxes": dict(origins)}


def _clipped(bbox: Iterable[float], width: int, height: int) -> tuple[float, ...]:
    """x, y, w, h inside the picture; the service lets boxes lie a pixel outside."""
    x, y, w, h = bbox
    left, top = max(x, 0.0), max(y, 0.0)
    right, low = min(x + w, float(width)), min(y + h, float(height))
    inside = (left, top, right - left, low - top)
    return (x, y, w, h) if np.allclose(inside, (x, y, w, h), atol=1e-6) else inside


def _named(text: str, wanted: Sequence[str] | None) -> str:
    """The class of what a user said: one of ``wanted`` by species, else its usual English name."""
    species = find(text)
    for name in wanted or ():
        other = find(name)
        if fold(name) == fold(text) or (species and other and species.id == other.id):
            return name
    if species is None:
        return text.strip()
    english = species.names.get("en", ())
    return english[0] if english else species.scientific_name or species.id


def _classes(folder: Path) -> tuple[str, ...]:
    splits = find_splits(folder)
    return read_classes(next(iter(splits.values())).ann_file)


def _check(folder: Path, database: Path) -> None:
    report = validate(folder, progress=False)
    errors = [one for one in report.findings if one.severity == "error"]
    if errors:
        raise FishdetError(
            f"{database}: these corrections are no data to train on; nothing was written\n"
            f"{format_findings(errors)}"
        )
