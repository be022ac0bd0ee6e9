"""What merging did: as a JSON document, with every box accounted for, and as lines for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from fish_dataset.merge.merging import Merged

REPORT = "merge.json"


def merge_document(merged: Merged) -> dict[str, Any]:
    """The content of ``merge.json``.

    Raises:
        ValueError: boxes in are not boxes out + ignored + left out (a fault of the program).
    """
    rows = _class_rows(merged)
    totals = {
        key: sum(row[key] for row in rows)
        for key in ("boxes_in", "boxes_out", "boxes_ignored", "boxes_left_out")
    }
    written = sum(part.annotations.num_boxes for part in merged.parts.values())
    given = totals["boxes_out"] + totals["boxes_ignored"]
    if written != given or totals["boxes_in"] != given + totals["boxes_left_out"]:
        raise ValueError(f"merge: {written} boxes were written, but the account says {totals}")
    return {
        "classes": list(merged.class_map.classes),
        "mapping": rows,
        "boxes": totals,
        "images": {name: part.annotations.num_images for name, part in merged.parts.items()},
        "not_labelled": {
            name: merged.class_map.not_labelled(name) for name in merged.class_map.moves
        },
        "same_pictures": [[asdict(place) for place in group] for group in merged.repeats],
        "same_pictures_dropped": merged.dropped,
    }


def _class_rows(merged: Merged) -> list[dict[str, Any]]:
    rows = []
    for set_name, moves in merged.class_map.moves.items():
        for move in moves:
            boxes = merged.boxes_in[set_name].get(move.name, 0)
            dropped = merged.boxes_dropped[set_name].get(move.name, 0)
            kept = boxes - dropped
            ignored = kept if move.ignored else merged.boxes_ignored[set_name].get(move.name, 0)
            rows.append(
                {
                    "set": set_name,
                    "class": move.name,
                    "becomes": None if move.ignored else move.becomes,
                    "by": move.how,
                    "boxes_in": boxes,
                    "boxes_out": kept - ignored,
                    "boxes_ignored": ignored,
                    "boxes_left_out": dropped,
                }
            )
    return rows


def print_merge(document: Mapping[str, Any], console: Console) -> None:
    """Print what ``merge_document`` gave: a table of classes, then warnings."""
    table = Table(title="classes", title_justify="left")
    for name in ("set", "class", "becomes", "by"):
        table.add_column(name, overflow="fold")
    for name in ("boxes", "ignored", "left out"):
        table.add_column(name, justify="right")
    for row in document["mapping"]:
        becomes = row["becomes"] or "ignored regions"
        numbers = (str(row[k]) for k in ("boxes_in", "boxes_ignored", "boxes_left_out"))
        by = row["by"].partition(":")[0]
        table.add_row(row["set"], row["class"], becomes, by, *numbers)
    console.print(table)
    for line in merge_lines(document):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def merge_lines(document: Mapping[str, Any]) -> list[str]:
    """Totals and warnings, a line each."""
    boxes, images = document["boxes"], document["images"]
    pictures = ", ".join(f"{name} {count}" for name, count in images.items())
    lines = [
        f"{len(document['classes'])} classes; images: {pictures}; boxes: {boxes['boxes_in']} in = "
        f"{boxes['boxes_out']} out + {boxes['boxes_ignored']} ignored + "
        f"{boxes['boxes_left_out']} left out"
    ]
    lines += [
        f"{row['set']}: {row['class']!r} is {row['by']}"
        for row in document["mapping"]
        if "wider" in row["by"]
    ]
    unknown = sorted({row["class"] for row in document["mapping"] if row["by"] == "spelling"})
    if unknown:
        lines.append(
            f"note: the catalogue does not know {', '.join(unknown)}; such names are the same "
            "where they are spelled the same, but for case, accents, spaces and hyphens"
        )
    for name, classes in document["not_labelled"].items():
        if classes:
            lines.append(
                f"warning: {name} does not label {', '.join(classes)}; any in its pictures count "
                "as background"
            )
    return lines + _repeat_lines(document)


def _repeat_lines(document: Mapping[str, Any]) -> list[str]:
    groups = document["same_pictures"]
    if not groups:
        return []
    what = f"{len(groups)} pictures are in several sets, byte for byte"
    first, second = (f"{place['set_name']}/{place['file_name']}" for place in groups[0][:2])
    example = f"{first} = {second}"
    if document["same_pictures_dropped"]:
        return [f"{what} (such as {example}); the later ones were left out with their boxes"]
    crossing = sum(len({place["split"] for place in group}) > 1 for group in groups)
    leak = f"; {crossing} of them are in two splits, which leaks" if crossing else ""
    remedy = "--duplicates drop leaves the later ones out"
    return [f"warning: {what} (such as {example}){leak}; {remedy}"]
