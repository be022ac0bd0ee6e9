"""Merge data sets by what their classes mean, not by how they are spelled.

  python tools/dataset/merge.py A B … OUT
  python tools/dataset/merge.py A B OUT --names ko --unknown generic

고등어, Mackerel and Scomber japonicus become one class. Train goes to train, val to val, test to
test; pictures become OUT/images/<set>/…; OUT/merge.json accounts for every box. The sets are never
changed. A class that is wider than one of another set ('fish' beside species) follows --unknown:

  ignore   its boxes become ignored regions: no background in training, no false alarm in testing
  generic  all such classes become one class 'fish', beside the species
  keep     it stays a class of its own
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from fish_dataset.cli import exit_status
from fish_dataset.files import require_new_folder
from fish_dataset.folder import read_folder, write_folder
from fish_dataset.merge.class_map import POLICIES
from fish_dataset.merge.merging import merge_sets
from fish_dataset.merge.report import REPORT, merge_document, print_merge
from fish_dataset.merge.set_names import name_sets


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", nargs="+", help="data folders, or NAME=FOLDER")
    parser.add_argument("out", type=Path, help="new folder")
    parser.add_argument(
        "--names",
        choices=("first", "en", "ko", "scientific"),
        default="first",
        help="names of the classes: as the first set spells them (default), or the catalogue's",
    )
    parser.add_argument("--unknown", choices=POLICIES, default="ignore", help="see above")
    parser.add_argument(
        "--duplicates",
        choices=("keep", "drop"),
        default="keep",
        help="pictures that an earlier set has too, byte for byte (default: keep, and warn)",
    )
    parser.add_argument("--images", choices=("copy", "hardlink", "symlink"), default="copy")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> None:
    """Merge, print what was done and write it.

    Raises:
        FishDataError: the user's mistakes.
    """
    require_new_folder(options.out)
    sets = {name: read_folder(folder) for name, folder in name_sets(options.data).items()}
    merged = merge_sets(
        sets, names=options.names, unknown=options.unknown, duplicates=options.duplicates
    )
    document = merge_document(merged)
    print_merge(document, Console())
    write_folder(options.out, merged.parts, images=options.images, documents={REPORT: document})
    print(f"written: {options.out}")


if __name__ == "__main__":
    arguments = parse_arguments()
    sys.exit(exit_status(lambda: run(arguments)))
