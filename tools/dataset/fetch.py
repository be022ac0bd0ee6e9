"""Fetch a public set of fish pictures: licence, download, unpacking, conversion, checks.

  fetch.py --list                            the sets, with licence and counts
  fetch.py NAME                              all that is known of one, and where from
  fetch.py NAME --out DIR                    fetch it (asks about the licence first)
  fetch.py NAME --out DIR --from FILE …      the same with archives, or a folder, that you have
  fetch.py fathomnet --concept Sebastes --out DIR

A broken download goes on where it stopped when the same command is run again.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from fish_dataset.cli import exit_status
from fish_dataset.errors import FishDataError
from fish_dataset.files import require_new_folder
from fish_dataset.sources import all_sources, find_source, read_sources
from fish_dataset.sources.fetched import print_fetched
from fish_dataset.sources.fetching import Order, check_order, fetch
from fish_dataset.sources.show import describe, listing, notice


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", nargs="?", help="a set of --list")
    parser.add_argument("--list", action="store_true", help="list the sets and stop")
    parser.add_argument("--out", type=Path, help="new folder for the data set")
    parser.add_argument("--from", dest="given", type=Path, nargs="+", default=[], metavar="FILE",
                        help="archives, or one folder, that you have fetched")  # fmt: skip
    parser.add_argument("--yes", "--accept-license", dest="accept", action="store_true",
                        help="accept the licence without being asked")  # fmt: skip
    parser.add_argument("--downloads", type=Path, help="folder for archives (default: beside OUT)")
    parser.add_argument("--format", default="", help="read the set as this format of convert.py")
    parser.add_argument("--table", type=Path, help="a TOML of your own in place of the project's")
    parser.add_argument("--raw", action="store_true", help="unpack only")
    parser.add_argument("--concept", default="", help="fathomnet: the concept to ask for")
    parser.add_argument("--limit", type=int, help="fathomnet: pictures at most")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """List, describe or fetch; returns the exit status."""
    sources = read_sources(options.table) if options.table else all_sources()
    if options.list or not options.name:
        print(listing(sources))
        return 0
    source = find_source(options.name, sources)
    if options.out is None:
        print(describe(source))
        return 0
    downloads = options.downloads or options.out.parent / "downloads" / source.name
    order = Order(source, options.out, downloads, tuple(options.given), options.concept,
                  options.limit, options.format, options.raw)  # fmt: skip
    check_order(order)
    require_new_folder(order.out)
    print(notice(source))
    if not options.accept and not agreed():
        raise FishDataError("the licence was not accepted; nothing was fetched")
    done = fetch(order, Console(stderr=True))
    print_fetched(done, Console())
    kept = "" if order.given else f"; downloads are kept in {order.downloads}"
    print(f"{order.out} is there{kept}")
    return done.status


def agreed() -> bool:
    """Ask on the terminal; without one, the answer is no."""
    if not sys.stdin.isatty():
        raise FishDataError("add --accept-license to accept the licence above")
    return input("Do you accept this licence? [y/N] ").strip().lower() in ("y", "yes")


if __name__ == "__main__":
    sys.exit(exit_status(lambda: run(parse_arguments())))
