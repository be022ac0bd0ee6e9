"""What the page holds for its scripts: the candidates and what is shown of a chosen fish."""

from __future__ import annotations

import base64
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from fishdet.inference.names import names_of

from .pictures import glow
from .record import Trace
from .saliency import Saliency

FC_ROWS = 24  # boxes whose fully connected outputs the page keeps


def page_data(trace: Trace, seen: dict[int, Saliency] | None, words: Any, fish: int) -> Any:
    """Return plain data, arrays in base64 (float32, int32 and uint8, little endian).

    Args:
        trace: the trace.
        seen: saliency by index into ``trace.final``; None where it cannot be computed.
        words: text of the page by key, English and Korean.
        fish: which detection is chosen at first, an index into ``trace.final``.
    """
    regions, proposals = trace.regions, trace.proposals
    candidates = [int(regions.kept[row]) for row in trace.final]
    valid = proposals.valid.nonzero()[:, 0]
    return {
        "words": words,
        "names": {lang: names_of(trace.classes, lang).class_name.tolist() for lang in ("en", "ko")},
        "size": trace.image.shape[:2],
        "frame": trace.meta["img_shape"],
        "scale": trace.meta["scale_factor"],
        "levels": trace.level_names,
        "grids": proposals.grids.tolist(),
        "strides": proposals.strides[:, 0].tolist(),
        "stds": regions.settings["stds"],
        "agnostic": regions.settings["class_agnostic"],
        "cells": list(trace.roi_features.shape[-2:]),
        "colours": _viridis(),
        "rpn": {
            "boxes": _packed(proposals.boxes[valid]),
            "scores": _packed(proposals.scores[valid]),
            "levels": _packed(proposals.level[valid], "i4"),
        },
        "roi": {
            "boxes": _packed(regions.candidate_boxes),
            "scores": _packed(regions.candidate_scores),
            "labels": _packed(regions.candidate_label, "i4"),
            "rois": _packed(regions.candidate_roi, "i4"),
            "deltas": _packed(regions.candidate_deltas()),
        },
        "way": _way(trace),
        **_fcs(trace),
        "has_saliency": seen is not None,
        "saliency": {
            str(candidates[row]): {"uri": glow(one.values), "box": one.box}
            for row, one in (seen or {}).items()
        },
        "chosen": candidates[fish] if candidates else -1,
    }


def _way(trace: Trace) -> dict[str, Any]:
    """Columns a proposal; cells and class scores only of those that made a candidate."""
    regions, proposals = trace.regions, trace.proposals
    rows = proposals.chosen
    used = regions.candidate_roi.unique()
    slot = torch.full_like(regions.level, -1)
    slot[used] = torch.arange(len(used), device=slot.device)
    cells = trace.roi_features[used].abs().mean(dim=1)
    return {
        "boxes": _packed(proposals.boxes[rows]),
        "decoded": _packed(proposals.decoded[rows]),
        "anchors": _packed(proposals.anchors[rows]),
        "index": _packed(proposals.anchor_index[rows], "i4"),
        "level": _packed(proposals.level[rows], "i4"),
        "scores": _packed(proposals.scores[rows]),
        "roi_level": _packed(regions.level, "i4"),
        "slot": _packed(slot, "i4"),
        "cells": _packed(_bytes(cells.flatten(1)), "u1"),
        "class_scores": _packed(regions.scores[used]),
    }


def _fcs(trace: Trace) -> dict[str, Any]:
    regions = trace.regions
    first = regions.candidate_roi[regions.kept[:FC_ROWS]].tolist()
    rois = list(dict.fromkeys(first))
    parts = []
    for one in trace.fcs:
        values = one[rois]
        parts.append(
            {
                "size": values.shape[1],
                "alive": (values > 0).sum(dim=1).tolist(),
                "values": _packed(_bytes(values), "u1"),
            }
        )
    return {"fc_rows": rois, "fcs": parts}


def _bytes(rows: Tensor) -> Tensor:
    """Each row brought to 0 … 255 by its own largest value."""
    if not len(rows):
        return rows
    return (rows / rows.amax(dim=1, keepdim=True).clamp(min=1e-12) * 255).round()


def _packed(values: Tensor, kind: str = "f4") -> dict[str, str]:
    array = np.ascontiguousarray(values.cpu().numpy().astype(f"<{kind}"))
    return {"type": kind, "bytes": base64.b64encode(array.tobytes()).decode()}


def _viridis() -> list[list[int]]:
    ramp = np.arange(256, dtype=np.uint8)[None]
    return cv2.applyColorMap(ramp, cv2.COLORMAP_VIRIDIS)[0, :, ::-1].tolist()
