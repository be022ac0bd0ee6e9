"""A trace as plain data (JSON) and as arrays (npz)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fish_dataset.files import write_atomic

from .queries import QueryTrace
from .record import Trace
from .way_back import way_back


def counts(trace: Trace) -> list[dict[str, Any]]:
    """Return what each step of the RPN left over, a row a level, the last for all of them."""
    proposals = trace.proposals
    all_anchors = proposals.grids.prod(dim=1).tolist()
    rows = []
    for level, name in [*enumerate(trace.level_names), (None, "all")]:
        here = torch.ones_like(proposals.valid) if level is None else proposals.level == level
        rows.append(
            {
                "level": name,
                "anchors": sum(all_anchors) if level is None else all_anchors[level],
                "after_top_k": int(here.sum()),
                "clipped": int((here & proposals.clipped).sum()),
                "too_small": int((here & ~proposals.valid).sum()),
                "after_nms": int(here[proposals.kept].sum()),
                "proposals": int(here[proposals.chosen].sum()),
            }
        )
    return rows


def to_plain(trace: Trace) -> dict[str, Any]:
    """Return shapes, counts, settings and the way back of each detection; no large array."""
    regions = trace.regions
    return {
        "image_shape": list(trace.image.shape),
        "input": {"shape": list(trace.input.shape), **trace.meta},
        "features": {name: _about(one) for name, one in trace.features.items()},
        "objectness": {name: _about(one) for name, one in trace.objectness.items()},
        "offsets": {name: _about(one) for name, one in trace.offsets.items()},
        "rpn": {"settings": trace.proposals.settings, "counts": counts(trace)},
        "roi": {
            "settings": regions.settings,
            "levels": {
                name: int((regions.level == level).sum())
                for level, name in enumerate(trace.level_names)
            },
            "roi_features": list(trace.roi_features.shape),
            "fcs": [list(one.shape) for one in trace.fcs],
            "class_scores": list(regions.scores.shape),
            "above_score_thr": len(regions.candidate_roi),
            "after_nms": regions.before_limit,
            "after_max_per_img": len(regions.kept),
        },
        "detections": [way_back(trace, fish) for fish in range(len(trace.final))],
    }


def to_arrays(trace: Trace) -> dict[str, np.ndarray]:
    """Return every stage as arrays, by the names that docs/trace.md lists."""
    proposals, regions = trace.proposals, trace.regions
    tensors: dict[str, Tensor] = {"input": trace.input, **trace.features}
    tensors |= {f"objectness_{name}": one for name, one in trace.objectness.items()}
    tensors |= {f"offsets_{name}": one for name, one in trace.offsets.items()}
    columns: tuple[str, ...]
    columns = ("grids", "strides", "level", "anchor_index", "anchors", "logits", "scores",
               "deltas", "decoded", "boxes", "valid", "kept", "chosen")  # fmt: skip
    tensors |= {f"rpn_{name}": getattr(proposals, name) for name in columns}
    columns = ("rois", "level", "logits", "scores", "deltas", "boxes", "candidate_roi",
               "candidate_label", "kept")  # fmt: skip
    tensors |= {f"roi_{name}": getattr(regions, name) for name in columns}
    tensors["roi_features"] = trace.roi_features
    tensors |= {f"fc{number + 1}": one for number, one in enumerate(trace.fcs)}
    arrays = {name: one.cpu().numpy() for name, one in tensors.items()}
    return {"image": trace.image, "final": trace.final, **arrays}


def queries_to_plain(trace: QueryTrace) -> dict[str, Any]:
    """Return shapes, and start, end and scores of each fish's query; no large array."""
    pairs = zip(trace.query.tolist(), trace.label.tolist(), strict=True)
    return {
        "image_shape": list(trace.image.shape),
        "input": {"shape": list(trace.input)},
        "maps": [{"name": name, "shape": list(shape)} for name, shape in trace.maps],
        "queries": len(trace.start),
        "layers": len(trace.layers),
        "detections": [
            {
                "query": query,
                "species": trace.classes[label],
                "score": float(trace.scores[query, label]),
                "start": trace.start[query].tolist(),
                "layers": [layer[query].tolist() for layer in trace.layers],
                "box": trace.boxes[query].tolist(),
                "scores": dict(zip(trace.classes, trace.scores[query].tolist(), strict=True)),
            }
            for query, label in pairs
        ],
    }


def queries_to_arrays(trace: QueryTrace) -> dict[str, np.ndarray]:
    """Return every query as arrays, by the names of :class:`QueryTrace`."""
    names = ("image", "start", "boxes", "scores", "query", "label")
    layers = {f"layer{number}": one for number, one in enumerate(trace.layers, 1)}
    return {name: getattr(trace, name) for name in names} | layers


def write_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays into a compressed npz, whole or not at all."""

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]

    write_atomic(path, write)


def _about(one: Tensor) -> dict[str, Any]:
    return {
        "shape": list(one.shape),
        "min": float(one.min()),
        "mean": float(one.mean()),
        "max": float(one.max()),
    }
