"""Split a data set so that no video, site or day stands on both sides.

  python tools/dataset/split.py DATA OUT                                train, val and test
  python tools/dataset/split.py DATA OUT --by site --ratios 0.8 0.2
  python tools/dataset/split.py DATA OUT --folds 5
  python tools/dataset/split.py DATA OUT --shots 1 5 10 30              and few-shot subsets
  python tools/dataset/split.py DATA                                    shows it, writes nothing

Without --by, groups are videos where the pictures have them, else sites, else what file names tell.
Every species that can be is in every part; what could not be is reported. For comparison, the leak
of a random split and of the split that the folder had is printed. DATA is never changed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from fish_dataset.cli import exit_status
from fish_dataset.errors import FishDataError
from fish_dataset.files import require_new_folder
from fish_dataset.splits.files import write_split
from fish_dataset.splits.look_alikes import alike_pairs
from fish_dataset.splits.plan import plan_folds, plan_split
from fish_dataset.splits.pooling import pool_folder
from fish_dataset.splits.report import print_split, split_document


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="data folder; its splits are pooled first")
    parser.add_argument("out", type=Path, nargs="?", help="new folder; without it, only show")
    add = parser.add_argument
    keys = "video, site or another image key; name (file names), folder, day, image, name=REGEX"
    add("--by", nargs="+", metavar="KEY", help=f"what no part may share: {keys}")
    add("--ratios", type=float, nargs="+", metavar="R", help="train val [test], else 0.7 0.2 0.1")
    add("--folds", type=int, metavar="K", help="K folds in place of a split")
    add("--shots", type=int, nargs="+", default=[], metavar="N", help="subsets: N images a species")
    add("--seed", type=int, default=0, help="equal seeds give equal splits")
    add("--keep-test", action="store_true", help="leave the test split as it is")
    add("--look", action="store_true", help="also count pictures that look alike (slower)")
    add("--images", choices=("copy", "hardlink", "symlink"), default="copy")
    add("--annotations-only", action="store_true", help="JSON files and a link to the pictures")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> None:
    """Plan the split, print it and write it.

    Raises:
        FishDataError: the user's mistakes.
    """
    if options.folds is not None and (options.shots or options.ratios):
        raise FishDataError("--folds goes with neither --ratios nor --shots; leave them out")
    if options.out is not None:
        require_new_folder(options.out)  # before the work, not after it
    common = dict(by=options.by, seed=options.seed, keep_test=options.keep_test)
    pool = pool_folder(options.data)
    if options.folds is not None:
        plan = plan_folds(pool, options.folds, **common)
    else:
        plan = plan_split(pool, ratios=options.ratios, shots=options.shots, **common)
    document = split_document(plan, alike_pairs(pool.part) if options.look else None)
    print_split(document, Console())
    if options.out is not None:
        only = options.annotations_only
        write_split(options.out, plan, document, images=options.images, annotations_only=only)
        print(f"written: {options.out}")


if __name__ == "__main__":
    arguments = parse_arguments()
    sys.exit(exit_status(lambda: run(arguments)))
