"""Evaluate a checkpoint: ``python tools/test.py CONFIG CHECKPOINT --data DIR``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from fishdet.cli import add_run_arguments, exit_status, parse_options


def parse_args() -> dict[str, Any]:
    """Return the command line's choices."""
    parser = argparse.ArgumentParser(description="Evaluate a detector, in all and per species")
    add_run_arguments(parser)
    parser.add_argument(
        "checkpoint", help="checkpoint, work dir, or published model by file or name"
    )
    parser.add_argument(
        "--split", choices=("auto", "val", "test"), default="auto", help="auto: test, else val"
    )
    parser.add_argument("--out", type=Path, help="JSON file for totals and AP per species")
    parser.add_argument("--report", type=Path, help="folder for an HTML report of the run")
    parser.add_argument("--lang", choices=("en", "ko"), default="en", help="of the report")
    parser.add_argument(
        "--intervals", type=int, default=1000, metavar="N",
        help="resamples for 95%% intervals and the calibration error, 0 for none (1000)",
    )  # fmt: skip
    parser.add_argument(
        "--group-by", nargs="+", metavar="KEY",
        help="what resamples keep together: video, site, name, day, image (video, site or image)",
    )  # fmt: skip
    parser.add_argument("--show", action="store_true", help="show the pictures in a window")
    parser.add_argument("--show-dir", type=Path, help="folder for pictures with boxes")
    parser.add_argument("--wait-time", type=float, default=2.0, help="seconds a picture is shown")
    parser.add_argument(
        "--tta", action="store_true", help="see each picture mirrored as well and fuse the boxes"
    )
    parser.add_argument(
        "--tta-scales", nargs="+", type=float, default=(), metavar="FACTOR",
        help="--tta in several sizes of the trained one, as 0.86 1 1.14",
    )  # fmt: skip
    parser.add_argument(
        "--trust-pickle", action="store_true", help="read a .pth that runs code of its author"
    )
    return parse_options(parser)


def main() -> None:
    """Evaluate; several processes end together."""
    options = parse_args()
    from fishdet.processes import leave_processes  # PyTorch, which --help need not wait for
    from fishdet.testing import TestOptions, test

    test(TestOptions(**options))
    leave_processes()


if __name__ == "__main__":
    sys.exit(exit_status(main))
