"""The further scores as tables of plain text, valid Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from rich import box
from rich.table import Table

from ..table import render, shown_name

_RANKS = ("species", "genus", "family", "order", "class")


def format_record(record: dict[str, Any], lang: str | None = None) -> str:
    """Return the tables of an evaluation record, a blank line between them.

    Args:
        record: of :func:`~fishdet.evaluation.extras.evaluation_record`.
        lang: ``'en'`` or ``'ko'`` shows species by their common name.
    """
    parts = [_species(record, lang), _limits(record), _sizes(record), *_lines(record)]
    return "\n\n".join(parts)


def _species(record: dict[str, Any], lang: str | None) -> str:
    head = ("species", "best F1", "at", "precision", "recall", "threshold", "present AP",
            "present F1", "count MAE", "bias", "MaxN MAE", "bias")  # fmt: skip
    counts = record["counts"]
    videos = counts["video"]["errors"] if counts["video"] else None
    rows = []
    for k, row in enumerate(record["species"]):
        name = row["name"]
        best, seen, image = row["best_f1"], row["presence"], counts["image"]["species"][k]
        video = videos["species"][k] if videos else {"mae": None, "bias": None}
        numbers = (
            best["f1"], best["threshold"], best["precision"], best["recall"],
            record["threshold"]["by_species"][name], seen["AP"], seen["f1"],
            image["mae"], image["bias"], video["mae"], video["bias"],
        )  # fmt: skip
        rows.append([shown_name(name, lang), *map(number, numbers)])
    macro = counts["image"]["macro"]
    video = videos["macro"] if videos else {"mae": None, "bias": None}
    last = (macro["mae"], macro["bias"], video["mae"], video["bias"])
    rows.append(["(mean over species)", *["-"] * 7, *map(number, last)])
    return _table(head, rows)


def _limits(record: dict[str, Any]) -> str:
    rows = record["limits"]
    names = list(next(iter(rows.values())))
    return _table(
        ("detections an image and class", *names),
        [[limit, *(number(row[name]) for name in names)] for limit, row in rows.items()],
    )


def _sizes(record: dict[str, Any]) -> str:
    sizes = record["sizes"]
    rows = [
        [f"{row['area'][0] ** 0.5:.0f} to {row['area'][1] ** 0.5:.0f} px", str(row["boxes"]),
         number(row["AP"]), number(row["AP50"])]
        for row in sizes["bins"]
    ]  # fmt: skip
    rows.append(["(mean over bins)", "", number(sizes["macro"]), ""])
    return _table(("root of the area", "boxes", "AP", "AP50"), rows)


def _lines(record: dict[str, Any]) -> Iterable[str]:
    micro = record["micro"]
    yield f"All species pooled: AP {number(micro['AP'])}  AP50 {number(micro['AP50'])}"
    yield _frequency(record["frequency"])
    taxa = record["taxonomy"]
    if taxa["matched"]:
        right = "  ".join(f"{rank} {number(taxa['accuracy'][rank])}" for rank in _RANKS)
        yield (
            f"Names of {taxa['matched']} boxes found, right to: {right}; severity of a mistake "
            f"{number(taxa['mistake_severity'])}, hierarchical F {number(taxa['hF'])}"
        )
    if taxa["unknown_species"]:
        yield f"Not in the species catalogue: {', '.join(taxa['unknown_species'])}"


def _frequency(bins: dict[str, Any] | None) -> str:
    if bins is None:
        return "AP by frequency: not known without the training set (train_file)"
    held = (
        f"{name} {number(row['AP'])} ({len(row['species'])} species)"
        for name, row in bins.items()
        if row["species"]
    )
    return f"AP by frequency in training: {'  '.join(held)}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    table = Table(box=box.MARKDOWN)
    for i, name in enumerate(head):
        table.add_column(name, justify="right" if i else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return render(table)


def number(value: float | None) -> str:
    """Return a score with three decimals, ``-`` where it is undefined."""
    return "-" if value is None or math.isnan(value) else f"{value:.3f}"
