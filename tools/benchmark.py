"""Compare detectors: ``benchmark.py run SPEC --out DIR``, ``compare``, ``import``, ``keep``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from fishdet.cli import exit_status


def parse_args() -> argparse.Namespace:
    """Return the command line's choices."""
    parser = argparse.ArgumentParser(description="Train, score and compare detectors")
    commands = parser.add_subparsers(dest="command", required=True)
    _add_run(commands.add_parser("run", help="train and score what is not done yet"))
    _add_compare(commands.add_parser("compare", help="tables, plots, and which pairs differ"))
    _add_import(commands.add_parser("import", help="detections of another detector, as COCO JSON"))
    keeping = commands.add_parser("keep", help="records of what is done, for the repository")
    keeping.add_argument("--to", type=Path, required=True, help="JSON file")
    for command in commands.choices.values():
        command.add_argument("--out", type=Path, required=True, help="folder of the benchmark")
    return parser.parse_args()


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("spec", nargs="?", type=Path, help="benchmark as .toml or .json")
    parser.add_argument("--configs", nargs="+", type=Path, help="in place of a file: configs")
    parser.add_argument("--data", nargs="+", type=Path, help="and data folders")
    parser.add_argument("--seeds", nargs="+", type=int, help="seeds (0)")
    parser.add_argument("--epochs", type=int, help="length of every training")
    parser.add_argument("--img-scale", nargs=2, type=int, metavar=("W", "H"), help="picture size")
    parser.add_argument("--jobs", type=int, help="runs at once (one a GPU, one on a CPU)")
    parser.add_argument("--retry", action="store_true", help="try failed runs again")
    parser.add_argument(
        "--only", nargs="+", metavar="PATTERN", help="runs by name: 'reef__*', '*lite0*', '*seed0'"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="measure some steps of each, print the plan"
    )


def _add_compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--by", nargs="+", metavar="KEY", help="what resamples keep together")
    parser.add_argument("--statistic", default="bbox_mAP", help="bbox_mAP, bbox_mAP_50, …")
    parser.add_argument("--resamples", type=int, help="draws (2000, more for many pairs)")


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("predictions", type=Path, help="COCO results JSON")
    parser.add_argument("--name", required=True, help="of the detector, in the table")
    parser.add_argument("--data", type=Path, required=True, help="data folder of the ground truth")
    parser.add_argument("--split", choices=("val", "test"), default="val")
    parser.add_argument("--data-name", help="of the data set in the table (the folder's)")
    parser.add_argument("--seed", type=int, default=0, help="seed of its training")
    parser.add_argument("--box-form", choices=("xywh", "xyxy"), default="xywh")
    parser.add_argument("--parameters", type=int, help="of the network")
    parser.add_argument(
        "--gmacs", type=float, help="multiply-adds of a picture, in thousand millions"
    )
    parser.add_argument("--latency-ms", type=float, help="a picture, by the same protocol")
    parser.add_argument("--train-seconds", type=float, help="of its training")
    parser.add_argument("--note", default="", help="what differs: weights, schedule, scale")
    parser.add_argument("--config", type=Path, help="of this repository that was trained unchanged")
    parser.add_argument("--commit", help="of the code that trained it")
    parser.add_argument("--replace", action="store_true", help="in place of an earlier import")


def main() -> int:
    """Do as the command line says; PyTorch is loaded only now, so that --help is quick."""
    args = vars(parse_args())
    command = args.pop("command")
    if command == "run":
        from fishdet.benchmark.run import RunOptions, run
        from fishdet.benchmark.spec import from_flags

        options = {key: args.pop(key) for key in ("out", "jobs", "dry_run", "retry", "only")}
        return run(from_flags(**args), RunOptions(**options))
    if command == "compare":
        from fishdet.benchmark.compare import CompareOptions, compare

        return compare(CompareOptions(**args))
    if command == "keep":
        from fishdet.benchmark.keep import keep

        return keep(**args)
    from fishdet.benchmark.imports import ImportOptions, import_predictions

    return import_predictions(ImportOptions(**args))


if __name__ == "__main__":
    sys.exit(exit_status(main))
