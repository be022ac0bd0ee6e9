"""Evaluate a checkpoint: ``python tools/test.py CONFIG CHECKPOINT --data DIR``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from mmengine.config import DictAction

from fish_dataset.errors import FishDataError
from fishdet.errors import FishdetError
from fishdet.testing import TestOptions, test


def parse_args() -> TestOptions:
    """Return the command line's choices."""
    parser = argparse.ArgumentParser(description="Evaluate a detector, in all and per species")
    parser.add_argument("config", type=Path, help="config file")
    parser.add_argument("checkpoint", type=Path, help="checkpoint file")
    parser.add_argument("--data", type=Path, help="data set folder; binds paths, classes and heads")
    parser.add_argument(
        "--split", choices=("auto", "val", "test"), default="auto", help="auto: test, else val"
    )
    parser.add_argument("--work-dir", type=Path, help="folder for the log")
    parser.add_argument("--out", type=Path, help="JSON file for totals and AP per species")
    parser.add_argument("--show", action="store_true", help="show the pictures in a window")
    parser.add_argument("--show-dir", type=Path, help="folder for pictures with boxes")
    parser.add_argument("--wait-time", type=float, default=2.0, help="seconds a picture is shown")
    parser.add_argument("--tta", action="store_true", help="see each picture mirrored as well")
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16", "fp16"))
    parser.add_argument(
        "--img-scale", nargs=2, type=int, metavar=("W", "H"), help="picture size in pixels"
    )
    parser.add_argument(
        "--cfg-options", nargs="+", action=DictAction, help="override settings: key=value …"
    )
    parser.add_argument("--launcher", choices=("none", "pytorch", "slurm", "mpi"), default="none")
    parser.add_argument("--local_rank", "--local-rank", type=int, default=0, help=argparse.SUPPRESS)
    args = vars(parser.parse_args())
    os.environ.setdefault("LOCAL_RANK", str(args.pop("local_rank")))
    args["img_scale"] = tuple(args["img_scale"]) if args["img_scale"] else None
    return TestOptions(**args)


def main() -> int:
    """Evaluate; return the exit status."""
    try:
        test(parse_args())
    except (FishdetError, FishDataError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
