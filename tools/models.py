"""Models by name, and models as files: look into them, compare, average and convert them.

What reads tensors is imported by the subcommand that does: the others start without PyTorch.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fishdet.checkpoint.index.commands import add_index_commands
from fishdet.checkpoint.inspection import inspect
from fishdet.checkpoint.loading import resolve
from fishdet.cli import exit_status


def run_inspect(options: argparse.Namespace) -> None:
    """Print what a file says of itself; the weights of a .safetensors are not read."""
    print(json.dumps(inspect(resolve(options.model)), indent=2, ensure_ascii=False))


def run_diff(options: argparse.Namespace) -> None:
    """Print a table of the weights that differ, the largest relative difference first."""
    from fishdet.checkpoint.load import load_checkpoint
    from fishdet.checkpoint.surgery import differences

    models = (resolve(model) for model in (options.one, options.other))
    one, other = (load_checkpoint(path)["state_dict"] for path in models)
    found = differences(one, other)
    changed = [row for row in found if row.note or row.largest]
    changed.sort(key=lambda row: -(row.relative if row.relative is not None else float("inf")))
    table = Table("weight", "largest", "relative", "")
    for row in changed[: options.top]:
        cells = ("-" if value is None else f"{value:.3g}" for value in (row.largest, row.relative))
        table.add_row(escape(row.name), *cells, row.note)
    Console().print(table)
    shown = min(len(changed), options.top)
    print(f"{len(changed)} of {len(found)} weights differ, {shown} shown")


def run_average(options: argparse.Namespace) -> None:
    """Write the mean of several models."""
    from fishdet.checkpoint.surgery import average_files

    state = average_files([resolve(model) for model in options.models], options.out)
    print(f"{options.out}: mean of {len(options.models)} models, {len(state)} weights")
    print("  batch norm statistics were averaged too; evaluate it before use: tools/test.py")


def run_convert(options: argparse.Namespace) -> None:
    """Write a model in the other of the two forms."""
    from fishdet.checkpoint.torchvision import convert_file

    model = resolve(options.model)
    print(convert_file(model, options.out, options.classes, options.bn_eps, options.config))


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the parsed command line; ``run`` is the subcommand's function."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (add_index_commands, _add_inspect, _add_diff, _add_average, _add_convert):
        add(commands)
    return parser.parse_args(arguments)


def _add_inspect(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("inspect", help="papers, parameters and classes of a file")
    parser.add_argument("model", help="file, work dir, address, or name of an index")
    parser.set_defaults(run=run_inspect)


def _add_diff(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("diff", help="two models, weight by weight")
    parser.add_argument("one")
    parser.add_argument("other")
    parser.add_argument("--top", type=int, default=30, help="rows of the table (default 30)")
    parser.set_defaults(run=run_diff)


def _add_average(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("average", help="the mean of models of one architecture (soup)")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--out", type=Path, required=True, help="the .pth to write")
    parser.set_defaults(run=run_average)


def _add_convert(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "convert", help="Faster R-CNN from torchvision's weights to a checkpoint, and back"
    )
    parser.add_argument("model", help="torchvision's weights, or a model of ours")
    parser.add_argument("--out", type=Path, required=True, help="the .pth to write")
    parser.add_argument("--classes", nargs="+", help="names of torchvision's labels from 1 on")
    parser.add_argument("--bn-eps", type=float, help="of torchvision's batch norms (docs)")
    parser.add_argument("--config", type=Path, help="of a checkpoint of ours that carries none")
    parser.set_defaults(run=run_convert)


def main(arguments: list[str] | None = None) -> int | None:
    """Run the subcommand and return its status, None for 0."""
    options = parse_arguments(arguments)
    status: int | None = options.run(options)
    return status


if __name__ == "__main__":
    sys.exit(exit_status(main))
