"""Make a data set of the corrections that users of the service gave.

  python tools/dataset/export_feedback.py corrections.sqlite OUT
  python tools/dataset/export_feedback.py corrections.sqlite OUT --like my/fish    its classes
  python tools/dataset/export_feedback.py corrections.sqlite OUT --limit 50        least certain

OUT is a checked data folder (train.json, images/); its pictures stand in the order in which they
are worth labelling, the ones that the model was least sure of first (feedback.json says how sure).
Go on with tools/dataset/split.py --by day, or join it to your data with tools/dataset/merge.py.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from fishdet.cli import exit_status
from fishdet.service.export import REPORT, UNNAMED, ExportOptions, export_feedback


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("database", type=Path, metavar="DB", help="the --feedback file of tools/serve.py")
    add("out", type=Path, metavar="OUT", help="new folder")
    add("--like", type=Path, metavar="DATA", help="data folder whose classes are taken")
    add("--limit", type=int, metavar="N", help="at most N pictures")
    add("--ignore-unnamed", action="store_true", help=f"no class '{UNNAMED}': fish of no known "
        "species are neither to be found nor false alarms")  # fmt: skip
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> None:
    """Export and tell what became of each correction.

    Raises:
        FishdetError, FishDataError: the user's mistakes.
    """
    chosen = ExportOptions(options.like, options.limit, options.ignore_unnamed)
    account = export_feedback(options.database, options.out, chosen)
    print(f"pictures: {len(account.pictures)}, boxes: {account.boxes.total()}: {options.out}")
    for name, count in account.boxes.most_common():
        print(f"  {name}: {count}")
    origins = ", ".join(f"{count} {name}" for name, count in account.origins.most_common())
    print(f"  origin: {origins or 'no boxes'}; see {options.out / REPORT}")
    for count, text in (
        (account.superseded, "corrections left out: the same picture was corrected again later"),
        (account.over_limit, "pictures left out by --limit"),
        (account.clipped, "boxes cut at the picture's edge"),
        (account.ignored, "boxes without a species are marked as ignored"),
    ):
        if count:
            print(f"  {count} {text}")
    if account.not_in_catalogue:
        print(f"  names that the catalogue does not know: {', '.join(account.not_in_catalogue)}")


if __name__ == "__main__":
    arguments = parse_arguments()
    sys.exit(exit_status(lambda: run(arguments)))
