"""The part of ``tools/predict.py`` that gives pictures to many workers."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console

from fishdet.checkpoint.finding import newest_published
from fishdet.checkpoint.loading import resolve
from fishdet.errors import FishdetError

from ..choice import split_model
from ..thresholds import parse_threshold
from ..told import print_bulk

WITHOUT = ("crops", "sheet", "no_places", "no_video", "config", "identify", "gallery")


def add_bulk_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what ``--engine ray`` takes."""
    bulk = parser.add_argument_group("very many pictures (docs/scale.md)")
    bulk.add_argument(
        "--engine", choices=("plain", "ray"), default="plain",
        help="ray: a worker a GPU or core, here or on the cluster of RAY_ADDRESS; writes Parquet",
    )  # fmt: skip
    bulk.add_argument("--column", help="of CSV and Parquet inputs, the one with the pictures")
    bulk.add_argument("--chunk", type=int, default=64, help="pictures a file of results (64)")
    bulk.add_argument("--workers", type=int, help="how many (one a GPU, else one a core)")
    bulk.add_argument("--price", type=float, help="of a worker and hour, to estimate the cost")


def predict_bulk(options: argparse.Namespace, console: Console) -> int:
    """Look at all pictures; return 1 where some could not be looked at.

    Raises:
        FishdetError, FishDataError: a mistake on the command line or in the inputs.
    """
    _require_fitting(options)
    try:
        from .run import BulkOptions, run_bulk
    except ModuleNotFoundError as error:
        raise FishdetError(
            f"--engine ray needs {error.name}, which is not installed: "
            "pip install -e '.[distributed]'"
        ) from error
    model, inputs = split_model(options.inputs)
    summary = run_bulk(
        BulkOptions(
            inputs,
            options.out,
            _detector(options, str(Path(resolve(model or str(newest_published()))).absolute())),
            column=options.column,
            chunk=options.chunk,
            workers=options.workers,
            price=options.price,
            resume=options.resume,
        ),
        console,
    )
    print_bulk(summary, options, console)
    return 1 if summary["errors"] else 0


def _detector(options: argparse.Namespace, model: str) -> dict[str, Any]:
    names = ("device", "lang", "precision", "trust_pickle", "agnostic_nms", "flip", "tile",
             "proposals")  # fmt: skip
    chosen = {name: getattr(options, name) for name in (*names, "batch_size")}
    return {"model": model, "score_thr": parse_threshold(options.score_thr.split(",")), **chosen}


def _require_fitting(options: argparse.Namespace) -> None:
    given = [f"--{name.replace('_', '-')}" for name in WITHOUT if getattr(options, name)]
    if options.format != ["coco"]:
        given.append("--format")
    if options.every != 1:
        given.append("--every")
    if given:
        raise FishdetError(
            f"--engine ray detects fish in photos and writes Parquet; leave out {', '.join(given)}"
        )
    for name in ("chunk", "workers"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise FishdetError(f"--{name} {value}: give 1 or more")
