"""Findings on the picture files of a data folder."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from fish_dataset.checks.bits import different_bits
from fish_dataset.checks.duplicates import NEAR, first_of_same, near_pairs
from fish_dataset.checks.subject import Log, Subject

_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"}


def check_files(subject: Subject, log: Log) -> None:
    """Unreadable pictures, sizes and turns that disagree with the file, blank pictures."""
    facts = subject.facts
    for picture, reason in sorted(facts.faults.items()):
        log.picture("picture-unreadable", picture, reason)
    wide, high = annotated_sizes(subject)
    for rule, mask in size_faults(subject).items():
        for picture in np.flatnonzero(mask):
            value = (
                f"the file says {wide[picture]} × {high[picture]}, the picture is stored as "
                f"{facts.widths[picture]} × {facts.heights[picture]}"
            )
            turn = int(facts.orientations[picture])
            log.picture(rule, picture, value + (f", Exif orientation {turn}" if turn > 1 else ""))
    for picture in np.flatnonzero(facts.blank):
        log.picture("picture-blank", picture, "all its pixels are nearly the same")


def annotated_sizes(subject: Subject) -> tuple[np.ndarray, np.ndarray]:
    """(N,) widths and heights by the annotation files."""
    datas = [reading.annotations for reading in subject.readings.values()]
    empty = [np.zeros(0, np.int32)]
    return (
        np.concatenate([data.widths for data in datas] or empty),
        np.concatenate([data.heights for data in datas] or empty),
    )


def size_faults(subject: Subject) -> dict[str, np.ndarray]:
    """(N,) bool by rule: 'picture-turned', 'picture-size', 'picture-exif'."""
    facts = subject.facts
    wide, high = annotated_sizes(subject)
    seen_wide, seen_high = facts.turned_sizes()
    right = (wide == seen_wide) & (high == seen_high)
    stored = (wide == facts.widths) & (high == facts.heights)
    turned = facts.readable & ~right & stored
    unchanged = (facts.orientations > 1) & ((facts.orientations < 5) | (wide == high))
    return {
        "picture-turned": turned,
        "picture-size": facts.readable & ~right & ~turned,
        "picture-exif": facts.readable & right & unchanged,
    }


def check_copies(subject: Subject, log: Log) -> None:
    """The same file twice, in one split and in two."""
    first = first_of_same(subject.facts.digests)
    usable = subject.facts.readable
    for picture in np.flatnonzero((first != np.arange(len(first))) & usable):
        other = int(first[picture])
        crosses = subject.split_of[other] != subject.split_of[picture]
        if not crosses and subject.names[other] == subject.names[picture]:
            continue  # two entries for one file, which the loader's rules name
        rule = "picture-leak" if crosses else "picture-copy"
        log.picture(rule, picture, f"the same as {subject.called(other)}", [other])


def check_near(subject: Subject, log: Log) -> None:
    """Pictures that look alike. Across splits each is named once, beside the one most like it."""
    pairs, bits = alike(subject)
    crossing = subject.split_of[pairs[:, 0]] != subject.split_of[pairs[:, 1]]
    _tell(subject, log, "picture-near-leak", _later_split(subject, pairs[crossing]), bits[crossing])
    _tell(subject, log, "picture-near", pairs[~crossing][:, ::-1], bits[~crossing])


def alike(subject: Subject) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (P, 2) of pictures that look alike and are not the same file, with their bits (P,)."""
    rows = np.flatnonzero(subject.hashed)
    hashes = subject.facts.hashes[rows]
    pairs, bits = near_pairs(hashes, subject.order[rows])
    pairs = rows[pairs]
    digests = subject.facts.digests
    apart = (digests[pairs[:, 0]] != digests[pairs[:, 1]]).any(axis=1)
    return pairs[apart], bits[apart]


def _later_split(subject: Subject, pairs: np.ndarray) -> np.ndarray:
    """Pairs with the picture of the later split first, which is measured on the other."""
    turned = subject.split_of[pairs[:, 0]] < subject.split_of[pairs[:, 1]]
    return np.where(turned[:, None], pairs[:, ::-1], pairs)


def _tell(subject: Subject, log: Log, rule: str, pairs: np.ndarray, bits: np.ndarray) -> None:
    order = np.lexsort((bits, pairs[:, 0]))
    _, best = np.unique(pairs[order, 0], return_index=True)
    best = order[best]
    best = best[np.argsort(bits[best], kind="stable")]
    for row in best:
        picture, other = pairs[row].tolist()
        value = f"{bits[row]} of 128 bits (at most {NEAR}) from {subject.called(other)}"
        log.picture(rule, picture, value, [other])


def check_unlisted(subject: Subject, log: Log) -> None:
    """Pictures beside the listed ones that no split names."""
    listed: dict[Path, set[str]] = {}
    for reading in subject.readings.values():
        for name in reading.annotations.file_names:
            inner, _, base = name.rpartition("/")
            listed.setdefault(reading.image_dir / inner, set()).add(base)
    for folder, names in listed.items():
        try:
            found = sorted(entry.name for entry in os.scandir(folder) if entry.is_file())
        except OSError:  # the loader's rules have said that the pictures are not there
            continue
        for name in found:
            if name not in names and Path(name).suffix.lower() in _SUFFIXES:
                log.add("picture-unlisted", "", str(folder / name), "named in no split")


def bits_between(subject: Subject, pairs: np.ndarray) -> np.ndarray:
    """(P,) bits in which the hashes of pairs (P, 2) of pictures differ."""
    hashes = subject.facts.hashes
    return different_bits(hashes[pairs[:, 0]], hashes[pairs[:, 1]])
