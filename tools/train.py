"""Train a detector: ``python tools/train.py configs/fish.py --data DIR``."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from fishdet.cli import add_run_arguments, at_least, exit_status, parse_options


def parse_args() -> dict[str, Any]:
    """Return the command line's choices."""
    parser = argparse.ArgumentParser(description="Train a detector")
    add_run_arguments(parser)
    parser.add_argument(
        "--resume",
        nargs="?",
        const="auto",
        metavar="auto|PATH",
        help="go on from a checkpoint; without a value from the newest in the work dir",
    )
    parser.add_argument("--amp", action="store_true", help="fp16 on CUDA, bf16 on CPU")
    parser.add_argument(
        "--compile", action="store_true", help="torch.compile of backbone and neck, for long runs"
    )
    parser.add_argument("--auto-scale-lr", action="store_true", help="scale LR by the batch size")
    parser.add_argument(
        "--epochs", type=at_least(1), help="length of training; the schedule follows"
    )
    parser.add_argument("--seed", type=at_least(0), help="seed of weights, order and augmentation")
    parser.add_argument(
        "--log-to", type=lambda text: tuple(text.split(",")), default=(), metavar="NAME,NAME",
        help="curves there too: tensorboard, mlflow, wandb, … (docs/scale.md)",
    )  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="run one batch, print the plan")
    return parse_options(parser)


def main() -> None:
    """Train; several processes end together."""
    options = parse_args()
    from fishdet.processes import leave_processes  # PyTorch, which --help need not wait for
    from fishdet.training import TrainOptions, train

    train(TrainOptions(**options))
    leave_processes()


if __name__ == "__main__":
    sys.exit(exit_status(main))
