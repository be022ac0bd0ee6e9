"""What a detector gets wrong and what it costs: errors.json, errors.html and a table.

    python tools/analysis/errors.py predictions.json --data data/reef --out work_dirs/errors
    python tools/analysis/errors.py work_dirs/fish   --data data/reef --out work_dirs/errors

PREDICTIONS is a COCO results file of any detector, or a checkpoint, work dir or published model.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from fishdet.cli import exit_status


def parse_args() -> dict[str, Any]:
    """Return the command line's choices."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", metavar="PREDICTIONS", help="results (.json) or model")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data set")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--split", choices=("train", "val", "test"), default="val")
    parser.add_argument("--score", type=float, help="score threshold (that of the best F1)")
    parser.add_argument(
        "--box-form", choices=("xywh", "xyxy"), default="xywh", help="of bbox in PREDICTIONS"
    )
    parser.add_argument(
        "--pictures", type=int, default=2000, help="pictures opened for brightness (2000)"
    )
    parser.add_argument("--worst", type=int, default=24, help="worst pictures on the page (24)")
    parser.add_argument("--lang", choices=("en", "ko"), default="en", help="language of the page")
    parser.add_argument("--device", help="of a model: cpu, cuda (CUDA where there is one)")
    return vars(parser.parse_args())


def main() -> None:
    """Analyse, write and print."""
    options = parse_args()
    from fishdet.evaluation.errors.run import (  # brings PyTorch
        ErrorOptions,
        format_costs,
        write_errors,
    )

    analysis, page = write_errors(ErrorOptions(**options))
    print(format_costs(analysis))
    print(f"Page: {page}")


if __name__ == "__main__":
    sys.exit(exit_status(main))
