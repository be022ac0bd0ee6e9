"""Check a data folder: ``python tools/dataset/validate.py DIR``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from fish_dataset.cli import exit_status
from fish_dataset.files import require_new_folder
from fish_dataset.output import check_output, default_folder
from fish_dataset.validation.repair import repair
from fish_dataset.validation.report import print_summary, write_report
from fish_dataset.validation.run import validate

EPILOG = """exit status: 0 no error (warnings are possible), 1 errors, 2 a mistake in the command.
DIR is never written to. Every fault stands in report.json; report.html shows pictures of each."""


def parse_args() -> argparse.Namespace:
    """Return the command line's choices."""
    parser = argparse.ArgumentParser(
        description="Check annotations, pictures and splits of a data folder",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("dir", type=Path, help="data folder (train.json, images/, …)")
    parser.add_argument(
        "--out", type=Path, help="folder of the report (default: work_dirs/validate/<DIR's name>)"
    )
    parser.add_argument(
        "--fix",
        type=Path,
        metavar="OUT",
        help="write a repaired copy into this new folder, with each change in changes.json",
    )
    parser.add_argument(
        "--images",
        choices=("copy", "hardlink", "symlink"),
        default="copy",
        help="how --fix brings the pictures over",
    )
    parser.add_argument("--workers", type=int, help="threads (default: one for each core)")
    return parser.parse_args()


def run(args: argparse.Namespace) -> int:
    """Validate, report, and repair where asked; the exit status."""
    out = args.out or default_folder("validate", args.dir)
    check_output(out, args.dir)  # before an hour of pictures, not after it
    if args.fix:
        check_output(args.fix, args.dir)
        require_new_folder(args.fix)
    report = validate(args.dir, workers=args.workers)
    print_summary(report)
    write_report(report, out)
    print(f"Report: {out / 'report.html'}, {out / 'report.json'}")
    if args.fix:
        changes = repair(report, args.fix, images=args.images)
        print(f"Repaired copy: {args.fix} ({changes.total} changes, see changes.json)")
        for line in changes.summary():
            print(f"  {line}")
    return report.status


if __name__ == "__main__":
    arguments = parse_args()
    sys.exit(exit_status(lambda: run(arguments)))
