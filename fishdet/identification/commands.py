"""What ``tools/species.py`` does: enrol, list, remove, merge, export, fit and test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.coco import read_coco
from fish_dataset.crops.windows import SMALLEST
from fish_dataset.files import write_json
from fish_dataset.layout import find_splits
from fishdet.errors import FishdetError
from fishdet.inference.files import write_table
from fishdet.inference.inputs import find_images
from fishdet.inference.options import ONE_FISH_IOU

from .gallery import Gallery
from .gallery_file import SUFFIX, read_gallery, write_gallery
from .records import matching, record_of
from .summary import told

if TYPE_CHECKING:
    from .calibration import Strangers
    from .embedder import Embedder

TABLE = ("species_id", "name", "name_ko", "scientific_name", "source", "licence")


@dataclass(frozen=True)
class EnrolOptions:
    """The choices of one enrolment; each mirrors a flag of ``tools/species.py enrol``."""

    name: str
    photos: Sequence[str]
    gallery: Path
    model: str
    detector: str | None = None
    score_thr: float = 0.3
    licence: str = ""
    own: bool = False
    parent: str = ""


def enrol_photos(options: EnrolOptions) -> list[str]:
    """Enrol a species from photos, and return the lines to print.

    Raises:
        FishdetError: as ``enrolment.enrol`` and ``records.record_of``; nothing is written then.
    """
    from .embedder import Embedder
    from .enrolment import enrol

    record = record_of(options.name, options.own, options.parent)
    files = find_images(options.photos)
    embedder = Embedder(options.model)
    gallery = open_gallery(options.gallery, embedder)
    detector = None
    if options.detector is not None:
        from fishdet.inference.detector import Detector

        detector = Detector(
            options.detector, score_thr=options.score_thr, agnostic_nms=ONE_FISH_IOU
        )
    photos = [(str(file.path), file.path) for file in files]
    done = enrol(gallery, embedder, record, photos, detector, options.licence)
    write_gallery(options.gallery, done.gallery)
    lines = [f"{record.name} ({record.id}): {_photos(done.added)} enrolled in {options.gallery}"]
    if done.known:
        lines.append(f"{done.known} were there already")
    return [*lines, *(f"note: {note}" for note in done.notes)]


def enrol_data(
    data: Path, gallery: Path, model: str, split: str = "train", most: int = 100,
    without: Sequence[str] = (), licence: str = "",
) -> list[str]:  # fmt: skip
    """Enrol the labelled fish of a data set, at most ``most`` a species, and return the lines.

    Raises:
        FishdetError, FishDataError: no such split, ``without`` names no class of it, or nothing
            is left to enrol.
    """
    from .embedder import Embedder
    from .enrolment import enrol_annotations, usable_boxes

    if most < 1:
        raise FishdetError(f"--most {most}: give 1 or more")
    embedder = Embedder(model)
    found = open_gallery(gallery, embedder)
    annotations, image_dir = read_split(data, split)
    unknown = sorted(set(without) - set(annotations.classes))
    if unknown:
        raise FishdetError(f"--without: {_no_classes(unknown, data, annotations)}")
    rows = usable_boxes(annotations)
    kept = []
    for label, name in enumerate(annotations.classes):
        mine = rows[annotations.labels[rows] == label]
        if name not in without and len(mine):
            kept.append(mine[np.linspace(0, len(mine) - 1, min(most, len(mine))).astype(int)])
    if not kept:
        raise FishdetError(
            f"nothing was enrolled: the {split} split of {data} has no fish of {SMALLEST} pixels "
            "or more in the classes that are left"
        )
    chosen = np.sort(np.concatenate(kept))
    grown = enrol_annotations(found, embedder, annotations, image_dir, chosen, licence)
    write_gallery(gallery, grown)
    return [f"{len(grown.species)} species, {_photos(len(grown.photos))} in {gallery}"]


def fit_gallery(
    data: Path, gallery: Path, model: str, split: str = "val", false_claims: float = 0.05,
    strangers: Path | None = None,
) -> list[str]:  # fmt: skip
    """Fit temperature and thresholds of a gallery on labelled fish, and return the lines.

    Args:
        data: fish of the gallery's species.
        gallery: to be fitted.
        model: its network.
        split: of ``data``.
        false_claims: the rate of wrong claims that thresholds allow.
        strangers: a data set with species that the network was never taught; by default ``data``.

    Raises:
        FishdetError, FishDataError: too little to fit on, or no such split.
    """
    from .calibration import fit, strangers_among
    from .embedder import Embedder
    from .study import embed, rows_of

    embedder = Embedder(model)
    found = read_gallery(gallery, embedder.digest)
    found.require_photos()
    if strangers is not None:
        find_splits(strangers)  # a slip in its name shows before the work
    val = embed(embedder, *read_split(data, split), SMALLEST)
    own = [val.records[label] for label in val.labels.tolist()]
    truth, similarities = rows_of(found, own), found.similarities(val.points)
    others = strangers_in(strangers or data, embedder, found)
    if others is None and strangers is not None:
        raise FishdetError(
            f"--strangers {strangers}: the network was taught all its species; name a data set "
            "with others, or leave species out of the training (leave_out of FishCrops)"
        )
    others = others or strangers_among(similarities, truth, own)
    fitted = fit(similarities, truth, found.species, others, false_claims)
    write_gallery(gallery, found.calibrated(fitted))
    claims = ", ".join(f"{level} {value:.3f}" for level, value in fitted.thresholds.items())
    return [
        f"{gallery}: temperature {fitted.temperature:.4f}; least similarity of a claim: {claims}",
        *told(fitted),
    ]


def strangers_in(data: Path, embedder: Embedder, gallery: Gallery) -> Strangers | None:
    """Return the fish of train and val of species that the network was never taught, or None.

    Raises:
        FishdetError, FishDataError: as ``read_split``.
    """
    from .calibration import Strangers
    from .study import embed, never_taught

    taught = {record_of(name, own=True).id for name in embedder.taught}
    found = []
    for split in ("train", "val"):
        if split in find_splits(data):
            annotations, image_dir = read_split(data, split)
            names = [name for name in annotations.classes
                     if record_of(name, own=True).id not in taught]  # fmt: skip
            if names:
                found.append(embed(embedder, annotations, image_dir, SMALLEST, names=names))
    crops = [one for one in (never_taught(gallery, each, taught) for each in found) if one]
    if not crops:
        return None
    own = tuple(record for one in crops for record in one.own)
    similarities = np.concatenate([one.similarities for one in crops])
    return Strangers(similarities, own, False, crops[0].how)


def test_data(
    data: Path, model: str, new: Sequence[str] = (), shots: int = 5, smallest: int = SMALLEST,
    most: int = 100, out: Path | None = None, strangers: Path | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Score a network on a data set: gallery from train, everything else from val.

    Args:
        data: the folder.
        model: the network.
        new: classes that count as unknown, and are then enrolled from ``shots`` photos.
        shots, smallest, most: see ``study``.
        out: JSON file for the numbers.
        strangers: a data set with further species that the network was never taught, to fit
            thresholds on; those of ``new`` are no part of it.

    Raises:
        FishdetError, FishDataError: ``new`` names no class, no ``shots``, or too little data.
    """
    from .embedder import Embedder
    from .study import closed_and_open, embed, few_photos, gallery_of

    if shots < 1:
        raise FishdetError(f"--shots {shots}: give 1 or more")
    embedder = Embedder(model)
    annotations, image_dir = read_split(data, "train")
    unknown = sorted(set(new) - set(annotations.classes))
    if unknown:
        raise FishdetError(f"--new: {_no_classes(unknown, data, annotations)}")
    if strangers is not None:
        find_splits(strangers)
    train = embed(embedder, annotations, image_dir, smallest, most)
    val_annotations, val_dir = read_split(data, "val", annotations.classes)
    val = embed(embedder, val_annotations, val_dir, smallest)
    labels = [annotations.classes.index(name) for name in new]
    gallery = gallery_of(embedder.digest, train.where(~np.isin(train.labels, labels)))
    others = None
    if strangers is not None:
        others = strangers_in(strangers, embedder, gallery)
        others = others and others.without({train.records[label].id for label in labels})
        if others is None:
            raise FishdetError(
                f"--strangers {strangers}: no species that the network was not taught"
            )
    report = closed_and_open(gallery, val, strangers=others)
    if labels:
        held = val.where(np.isin(val.labels, labels))
        report["few_photos"] = few_photos(gallery, train, held, shots)
    if out is not None:
        write_json(out, report)
    return report


