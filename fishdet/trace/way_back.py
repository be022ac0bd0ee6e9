"""From a box that was found back to the proposal, the anchor and the level that it came from."""

from __future__ import annotations

from typing import Any

from .record import Trace


def way_back(trace: Trace, fish: int) -> dict[str, Any]:
    """Return the way of detection ``fish``, an index into ``trace.final``, as plain data.

    Boxes of ``box`` are in pixels of the picture as it was given; ``proposal`` and ``anchor`` in
    pixels of the network's input.

    Raises:
        IndexError: there are fewer detections.
    """
    regions, proposals = trace.regions, trace.proposals
    candidate = int(regions.kept[int(trace.final[fish])])
    roi, label = int(regions.candidate_roi[candidate]), int(regions.candidate_label[candidate])
    row = int(proposals.chosen[roi])
    grid_row, grid_column, anchor = proposals.location(row)
    level = int(proposals.level[row])
    return {
        "class": trace.classes[label],
        "name": trace.names[label],
        "score": float(regions.scores[roi, label]),
        "box": regions.boxes[roi, label].tolist(),
        "class_scores": {
            **dict(zip(trace.classes, regions.scores[roi, :-1].tolist(), strict=True)),
            "(background)": float(regions.scores[roi, -1]),
        },
        "deltas": regions.candidate_deltas()[candidate].tolist(),
        "roi_level": trace.level_names[int(regions.level[roi])],
        "proposal": {
            "number": roi,
            "box": regions.rois[roi].tolist(),
            "objectness": float(proposals.scores[row]),
            "before_clipping": proposals.decoded[row].tolist(),
            "deltas": proposals.deltas[row].tolist(),
        },
        "anchor": {
            "level": trace.level_names[level],
            "stride": proposals.strides[level].tolist(),
            "row": grid_row,
            "column": grid_column,
            "number": anchor,
            "box": proposals.anchors[row].tolist(),
        },
    }
