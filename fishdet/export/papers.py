"""What travels in an exported file: everything that tells what its numbers mean."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fish_dataset.catalogue import find
from fish_dataset.files import file_sha256
from fishdet import __version__
from fishdet.checkpoint.publishing.model_papers import preprocessing
from fishdet.inference.detector import Detector
from fishdet.inference.exported import FORMAT


def export_papers(
    detector: Detector,
    checkpoint: Mapping[str, Any],
    path: Path,
    outputs: tuple[str, ...],
    proposals: int | None = None,
    own_config: bool = True,
) -> dict[str, Any]:
    """Return the papers of a detector's export, plain data.

    Args:
        detector: of the checkpoint.
        checkpoint: as ``load_checkpoint`` returned it.
        path: its file.
        outputs: the names of what the graph returns.
        proposals: how many the second stage was limited to; None: as trained.
        own_config: whether the checkpoint's own config was used.
    """
    meta = (checkpoint.get("meta") or {}).get("fishdet") or {}
    data = meta.get("data") or {}
    calibration = detector.calibration
    test = detector.cfg.model.get("test_cfg") or {}
    return {
        "export_format": FORMAT,
        "fishdet": __version__,
        "model": path.name,
        "model_sha256": file_sha256(path),
        "own_config": own_config,
        "proposals": proposals,
        "architecture": detector.cfg.model.get("type"),
        "classes": [_class(name) for name in detector.classes],
        "score_thr": (test.get("rcnn") or test).get("score_thr"),
        "thresholds": detector.class_thresholds or None,
        "calibration": calibration
        and {"temperature": calibration.temperature, "bias": calibration.bias},
        "data_digest": meta.get("data_digest") or data.get("digest"),
        "drawn_only": detector.drawn_only,
        "licence": meta.get("licence"),
        "preprocessing": preprocessing(detector.cfg),
        "input": "uint8 BGR (batch, height, width, 3), pictures of one size",
        "outputs": list(outputs),
        "precision": "fp32",
    }


def _class(name: str) -> dict[str, str | None]:
    species = find(name)
    return {"name": name, "species": species.id if species else None}
