"""The account of a conversion: as data for ``conversion.json``, and as tables for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fish_dataset.formats.builder import Loss
from fish_dataset.formats.source import Converted


def account_document(
    converted: Converted, unwritten: Mapping[str, Loss], names_unwritten: Mapping[str, int]
) -> dict[str, Any]:
    """What came in, what goes out, and every loss by reason.

    Args:
        converted: The source as it was read.
        unwritten: What the new format has no place for, by reason.
        names_unwritten: Its boxes by class name.
    """
    names_out = converted.names_out
    losses = {**converted.losses, **unwritten}
    lost_in_writing = sum(loss.count for loss in unwritten.values())
    return {
        "images": {"in": converted.images_in, "out": converted.images_out},
        "boxes": {"in": converted.boxes_in, "out": converted.boxes_out - lost_in_writing},
        "splits": {
            split: {"images": part.annotations.num_images, "boxes": part.annotations.num_boxes}
            for split, part in converted.parts.items()
        },
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
        "notes": converted.notes,
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
