"""Train a detector: ``python tools/train.py configs/fish.py --data DIR``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from mmengine.config import DictAction

from fish_dataset.errors import FishDataError
from fishdet.errors import FishdetError
from fishdet.training import TrainOptions, train


def parse_args() -> TrainOptions:
    """Return the command line's choices."""
    parser = argparse.ArgumentParser(description="Train a detector")
    parser.add_argument("config", type=Path, help="config file")
    parser.add_argument("--data", type=Path, help="data set folder; binds paths, classes and heads")
    parser.add_argument("--work-dir", type=Path, help="folder for logs and checkpoints")
    parser.add_argument(
        "--resume",
        nargs="?",
        const="auto",
        metavar="auto|PATH",
        help="go on from a checkpoint; without a value from the newest in the work dir",
    )
    parser.add_argument("--amp", action="store_true", help="fp16 on CUDA, bf16 on CPU")
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16", "fp16"))
    parser.add_argument("--auto-scale-lr", action="store_true", help="scale LR by the batch size")
    parser.add_argument("--epochs", type=int, help="length of training; the schedule moves with it")
    parser.add_argument(
        "--img-scale", nargs=2, type=int, metavar=("W", "H"), help="picture size in pixels"
    )
    parser.add_argument("--seed", type=int, help="seed of weights, order and augmentation")
    parser.add_argument("--dry-run", action="store_true", help="run one batch, print the plan")
    parser.add_argument(
        "--cfg-options", nargs="+", action=DictAction, help="override settings: key=value …"
    )
    parser.add_argument("--launcher", choices=("none", "pytorch", "slurm", "mpi"), default="none")
    parser.add_argument("--local_rank", "--local-rank", type=int, default=0, help=argparse.SUPPRESS)
    args = vars(parser.parse_args())
    os.environ.setdefault("LOCAL_RANK", str(args.pop("local_rank")))
    args["img_scale"] = tuple(args["img_scale"]) if args["img_scale"] else None
    return TrainOptions(**args)


def main() -> int:
    """Train; return the exit status."""
    try:
        train(parse_args())
    except (FishdetError, FishDataError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
