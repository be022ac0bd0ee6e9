"""JPEGs decoded at a half, a quarter or an eighth, where the picture will be shrunk anyway.

libjpeg computes such a picture from fewer of each block's frequencies: on 12 megapixels that takes
less than half the time (``benchmarks/loading.py``). Its pixels are means over blocks, so that they
differ a little from those of a whole picture shrunk by interpolation.
"""

from __future__ import annotations

import io
import warnings

import cv2
import numpy as np
from mmcv import rescale_size
from PIL import Image

DIVISORS = {8: cv2.IMREAD_REDUCED_COLOR_8, 4: cv2.IMREAD_REDUCED_COLOR_4,
            2: cv2.IMREAD_REDUCED_COLOR_2}  # fmt: skip
_FORMATS, _MODES = ("JPEG", "MPO"), ("RGB", "L")


def resized_shape(
    shape: tuple[int, int], scale: tuple[int, int], keep_ratio: bool
) -> tuple[int, int]:
    """Return (height, width) of a picture of ``shape`` after mmdet's Resize to ``scale``.

    Args:
        shape: height and width before.
        scale: width and height, or with ``keep_ratio`` the longest and shortest edge allowed.
        keep_ratio: see mmdet's Resize.
    """
    if not keep_ratio:
        return scale[1], scale[0]
    width, height = rescale_size(shape[::-1], scale)
    return height, width


def divisor_for(shape: tuple[int, int], scale: tuple[int, int], keep_ratio: bool) -> int:
    """Return the largest of 8, 4, 2 by which a picture remains as large as Resize makes it, or 1.

    Args:
        shape: height and width in the file.
        scale: the largest that Resize may be asked for, as ``resized_shape`` takes it.
        keep_ratio: see mmdet's Resize. Without it the picture may be turned by a quarter by its
            EXIF tag, and remains as large both ways.
    """
    height, width = resized_shape(shape, scale, keep_ratio)
    if not keep_ratio:
        height = width = max(height, width)
    for divisor in DIVISORS:
        if reduced(shape[0], divisor) >= height and reduced(shape[1], divisor) >= width:
            return divisor
    return 1


def reduced(pixels: int, divisor: int) -> int:
    """Return the edge that libjpeg gives: the quotient, rounded up."""
    return -(-pixels // divisor)


def jpeg_shape(content: bytes) -> tuple[int, int] | None:
    """Return (height, width) in a JPEG's header, before any turn by EXIF.

    None for other formats, for CMYK, and where the header cannot be read.
    """
    if not content.startswith(b"\xff\xd8"):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # large pictures are what this is for
            with Image.open(io.BytesIO(content)) as image:
                known = image.format in _FORMATS and image.mode in _MODES
                return (image.height, image.width) if known else None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def decode_reduced(
    content: bytes, scale: tuple[int, int], keep_ratio: bool
) -> tuple[np.ndarray, tuple[int, int]] | None:
    """Decode a JPEG at the smallest scale that Resize cannot tell by size.

    Args:
        content: the file's bytes.
        scale: as ``divisor_for`` takes it.
        keep_ratio: as ``divisor_for`` takes it.

    Returns:
        The picture (h, w, 3) uint8 in BGR, turned by its EXIF tag as ``cv2.imdecode`` turns, and
        (height, width) of the whole picture, turned alike. None where it has to be decoded whole:
        it is no JPEG, or too small, or something about it is odd.
    """
    shape = jpeg_shape(content)
    divisor = divisor_for(shape, scale, keep_ratio) if shape and min(shape) > 0 else 1
    if shape is None or divisor == 1:
        return None
    image = cv2.imdecode(np.frombuffer(content, np.uint8), DIVISORS[divisor])
    if image is None:
        return None
    # Whether OpenCV turned the picture shows in what it gives, which is surer than a second
    # reader of EXIF; where it does not show, the edges are equal or the picture is decoded whole.
    ways = {(reduced(h, divisor), reduced(w, divisor)): (h, w) for h, w in (shape, shape[::-1])}
    whole = ways.get(image.shape[:2])
    if whole is None or (len(ways) == 1 and shape[0] != shape[1]):
        return None
    return image, whole
