"""Export a detector as one ONNX, OpenVINO or TorchScript file, from pixels to final boxes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from fishdet.cli import at_least, exit_status

FEW = 50  # pictures of val


def parse_arguments() -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("model", help="checkpoint, published model, work dir or a name of an index")
    add(
        "--format", choices=("onnx", "openvino", "torchscript"), default="onnx", help="default onnx"
    )
    add("--out", type=Path, help="file to write (beside the model)")
    add("--config", type=Path, help="only where the checkpoint has none of its own")
    add("--trust-pickle", action="store_true", help="read a .pth that runs code of its author")
    add(
        "--proposals", type=int, metavar="N", help="regions that the second stage looks at, at most"
    )
    add(
        "--fast", action="store_true",
        help="the fewest of these that lose no more than 0.3 of 100 AP on val of --data",
    )  # fmt: skip
    add("--data", type=Path, help="your data folder: --fast and --int8 measure AP on its val")
    small = parser.add_argument_group("8-bit numbers")
    small.add_argument("--int8", action="store_true", help="quantise (onnx and openvino)")
    small.add_argument(
        "--images", type=at_least(1), default=100, help="training pictures to calibrate on (100)"
    )
    small.add_argument(
        "--drop", type=float, default=0.01, help="the most AP it may cost, of 1 (default 0.01)"
    )
    small.add_argument(
        "--tries", type=at_least(0), default=32,
        help="versions to try on 16 pictures to find layers that hurt, where AP falls (32)",
    )  # fmt: skip
    small.add_argument("--force", action="store_true", help="write it though it costs more")
    options = parser.parse_args()
    if not 0 <= options.drop <= 1:
        parser.error(f"--drop {options.drop}: AP from 0 to 1; 0.01 is one point of a hundred")
    for name in ("force", "drop", "images", "tries"):
        if not options.int8 and getattr(options, name) != parser.get_default(name):
            parser.error(f"--{name} is for --int8 alone")
    if options.data and not (options.int8 or options.fast):
        parser.error("--data is for --int8 and --fast alone")
    if options.fast and options.proposals:
        parser.error("--fast chooses the number of --proposals; give one of them")
    return options


def main() -> int:
    """Return the exit status; PyTorch is loaded only now, so that --help is quick."""
    options = vars(parse_arguments())

    def all_of_it() -> None:
        from fishdet.export.run import ExportOptions, export

        path, papers = export(ExportOptions(**options))
        files = {path, path.with_suffix(".bin")} if path.suffix == ".xml" else {path}
        size = sum(file.stat().st_size for file in files) / 2**20
        print(f"{path}: {papers['architecture']}, {len(papers['classes'])} classes, "
              f"{papers['precision']}, {size:.1f} MiB")  # fmt: skip
        if papers.get("fast"):
            fast = papers["fast"]
            print(f"{fast['proposals']} proposals: AP {fast['ap']['after']:.4f} on val, "
                  f"{fast['ap']['before']:.4f} with all")  # fmt: skip
        if papers.get("ap"):
            print(f"AP {papers['ap']['before']:.4f} in FP32, {papers['ap']['after']:.4f} in INT8, "
                  f"on {papers['ap']['pictures']} pictures of val")  # fmt: skip
            if papers["ap"]["pictures"] < FEW:
                print(f"AP of fewer than {FEW} pictures may move by more than that by chance")
            kept = papers["in_fp32"]
            print(f"{len(kept)} of {papers['layers']} layers stay in FP32"
                  + (f": {', '.join(kept)}" if kept else ""))  # fmt: skip

        print(f"see it: python tools/predict.py {path} PHOTOS --out found")

    return exit_status(all_of_it)


if __name__ == "__main__":
    sys.exit(main())
