"""What the command lines of training and testing share."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fish_dataset import cli
from fishdet.errors import FishdetError, naming_absent


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags that a training and an evaluation both have, with MMDetection's meaning."""
    from mmengine.config import (
        DictAction,  # brings PyTorch, which a list of models is not to wait for
    )

    class Settings(DictAction):
        """``DictAction`` that ends in a line where a word is no key=value."""

        def __call__(self, parser: argparse.ArgumentParser, *given: Any) -> None:
            try:
                super().__call__(parser, *given)
            except ValueError:
                parser.error(f"--cfg-options {' '.join(given[1])}: write each as key=value")

    parser.add_argument("config", type=Path, help="config file")
    parser.add_argument("--data", type=Path, help="data set folder; binds paths, classes and heads")
    parser.add_argument("--work-dir", type=Path, help="folder for the log and what else is written")
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16", "fp16"))
    parser.add_argument(
        "--img-scale", nargs=2, type=at_least(32), metavar=("W", "H"), help="picture size in pixels"
    )
    parser.add_argument(
        "--cfg-options", nargs="+", action=Settings, help="override settings: key=value …"
    )
    parser.add_argument("--launcher", choices=("none", "pytorch", "slurm", "mpi"), default="none")
    parser.add_argument("--local_rank", "--local-rank", type=int, default=0, help=argparse.SUPPRESS)


def at_least(least: int) -> Callable[[str], int]:
    """Return a type for argparse: whole numbers from ``least`` on."""

    def whole(text: str) -> int:
        number = int(text) if text.lstrip("-").isdigit() else least - 1
        if number < least:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} on")
        return number

    return whole


def parse_options(parser: argparse.ArgumentParser) -> dict[str, Any]:
    """Return the command line as keyword arguments; sets ``LOCAL_RANK`` as mmengine expects."""
    args = vars(parser.parse_args())
    os.environ.setdefault("LOCAL_RANK", str(args.pop("local_rank")))
    args["img_scale"] = tuple(args["img_scale"]) if args["img_scale"] else None
    return args


def exit_status(run: Callable[[], Any]) -> int:
    """Call ``run`` and return the exit status; see ``fish_dataset.cli.exit_status``.

    PyTorch or MMDetection that is not installed is a user's mistake too: machines that run
    exported models have neither.

    A script's own folder comes first on the path, so ``tools/analysis/profile.py`` would stand for
    the standard library's ``profile``, which PyTorch imports: such a folder is left before ``run``.
    """
    _leave_folder_of_namesakes()

    def told() -> Any:
        with naming_absent("this command"):
            return run()

    return cli.exit_status(told, FishdetError)


def _leave_folder_of_namesakes() -> None:
    folder = Path(sys.argv[0]).resolve().parent
    own = bool(sys.path) and Path(sys.path[0]).resolve() == folder
    if own and any(file.stem in sys.stdlib_module_names for file in folder.glob("*.py")):
        del sys.path[0]
