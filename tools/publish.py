"""Make a release of a checkpoint: one .safetensors, its model card and index entry."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from fishdet.cli import exit_status


def parse_arguments(arguments: list[str] | None = None) -> dict[str, Any]:
    """Return the command line's choices."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="Figures, versions and data digest are read from the checkpoint and from the "
        "metrics.json and environment.json beside it; what is not recorded stays empty.",
    )
    add = parser.add_argument
    add("checkpoint", type=Path, help=".pth that a training wrote")
    add("--out", type=Path, help="folder of the release (default: published/ beside it)")
    add("--half", action="store_true", help="weights in fp16, batch norm statistics in fp32")
    add("--name", help="name of the model (default: CONFIG_DATASET)")
    add("--licence", "--license", metavar="SPDX", help="licence of the weights, such as Apache-2.0")
    add("--parent", help="the model that the training began from")
    add("--data", type=Path, help="data set folder it was trained on, for sizes and digest")
    add(
        "--errors",
        type=Path,
        help="what tools/analysis/errors.py wrote of it (default: errors/ beside the checkpoint)",
    )
    add("--config", type=Path, help="only where the checkpoint has none of its own")
    add("--images", type=Path, nargs="+", default=[], help="pictures to show results on (six)")
    add("--trust-pickle", action="store_true", help="read a .pth that runs code of its author")
    return vars(parser.parse_args(arguments))


def main(arguments: list[str] | None = None) -> None:
    """Publish, and say what was written and what is missing in it."""
    given = parse_arguments(arguments)
    from fishdet.checkpoint.publishing.model_papers import PublishOptions  # brings PyTorch
    from fishdet.checkpoint.publishing.publish import publish

    options = PublishOptions(**given)
    done = publish(options)
    print(f"{done.file}\n  {done.size / 1e6:.1f} MB, SHA-256 {done.sha256}")
    print(f"  card and index entry beside it: {done.file.parent}/README.md, models.toml")
    for note in done.notes:
        print(f"  note: {note}")
    if options.licence is None:
        print("  note: no licence stated; others may not use the model without (--licence SPDX)")


if __name__ == "__main__":
    sys.exit(exit_status(main))
