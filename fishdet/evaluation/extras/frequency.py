"""AP by how often a species stands in the training set: LVIS's rare, common and frequent.

Gupta, Dollár, Girshick: LVIS, CVPR 2019, https://arxiv.org/abs/1908.03195: a class is binned by the
number of training images that hold it. The borders are those of LVIS's own files: ``apricot``,
in 10 training images, is rare (detectron2 ``lvis_v1_category_image_count.py`` and
``lvis_v1_categories.py``, 2026-11-25); the comment in lvis-api ``lvis/eval.py`` (rare < 10,
common < 100) is one off from them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fish_dataset.annotations import Annotations

from .precision import mean_of_defined

BINS = (("unseen", 0, 0), ("rare", 1, 10), ("common", 11, 100), ("frequent", 101, None))
"""Name, and the least and the largest number of training images. 'unseen' is ours: LVIS has no
class without a training image."""


def images_per_class(annotations: Annotations) -> dict[str, int]:
    """Class → number of images that hold a counted box of it (no crowd or ignore box)."""
    counted = ~(annotations.crowd | annotations.ignore)
    number = len(annotations.classes)
    cells = annotations.box_image[counted] * number + annotations.labels[counted]
    images = np.bincount(np.unique(cells) % number, minlength=number)
    return dict(zip(annotations.classes, images.tolist(), strict=True))


def by_frequency(
    classes: Sequence[str], ap: Sequence[float], train_images: Mapping[str, int] | None
) -> dict[str, Any] | None:
    """Mean AP of the classes of each bin.

    Args:
        classes: C names.
        ap: AP of each, NaN where undefined.
        train_images: training images of each class; None where the training set is not known.

    Returns:
        Bin → ``AP`` (NaN where no class of it has boxes), ``images`` (least, largest) and
        ``species``; None where the training set, or a class in it, is not known.
    """
    if train_images is None or any(name not in train_images for name in classes):
        return None
    counts = np.array([train_images[name] for name in classes])
    values = np.asarray(ap, np.float64)
    result = {}
    for name, low, high in BINS:
        held = (counts >= low) & (counts <= (high if high is not None else counts.max(initial=0)))
        result[name] = {
            "AP": mean_of_defined(values[held]),
            "images": [low, high],
            "species": [classes[i] for i in np.flatnonzero(held)],
        }
    return result
