"""From what a user names (files, folders, patterns) to image files, and from files to arrays."""

from __future__ import annotations

import glob
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TypeAlias

import cv2
import numpy as np
from PIL import Image, ImageOps

from fishdet.errors import FishdetError

from . import heif

SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")) | heif.SUFFIXES
ImageLike: TypeAlias = "str | os.PathLike[str] | bytes | np.ndarray | Image.Image"


@dataclass(frozen=True)
class ImageFile:
    """A file on disk and the name of its results (``/`` between parts): the path below the folder
    that was named; where several were and none holds the others, behind as much of the folder's
    own path as tells them apart."""

    path: Path
    name: str


def find_images(
    inputs: Sequence[str | os.PathLike[str]],
    skip: Path | None = None,
    suffixes: frozenset[str] = SUFFIXES,
) -> list[ImageFile]:
    """Return the images that ``inputs`` name, sorted, each once.

    A file is taken whatever its suffix; a folder is searched to the bottom and a pattern (with
    ``**`` too) expanded, both for the usual image suffixes. Hidden files are left out.

    Args:
        inputs: files, folders and patterns.
        skip: a folder that is not searched, such as that of the results.
        suffixes: what folders and patterns are searched for, in small letters.

    Raises:
        FishdetError: one of the inputs names nothing.
    """
    roots: list[Path] = []
    root_of: dict[Path, Path] = {}
    for one in inputs:
        root, paths = _expand(os.fspath(one), suffixes)
        if skip is not None and not os.path.isfile(one):
            paths = [path for path in paths if not path.is_relative_to(_absolute(skip))]
        if not paths and not (os.path.exists(one) or glob.has_magic(os.fspath(one))):
            raise FishdetError(f"{os.fspath(one)}: there is no such file or folder")
        if not paths:
            raise FishdetError(
                f"no images in {os.fspath(one)!r}: looked for files, folders and patterns with "
                f"images named {', '.join(sorted(suffixes))}"
            )
        roots.append(root)
        for path in paths:
            root_of.setdefault(path, root)
    labels = _labels(roots)
    return [
        ImageFile(path, (labels[root] / path.relative_to(root)).as_posix())
        for path, root in sorted(root_of.items())
    ]


def _labels(roots: list[Path]) -> dict[Path, PurePath]:
    """How the results of each folder begin: as the folder lies below one that holds all of them,
    else the shortest ends of the folders' paths that tell them apart."""
    base = Path(os.path.commonpath(roots))
    if base in roots:
        return {root: root.relative_to(base) for root in roots}
    depth = 1
    while True:
        labels = {root: PurePath(*root.parts[1:][-depth:]) for root in roots}
        if len(set(labels.values())) == len(labels):
            return labels
        depth += 1


def read_image(image: ImageLike, name: str = "") -> np.ndarray:
    """Return an image as mmcv loads it for training: uint8 BGR (H, W, 3), turned as EXIF says.

    Grey becomes three equal channels, alpha is dropped, 16-bit values keep their upper byte and
    CMYK is converted.

    Args:
        image: a path, the bytes of an image file, a BGR or grey array, or a Pillow image.
        name: what to call it in messages; a path names itself.

    Raises:
        FishdetError: not readable as an image; names the file.
    """
    if isinstance(image, np.ndarray):
        return _from_array(image, name or "the array")
    if isinstance(image, Image.Image):
        return _from_pillow(image, name or "the Pillow image")
    if isinstance(image, bytes):
        return decode(image, name or "the bytes")
    if isinstance(image, str | os.PathLike):
        return decode(_read_bytes(Path(image)), str(image))
    raise FishdetError(
        f"an image is a path, bytes, a NumPy array or a Pillow image, not {type(image).__name__}"
    )


def decode(content: bytes, name: str) -> np.ndarray:
    """Return the image in a file's bytes as uint8 BGR (H, W, 3).

    OpenCV fills what is missing of a JPEG that was cut short with grey and says nothing, so a
    JPEG without its end marker is checked by Pillow, which refuses it.

    Raises:
        FishdetError: not an image, or cut short.
    """
    if not content:
        raise FishdetError(f"{name}: the file is empty")
    if heif.is_heif(content):
        return _from_pillow(heif.open_heif(content, name), name)
    _require_whole_jpeg(content, name)
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise FishdetError(f"{name}: OpenCV cannot read it: {error}") from error
    if image is None:
        raise FishdetError(f"{name}: not an image that OpenCV reads (or a damaged one)")
    return image


def _require_whole_jpeg(content: bytes, name: str) -> None:
    if not content.startswith(b"\xff\xd8") or content.rstrip(b"\0\r\n").endswith(b"\xff\xd9"):
        return
    try:
        with Image.open(io.BytesIO(content)) as picture:
            picture.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise FishdetError(f"{name}: the JPEG is cut short or damaged: {error}") from error


def _from_array(array: np.ndarray, name: str) -> np.ndarray:
    described = f"{name} of shape {array.shape} and type {array.dtype}"
    if array.dtype == np.uint16:
        array = (array >> 8).astype(np.uint8)
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or 0 in array.shape:
        raise FishdetError(f"{described}: an image is uint8 (or uint16) of (H, W) or (H, W, 3) BGR")
    if array.ndim == 2:
        array = array[..., None]
    if array.shape[2] not in (1, 3, 4):
        raise FishdetError(f"{described}: 1, 3 or 4 channels, BGR, are an image")
    if array.shape[2] == 1:
        array = np.repeat(array, 3, axis=2)
    return np.ascontiguousarray(array[..., :3])


def _from_pillow(image: Image.Image, name: str) -> np.ndarray:
    try:
        image = ImageOps.exif_transpose(image)
    except (OSError, SyntaxError, ValueError) as error:
        raise FishdetError(f"{name}: not readable as an image: {error}") from error
    if image.mode.startswith("I"):  # 16 bits a pixel; convert('RGB') would clip them at 255
        return _from_array(np.asarray(image).astype(np.uint16), name)
    if image.mode == "F":
        raise FishdetError(
            f"{name}: floating-point pixels have no known range; convert it to 'RGB'"
        )
    return np.ascontiguousarray(np.asarray(image.convert("RGB"))[..., ::-1])


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FishdetError(f"{path}: {error.strerror or error}") from error


def _expand(text: str, suffixes: frozenset[str]) -> tuple[Path, list[Path]]:
    path = _absolute(Path(text))
    if path.is_dir():
        return path, list(_images(path.rglob("*"), path, suffixes))
    if path.is_file():
        return path.parent, [path]
    matches = [_absolute(Path(match)) for match in glob.glob(text, recursive=True)]
    folder = _absolute(Path(os.path.dirname(text.split("*")[0].split("?")[0].split("[")[0])))
    below = (path for match in matches if match.is_dir() for path in match.rglob("*"))
    return folder, list(_images([*matches, *below], folder, suffixes))


def _images(paths: Iterable[Path], folder: Path, suffixes: frozenset[str]) -> Iterator[Path]:
    for path in paths:
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in suffixes and not hidden and path.is_file():
            yield path


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))
