"""Prove a published model: its sums, its papers, and that its weights fit its config."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fishdet.errors import FishdetError

from ..published import SUFFIX, read_metadata, read_published


def prove(path: Path, sha256: str | None = None) -> dict[str, Any]:
    """Return the papers of a published model once everything that can be checked has been.

    That is the header, the SHA-256 of the file (of ``sha256`` and the digits in its name), the sum
    over weights and papers inside, the config (registered types only), the class list, and that
    every weight of the model is there, none besides, each of its shape.

    Args:
        path: a .safetensors file.
        sha256: the sum that an index states.

    Raises:
        FishdetError: names what is wrong.
    """
    from fishdet.checkpoint.load import load_checkpoint
    from fishdet.inference.build import (  # building takes mmdet, which the rest does without
        build_network,
        class_names,
        config_for,
        require_class_count,
    )

    if path.suffix != SUFFIX:
        raise FishdetError(f"{path}: only published models ({SUFFIX}) can be verified")
    papers = read_metadata(path)
    read_published(path, sha256)
    checkpoint = load_checkpoint(path)
    cfg = config_for(checkpoint, None, str(path))
    require_class_count(cfg, class_names(cfg, checkpoint, str(path)), str(path))
    build_network(cfg, checkpoint["state_dict"], "cpu")
    return papers
