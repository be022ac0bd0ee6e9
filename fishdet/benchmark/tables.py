"""Boards as Markdown, CSV and LaTeX."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Sequence

from fishdet.evaluation.compare import Pair

from .pairs import Score
from .rows import Board, Row

_SCORES = (("bbox_mAP", "mAP"), ("bbox_mAP_50", "mAP@0.50"), ("bbox_AR_100", "AR@100"))
HEADINGS = (
    "detector",
    "seeds",
    *(title for _, title in _SCORES),
    "spread of seeds",
    "parameters (M)",
    "GMACs",
    "latency (ms)",
    "training (min)",
    "memory (GiB)",
)
_TEX = {"\\": r"\textbackslash ", "–": "--", "×": r"$\times$"}
_TEX |= {sign: f"\\{sign}" for sign in "%_&#"}
PAIR_HEADINGS = ("first", "second", "difference", "95 % interval", "p", "p (Holm)", "verdict")


def cells(row: Row) -> list[str]:
    """Return the cells of a row under ``HEADINGS``; a dash where nothing is known."""
    cost, first = row.cost, row.scores.get("bbox_mAP")
    return [
        row.model,
        str(first.seeds) if first else "–",
        *("failed" if row.failed else score_text(row.scores.get(key)) for key, _ in _SCORES),
        "–" if first is None or first.spread is None else f"{first.spread:.3f}",
        _number(cost["parameters"], 1, 1e-6),
        _number(cost["gmacs"], 1),
        _latency(cost),
        _number(cost["train_minutes"], 1),
        _number(cost["peak_gib"], 1),
    ]


def pair_cells(pair: Pair) -> list[str]:
    """Return the cells of a pair under ``PAIR_HEADINGS``."""
    return [
        pair.first,
        pair.second,
        f"{pair.difference:+.3f}",
        f"{pair.low:+.3f} to {pair.high:+.3f}",
        _p(pair.p),
        _p(pair.p_holm),
        verdict(pair),
    ]


def verdict(pair: Pair) -> str:
    """Return in words whether the two differ."""
    if math.isnan(pair.p_holm):
        return "cannot be told"
    if not pair.differs:
        return "no difference shown"
    return f"{pair.second if pair.difference > 0 else pair.first} is better"


def score_text(score: Score | None) -> str:
    """Return a number with its interval, or a dash."""
    if score is None or math.isnan(score.value):
        return "–"
    return f"{score.value:.3f} [{score.low:.3f}, {score.high:.3f}]"


def markdown(boards: Sequence[Board]) -> str:
    """Return all boards as GitHub's Markdown."""
    parts = ["# Benchmark\n"]
    for board in boards:
        parts.append(f"## {board.data}\n")
        parts.append(how(board) + "\n")
        parts.append(_md_table(HEADINGS, [cells(row) for row in board.rows]))
        notes = [f"- {_md(row.model)}: {_md(note)}" for row in board.rows for note in row.notes]
        parts.append("\n".join(notes) + "\n" if notes else "")
        if board.judgement and board.judgement.pairs:
            parts.append(f"Pairs by {board.judgement.statistic}, second minus first:\n")
            parts.append(_md_table(PAIR_HEADINGS, [pair_cells(p) for p in board.judgement.pairs]))
    return "\n".join(part for part in parts if part)


def how(board: Board) -> str:
    """Return how the intervals were made, and when not to trust them."""
    found = board.judgement
    if found is None:
        return "No run is done."
    text = (
        f"Brackets are 95 % intervals from {found.resamples} resamples of groups by {found.rule}, "
        f"and of the seeds where there are several; ground truth {board.truth[:12]}."
    )
    if not found.trusted:
        text += " With fewer than ten groups they are not to be trusted."
    if any(s["bbox_mAP"].seeds == 1 for s in found.scores.values()):
        text += " A detector of one seed has an interval without what its training moves."
    return text


def results_csv(boards: Sequence[Board]) -> str:
    """Return one line a detector and data set, plain numbers."""
    head = ["data", "detector", "seeds"]
    for key, _ in _SCORES:
        head += [key, f"{key}_low", f"{key}_high"]
    costs = ["parameters", "gmacs", "latency_ms", "latency_q1", "latency_q3", "train_minutes",
             "peak_gib"]  # fmt: skip
    rows = [
        [row.data, row.model, _seeds(row), *_score_numbers(row), *(row.cost[c] for c in costs),
         row.train_images, "; ".join(row.notes)]
        for board in boards for row in board.rows
    ]  # fmt: skip
    return _csv([*head, *costs, "train_images", "notes"], rows)


def pairs_csv(boards: Sequence[Board]) -> str:
    """Return one line a pair."""
    head = ["data", "statistic", "first", "second", "difference", "low", "high", "p", "p_holm",
            "differs"]  # fmt: skip
    rows = [
        [b.data, b.judgement.statistic, p.first, p.second, p.difference, p.low, p.high, p.p,
         p.p_holm, p.differs]
        for b in boards if b.judgement for p in b.judgement.pairs
    ]  # fmt: skip
    return _csv(head, rows)


def latex(boards: Sequence[Board]) -> str:
    """Return a table of booktabs for each board."""
    return "\n\n".join(_latex_board(board) for board in boards) + "\n"


def _latex_board(board: Board) -> str:
    lines = [
        f"% {_tex(how(board))}",
        f"\\begin{{tabular}}{{l{'r' * (len(HEADINGS) - 1)}}}",
        "\\toprule",
        " & ".join(map(_tex, HEADINGS)) + r" \\",
        "\\midrule",
    ]
    lines += [" & ".join(map(_tex, cells(row))) + r" \\" for row in board.rows]
    notes = [f"% {_tex(row.model)}: {_tex(note)}" for row in board.rows for note in row.notes]
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}", *notes])


def _tex(text: str) -> str:
    for plain, escaped in _TEX.items():
        text = text.replace(plain, escaped)
    return text


def _md_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *[[_md(cell) for cell in row] for row in rows]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _md(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _csv(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return stream.getvalue()


def _seeds(row: Row) -> int:
    return row.scores["bbox_mAP"].seeds if row.scores else 0


def _score_numbers(row: Row) -> list[float | None]:
    found: list[float | None] = []
    for key, _ in _SCORES:
        score = row.scores.get(key)
        found += [score.value, score.low, score.high] if score else [None, None, None]
    return found


def _number(value: float | None, digits: int, factor: float = 1.0) -> str:
    return "–" if value is None else f"{value * factor:.{digits}f}"


def _latency(cost: dict[str, float | None]) -> str:
    middle, low, high = cost["latency_ms"], cost["latency_q1"], cost["latency_q3"]
    if middle is None:
        return "–"
    return f"{middle:.1f}" + (f" ({low:.1f}–{high:.1f})" if low is not None else "")


def _p(value: float) -> str:
    return "–" if math.isnan(value) else "<0.001" if value < 0.001 else f"{value:.3f}"


WRITERS: dict[str, Callable[[Sequence[Board]], str]] = {
    "tables.md": markdown,
    "results.csv": results_csv,
    "pairs.csv": pairs_csv,
    "tables.tex": latex,
}
