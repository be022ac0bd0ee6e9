"""The account of a conversion: as data for ``conversion.json``, and as tables for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fish_dataset.folder import Part
from fish_dataset.formats.losses import Loss
from fish_dataset.formats.source import Converted
from fish_dataset.formats.write import left_out

LOSSES = "losses.csv"
"""The table of every loss, beside ``conversion.json``."""


def account_document(
    converted: Converted,
    target: str,
    unwritten: Mapping[str, Loss],
    names_unwritten: Mapping[str, int],
) -> dict[str, Any]:
    """What came in, what goes out, and every loss by reason.

    Args:
        converted: The source as it was read.
        target: The format that it is written in.
        unwritten: What the new format has no place for, by reason.
        names_unwritten: Its boxes by class name.
    """
    names_out = converted.names_out
    losses = {**converted.losses, **unwritten}
    lost_in_writing = sum(loss.count for loss in unwritten.values())
    splits = {split: _written(target, part) for split, part in converted.parts.items()}
    images_out = sum(counts["images"] for counts in splits.values())
    return {
        "images": {"in": converted.images_in, "out": images_out},
        "boxes": {"in": converted.boxes_in, "out": converted.boxes_out - lost_in_writing},
        "splits": splits,
        "classes": {
            name: {
                "in": converted.names_in.get(name, 0),
                "out": names_out.get(name, 0) - names_unwritten.get(name, 0),
            }
            for name in (*names_out, *sorted(converted.names_in.keys() - names_out.keys()))
        },
        "losses": {
            reason: {"boxes": loss.count, "places": loss.places, "examples": loss.examples}
            for reason, loss in losses.items()
        },
        "losses_listed_in": LOSSES if losses else None,
        "notes": converted.notes,
    }


def _written(target: str, part: Part) -> dict[str, int]:
    table = part.annotations
    marked = int((table.crowd | table.ignore).sum()) if target == "yolo" else 0
    return {
        "images": table.num_images - len(left_out(target, part)),
        "boxes": table.num_boxes - marked,
    }


def print_account(account: Mapping[str, Any], console: Console) -> None:
    """Prints boxes by class in and out, what was lost and why, and notes."""
    table = Table("class", "boxes in", "boxes out")
    for name, counts in account["classes"].items():
        shown = escape(name) if name else "(class not known)"
        table.add_row(shown, str(counts["in"]), str(counts["out"]))
    table.add_section()
    table.add_row("all boxes", str(account["boxes"]["in"]), str(account["boxes"]["out"]))
    table.add_row("images", str(account["images"]["in"]), str(account["images"]["out"]))
    for split, counts in account["splits"].items():
        table.add_row(f"images in {split}", "", str(counts["images"]))
    console.print(table)
    if account["losses"]:
        console.print(_losses_table(account["losses"]))
        console.print(f"Each one, with file and place: {LOSSES}", highlight=False)
    else:
        console.print("Nothing was lost.")
    for note in account["notes"]:
        console.print(f"note: {escape(note)}", highlight=False, soft_wrap=True)


def _losses_table(losses: Mapping[str, Any]) -> Table:
    table = Table("not kept, because", "boxes", "places", "for example")
    for reason, loss in losses.items():
        example = loss["examples"][0] if loss["examples"] else ""
        table.add_row(escape(reason), str(loss["boxes"]), str(loss["places"]), escape(example))
    return table