def two_stages(
    data: Path, detector: str, model: str, gallery: Path, split: str = "val",
    out: Path | None = None, score_thr: float = 0.02,
) -> list[str]:  # fmt: skip
    """Score a detector alone and with the identifier behind it, and return the lines.

    Args:
        data: pictures with boxes; its classes must be the detector's.
        detector, model, gallery: the two stages.
        split: of ``data``.
        out: JSON file for all numbers.
        score_thr: least score of a fish.

    Raises:
        FishdetError, FishDataError: classes that differ, or a gallery with none of them.
    """
    from fishdet.evaluation import evaluate
    from fishdet.evaluation.detections import Detections
    from fishdet.inference.detector import Detector
    from fishdet.inference.inputs import read_image

    from . import two_stages as ways
    from .embedder import Embedder

    embedder = Embedder(model)
    known = read_gallery(gallery, embedder.digest)
    known.require_photos()
    first = Detector(detector, score_thr=score_thr)
    annotations, image_dir = read_split(data, split, first.classes)
    records = [record_of(name, own=True) for name in first.classes]
    alone, both = [], []
    for row, name in enumerate(annotations.file_names):
        image = read_image(image_dir / name)
        found = first.predict([image])[0]
        alone.append((row, *ways.as_found(found)))
        fish = ways.once_each(found)
        points = embedder([embedder.cut(image, box) for box in fish.xyxy])
        chances = np.zeros((0, len(records)))
        if len(fish):
            chances = ways.class_chances(known, points, records)
        both.append((row, *ways.as_named(fish.xyxy, np.asarray(fish.confidence), chances)))
    results = {ways.ALONE: Detections.from_images(alone), ways.BOTH: Detections.from_images(both)}
    report = ways.score(annotations, results[ways.ALONE], results[ways.BOTH])
    species = {
        way: {row["name"]: row["AP"] for row in evaluate(annotations, found).per_class}
        for way, found in results.items()
    }
    if out is not None:
        write_json(out, {**report, "species": species})
    return ways.lines_of(report, first.classes, species)


