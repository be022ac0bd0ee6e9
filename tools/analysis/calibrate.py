"""Make the scores of a model mean what they say, and choose a threshold for each species.

Writes calibration.json and reliability.png beside the checkpoint.

    python tools/analysis/calibrate.py work_dirs/fish --data data/fish_builtin
    python tools/analysis/calibrate.py work_dirs/reef --data data/reef --target-precision 0.9
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
    parser.add_argument("model", help="checkpoint, work dir, or published model by file or name")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data set")
    parser.add_argument(
        "--split",
        choices=("train", "val", "test"),
        default="val",
        help="images that the model was not trained on, nor will be judged by (val)",
    )
    parser.add_argument("--out", type=Path, help="folder to write to (beside the checkpoint)")
    parser.add_argument("--config", type=Path, help="only where the checkpoint has none of its own")
    parser.add_argument(
        "--target-precision",
        type=float,
        metavar="SHARE",
        help="thresholds that reach this precision, such as 0.9, in place of the best F1",
    )
    parser.add_argument(
        "--temperature-only", action="store_true", help="fit no bias besides the temperature"
    )
    parser.add_argument("--lang", choices=("en", "ko"), default="en", help="words of the picture")
    parser.add_argument("--device", help="cpu, cuda, cuda:0 (default: CUDA where there is one)")
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16", "fp16"), default="auto")
    parser.add_argument(
        "--trust-pickle", action="store_true", help="read a .pth that runs code of its author"
    )
    return vars(parser.parse_args())


def main() -> None:
    """Calibrate, write and print."""
    options = parse_args()
    from fishdet.evaluation.calibration.run import (  # brings PyTorch
        CalibrateOptions,
        calibrate_model,
        summary,
    )

    result, path = calibrate_model(CalibrateOptions(**options))
    print(summary(result))
    print(f"Written: {path}")


if __name__ == "__main__":
    sys.exit(exit_status(main))
