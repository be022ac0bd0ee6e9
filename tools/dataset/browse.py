"""Contact sheets of a data set with its boxes, as JPEG files and as one HTML page.

python tools/dataset/browse.py data/reef                          as it is
python tools/dataset/browse.py data/reef --config configs/fish.py as training sees it
python tools/dataset/browse.py data/reef --class eel --split val  one species, by any name
python tools/dataset/browse.py data/reef --faults                 what the validator finds
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from fish_dataset.browsing import Wanted, browse
from fish_dataset.cli import exit_status
from fish_dataset.output import default_folder


def parse_args() -> argparse.Namespace:
    """Return the command line's choices."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder of the data set")
    parser.add_argument("--out", type=Path, help="folder to write to (work_dirs/browse/<name>)")
    parser.add_argument("--split", nargs="+", default=[], help="train, val, test; all by default")
    parser.add_argument("--class", nargs="+", default=[], dest="classes", metavar="NAME",
                        help="only pictures that show one of these species")  # fmt: skip
    parser.add_argument("--count", type=int, default=60, help="pictures of each split (60)")
    parser.add_argument("--seed", type=int, default=0, help="which ones, where there are more")
    parser.add_argument("--config", type=Path, help="show each picture after its transforms too")
    parser.add_argument("--views", type=int, default=3, help="times through the transforms (3)")
    parser.add_argument("--faults", action="store_true", help="only pictures with faults")
    parser.add_argument("--side", type=int, default=300, help="pixels of a tile's longer side")
    parser.add_argument("--columns", type=int, default=5, help="tiles side by side on a sheet (5)")
    return parser.parse_args()


def main() -> None:
    """Draw, write, and say where."""
    args = parse_args()
    wanted = Wanted(
        splits=tuple(args.split),
        classes=tuple(args.classes),
        count=args.count,
        seed=args.seed,
        config=args.config,
        views=args.views,
        faults=args.faults,
        side=args.side,
        columns=args.columns,
    )
    out = args.out or default_folder("browse", args.data)
    files = browse(args.data, out, wanted)
    number = len(files) - 1
    print(f"{number} sheet{'s' if number > 1 else ''} in {out}; page: {files[0]}")


if __name__ == "__main__":
    sys.exit(exit_status(main))
