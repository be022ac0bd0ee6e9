"""Detect fish on pictures, videos and streams: boxes and names drawn, tables and counts written."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from fish_dataset.fonts import drawable_language
from fishdet.checkpoint.finding import newest_published
from fishdet.checkpoint.loading import resolve
from fishdet.cli import exit_status
from fishdet.identification.options import add_identify_arguments, identify_settings, identifying
from fishdet.inference.bulk.command import add_bulk_arguments, predict_bulk
from fishdet.inference.choice import split_model
from fishdet.inference.detector import Detector
from fishdet.inference.frames import PATIENCE_S
from fishdet.inference.options import ONE_FISH_IOU
from fishdet.inference.predict import OutputOptions, require_no_overwriting, require_output_folder
from fishdet.inference.run import RunOptions, run
from fishdet.inference.sources import Sources, find_sources
from fishdet.inference.thresholds import parse_threshold
from fishdet.inference.told import print_limits, print_report
from fishdet.inference.writers import FORMATS, parse_formats

EPILOG = (
    "MODEL: a checkpoint, an exported .onnx or .xml, a published model (file, address, or a name "
    "that tools/models.py list shows) or a work dir (its best checkpoint, else its last). Without "
    "MODEL the newest published one below work_dirs. INPUT: pictures, videos, folders of any "
    "depth, patterns, a .txt that lists them, the number of a camera, or an rtsp:// address. Exit "
    "status: 0, 1 where files could not be read, 2 on a mistake."
)


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the parsed command line."""
    usage = "%(prog)s [MODEL] INPUT [INPUT ...] --out FOLDER [options]"
    parser = argparse.ArgumentParser(usage=usage, description=__doc__, epilog=EPILOG)
    add = parser.add_argument
    add("inputs", nargs="+", metavar="[MODEL] INPUT")
    add("--out", type=Path, required=True, help="folder for pictures and results")
    add("--config", type=Path, help="only where the checkpoint has none of its own")
    add("--lang", choices=("en", "ko"), default="en", help="language of the names")
    add("--score-thr", default="0.3", metavar="S",
        help="least score, for all or by class: 0.3 or eel=0.5,0.3 (default 0.3)")  # fmt: skip
    add("--device", help="cpu, cuda, cuda:0 (default: CUDA where there is one)")
    add("--precision", choices=("auto", "fp32", "bf16", "fp16"), default="auto")
    add("--runtime", default="auto", metavar="R",
        help="auto: an OpenVINO export of this model beside it where that is faster, else PyTorch; "
        "pytorch; or an exported file of the model, which may be INT8")  # fmt: skip
    add("--compile", action="store_true",
        help="torch.compile: slow at the first picture of a size, faster then")  # fmt: skip
    add("--batch-size", type=int, default=1, help="pictures at once (default 1)")
    add("--trust-pickle", action="store_true", help="read a .pth that runs code of its author")
    looks = parser.add_argument_group("how to look")
    looks.add_argument(
        "--tile", type=int, metavar="PX", help="large pictures in tiles of this side"
    )
    looks.add_argument("--proposals", type=int, metavar="N",
                       help="regions for the second stage; fewer are faster")  # fmt: skip
    looks.add_argument("--flip", action="store_true", help="look at the mirror image too")
    looks.add_argument(
        "--agnostic-nms", type=float, default=ONE_FISH_IOU, metavar="IOU",
        help="one species a fish: the surer of two that overlap more (0.7; 1 keeps both)",
    )  # fmt: skip
    looks.add_argument("--every", type=int, default=1, metavar="N", help="of videos, each Nth")
    looks.add_argument("--reconnect", type=float, default=PATIENCE_S, metavar="S", help="wait S "
                       "seconds for a camera or stream that broke off (30)")  # fmt: skip
    add_identify_arguments(parser.add_argument_group("species from a gallery"))
    writes = parser.add_argument_group("what to write")
    writes.add_argument(
        "--format",
        type=parse_formats,
        default=["coco"],
        metavar="F,F",
        help=f"of pictures: {', '.join(FORMATS)} (dwc: Darwin Core), default coco",
    )
    writes.add_argument("--no-places", action="store_true", help="leave photos' GPS out of dwc")
    writes.add_argument("--no-video", action="store_true", help="draw no video: tables alone")
    writes.add_argument("--crops", action="store_true", help="each fish as a picture of its own")
    writes.add_argument("--sheet", action="store_true", help="contact sheets of the crops")
    writes.add_argument("--resume", action="store_true", help="go on where the last run stopped")
    add_bulk_arguments(parser)
    return parser.parse_intermixed_args(arguments)  # MODEL --flag … INPUT


def load(options: argparse.Namespace, console: Console) -> tuple[Detector, Sources, str]:
    """Return the detector, what it shall look at, and the file of its model."""
    model, inputs = split_model(options.inputs)
    require_output_folder(options.out, inputs)
    sources = find_sources(inputs, skip=options.out)
    require_no_overwriting(options.out, sources.images)
    if model is None:
        model = str(newest_published())
        console.print(f"Model: {model}, the newest published one", markup=False, soft_wrap=True)
    detector = Detector(
        resolve(model),
        config=options.config,
        device=options.device,
        score_thr=parse_threshold(options.score_thr.split(",")),
        lang=drawable_language(options.lang),
        precision=options.precision,
        trust_pickle=options.trust_pickle,
        proposals=options.proposals,
        runtime=options.runtime,
        compiled=options.compile,
        agnostic_nms=options.agnostic_nms,
        flip=options.flip,
        tile=options.tile,
        batch_size=options.batch_size,
    )
    return identifying(detector, options), sources, Path(resolve(model)).name


def run_options(options: argparse.Namespace, detector: Detector, model: str) -> RunOptions:
    """Return what to write, with the settings that a run which goes on must share."""
    names = ("proposals", "tile", "flip", "agnostic_nms", "format", "no_places", "lang")
    settings = {name: getattr(options, name) for name in names} | identify_settings(options)
    settings |= {"score_thr": detector.thresholds.tolist(), "classes": list(detector.classes)}
    settings["model"] = model
    crops = options.crops or options.sheet
    output = OutputOptions(
        options.out, options.format, crops, not options.no_places, options.resume, settings
    )
    shown = not options.no_video
    return RunOptions(output, options.every, shown, options.sheet, options.reconnect)


def main(arguments: list[str] | None = None) -> int:
    """Return the exit status: 0, 1 where files were broken, 2 on a user's mistake."""
    options = parse_arguments(arguments)
    console = Console()

    def all_of_it() -> int:
        if options.engine == "ray":
            return predict_bulk(options, console)
        detector, sources, model = load(options, console)
        print_limits(detector, console)
        done = run(detector, sources, run_options(options, detector, model), console)
        print_report(done, options, console)
        return 1 if done.broken else 0

    return exit_status(all_of_it)


if __name__ == "__main__":
    sys.exit(main())
