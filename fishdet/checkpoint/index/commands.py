"""The subcommands of ``tools/models.py`` that work on indexes of models."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fishdet.errors import FishdetError

from ..finding import find_checkpoint
from ..loading import resolve
from ..safety.proof import prove
from .edit import add_entry, entry_of_file, index_file
from .entries import NAME, Entry
from .fetch import fetch_entry
from .indexes import Index, find, indexes


def add_index_commands(commands: argparse._SubParsersAction) -> None:
    """Add list, show, download, verify and add."""
    parser = commands.add_parser("list", help="the models that are known by name")
    parser.set_defaults(run=run_list)
    parser = commands.add_parser("show", help="what an index says of a model")
    parser.add_argument("name")
    parser.set_defaults(run=run_show)
    parser = commands.add_parser("download", help="fetch models by name and check their sums")
    parser.add_argument("names", nargs="+", metavar="NAME")
    parser.add_argument("--out", type=Path, help="folder to put them into (default: the cache)")
    parser.set_defaults(run=run_download)
    parser = commands.add_parser("verify", help="sums, papers and weights of published models")
    parser.add_argument("models", nargs="+", metavar="MODEL", help="name, file, folder or address")
    parser.set_defaults(run=run_verify)
    _add_add(commands)


def run_list(options: argparse.Namespace) -> None:
    """Print the models of all indexes; of two of one name the first is the one that is taken."""
    table = Table("name", "MB", "classes", "mAP", "data", "licence", "index")
    taken: set[str] = set()
    for index in indexes():
        for entry in index.entries.values():
            note = " (hidden by the one above)" if entry.name in taken else ""
            table.add_row(*map(escape, (*_cells(entry), index.place + note)))
            taken.add(entry.name)
    if taken:
        Console().print(table)
    else:
        print("No models are known by name; FISHDET_MODELS names indexes (docs/models.md).")


def run_show(options: argparse.Namespace) -> None:
    """Print what the index says of a model; nothing of it is fetched."""
    index, entry = find(options.name)
    lines = {
        "index": index.place,
        "file": entry.file,
        "from": " ".join(index.addresses(entry)),
        "size": f"{entry.size:,} bytes",
        "sha256": entry.sha256,
        "card": index.beside(entry.card) if entry.card else "",
        "config": entry.config,
        "data": entry.data,
        "classes": entry.classes,
        "licence": entry.licence or "not stated",
        "metrics": ", ".join(f"{key} {value:.3f}" for key, value in entry.metrics.items()),
    }
    print(entry.name)
    for key, value in lines.items():
        if value:
            print(f"  {key:8}{value}")


def run_download(options: argparse.Namespace) -> None:
    """Fetch, and print where each file is."""
    for name in options.names:
        print(fetch_entry(*find(name), options.out))


def run_verify(options: argparse.Namespace) -> int:
    """Print a line for each model; the status is 1 where one is not right."""
    faults = 0
    for model in options.models:
        try:
            path, sha256 = _located(model)
            papers = prove(path, sha256)
            print(f"{model}: right. {len(papers['classes'])} classes, {_numbers(papers)}, {path}")
        except FishdetError as error:
            faults += 1
            print(f"{model}: NOT right: {error}", file=sys.stderr)
    return 1 if faults else 0


def run_add(options: argparse.Namespace) -> None:
    """Write the entry of a published file into an index file."""
    file, index = find_checkpoint(options.file), index_file(options.index)
    entry = entry_of_file(
        file, index, name=options.name, address=options.address, mirrors=options.mirror
    )
    add_entry(index, entry, options.replace)
    print(f"{index}: {entry.name}, {entry.size / 1e6:.1f} MB, SHA-256 {entry.sha256}")


def _add_add(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("add", help="enter a published file into an index")
    parser.add_argument("file", type=Path, help="what tools/publish.py wrote")
    parser.add_argument("--index", type=Path, required=True, help="models.toml, or its folder")
    parser.add_argument("--name", help="name in the index (default: the model's own)")
    parser.add_argument(
        "--address",
        help="where others fetch the file, if not from the folder of the index: "
        "https://host/NAME.safetensors or hf://owner/repo/NAME.safetensors",
    )
    parser.add_argument("--mirror", action="append", default=[], help="a further address of it")
    parser.add_argument("--replace", action="store_true", help="replace the entry of that name")
    parser.set_defaults(run=run_add)


def _located(model: str) -> tuple[Path, str | None]:
    """Return file and stated sum of a model; only an index states one."""
    if NAME.fullmatch(model) and not Path(model).exists():
        found: tuple[Index, Entry] = find(model)
        return fetch_entry(*found), found[1].sha256
    return resolve(model), None


def _cells(entry: Entry) -> tuple[str, ...]:
    figure = entry.metrics.get("mAP")
    return (
        entry.name,
        f"{entry.size / 1e6:.1f}",
        str(entry.classes or "-"),
        "-" if figure is None else f"{figure:.3f}",
        entry.data or "-",
        entry.licence or "-",
    )


def _numbers(papers: dict) -> str:
    return f"{(papers.get('weights') or {}).get('numbers', 0) / 1e6:.1f} million numbers"
