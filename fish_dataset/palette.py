"""Colours for any number of classes."""

from __future__ import annotations

import colorsys

_GOLDEN = 0.6180339887498949


def palette(count: int) -> list[tuple[int, int, int]]:
    """``count`` RGB colours, always the same, neighbours far apart.

    Hues step by the golden ratio, so every prefix is spread over the circle; saturation and value
    alternate so that classes beyond the first dozen still differ.
    """
    return [_colour(index) for index in range(count)]


def _colour(index: int) -> tuple[int, int, int]:
    hue = (0.08 + index * _GOLDEN) % 1.0
    saturation = (0.85, 0.6, 0.95)[index % 3]
    value = (0.95, 0.8)[index // 3 % 2]
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)
