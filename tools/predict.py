"""Detect fish on images: pictures with boxes and names, and one JSON of results in COCO form."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from fish_dataset.errors import FishDataError
from fish_dataset.fonts import drawable_language
from fish_dataset.progress import track
from fishdet.checkpoint.finding import newest_published
from fishdet.checkpoint.loading import resolve
from fishdet.errors import FishdetError
from fishdet.inference.choice import split_model
from fishdet.inference.detector import Detector
from fishdet.inference.inputs import find_images
from fishdet.inference.predict import (
    RESULTS_FILE,
    Outcome,
    batches,
    predict_files,
    require_no_overwriting,
    require_output_folder,
)


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        usage="%(prog)s [MODEL] INPUT [INPUT ...] --out FOLDER [options]",
        description=__doc__,
        epilog="MODEL: a checkpoint, a published model (file, address, or a name that "
        "tools/models.py list shows) or a work dir (its best checkpoint, else its last). "
        "Without MODEL the newest published one below work_dirs. INPUT: images, folders, patterns",
    )
    parser.add_argument("inputs", nargs="+", metavar="[MODEL] INPUT")
    parser.add_argument("--out", type=Path, required=True, help="folder for pictures and JSON")
    parser.add_argument("--config", type=Path, help="only where the checkpoint has none of its own")
    parser.add_argument("--lang", choices=("en", "ko"), default="en", help="language of the names")
    parser.add_argument("--score-thr", type=float, default=0.3, help="least score (default 0.3)")
    parser.add_argument("--device", help="cpu, cuda, cuda:0 (default: CUDA where there is one)")
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16", "fp16"), default="auto")
    parser.add_argument("--batch-size", type=int, default=1, help="images at once (default 1)")
    parser.add_argument(
        "--trust-pickle", action="store_true", help="read a .pth that runs code of its author"
    )
    return parser.parse_args(arguments)


def run(options: argparse.Namespace, console: Console) -> Outcome:
    """Detect on all inputs and write the results.

    Raises:
        FishdetError, FishDataError: the user's mistakes.
    """
    if options.batch_size < 1:
        raise FishdetError(f"--batch-size {options.batch_size}: at least 1")
    model, inputs = split_model(options.inputs)
    require_output_folder(options.out, inputs)
    files = find_images(inputs, skip=options.out)
    require_no_overwriting(options.out, files)
    if model is None:
        model = str(newest_published())
        console.print(f"Model: {model}, the newest published one", markup=False, soft_wrap=True)
    detector = Detector(
        resolve(model),
        config=options.config,
        device=options.device,
        score_thr=options.score_thr,
        lang=drawable_language(options.lang),
        precision=options.precision,
        trust_pickle=options.trust_pickle,
    )
    groups = batches(files, options.batch_size)
    return predict_files(detector, track(groups, len(files), console=console), options.out)


def report(outcome: Outcome, out: Path, console: Console) -> None:
    """Print the number of fish by species, where the results are, and the broken files."""
    table = Table("species", "count")
    table.columns[1].justify = "right"
    for name, count in outcome.counts().most_common():
        table.add_row(name, str(count))
    console.print(table if table.row_count else "No fish above the score threshold.")
    console.print(f"{len(outcome.results)} pictures in {out}, results in {out / RESULTS_FILE}")
    if outcome.broken:
        print(f"{len(outcome.broken)} files could not be read:", file=sys.stderr)
        print("\n".join(outcome.broken), file=sys.stderr)


def main(arguments: list[str] | None = None) -> int:
    """Return the exit status: 0, 1 where files were broken, 2 on a user's mistake."""
    options = parse_arguments(arguments)
    console = Console()
    try:
        outcome = run(options, console)
    except (FishdetError, FishDataError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    report(outcome, options.out, console)
    return 1 if outcome.broken else 0


if __name__ == "__main__":
    sys.exit(main())
