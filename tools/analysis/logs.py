"""Curves of several runs on top of one another, with a table.

python tools/analysis/logs.py work_dirs/fish work_dirs/other --out work_dirs/curves
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from fish_dataset.files import require_writable
from fishdet.analysis.logs import COLUMNS, read_runs, write_logs
from fishdet.cli import exit_status


def parse_args() -> argparse.Namespace:
    """Return the command line's choices."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path, nargs="+", help="work dirs of tools/train.py")
    parser.add_argument("--out", type=Path, required=True, help="folder for curves.png, runs.csv")
    return parser.parse_args()


def main() -> None:
    """Read, draw and print."""
    args = parse_args()
    runs = read_runs(args.runs)
    require_writable(args.out, "--out")
    rows = write_logs(runs, args.out)
    shown = [name for name in COLUMNS if name not in ("commit", "seed")]  # runs.csv has them
    table = Table(*(name.replace("_", " ") for name in shown))
    for row in rows:
        table.add_row(*("-" if row[name] is None else str(row[name]) for name in shown))
    Console().print(table)
    print(f"Curves: {args.out / 'curves.png'}")


if __name__ == "__main__":
    sys.exit(exit_status(main))
