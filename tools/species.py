"""A gallery of species: enrol from photos, list, remove, merge, export, fit and test."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from fishdet.cli import exit_status

GALLERY = Path("gallery.safetensors")


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parts = parser.add_subparsers(dest="command", required=True)
    made = {name: parts.add_parser(name, help=text, description=text) for name, text in (
        ("enrol", "add a species, or more photos of one"),
        ("enrol-data", "add the labelled fish of a data set"),
        ("list", "species with their photos"),
        ("remove", "take a species out"),
        ("merge", "add other galleries to one, by species"),
        ("export", "write species to a gallery or a table of sources"),
        ("fit", "fit probabilities and thresholds on validation fish"),
        ("test", "score a network: known, unknown and newly enrolled species"),
        ("two-stages", "score a detector alone and with the gallery behind it"),
    )}  # fmt: skip
    for name, part in made.items():
        if name != "test":
            part.add_argument("--gallery", type=Path, default=GALLERY, help=f"file ({GALLERY})")
        if name in ("enrol", "enrol-data", "fit", "test", "two-stages"):
            part.add_argument("--model", required=True, help="embedding network: file or work dir")
        if name in ("enrol-data", "fit", "test", "two-stages"):
            part.add_argument("data", type=Path, help="data set folder")
        if name in ("enrol", "enrol-data"):
            part.add_argument("--licence", default="", help="of the photos")
    add = made["enrol"].add_argument
    add("name", help="species, in any language of the catalogue")
    add("photos", nargs="+", help="pictures, folders or patterns; five or more are good")
    add("--detector", help="model that finds the fish in each photo and refuses none or several")
    add("--score-thr", type=float, default=0.3, help="of the detector (0.3)")
    add("--own", action="store_true", help="a species that the catalogue has not")
    add("--parent", default="", help="of such a species: its genus or family")
    add = made["enrol-data"].add_argument
    add("--split", default="train")
    add("--most", type=int, default=100, help="fish a species (100)")
    add("--without", nargs="+", default=[], metavar="CLASS", help="classes to leave out")
    made["remove"].add_argument("name")
    made["merge"].add_argument("others", nargs="+", type=Path)
    made["export"].add_argument("out", type=Path, help="….safetensors or ….csv")
    made["export"].add_argument("names", nargs="*", help="species; all without any")
    add = made["fit"].add_argument
    add("--split", default="val")
    add("--false-claims", type=float, default=0.05, help="share of wrong claims allowed (0.05)")
    for name in ("fit", "test"):
        made[name].add_argument(
            "--strangers",
            type=Path,
            metavar="DATA",
            help="data set with species that the network was not taught, to fit thresholds on",
        )
    add = made["test"].add_argument
    add("--new", nargs="+", default=[], metavar="CLASS", help="unknown, then newly enrolled")
    add("--shots", type=int, default=5, help="photos of a new species (5)")
    add("--smallest", type=int, default=8, help="pixels of a fish (8)")
    add("--out", type=Path, help="JSON file for all numbers")
    add = made["two-stages"].add_argument
    add("--detector", required=True, help="of the same classes as DATA: file or work dir")
    add("--split", default="val")
    add("--out", type=Path, help="JSON file for all numbers")
    return parser.parse_args(arguments)


def call(options: argparse.Namespace) -> list[str]:
    """Run the command and return the lines to print."""
    from fishdet.identification import commands  # brings PyTorch, which --help need not wait for
    from fishdet.identification.summary import summary

    given: dict[str, Any] = {key: value for key, value in vars(options).items() if key != "command"}
    if options.command == "enrol":
        return commands.enrol_photos(commands.EnrolOptions(**given))
    if options.command == "test":
        return summary(commands.test_data(**given))
    if options.command == "list":
        table = Table("species", "name", "이름", "photos", "licence")
        for row in commands.rows(options.gallery):
            table.add_row(*row)
        Console().print(table)
        return []
    run = {
        "enrol-data": commands.enrol_data,
        "remove": commands.remove_species,
        "merge": commands.merge_galleries,
        "export": commands.export_species,
        "fit": commands.fit_gallery,
        "two-stages": commands.two_stages,
    }[options.command]
    return run(**given)  # type: ignore[operator]


def main(arguments: list[str] | None = None) -> int:
    """Return the exit status: 0, or 2 on a user's mistake."""
    options = parse_arguments(arguments)
    return exit_status(lambda: print(*call(options), sep="\n"))


if __name__ == "__main__":
    sys.exit(main())
