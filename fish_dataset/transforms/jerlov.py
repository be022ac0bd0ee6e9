"""Optical coefficients of Jerlov's water types, for red, green and blue.

Absorption and scattering: M. Droske, J. Hanika, J. Vorba, A. Weidlich, M. Sabbadin, "Path Tracing
in Production: The Path of Water", ACM SIGGRAPH 2023 Courses, doi:10.1145/3587423.3595519, as
given in github.com/MilchRatchet/Luminary, src/cuda/ocean_utils.cuh. Its values for type I are
those of pure water at about 640, 547 and 450 nm (Pope and Fry 1997).

Diffuse attenuation of daylight on its way down: N. G. Jerlov, "Marine Optics", 2nd ed. 1976, table
XXVII, at 650, 550 and 450 nm, as given in github.com/stblake/photic, model/jerlov.c, commit
6f9fbffdb56bf295aa3754c86b2dbcb8e3b2574f.

All read on 2026-11-25. The source also lists 3C and 5C; they are left out, because their red
columns (absorption 0.508 and 4.638, between 0.316 of 1C and 0.351 of 7C) cannot be right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FORWARD = 0.3
"""Share of the scattered light that still leaves the beam's surroundings; the rest is blur."""
TOWARDS_CAMERA = 0.3
"""Share of the scattered daylight that reaches the camera as a veil.

Both, and the way they are used, from V. Ismiroglou et al., "Sea-ing Through Scattered Rays",
arXiv:2509.15011 (there g and mu), defaults in github.com/vismiroglou/STSR, configs/example.cfg,
commit 3e566f0c04763777abee2ddf96094e234f4c3539, read on 2026-11-25.
"""


@dataclass(frozen=True)
class WaterType:
    """Coefficients per metre, each as (red, green, blue)."""

    absorption: tuple[float, float, float]
    scattering: tuple[float, float, float]
    downward: tuple[float, float, float]

    @property
    def beam(self) -> np.ndarray:
        """(3,) BGR, loss of the direct light: c = a + b."""
        return _bgr(self.absorption) + _bgr(self.scattering)

    @property
    def effective(self) -> np.ndarray:
        """(3,) BGR, loss when light that is scattered forward still counts: G = a + g b."""
        return _bgr(self.absorption) + FORWARD * _bgr(self.scattering)

    @property
    def veil(self) -> np.ndarray:
        """(3,) BGR, colour of water without end under white light of 1: mu b / G, below 1."""
        return TOWARDS_CAMERA * _bgr(self.scattering) / self.effective

    def daylight(self, depth: float) -> np.ndarray:
        """(3,) BGR, daylight at ``depth`` metres; the camera's exposure holds the largest at 1."""
        loss = _bgr(self.downward)
        return np.exp(-(loss - loss.min()) * depth)


JERLOV: dict[str, WaterType] = {
    "I": WaterType((0.309, 0.053, 0.009), (0.001, 0.002, 0.004), (0.36, 0.063, 0.019)),
    "IA": WaterType((0.309, 0.054, 0.014), (0.002, 0.004, 0.007), (0.37, 0.067, 0.026)),
    "IB": WaterType((0.309, 0.054, 0.015), (0.045, 0.054, 0.07), (0.375, 0.072, 0.036)),
    "II": WaterType((0.31, 0.054, 0.016), (0.27, 0.365, 0.516), (0.4, 0.089, 0.068)),
    "III": WaterType((0.31, 0.056, 0.031), (0.737, 0.998, 1.413), (0.445, 0.12, 0.135)),
    "1C": WaterType((0.316, 0.067, 0.105), (0.274, 0.372, 0.526), (0.45, 0.12, 0.25)),
    "7C": WaterType((0.351, 0.188, 0.574), (1.772, 2.394, 3.376), (0.63, 0.46, 0.89)),
    "9C": WaterType((0.398, 0.349, 0.995), (2.347, 3.18, 4.496), (0.76, 0.63, 1.6)),
}


def _bgr(rgb: tuple[float, float, float]) -> np.ndarray:
    return np.array(rgb[::-1], np.float64)
