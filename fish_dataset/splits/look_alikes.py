"""Pictures of a part that look nearly the same, whatever their names."""

from __future__ import annotations

import numpy as np

from fish_dataset.checks.duplicates import near_pairs
from fish_dataset.checks.pictures import look_at
from fish_dataset.folder import Part
from fish_dataset.progress import counted


def alike_pairs(part: Part) -> np.ndarray:
    """(P, 2) int64 rows of pictures whose perceptual hashes differ in few bits; each pair once.

    Every picture is decoded. Unreadable ones and those of a single shade are like no other; in
    large heaps of alike pictures each has its nearest by name alone
    (``fish_dataset.checks.duplicates``).
    """
    names = list(part.annotations.file_names)
    paths = [part.image_dir / path for path in part.sources or names]
    with counted(len(paths), "pictures looked at") as advance:
        facts = look_at(paths, progress=advance)
    usable = np.flatnonzero(facts.readable & ~facts.blank)
    order = np.empty(len(usable), dtype=np.int64)
    order[np.argsort([names[row] for row in usable.tolist()])] = np.arange(len(usable))
    pairs, _ = near_pairs(facts.hashes[usable], order)
    return usable[pairs]
