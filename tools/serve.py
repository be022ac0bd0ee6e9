"""Serve a model: an HTTP API that names the fish on a photo.

python tools/serve.py                       the newest published model, at http://127.0.0.1:8000
python tools/serve.py MODEL --feedback corrections.sqlite
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fishdet.checkpoint.finding import find_checkpoint, newest_published
from fishdet.checkpoint.loading import resolve
from fishdet.cli import exit_status
from fishdet.errors import FishdetError
from fishdet.inference.detector import Detector
from fishdet.inference.options import ONE_FISH_IOU
from fishdet.inference.thresholds import parse_threshold

if TYPE_CHECKING:
    from fishdet.service.model import Model
    from fishdet.service.naming import Namer


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("model", nargs="?", help="a checkpoint, a published model (file, address, name), a work "
        "dir; default: the newest published one below work_dirs")  # fmt: skip
    add("--host", default="127.0.0.1", help="default 127.0.0.1: this machine only")
    add("--port", type=int, default=8000, help="default 8000; 0: any that is free")
    add("--score-thr", metavar="S", help="least score: 0.3 or eel=0.5,0.3; default: 0.3, or a "
        "species' own calibrated threshold where that is lower")  # fmt: skip
    add(
        "--agnostic-nms",
        type=float,
        default=ONE_FISH_IOU,
        metavar="IOU",
        help="one species a fish (0.7)",
    )
    add("--device", help="cpu, cuda, cuda:0")
    add("--precision", choices=("auto", "fp32", "bf16", "fp16"), default="auto")
    add("--batch-size", type=int, default=4, help="pictures of one batch, at most (default 4)")
    add("--queue", type=int, default=32, help="pictures inside at once, at most (default 32)")
    add("--max-mib", type=float, default=25, help="of one request (default 25)")
    add("--max-megapixels", type=float, default=50, help="of one picture (default 50)")
    add("--timeout", type=float, default=30, help="seconds of one request (default 30)")
    add("--rate", type=float, default=120, help="requests a minute of a client, 0: any (120)")
    add("--api-keys", type=Path, metavar="FILE", help="file of keys, one a line; default: open")
    add("--cors", nargs="*", default=[], metavar="ORIGIN", help="pages of other hosts that may ask")
    add("--feedback", type=Path, metavar="FILE", help="SQLite file: take corrections")
    add("--identify", metavar="MODEL", help="embedding network: name fish from --gallery too")
    add("--gallery", type=Path, metavar="FILE", help="of tools/species.py, for --identify")
    add("--confidence", type=float, default=0.8, help="least probability of such a name (0.8)")
    add("--enrol-corrections", action="store_true", help="add what corrections name to the gallery "
        "at once: whoever may ask then changes what the service says")  # fmt: skip
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> None:
    """Load the model and serve it.

    Raises:
        FishdetError: the user's mistakes.
    """
    from fishdet.service.threads import alone, wait_briefly

    wait_briefly()
    try:
        from fishdet.service.access import read_keys
        from fishdet.service.serving import serve
        from fishdet.service.settings import Settings
    except ModuleNotFoundError as error:
        raise FishdetError(
            f"{error.name} is not installed; the service needs: pip install -e '.[service]'"
        ) from error
    settings = Settings(
        max_bytes=int(options.max_mib * 2**20),
        max_pixels=int(options.max_megapixels * 1e6),
        queue_images=options.queue,
        queue_pixels=int(max(200e6, 4e6 * options.max_megapixels)),
        batch_size=options.batch_size,
        timeout_s=options.timeout,
        rate=options.rate,
        api_keys=read_keys(options.api_keys) if options.api_keys else frozenset(),
        origins=tuple(options.cors),
        feedback=options.feedback,
        enrol=options.enrol_corrections,
    )
    with alone():
        model = load(options)
    serve(model, settings, options.host, options.port)


def load(options: argparse.Namespace) -> Model:
    """Return the model with its gallery.

    Raises:
        FishdetError: the user's mistakes.
    """
    from fishdet.service.model import model_of

    namer = namer_of(options)
    path = Path(resolve(options.model or str(newest_published())))
    detector = Detector(
        path,
        device=options.device,
        score_thr=parse_threshold((options.score_thr or "0.3").split(",")),
        precision=options.precision,
        agnostic_nms=options.agnostic_nms,
        batch_size=options.batch_size,
    )
    return model_of(detector, find_checkpoint(path), lower=options.score_thr is None, namer=namer)


def namer_of(options: argparse.Namespace) -> Namer | None:
    """Return what names fish from a gallery, or None where none was asked for.

    Raises:
        FishdetError: one of --identify and --gallery without the other, no such model or gallery.
    """
    if (options.identify is None) != (options.gallery is None):
        missing = "--gallery FILE" if options.gallery is None else "--identify MODEL"
        raise FishdetError(f"to name fish from a gallery give {missing} too")
    if options.identify is None:
        if options.enrol_corrections:
            raise FishdetError("--enrol-corrections needs --identify MODEL and --gallery FILE")
        return None
    from fishdet.identification.embedder import Embedder
    from fishdet.service.naming import Namer

    embedder = Embedder(options.identify, device=options.device)
    return Namer(embedder, options.gallery, options.confidence)


if __name__ == "__main__":
    arguments = parse_arguments()
    sys.exit(exit_status(lambda: run(arguments)))
