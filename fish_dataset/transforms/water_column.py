"""More water between the fish and the camera: colour cast, loss of light, blur and veil."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from mmdet.registry import TRANSFORMS

from . import parameters
from .base import PixelTransform
from .jerlov import JERLOV, WaterType

GAMMA = 2.2  # of display values; the model holds for light
BLUR = 0.3  # pixels of blur a metre and unit of scattering, at REFERENCE pixels (Ismiroglou et al.)
REFERENCE = 640.0
WHITE = 95  # percentile of a picture's light that counts as what white would be in it
NEAR = 0.4  # range at the lower edge of the picture, of that at the upper edge


def range_map(height: int, far: float) -> np.ndarray:
    """Metres of water added before each row, (H, 1, 1) float32.

    A stand-in, since pictures come without depth: the camera looks ahead and a little down, so
    the upper edge is ``far`` metres away, the lower edge ``NEAR`` of that, straight in between.
    """
    return np.linspace(far, NEAR * far, height, dtype=np.float32).reshape(-1, 1, 1)


def visible_range(water: WaterType, transmission: float) -> float:
    """Metres at which the clearest colour has lost all but ``transmission`` of its light."""
    return -math.log(transmission) / float(water.effective.min())


def add_water(image: np.ndarray, water: WaterType, far: float, depth: float) -> np.ndarray:
    """The picture as if taken through more water, and deeper.

    The model of Jaffe (1990) and McGlamery (1980), direct + forward-scattered + backscattered
    light, with the point of Akkaynak and Treibitz, "A Revised Underwater Image Formation Model"
    (CVPR 2018): direct light and veil follow different coefficients. For colour c, range z(y)
    and light J of the picture::

        I = J E exp(-c z)  +  blur(J) E (exp(-G z) - exp(-c z))  +  W V E (1 - exp(-G z))

    with beam attenuation c = a + b, effective attenuation G = a + 0.3 b, veil V = 0.3 b / G,
    daylight E at ``depth`` (see ``jerlov``) and W the picture's own brightness, the 95th
    percentile of its light. The picture's own water stays in it: J is what the camera saw. Blur
    grows with range and scattering.

    Args:
        image: (H, W, 3) uint8 BGR.
        water: coefficients.
        far: metres of water added at the upper edge; 0 and ``depth`` 0 change nothing.
        depth: metres further down.

    Returns:
        (H, W, 3) uint8 BGR.
    """
    if far <= 0 and depth <= 0:
        return image.copy()
    light = cv2.pow(image.astype(np.float32) * np.float32(1 / 255), GAMMA)
    distance = range_map(image.shape[0], far)
    direct = np.exp(-water.beam * distance).astype(np.float32)
    through = np.exp(-water.effective * distance).astype(np.float32)
    white = np.percentile(light[::4, ::4].max(-1), WHITE)
    light = direct * light + (through - direct) * _blurred(light, water, far)
    light += (white * water.veil).astype(np.float32) * (1 - through)
    light *= water.daylight(depth).astype(np.float32)
    values = cv2.pow(np.clip(light, 0, 1), 1 / GAMMA)
    return (values * 255 + 0.5).astype(np.uint8)


def _blurred(light: np.ndarray, water: WaterType, far: float) -> np.ndarray:
    """``light`` out of focus, more so in the rows that are further away."""
    scale = max(light.shape[:2]) / REFERENCE
    sigma = BLUR * float(np.mean(water.scattering)) * far * scale
    if sigma < 0.2:
        return light
    weight = np.linspace(1, 0, light.shape[0], dtype=np.float32).reshape(-1, 1, 1)
    furthest, nearest = (cv2.GaussianBlur(light, (0, 0), s) for s in (sigma, NEAR * sigma + 1e-3))
    return weight * furthest + (1 - weight) * nearest


@TRANSFORMS.register_module()
class WaterColumn(PixelTransform):
    """Colour cast, loss of light, blur and veil by more water before the camera (``add_water``).

    Args:
        prob: Share of the pictures that are changed.
        types: Jerlov water types to draw from: I, IA, IB, II, III (oceanic, clear to turbid), 1C,
            7C, 9C (coastal).
        far: Range of the metres of water added at the upper edge of the picture.
        depth: Range of the metres further down.
        strength: Factor on both; 0 changes nothing.
        min_transmission: Light of the clearest colour that must still arrive from the upper edge:
            it limits the range, so that fish which are annotated can be seen.
    """

    def __init__(
        self,
        prob: float = 0.5,
        types: Sequence[str] | str = ("IB", "II", "III", "1C", "7C"),
        far: tuple[float, float] = (0.3, 3.0),
        depth: tuple[float, float] = (0.0, 4.0),
        strength: float = 1.0,
        min_transmission: float = 0.35,
    ) -> None:
        super().__init__(prob)
        self.types = parameters.choices(self, "types", types, tuple(JERLOV))
        self.far = parameters.span(self, "far", far, 0, 1000)
        self.depth = parameters.span(self, "depth", depth, 0, 1000)
        self.strength = parameters.number(self, "strength", strength, 0, 100)
        self.min_transmission = parameters.number(
            self, "min_transmission", min_transmission, 1e-3, 1
        )

    def apply(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """``image`` through water of a type, range and depth by chance."""
        water = JERLOV[self.types[int(rng.integers(len(self.types)))]]
        far, depth = (self.strength * rng.uniform(*ends) for ends in (self.far, self.depth))
        return add_water(image, water, min(far, visible_range(water, self.min_transmission)), depth)
