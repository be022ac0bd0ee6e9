"""What a planned split is like: as a JSON document and as tables for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from fish_dataset.splits.leaks import Leak
from fish_dataset.splits.plan import Plan, plan_leaks
from fish_dataset.splits.rows import images_per_class


def split_document(plan: Plan, pairs: np.ndarray | None = None) -> dict[str, Any]:
    """The content of ``split.json``: rule, seed, shares, species, what is missing, leaks.

    Args:
        plan: The plan.
        pairs: (P, 2) rows of pictures that look alike, for the leaks.
    """
    data, index = plan.pool.part.annotations, plan.groups.index
    part_of_group = {
        int(group): name for name, rows in plan.parts.items() for group in np.unique(index[rows])
    }
    return {
        "groups_by": plan.groups.rule,
        "seed": plan.seed,
        "ratios": dict(plan.ratios),
        "parts": {name: _part_figures(plan, rows) for name, rows in plan.parts.items()},
        "species": _species(plan),
        "not_satisfied": [asdict(one) for one in plan.missing],
        "leaks": {name: asdict(leak) for name, leak in plan_leaks(plan, pairs).items()},
        "few_shot": {
            str(count): {"images": len(rows), "images_per_species": _held(plan, rows)}
            for count, rows in plan.shots.items()
        },
        "pooled_from": {name: len(rows) for name, rows in plan.pool.splits.items()},
        "images": data.num_images,
        "boxes": data.num_boxes,
        "notes": list(plan.notes),
        "group_parts": [
            [name, part_of_group[number]] for number, name in enumerate(plan.groups.names)
        ],
    }


def print_split(document: Mapping[str, Any], console: Console) -> None:
    """Print what ``split_document`` gave, for people."""
    notes = [n if n.startswith("warning: ") else f"note: {n}" for n in document["notes"]]
    for line in (f"groups by {document['groups_by']}", *notes):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    console.print(_species_table(document))
    for line in split_lines(document):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def split_lines(document: Mapping[str, Any]) -> list[str]:
    """What could not be satisfied, the subsets and the leaks, a line each."""
    missing: dict[tuple[str, str], list[str]] = {}
    for one in document["not_satisfied"]:
        missing.setdefault((one["species"], one["reason"]), []).append(one["part"])
    lines = [
        f"not satisfied: {species} is missing in {', '.join(parts)}: {reason}"
        for (species, reason), parts in missing.items()
    ]
    lines += [
        f"{count} images a species: {subset['images']} images, "
        f"{min(subset['images_per_species'].values())} to "
        f"{max(subset['images_per_species'].values())} a species"
        for count, subset in document["few_shot"].items()
    ]
    lines += [f"leak of {name}: {Leak(**leak).words()}" for name, leak in document["leaks"].items()]
    return lines


def _part_figures(plan: Plan, rows: np.ndarray) -> dict[str, Any]:
    data = plan.pool.part.annotations
    return {
        "images": len(rows),
        "boxes": int(data.select_images(rows).boxes_per_class().sum()),
        "groups": len(np.unique(plan.groups.index[rows])),
        "share": round(len(rows) / max(data.num_images, 1), 4),
    }


def _species(plan: Plan) -> list[dict[str, Any]]:
    data = plan.pool.part.annotations
    held = images_per_class(data)
    boxes = {
        name: data.select_images(rows).boxes_per_class().tolist()
        for name, rows in plan.parts.items()
    }
    return [
        {
            "name": species,
            "groups": len(np.unique(plan.groups.index[held[:, label]])),
            "images": {name: int(held[rows, label].sum()) for name, rows in plan.parts.items()},
            "boxes": {name: counts[label] for name, counts in boxes.items()},
        }
        for label, species in enumerate(data.classes)
    ]


def _held(plan: Plan, rows: np.ndarray) -> dict[str, int]:
    data = plan.pool.part.annotations.select_images(rows)
    return dict(zip(data.classes, images_per_class(data).sum(axis=0).tolist(), strict=True))


def _species_table(document: Mapping[str, Any]) -> Table:
    parts = document["parts"]
    table = Table(title="images (boxes that count)", title_justify="left")
    table.add_column("species")
    table.add_column("groups", justify="right")
    for name in parts:
        table.add_column(name, justify="right")
    for one in document["species"]:
        cells = [f"{one['images'][name]} ({one['boxes'][name]})" for name in parts]
        table.add_row(one["name"], str(one["groups"]), *cells)
    table.add_section()
    totals = [f"{one['images']} ({one['boxes']})" for one in parts.values()]
    table.add_row("all", str(sum(one["groups"] for one in parts.values())), *totals)
    shares = [f"{one['share']:.1%}" for one in parts.values()]
    table.add_row("share", "", *shares)
    return table
