"""Convert labels of any known format to the data set folder that training reads, and back out.

  python tools/dataset/convert.py SRC OUT                       whatever SRC is
  python tools/dataset/convert.py labels.csv OUT --image-dir photos --columns class=species
  python tools/dataset/convert.py DATA OUT --to yolo            coco, yolo, voc or csv
  python tools/dataset/convert.py SRC OUT --dry-run             counts only

Every box is accounted for: boxes in = boxes out + each loss by reason, in OUT/conversion.json; each
loss with its file and line is in OUT/losses.csv. SRC is never changed.

Exit status: 0 all was kept; 1 something was not (--allow-losses makes it 0); 2 a
mistake in the command, or a source that cannot be read.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from fish_dataset.cli import exit_status
from fish_dataset.conversion import REPORT, TARGETS, convert
from fish_dataset.formats import FORMATS
from fish_dataset.formats.account import print_account
from fish_dataset.formats.columns import ROLES
from fish_dataset.formats.source import options_from_text


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    known = "\n".join(f"  {entry.name:<12} {entry.title}" for entry in FORMATS.values())
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=f"formats (recognised from the source, or named with --format):\n{known}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="SRC", type=Path, help="folder or file with the labels")
    parser.add_argument("out", metavar="OUT", type=Path, help="new folder")
    parser.add_argument("--format", metavar="NAME", help="the source's format, see below")
    parser.add_argument("--to", choices=TARGETS, default="coco", help="what to write (coco)")
    parser.add_argument("--image-dir", metavar="DIR", type=Path, help="where the pictures are")
    parser.add_argument("--classes", metavar="A,B,…", default="", help="class names by number")
    parser.add_argument(
        "--columns",
        metavar="OURS=THEIRS,…",
        default="",
        help="columns of a table: xmin=x1,class=sp; OURS is one of " + ", ".join(ROLES),
    )
    parser.add_argument(
        "--box-size", metavar="WxH", default="", help="frame size that the boxes were drawn for"
    )
    parser.add_argument("--images", choices=("copy", "hardlink", "symlink"), default="copy")
    parser.add_argument(
        "--allow-losses", action="store_true", help="exit status 0 though something was not kept"
    )
    parser.add_argument("--dry-run", action="store_true", help="read and count, write nothing")
    return parser.parse_args()


def main() -> int:
    """Convert, print the account and return the exit status."""
    arguments = parse_arguments()
    done = convert(
        arguments.source,
        arguments.out,
        format_name=arguments.format,
        target=arguments.to,
        options=options_from_text(
            arguments.image_dir, arguments.columns, arguments.classes, arguments.box_size
        ),
        images=arguments.images,
        dry_run=arguments.dry_run,
    )
    print(f"{arguments.source}: {done.format.title}, by {done.evidence}")
    print_account(done.account, Console())
    wrote = f"Wrote {arguments.out}; the account is {arguments.out / REPORT}"
    print("Nothing was written (--dry-run)." if arguments.dry_run else wrote)
    return int(done.lost and not arguments.allow_losses)


if __name__ == "__main__":
    sys.exit(exit_status(main))
