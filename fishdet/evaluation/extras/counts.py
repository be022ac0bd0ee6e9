"""Counting fish: the error of counts per image, and MaxN per video.

MaxN of a species is the largest number of its individuals in any one frame of a recording; it
never counts one fish twice. Ellis and DeMartini 1995 brought it in (as MinCount), Cappo et al.
2003 named it; defined so in Campbell et al. 2015, Fisheries Research 170:125–133
(https://paperzz.com/doc/8113436/, 2026-11-25) and Stobart et al. 2015
(https://journals.plos.org/plosone/article?id=10.1371/journal.pone.0127559, 2026-11-25), who write
of "the traditional maximum number of fish observed in a single video frame". Here it runs over
the frames of the video that were evaluated. A false detection in one frame of many raises MaxN:
it is the hardest count for a detector.

An image's count of a species is left out where a crowd box says that more are there than were
boxed. Ignored regions are as if they were not in the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.splits.grouping import has_key

from ..matching import Matches


def counts_found(matches: Matches, thresholds: Sequence[float | None]) -> np.ndarray:
    """(N, C) int64, detections of each class in each image with at least its threshold's score.

    Detections on crowd regions are no individuals and left out. None: nothing counts.
    """
    limits = np.array([np.inf if t is None else t for t in thresholds])
    kept = (matches.scores >= limits[matches.labels]) & ~matches.ignored[:, 0]
    images, classes = matches.positives.shape
    cells = matches.image_row[kept] * classes + matches.labels[kept]
    return np.bincount(cells, minlength=images * classes).reshape(images, classes)


def uncertain(annotations: Annotations) -> np.ndarray:
    """(N, C) bool, where a crowd box hides how many there are."""
    result = np.zeros((annotations.num_images, len(annotations.classes)), bool)
    result[annotations.box_image[annotations.crowd], annotations.labels[annotations.crowd]] = True
    return result


def count_errors(found: np.ndarray, truth: np.ndarray, known: np.ndarray) -> dict[str, Any]:
    """Errors of counts.

    Args:
        found: (G, C) counted by the detector in each image or video.
        truth: (G, C) annotated.
        known: (G, C) bool, where the annotated count is certain.

    Returns:
        ``species``: per class ``n`` images or videos, ``truth`` and ``found`` in all, ``mae``
        (mean of abs(found − truth)), ``bias`` (mean of found − truth), ``relative_mae`` and
        ``relative_bias`` (the same by the mean truth; None where that is 0); ``macro``: the mean
        over the classes that are somewhere; ``micro``: over all cells of those classes together.
    """
    species = [_errors(found[known[:, k], k], truth[known[:, k], k]) for k in range(truth.shape[1])]
    there = [row for row in species if row["truth"]]
    held = np.array([bool(row["truth"]) for row in species], bool)
    cells = known & held
    return {
        "species": species,
        "macro": {
            key: float(np.mean([row[key] for row in there])) if there else None
            for key in ("mae", "bias", "relative_mae", "relative_bias")
        },
        "micro": _errors(found[cells], truth[cells]),
    }


def max_n(annotations: Annotations, found: np.ndarray, known: np.ndarray) -> dict[str, Any] | None:
    """MaxN of each video, annotated and found; None where the images name no video.

    Args:
        annotations: N frames; ``image_meta['video']`` says of which video.
        found: (N, C) counts of the detector.
        known: (N, C) where the annotated count is certain.

    Returns:
        ``videos``: names; ``truth`` and ``found``: (V, C) lists; ``known``: (V, C);
        ``images_without_video``; ``errors`` as of :func:`count_errors`.
    """
    if not has_key(annotations, "video"):
        return None
    of_image = np.array([str(name) for name in annotations.image_meta["video"]])
    named = of_image != ""
    videos, index = np.unique(of_image[named], return_inverse=True)
    truth = boxes_per_image(annotations)
    shape = (len(videos), truth.shape[1])
    most = np.zeros((2, *shape), np.int64)
    certain = np.ones(shape, bool)
    np.maximum.at(most[0], index, truth[named])
    np.maximum.at(most[1], index, found[named])
    np.logical_and.at(certain, index, known[named])
    return {
        "videos": videos.tolist(),
        "truth": most[0].tolist(),
        "found": most[1].tolist(),
        "known": certain.tolist(),
        "images_without_video": int((~named).sum()),
        "errors": count_errors(most[1], most[0], certain),
    }


def boxes_per_image(annotations: Annotations) -> np.ndarray:
    """(N, C) int64, counted boxes of each class in each image."""
    counted = ~(annotations.crowd | annotations.ignore)
    truth = np.zeros((annotations.num_images, len(annotations.classes)), np.int64)
    np.add.at(truth, (annotations.box_image[counted], annotations.labels[counted]), 1)
    return truth


def _errors(found: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    size, total = len(truth), int(truth.sum())
    off = found - truth
    return {
        "n": size,
        "truth": total,
        "found": int(found.sum()),
        "mae": float(np.abs(off).mean()) if size else None,
        "bias": float(off.mean()) if size else None,
        "relative_mae": float(np.abs(off).sum() / total) if total else None,
        "relative_bias": float(off.sum() / total) if total else None,
    }
