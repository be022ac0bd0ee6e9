"""Where features part species best, in closed form. Plain arrays only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_LEAST = 1e-6


@dataclass(frozen=True, eq=False)
class Discriminant:
    """A linear map of features x: y = weight @ ((x - centre) / spread).

    Attributes:
        centre, spread: (F,) float32, mean and standard deviation of each feature.
        weight: (D, F) float32; crops of one species scatter by about 1 along each of the D.
        lengths: (D,) float32, standard deviation of y.
        means: (C, D) float32, the species' means; zeros for one without crops.
    """

    centre: np.ndarray
    spread: np.ndarray
    weight: np.ndarray
    lengths: np.ndarray
    means: np.ndarray


def discriminant(
    features: np.ndarray,
    labels: np.ndarray,
    classes: int,
    dimensions: int,
    shrinkage: float = 0.1,
) -> Discriminant:
    """Return the linear discriminant of species, each weighing the same.

    Fisher, "The use of multiple measurements in taxonomic problems" (Annals of Eugenics 7, 1936),
    for many classes; the scatter within species is drawn towards the identity as in Friedman,
    "Regularized Discriminant Analysis" (JASA 84, 1989). What ``C`` species leave of the ``D``
    directions is filled with those of the greatest scatter, so that new species can be told apart
    by what never parted the taught ones.

    Args:
        features: (n, F).
        labels: (n,) species, 0 … C - 1.
        classes: C.
        dimensions: D, at most F.
        shrinkage: weight of the identity, from 0 to 1.

    Raises:
        ValueError: fewer than two species, or D greater than F (a fault of the caller).
    """
    present = np.unique(labels)
    width = features.shape[1]
    if len(present) < 2 or dimensions > width:
        raise ValueError(f"{len(present)} species, {dimensions} dimensions of {width} features")
    centre, spread = features.mean(0), features.std(0) + _LEAST
    scaled = (features.astype(np.float64) - centre) / spread
    means = np.zeros((classes, width))
    for label in present.tolist():
        means[label] = scaled[labels == label].mean(0)
    apart = scaled - means[labels]
    within = apart.T @ apart / len(apart)
    level = np.trace(within) / width
    shrunk = (1 - shrinkage) * within + shrinkage * level * np.eye(width)
    whiten = np.linalg.cholesky(np.linalg.inv(shrunk))
    between = means[present] - means[present].mean(0)
    sought = whiten.T @ (between.T @ between / len(present) + 1e-3 * within) @ whiten
    _, directions = np.linalg.eigh(sought)
    weight = (whiten @ directions[:, ::-1][:, :dimensions]).T
    projected = scaled @ weight.T
    return Discriminant(
        *(
            value.astype(np.float32)
            for value in (centre, spread, weight, projected.std(0), means @ weight.T)
        )
    )
