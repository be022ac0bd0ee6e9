"""The page of a detector of queries: where each fish's query starts, how it moves, what it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import supervision as sv

from fish_dataset.page import Grid, Picture, Section, Table, Text, render
from fishdet.inference.draw import draw_detections

from .queries import QueryTrace

LANGUAGES = ("en", "ko")
SHOWN = 12  # fish whose way has a picture
SPECIES = 3  # of each fish, best first
GREY = 15  # number of the colour of queries that found no fish

Say = Callable[..., str]


def render_queries(trace: QueryTrace, path: Path, lang: str = "en", fish: int = 0) -> None:
    """Write the page.

    Args:
        trace: what to show.
        path: the HTML file.
        lang: 'en' or 'ko'.
        fish: the fish that comes first among the ways, an index into ``trace.query``.

    Raises:
        FishDataError: the file cannot be written.
    """
    say = speaker(lang)
    sections = [
        Section(say("result"), [Text(say("result_note")), _result(trace), _table(trace, say)]),
        Section(say("input"), [Text(say("input_note")), _shapes(trace, say)]),
        Section(say("start"), [Text(say("start_note", number=len(trace.start))), _start(trace)]),
        Section(say("ways"), _ways(trace, say, fish)),
        Section(say("scores"), [Text(say("scores_note")), _scores(trace, say)]),
    ]
    facts = [
        (say("fish"), len(trace.query)),
        (say("queries"), len(trace.start)),
        (say("layers"), len(trace.layers) or None),
    ]
    render(path, say("title"), sections, facts=facts, intro=say("intro"), lang=lang)


def speaker(lang: str) -> Say:
    """Return what says a key of queries.json in a language."""

    def say(key: str, **values: Any) -> str:
        text = _words()[key][LANGUAGES.index(lang)]
        return text.format(**values) if values else text

    return say


@lru_cache(maxsize=1)
def _words() -> dict[str, list[str]]:
    text = files("fishdet.trace").joinpath("page/queries.json").read_text(encoding="utf-8")
    found: dict[str, list[str]] = json.loads(text)
    return found


def _fish_names(trace: QueryTrace) -> list[str]:
    return [
        f"{number} {trace.names[label]} {trace.scores[query, label]:.0%}"
        for number, (query, label) in enumerate(zip(trace.query, trace.label, strict=True), 1)
    ]


def _drawn(trace: QueryTrace, boxes: np.ndarray, labels: list[str], colours: np.ndarray) -> Any:
    found = sv.Detections(
        xyxy=boxes.astype(np.float32),
        confidence=np.linspace(0, 1, len(boxes), dtype=np.float32),
        class_id=colours,
    )
    return draw_detections(trace.image, found, labels, colours)


def _result(trace: QueryTrace) -> Grid:
    pixels = _drawn(trace, trace.boxes[trace.query], _fish_names(trace), trace.label)
    return Grid([Picture.of(pixels, "")])


def _table(trace: QueryTrace, say: Say) -> Table:
    heads = [say(key) for key in ("number", "species", "score", "query", "moved", "kept")]
    rows = []
    pairs = zip(trace.query.tolist(), trace.label.tolist(), strict=True)
    for number, (query, label) in enumerate(pairs, 1):
        first, last = trace.start[query], trace.boxes[query]
        moved = np.hypot(*((last[:2] + last[2:] - first[:2] - first[2:]) / 2))
        score = f"{trace.scores[query, label]:.3f}"
        rows.append((number, trace.names[label], score, query, f"{moved:.0f} px",
                     f"{overlap(first, last):.2f}"))  # fmt: skip
    return Table(heads, rows)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Return the IoU of two boxes (4,); 0 where neither has an area."""
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    shared = float(np.prod(np.maximum(sides, 0)))
    both = float(np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2])) - shared
    return shared / both if both > 0 else 0.0


def _shapes(trace: QueryTrace, say: Say) -> Table:
    height, width = trace.image.shape[:2]
    rows = [
        (say("photo"), f"{height} × {width}"),
        (say("network_input"), " × ".join(map(str, trace.input))),
        *((name, " × ".join(map(str, shape))) for name, shape in trace.maps),
    ]
    return Table((say("what"), say("shape")), rows)


def _start(trace: QueryTrace) -> Grid:
    """All starts, those that found a fish last and so on top, in the colour of its species."""
    others = np.setdiff1d(np.arange(len(trace.start)), trace.query)
    order = np.concatenate([others, trace.query]).astype(np.int64)
    colours = np.concatenate([np.full(len(others), GREY), trace.label]).astype(np.int64)
    labels = [""] * len(others) + [str(i) for i in range(1, len(trace.query) + 1)]
    return Grid([Picture.of(_drawn(trace, trace.start[order], labels, colours), "")])


def _ways(trace: QueryTrace, say: Say, fish: int) -> list[Text | Grid]:
    if not len(trace.query):
        return [Text(say("no_fish"))]
    names = _fish_names(trace)
    first = [fish, *(i for i in range(len(names)) if i != fish)][:SHOWN]
    note = say("ways_note") if len(trace.layers) > 1 else say("ways_ends")
    pictures = []
    for number in first:
        query = trace.query[number]
        steps = [trace.start[query], *(layer[query] for layer in trace.layers[:-1])]
        boxes = np.stack([*steps, trace.boxes[query]])
        labels = [str(i) for i in range(len(steps))] + [say("end")]
        colours = np.arange(len(boxes))
        pixels = _closer(_drawn(trace, boxes, labels, colours), boxes)
        pictures.append(Picture.of(pixels, names[number], say("of_query", query=int(query))))
    left = len(names) - len(pictures)
    more = [Text(say("more_fish", number=left))] if left else []
    return [Text(note), Grid(pictures), *more]


def _closer(pixels: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Cut what holds all boxes, half as much again around them."""
    height, width = pixels.shape[:2]
    low, high = boxes[:, :2].min(0), boxes[:, 2:].max(0)
    edge = np.maximum((high - low) / 2, 24)
    x1, y1 = np.clip(low - edge, 0, [width - 2, height - 2]).astype(int)
    x2, y2 = np.clip(high + edge, [x1 + 2, y1 + 2], [width, height]).astype(int)
    return np.ascontiguousarray(pixels[y1:y2, x1:x2])


def _scores(trace: QueryTrace, say: Say) -> Table:
    shown = min(SPECIES, len(trace.names))
    heads = [say("number"), say("query"), *(f"{say('species')} {i}" for i in range(1, shown + 1))]
    rows = []
    for number, query in enumerate(trace.query.tolist(), 1):
        best = np.argsort(-trace.scores[query], kind="stable")[:shown]
        told = (f"{trace.names[label]} {trace.scores[query, label]:.3f}" for label in best)
        rows.append((number, query, *told))
    return Table(heads, rows)
