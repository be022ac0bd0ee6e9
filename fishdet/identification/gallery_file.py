"""A gallery as one safetensors file: embeddings, and everything else as JSON in its metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError, safe_open

from fish_dataset.files import write_atomic
from fishdet.errors import FishdetError

from .gallery import Fitted, Gallery, Photo
from .records import from_plain

KEY, FORMAT = "fishdet_gallery", 2  # 1 had thresholds of another measure of likeness
SUFFIX = ".safetensors"


def write_gallery(path: Path, gallery: Gallery) -> None:
    """Write a gallery, whole or not at all.

    Raises:
        FishdetError: the file cannot be written.
    """
    about = {
        "format": FORMAT,
        "network": gallery.network,
        "species": [record.plain() for record in gallery.species],
        "owner": gallery.owner.tolist(),
        "photos": [asdict(photo) for photo in gallery.photos],
        "fitted": asdict(gallery.fitted) if gallery.fitted else None,
    }
    text = json.dumps(about, ensure_ascii=False, sort_keys=True)
    tensors = {"embeddings": np.ascontiguousarray(gallery.embeddings, np.float32)}
    content = safetensors.numpy.save(tensors, {KEY: text})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, lambda temporary: _write(temporary, content))
    except OSError as error:
        raise FishdetError(
            f"gallery {path}: not written: {error.strerror or error}; name another --gallery"
        ) from error


def read_gallery(path: Path, network: str | None = None) -> Gallery:
    """Read a gallery.

    Args:
        path: the file.
        network: digest of the network that it is to be used with; None does not ask.

    Raises:
        FishdetError: no such file, no gallery, or made by another network.
    """
    about, embeddings = _read(path)
    try:
        fitted = about["fitted"]
        gallery = Gallery(
            str(about["network"]),
            tuple(from_plain(one) for one in about["species"]),
            embeddings,
            np.array(about["owner"], np.int64),
            tuple(Photo(**photo) for photo in about["photos"]),
            Fitted(**fitted) if fitted else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise FishdetError(f"gallery {path}: damaged or no gallery of ours: {error}") from error
    if not np.isfinite(embeddings).all():
        raise FishdetError(f"gallery {path}: damaged: it holds numbers that are not finite")
    if network is not None and gallery.network != network:
        raise FishdetError(
            f"gallery {path} was made by another embedding network (digest "
            f"{gallery.network[:12]}…, the present one is {network[:12]}…): what is near in one "
            "means nothing in the other. Use the model that made it, or enrol its photos anew"
        )
    return gallery


def _read(path: Path) -> tuple[Mapping[str, Any], np.ndarray]:
    if not path.is_file():
        raise FishdetError(
            f"gallery {path}: no such file; tools/species.py enrol NAME PHOTOS --gallery {path} "
            "makes it"
        )
    try:
        with safe_open(str(path), framework="numpy") as file:
            text = (file.metadata() or {}).get(KEY)
            if text is None:
                raise FishdetError(f"gallery {path}: a safetensors file, but no gallery of ours")
            about = json.loads(text)
            embeddings = np.array(file.get_tensor("embeddings"), np.float32)
    except (SafetensorError, OSError, ValueError) as error:
        raise FishdetError(f"gallery {path}: damaged or no safetensors file: {error}") from error
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        found = about.get("format") if isinstance(about, dict) else about
        raise FishdetError(
            f"gallery {path}: format {found!r}; this fishdet reads {FORMAT}: enrol its photos anew"
        )
    return about, embeddings


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
