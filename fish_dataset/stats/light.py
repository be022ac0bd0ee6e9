"""Brightness and colour cast of pictures."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np

from fish_dataset.quiet import quiet_decoders

_LUMA = np.array([0.114, 0.587, 0.299])  # of BGR, ITU-R BT.601


@dataclass(frozen=True)
class Light:
    """K pictures as columns; NaN for one that cannot be read.

    Attributes:
        rows: (K,) int64, which pictures of the data set.
        means: (K, 3) float64, mean blue, green and red, 0 to 255.
        contrast: (K,) float64, standard deviation of the luma.
    """

    rows: np.ndarray
    means: np.ndarray
    contrast: np.ndarray

    @property
    def brightness(self) -> np.ndarray:
        """(K,) mean luma, 0 to 255."""
        return self.means @ _LUMA

    @property
    def cast(self) -> np.ndarray:
        """(K, 3) blue, green and red over their mean.

        Grey-world (Buchsbaum 1980): the mean of a scene under white light is grey, all three 1.
        """
        return self.means / np.maximum(self.means.mean(1, keepdims=True), 1e-6)

    @property
    def unreadable(self) -> int:
        """How many pictures could not be read."""
        return int(np.isnan(self.means[:, 0]).sum())


def spread_rows(count: int, most: int) -> np.ndarray:
    """At most ``most`` rows (K,) int64 of ``count``, evenly spread."""
    if count <= most:
        return np.arange(count)
    return np.linspace(0, count - 1, most).round().astype(np.int64)


def measure(
    paths: Sequence[str | os.PathLike],
    rows: np.ndarray,
    progress: Callable[[int], None] = lambda done: None,
) -> Light:
    """Decode pictures at a quarter of their size and measure them, in a thread for each core.

    Args:
        paths: K files.
        rows: (K,) what they are in the data set.
        progress: Called with the number of pictures just done.
    """
    found = []
    with quiet_decoders(), ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        for values in threads.map(_measure, paths):
            found.append(values)
            progress(1)
    table = np.array(found, np.float64).reshape(-1, 4)
    return Light(np.asarray(rows), table[:, :3], table[:, 3])


def _measure(path: str | os.PathLike) -> tuple[float, float, float, float]:
    try:
        image = cv2.imread(os.fspath(path), cv2.IMREAD_REDUCED_COLOR_4)
    except cv2.error:
        image = None
    if image is None:
        return (np.nan,) * 4
    blue, green, red = image.reshape(-1, 3).mean(0).tolist()
    return blue, green, red, float((image @ _LUMA).std())
