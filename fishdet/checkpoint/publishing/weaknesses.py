"""What a model is known to be bad at, read from its own figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

FEW_BOXES = 30
HARD = 0.8  # of the mean recall
KINDS = {
    "Cls": "wrong species",
    "Loc": "box too far off",
    "Both": "wrong species and box off",
    "Dupe": "found twice",
    "Bkg": "nothing there",
    "Miss": "missed",
}
PARTS = {
    "size": "boxes of {} (root of the area)",
    "crowding": "pictures with {} fish",
    "brightness": "pictures of mean brightness {}",
}


def weaknesses(papers: Mapping[str, Any]) -> list[str]:
    """Return sentences on what the papers show to be weak, unmeasured or missing."""
    metrics = papers.get("metrics") or {}
    return [
        *_drawn(papers),
        *_species(metrics),
        *_sizes(metrics.get("totals") or {}),
        *_errors(papers.get("errors") or {}),
        *_unmeasured(papers),
    ]


def _drawn(papers: Mapping[str, Any]) -> list[str]:
    if not (papers.get("config") or {}).get("builtin_data"):
        return []
    return [
        "Trained on drawn pictures: it shows that the machinery works, and is no substitute for a "
        "model trained on photos."
    ]


def _species(metrics: Mapping[str, Any]) -> list[str]:
    rows = metrics.get("species") or []
    scored = [row for row in rows if isinstance(row.get("AP"), float) and row["AP"] >= 0]
    worst = sorted(scored, key=lambda row: row["AP"])[: min(3, len(scored) // 2)]
    lines = []
    if worst:
        listed = ", ".join(f"{row['name']} ({row['AP']:.3f})" for row in worst)
        lines.append(f"Lowest AP: {listed}.")
    few = [f"{row['name']} ({row['boxes']})" for row in rows if row.get("boxes", 0) < FEW_BOXES]
    if few:
        lines.append(
            f"Fewer than {FEW_BOXES} validation boxes, so that their figures say little: "
            f"{', '.join(few)}."
        )
    return lines


def _sizes(totals: Mapping[str, Any]) -> list[str]:
    every = totals.get("coco/bbox_mAP")
    names = {"s": "small (under 32² pixels)", "m": "medium", "l": "large (over 96² pixels)"}
    lines = []
    for key, name in names.items():
        value = totals.get(f"coco/bbox_mAP_{key}")
        if not isinstance(value, float) or value < 0:
            lines.append(f"No figure for {name} boxes: the validation data has none.")
        elif isinstance(every, float) and value < 0.8 * every:
            lines.append(f"AP on {name} boxes is {value:.3f}, against {every:.3f} over all.")
    return lines if totals else []


def _errors(errors: Mapping[str, Any]) -> list[str]:
    """What the error analysis says: dear kinds of error, look-alikes, and where fish are missed."""
    if not errors:
        return []
    kinds = sorted(errors["kinds"].items(), key=lambda item: -item[1]["dAP"])
    dear = ", ".join(
        f"{KINDS[name]} {kind['dAP']:.3f} ({kind['count']})" for name, kind in kinds[:3]
    )
    lines = [
        f"What errors cost, as AP50 to be gained (and how many): {dear}; AP50 is "
        f"{errors['AP50']:.3f} on {errors['images']} pictures."
    ]
    mixed = ", ".join(
        f"{row['species']} for {row['taken_for']} ({row['times']})" for row in errors["confusions"]
    )
    at = f"at score {errors['threshold']:.2f}"
    if mixed:
        lines.append(f"Most often taken for another species {at}: {mixed}.")
    hard = [line for by, parts in errors["parts"].items() for line in _hardest(by, parts)]
    return [*lines, f"Found least {at}: {'; '.join(hard)}."] if hard else lines


def _hardest(by: str, parts: Sequence[Mapping[str, Any]]) -> list[str]:
    known = [part for part in parts if part["recall"] is not None and part["boxes"] >= FEW_BOXES]
    boxes = sum(part["boxes"] for part in known)
    if not boxes:
        return []
    mean = sum(part["recall"] * part["boxes"] for part in known) / boxes
    least = min(known, key=lambda part: part["recall"])
    if least["recall"] > HARD * mean:
        return []
    share = f"{least['recall']:.0%} of {least['boxes']}"
    return [f"{PARTS[by].format(least['name'])} {share} (all: {mean:.0%})"]


def _unmeasured(papers: Mapping[str, Any]) -> list[str]:
    metrics, lines = papers.get("metrics") or {}, []
    if not metrics:
        lines.append("Its accuracy is not recorded.")
    elif not metrics.get("intervals"):
        lines.append("The figures come from one run, without confidence intervals.")
    if (papers.get("calibration") or {}).get("temperature") is None:
        lines.append("Scores are not calibrated: 0.8 does not mean right in 80 % of cases.")
    return lines
