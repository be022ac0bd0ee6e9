"""Write docs/zoo.md: ``python tools/zoo.py [--runs work_dirs/benchmark …]``.

Without ``--runs`` the runs kept in benchmarks/recorded/ are taken.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from fishdet.cli import exit_status

ROOT = Path(__file__).resolve().parent.parent


def parse_args() -> argparse.Namespace:
    """Return the command line's choices."""
    parser = argparse.ArgumentParser(description="Table of all shipped detectors")
    kept = sorted((ROOT / "benchmarks" / "recorded").glob("*.json"))
    parser.add_argument("--runs", type=Path, nargs="*", default=kept, help="benchmark folders")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "zoo.md", help="the page")
    return parser.parse_args()


def main() -> None:
    """Do as the command line says."""
    args = parse_args()
    from fishdet.benchmark.zoo import write_page

    write_page(ROOT, args.runs, args.out)


if __name__ == "__main__":
    sys.exit(exit_status(main))
