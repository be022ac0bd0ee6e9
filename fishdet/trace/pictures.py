"""Feature maps and photos as data URIs."""

from __future__ import annotations

import cv2
import numpy as np
from torch import Tensor

from fish_dataset.page.blocks import data_uri

LONGEST = 1280  # of the photo in the page, pixels


def photo(image: np.ndarray) -> str:
    """Return a BGR picture, made smaller where it is large, as a JPEG data URI."""
    ratio = LONGEST / max(image.shape[:2])
    if ratio < 1:
        image = cv2.resize(image, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA)
    return _uri(image, ".jpg", "image/jpeg")


def strength(one: Tensor) -> np.ndarray:
    """Return how strongly each place of a map (C, H, W) answers: mean |value| (H, W)."""
    return one.abs().mean(dim=0).cpu().numpy()


def heat_map(values: np.ndarray, limits: tuple[float, float] | None = None) -> str:
    """Return (H, W) values in the colours of viridis, dark for little, as a PNG data URI.

    Args:
        values: any finite numbers.
        limits: what is darkest and what is brightest; by default the 1st and 99th percentile.
    """
    low, high = np.percentile(values, [1, 99]) if limits is None else limits
    scaled = np.clip((values - low) / max(high - low, 1e-12), 0, 1)
    grey = np.round(255 * scaled).astype(np.uint8)
    return _uri(cv2.applyColorMap(grey, cv2.COLORMAP_VIRIDIS), ".png", "image/png")


def glow(values: np.ndarray) -> str:
    """Return the positive part of (H, W) values as a picture to lay over a photo: the more the
    less transparent, PNG data URI."""
    share = np.clip(values, 0, None)
    share = share / max(float(share.max(initial=0)), 1e-12)
    colour = cv2.applyColorMap(np.round(255 * share).astype(np.uint8), cv2.COLORMAP_INFERNO)
    alpha = np.round(220 * np.sqrt(share)).astype(np.uint8)
    return _uri(np.dstack([colour, alpha]), ".png", "image/png")


def unnormalised(values: Tensor, meta: dict) -> np.ndarray:
    """Return the network's input (3, H, W) as numbers around 0, brought to 0 … 255 for the eye."""
    seen = values.cpu().numpy().transpose(1, 2, 0)
    low, high = float(seen.min()), float(seen.max())
    seen = (seen - low) / max(high - low, 1e-12)
    return np.round(255 * (seen[..., ::-1] if meta["bgr_to_rgb"] else seen)).astype(np.uint8)


def _uri(pixels: np.ndarray, suffix: str, mime: str) -> str:
    quality = [cv2.IMWRITE_JPEG_QUALITY, 82] if suffix == ".jpg" else []
    data = cv2.imencode(suffix, np.ascontiguousarray(pixels), quality)[1].tobytes()
    return data_uri(mime, data)
