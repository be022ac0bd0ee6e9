"""How many proposals a two-stage detector needs: AP and time of a picture on val, by their number.

    python tools/analysis/proposals.py work_dirs/fish --data my/fish

Names the fewest that lose no more AP than --drop: what to give to tools/predict.py --proposals,
Detector(proposals=…) and tools/export.py --proposals; tools/export.py --fast does both in one.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from fishdet.cli import at_least, exit_status


def parse_args() -> dict[str, Any]:
    """Return the command line's choices."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="checkpoint, work dir, or published model by file or name")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data set")
    parser.add_argument(
        "--numbers", type=at_least(1), nargs="+", help="to try beside the trained one (500 to 50)"
    )
    parser.add_argument("--drop", type=float, default=0.003, help="AP that may be lost, of 1")
    parser.add_argument("--config", type=Path, help="only where the checkpoint has none of its own")
    parser.add_argument("--device", help="cpu, cuda, cuda:0 (default: CUDA where there is one)")
    return vars(parser.parse_args())


def main() -> None:
    """Measure and print."""
    options = parse_args()
    from rich.console import Console
    from rich.table import Table

    from fishdet.analysis.proposals import fewest, measure_proposals  # brings PyTorch

    drop = options.pop("drop")
    rows = measure_proposals(**options)
    table = Table("proposals", "AP", "lost", "ms a picture")
    for row in rows:
        lost = rows[0].ap - row.ap
        table.add_row(str(row.number), f"{row.ap:.4f}", f"{lost:+.4f}", f"{row.milliseconds:.0f}")
    Console().print(table)
    best = fewest(rows, drop)
    print(f"--proposals {best.number}: the fewest that lose no more than {drop} AP on val")


if __name__ == "__main__":
    sys.exit(exit_status(main))
