"""A data set in numbers: species, sizes, places, light; what anchors and picture size suit it.

Prints a summary and writes stats.html and stats.json.

    python tools/dataset/stats.py data/reef
    python tools/dataset/stats.py data/reef --side 640 --anchors 9
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from fish_dataset.cli import exit_status
from fish_dataset.output import check_output, default_folder
from fish_dataset.stats import look_over, print_overview, write_overview


def parse_args() -> argparse.Namespace:
    """Return the command line's choices."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder of the data set")
    parser.add_argument("--out", type=Path, help="folder to write to (work_dirs/stats/<name>)")
    parser.add_argument(
        "--pictures",
        type=int,
        default=2000,
        help="pictures opened for brightness and colour, evenly spread; 0 for none (2000)",
    )
    parser.add_argument("--anchors", type=int, default=5, help="anchors that k-means makes (5)")
    parser.add_argument(
        "--min-side",
        type=float,
        default=16,
        help="pixels that nine of ten boxes are to have on their shorter side (16)",
    )
    parser.add_argument("--side", type=int, help="longer side in pixels that you will train at")
    return parser.parse_args()


def main() -> None:
    """Look the folder over, write and print."""
    args = parse_args()
    out = args.out or default_folder("stats", args.data)
    check_output(out, args.data)
    overview = look_over(
        args.data,
        pictures=args.pictures,
        anchor_count=args.anchors,
        min_side=args.min_side,
        side=args.side,
    )
    page = write_overview(overview, out)
    print_overview(overview)
    print(f"Page: {page}")


if __name__ == "__main__":
    sys.exit(exit_status(main))
