"""Where time and memory go, by stage of the pipeline, and what to try.

python tools/analysis/profile.py predict work_dirs/fish photos/ --trace trace.json
python tools/analysis/profile.py train configs/fish.py --data my/fish --trace trace.json
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from fishdet.cli import add_run_arguments, exit_status


def parse_args() -> dict[str, Any]:
    """Return the command line's choices."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    predict = commands.add_parser("predict", help="a trained detector on pictures")
    predict.add_argument("model", help="checkpoint, published model or work dir")
    predict.add_argument("pictures", type=Path, help="a picture or a folder of them")
    predict.add_argument("--config", type=Path, help="where the checkpoint has none of its own")
    predict.add_argument("--device", help="cpu, cuda (default: CUDA where there is one)")
    predict.add_argument("--precision", choices=("auto", "fp32", "bf16", "fp16"), default="auto")
    predict.add_argument("--batch", type=int, default=1, help="pictures at once (1)")
    predict.add_argument("--most", type=int, default=8, help="pictures to look at (8)")
    predict.add_argument("--repeats", type=int, default=3, help="timed passes over them (3)")
    train = commands.add_parser("train", help="training steps of a config")
    add_run_arguments(train)
    train.add_argument("--steps", type=int, default=5, help="steps that are counted (5)")
    for command in (predict, train):
        command.add_argument("--trace", type=Path, help="file to write for ui.perfetto.dev")
    options = vars(parser.parse_args())
    for name in ("batch", "most", "repeats", "steps"):
        if options.get(name, 1) < 1:
            parser.error(f"--{name} {options[name]}: at least 1")
    return options


def main() -> None:
    """Profile and print; PyTorch is loaded only now, so that --help is quick."""
    options = parse_args()
    # PyTorch's profiler reports as errors that there is no GPU, and when it starts and stops.
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    from rich.console import Console

    from fishdet.analysis.profile.render import show
    from fishdet.analysis.profile.run import profile_prediction, profile_training
    from fishdet.training import TrainOptions

    command, trace = options.pop("command"), options.pop("trace")
    if command == "predict":
        model, pictures = options.pop("model"), options.pop("pictures")
        found = profile_prediction(model, pictures, trace=trace, **options)
    else:
        steps = options.pop("steps")
        options.pop("local_rank")
        options["img_scale"] = tuple(options["img_scale"]) if options["img_scale"] else None
        found = profile_training(TrainOptions(**options), steps=steps, trace=trace)
    show(found, Console())


if __name__ == "__main__":
    sys.exit(exit_status(main))
