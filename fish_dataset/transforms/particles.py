"""Light that dances and particles that drift, as the drawn scenes have them, on photos."""

from __future__ import annotations

import cv2
import numpy as np
from mmdet.registry import TRANSFORMS

from fish_dataset.synthesis.particles import lay_snow, snow_opacity
from fish_dataset.synthesis.water import caustic_light

from . import parameters
from .base import PixelTransform

DRAWN = 256.0  # pixels that the drawn scenes' measures refer to


def cast_caustics(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """``image`` (H, W, 3) uint8 under a net of light that fades downwards; 0 changes nothing."""
    if strength <= 0:
        return image.copy()
    light = caustic_light(rng, (image.shape[0], image.shape[1]), strength).astype(np.float32)
    return np.clip(image * light[..., None] + 0.5, 0, 255).astype(np.uint8)


def scatter_snow(image: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """``image`` (H, W, 3) uint8 behind drifting particles; amount 0 changes nothing.

    Particles take the colour of the water around them: the picture, blurred to 8 × 8 patches.
    """
    if amount <= 0:
        return image.copy()
    height, width = image.shape[:2]
    canvas = image.astype(np.float32) * np.float32(1 / 255)
    patches = cv2.resize(canvas, (8, 8), interpolation=cv2.INTER_AREA)
    water = cv2.resize(patches, (width, height), interpolation=cv2.INTER_LINEAR)
    lay_snow(canvas, water, snow_opacity((height, width), amount, max(height, width) / DRAWN, rng))
    return np.clip(canvas * 255 + 0.5, 0, 255).astype(np.uint8)


@TRANSFORMS.register_module()
class Caustics(PixelTransform):
    """A net of light from waves at the surface, brighter at the top of the picture.

    Args:
        prob: Share of the pictures that are changed.
        strength: Range of the net's contrast; 0 changes nothing, 1 is bright shallow water.
    """

    def __init__(self, prob: float = 0.2, strength: tuple[float, float] = (0.05, 0.35)) -> None:
        super().__init__(prob)
        self.strength = parameters.span(self, "strength", strength, 0, 2)

    def apply(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """``image`` under a net of light by chance."""
        return cast_caustics(image, float(rng.uniform(*self.strength)), rng)


@TRANSFORMS.register_module()
class MarineSnow(PixelTransform):
    """Particles before the lens: many fine ones, a few large and out of focus.

    Args:
        prob: Share of the pictures that are changed.
        amount: Range of the amount; 1 is about 42 fine and 4 large particles a picture.
    """

    def __init__(self, prob: float = 0.3, amount: tuple[float, float] = (0.5, 5.0)) -> None:
        super().__init__(prob)
        self.amount = parameters.span(self, "amount", amount, 0, 100)

    def apply(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """``image`` behind particles by chance."""
        return scatter_snow(image, float(rng.uniform(*self.amount)), rng)
