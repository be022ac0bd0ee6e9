"""Show how a detector finds fish on one picture: every stage, its numbers, and the way back.

python tools/trace.py work_dirs/fish reef.jpg --out trace --lang ko
python tools/trace.py MODEL reef.jpg --out trace --json --npz
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from fishdet.cli import exit_status


def parse_arguments(arguments: list[str] | None = None) -> dict[str, Any]:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add(
        "model",
        help="Faster R-CNN or one of transformers: checkpoint, published model, work dir",
    )
    add("image", type=Path)
    add("--out", type=Path, required=True, help="folder for trace.html and the rest")
    add("--json", action="store_true", help="also trace.json: shapes, counts, ways back")
    add("--npz", action="store_true", help="also trace.npz: every stage as arrays (large)")
    add("--lang", choices=("en", "ko"), default="en", help="language at first (can be switched)")
    add("--fish", type=int, default=1, metavar="N", help="chosen at first; 1 is the surest")
    add("--score-thr", default="0.3", metavar="S", help="least score: 0.3 or eel=0.5,0.3")
    add("--config", type=Path, help="only where the checkpoint has none of its own")
    add("--device", help="cpu, cuda, cuda:0 (default: CUDA where there is one)")
    add("--trust-pickle", action="store_true", help="read a .pth that runs code of its author")
    return vars(parser.parse_args(arguments))


def main(arguments: list[str] | None = None) -> int:
    """Return the exit status: 0, or 2 on a user's mistake."""
    options = parse_arguments(arguments)
    from fishdet.trace.command import TraceOptions, run  # brings PyTorch

    return exit_status(lambda: print(run(TraceOptions(**options))))


if __name__ == "__main__":
    sys.exit(main())
