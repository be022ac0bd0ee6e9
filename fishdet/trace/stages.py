"""The stages of a trace as the page's template shows them: pictures, shapes, tables."""

from __future__ import annotations

from typing import Any

import numpy as np

from fishdet.inference.detector import Detector

from .files import counts
from .pictures import heat_map, photo, strength, unnormalised
from .record import Trace

LETTERS = {"C": "backbone_map", "L": "lateral", "U": "upsampled", "S": "sum", "P": "pyramid"}
COLOURS = 6  # of levels in the style sheet


def stage_values(trace: Trace, detector: Detector) -> dict[str, Any]:
    """Return the template's values, without what only its scripts use."""
    regions = trace.regions
    extractor = detector.network.model.roi_head.bbox_roi_extractor
    per_level = np.bincount(regions.level.cpu().numpy(), minlength=extractor.num_inputs)
    total = max(len(regions.level), 1)
    shape = list(trace.roi_features.shape[1:])
    return {
        "frame": trace.meta["img_shape"],
        "seen": photo(unnormalised(trace.input, trace.meta)),
        "input_rows": _input_rows(trace),
        "backbone": _maps(trace, "C"),
        "pyramid": [_maps(trace, letter) for letter in "LUSP"],
        "anchors": _anchors(trace),
        "objectness": _objectness(trace),
        "offsets": [
            _map(name, "moved", strength(one), "×".join(map(str, one.shape)))
            for name, one in trace.offsets.items()
        ],
        "counts": counts(trace),
        "rpn": trace.proposals.settings,
        "finest_scale": extractor.finest_scale,
        "roi_size": f"{shape[1]}×{shape[2]} × {shape[0]}",
        "roi_levels": [
            (trace.level_names[level], int(number), number / total)
            for level, number in enumerate(per_level)
        ],
        "one_box": regions.deltas.shape[1] == 4,
        "funnel": _funnel(trace, detector),
    }


def _input_rows(trace: Trace) -> list[tuple[str, str]]:
    meta = trace.meta
    height, width = trace.image.shape[:2]
    low, high = float(trace.input.min()), float(trace.input.max())

    def numbers(values: list[float]) -> str:
        return ", ".join(f"{value:.6g}" for value in values) or "–"

    return [
        ("photo_size", f"{width} × {height}"),
        ("resized", f"{meta['img_shape'][1]} × {meta['img_shape'][0]}"),
        ("padded", f"{trace.input.shape[2]} × {trace.input.shape[1]}"),
        ("order", "RGB" if meta["bgr_to_rgb"] else "BGR"),
        ("mean", numbers(meta["mean"])),
        ("std", numbers(meta["std"])),
        ("range", f"{low:.3f} … {high:.3f}"),
    ]


def _maps(trace: Trace, letter: str) -> list[dict[str, Any]]:
    chosen = [(name, one) for name, one in trace.features.items() if name[0] == letter]
    return [
        _map(name, LETTERS[letter], strength(one), "×".join(map(str, one.shape)))
        for name, one in chosen
    ]


def _map(
    name: str,
    kind: str,
    values: np.ndarray,
    shape: str,
    limits: tuple[float, float] | None = None,
) -> dict[str, Any]:
    height, width = values.shape
    return {"name": name, "kind": kind, "uri": heat_map(values, limits), "shape": shape,
            "width": width, "height": height}  # fmt: skip


def _objectness(trace: Trace) -> list[dict[str, Any]]:
    rows = []
    for name, logits in trace.objectness.items():
        best = logits.sigmoid().amax(dim=0).cpu().numpy()
        shape = f"{'×'.join(map(str, logits.shape))}, {float(best.max()):.3f}"
        rows.append(_map(name, "best_score", best, shape, (0.0, 1.0)))
    return rows


def _anchors(trace: Trace) -> list[dict[str, Any]]:
    """A row a level, with the anchors of the place in its middle."""
    proposals = trace.proposals
    height, width = trace.meta["img_shape"]
    rows = []
    for level, name in enumerate(trace.level_names):
        stride_x, stride_y = proposals.strides[level].tolist()
        grid_rows, columns, number = proposals.grids[level].tolist()
        base = trace.base_anchors[level].tolist()
        x = min(int(width / 2 / stride_x), columns - 1) * stride_x
        y = min(int(height / 2 / stride_y), grid_rows - 1) * stride_y
        boxes = [(x1 + x, y1 + y, x2 - x1, y2 - y1) for x1, y1, x2, y2 in base]
        rows.append(
            {
                "name": name,
                "number": min(level, COLOURS - 1),
                "stride": stride_x,
                "grid": f"{columns} × {grid_rows}",
                "per_place": number,
                "sizes": ", ".join(f"{round(w)}×{round(h)}" for _, _, w, h in boxes),
                "all": columns * grid_rows * number,
                "boxes": boxes,
            }
        )
    return rows


def _funnel(trace: Trace, detector: Detector) -> list[tuple[str, dict[str, Any], int]]:
    regions = trace.regions
    own = regions.settings
    more = detector.options.agnostic_nms is not None
    return [
        ("pairs", {}, len(regions.rois) * len(trace.classes)),
        ("above_thr", {"thr": own["score_thr"]}, len(regions.candidate_roi)),
        ("after_nms_iou", {"iou": own["iou_threshold"]}, regions.before_limit),
        ("after_limit", {"max": own["max_per_img"]}, len(regions.kept)),
        ("shown_by", {"more": "and_agnostic" if more else ""}, len(trace.final)),
    ]
