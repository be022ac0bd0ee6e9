"""What the transforms of pixels share: a probability, a seed of their own, a checked picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness

from fish_dataset.errors import FishDataError

from . import parameters


def fresh_generator() -> np.random.Generator:
    """A generator seeded from NumPy's global state, which mmengine seeds in every worker."""
    return np.random.default_rng(np.random.randint(0, 2**32, size=4, dtype=np.uint32).tolist())


def require_picture(owner: object, image: Any) -> np.ndarray:
    """Return ``image`` if it is a picture as ``LoadImageFromFile`` gives it.

    Raises:
        FishDataError: it is not uint8 of shape (H, W, 3).
    """
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.shape[2:] != (3,):
        found = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image)
        raise FishDataError(
            f"{type(owner).__name__}: takes uint8 pictures (H, W, 3) in BGR, got {found}; put it "
            "behind LoadImageFromFile and before anything that normalises"
        )
    return image


class PixelTransform(BaseTransform):
    """A transform that leaves size and boxes alone; subclasses fill in ``apply``.

    Required keys: img. Modified keys: img.

    Args:
        prob: Share of the pictures that are changed.
    """

    def __init__(self, prob: float) -> None:
        self.prob = parameters.number(self, "prob", prob, 0, 1)

    @cache_randomness
    def _random(self) -> tuple[bool, np.random.Generator]:
        rng = fresh_generator()
        return bool(rng.random() < self.prob), rng

    def transform(self, results: dict) -> dict:
        """Change ``results['img']``, or leave it, as chance has it."""
        image = require_picture(self, results["img"])
        chosen, rng = self._random()
        if chosen and image.size:
            results["img"] = self.apply(image, rng)
        return results

    def apply(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The changed picture (H, W, 3) uint8; ``image`` is left as it is."""
        raise NotImplementedError

    def __repr__(self) -> str:
        items = ", ".join(f"{key}={value!r}" for key, value in vars(self).items())
        return f"{type(self).__name__}({items})"