def remove_species(gallery: Path, name: str) -> list[str]:
    """Remove a species by any of its names, and return the lines.

    Raises:
        FishdetError: the gallery has none of that name.
    """
    found = read_gallery(gallery)
    place = matching(name, found.species)
    if place is None:
        raise FishdetError(f"{gallery} has no species {name!r}; {found.listed()}")
    record, count = found.species[place], int(found.counts[place])
    write_gallery(gallery, found.remove(record.id))
    return [f"{record.name} ({record.id}): removed with its {_photos(count)} from {gallery}"]


def merge_galleries(gallery: Path, others: Sequence[Path]) -> list[str]:
    """Add other galleries to one, by species, and return the lines.

    Raises:
        FishdetError: one was made by another network; nothing is written then.
    """
    merged = read_gallery(gallery)
    before = len(merged.photos)
    for other in others:
        merged = merged.merge(read_gallery(other))
    write_gallery(gallery, merged)
    added = len(merged.photos) - before
    return [f"{gallery}: {_photos(added)} added, {len(merged.species)} species now"]


def export_species(gallery: Path, out: Path, names: Sequence[str] = ()) -> list[str]:
    """Write some or all species to another gallery, or to a table (.csv) of photos and sources.

    Raises:
        FishdetError: a name that the gallery has not, or a suffix of neither kind.
    """
    found = read_gallery(gallery)
    if names:
        places = {name: matching(name, found.species) for name in names}
        missing = [name for name, place in places.items() if place is None]
        if missing:
            raise FishdetError(f"{gallery} has no species {missing}; {found.listed()}")
        found = found.only(
            found.species[place].id for place in places.values() if place is not None
        )
    if out.suffix == SUFFIX:
        write_gallery(out, found)
    elif out.suffix == ".csv":
        write_table(out, TABLE, _table(found))
    else:
        raise FishdetError(f"export {out}: name a {SUFFIX} (a gallery) or a .csv (a table)")
    return [f"{len(found.species)} species, {_photos(len(found.photos))} written to {out}"]


def rows(gallery: Path) -> list[tuple[str, str, str, str, str]]:
    """Return id, name, Korean name, number of photos and licences of each species."""
    found = read_gallery(gallery)
    listed = []
    for place, record in enumerate(found.species):
        mine = [found.photos[row] for row in np.flatnonzero(found.owner == place)]
        licences = sorted({photo.licence or "unknown" for photo in mine})
        count = str(len(mine))
        listed.append((record.id, record.name, record.name_ko, count, ", ".join(licences)))
    return listed


def open_gallery(path: Path, embedder: Embedder) -> Gallery:
    """Return the gallery at ``path``, or a new one where there is no such file."""
    if path.exists():
        return read_gallery(path, embedder.digest)
    if path.suffix != SUFFIX:
        raise FishdetError(f"--gallery {path}: name a file that ends in {SUFFIX}")
    width = int(embedder.model.dimensions)
    return Gallery(embedder.digest, embeddings=np.zeros((0, width), np.float32))


def read_split(
    data: Path, name: str, classes: Sequence[str] | None = None
) -> tuple[Annotations, Path]:
    """Return annotations and image folder of a split.

    Raises:
        FishdetError, FishDataError: the folder has no such split, or is at fault.
    """
    splits = find_splits(data)
    if name not in splits:
        raise FishdetError(f"{data} has no {name} split; it has {', '.join(splits)}")
    split = splits[name]
    annotations, _ = read_coco(split.ann_file, image_dir=split.image_dir, classes=classes)
    return annotations, split.image_dir


def _no_classes(names: Sequence[str], data: Path, annotations: Annotations) -> str:
    return f"{data} has no class {', '.join(names)}; it has {', '.join(annotations.classes)}"


def _photos(count: int) -> str:
    return f"{count} photo{'' if count == 1 else 's'}"


def _table(gallery: Gallery) -> list[list[str]]:
    table = []
    for owner, photo in zip(gallery.owner.tolist(), gallery.photos, strict=True):
        one = gallery.species[owner]
        table.append([one.id, one.name, one.name_ko, one.scientific_name, photo.source,
                      photo.licence])  # fmt: skip
    return table
