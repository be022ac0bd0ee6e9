"""An epoch of real multi-scale data side by side: stock MMDetection and this project.

    OMP_NUM_THREADS=2 python benchmarks/epoch.py DATA [--img-scale 640 480] [--iterations 40]

Faster R-CNN R50-FPN, all layers trained from random weights, batch 2: reading, decoding, resizing
to one of six sizes, forward, backward, the optimiser's step. MMDetection's config, data set and
pipeline against ``configs/faster_rcnn/faster-rcnn_r50_fpn_ms-3x_fish.py``. Both get the same six
sizes and as many loader workers, and take turns of ``--turn`` iterations, each in a process of its
own; the ratio is that of the sums. RoIAlign of stock MMDetection is torchvision's kernel; it runs
under the C library's defaults, where ours keeps freed memory, as ``tools/train.py`` does. The first
``--warm-up`` iterations, in which the heap grows, are not timed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmdet.utils import register_all_modules
from mmengine.logging import MMLogger
from side_by_side import Apart, machine, machine_line
from training_steps import training_steps

from fishdet.binding import bind
from fishdet.cli import exit_status
from fishdet.config import load_config, set_precision
from fishdet.errors import FishdetError
from fishdet.precision import cpu_has_bf16

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "peers"))
STOCK = "stock MMDetection, fp32"
OURS = {"fishdet, fp32": "fp32", "fishdet, bf16": "bf16"}
SHORTER = (0.8, 0.84, 0.88, 0.92, 0.96, 1.0)  # of the shorter side: 640 to 800 of 800


def main() -> None:
    """Take turns and print the ratio."""
    args = parse_args()
    if not args.data.is_dir():
        raise FishdetError(
            f"{args.data}: no such folder; name a data folder, as for tools/train.py"
        )
    print(machine_line(machine()))
    names = [STOCK, *OURS] if cpu_has_bf16() or args.bf16 else [STOCK, next(iter(OURS))]
    sides = {name: Apart(steps, args, name, keeps_memory=name != STOCK) for name in names}
    spent = dict.fromkeys(sides, 0.0)
    for side in sides.values():
        side(args.warm_up)
    for turn in range(0, args.iterations, args.turn):
        for name, side in sides.items():
            side()  # caches, and memory that was given back, went to others in the meantime
            spent[name] += side(args.turn)
        done = min(turn + args.turn, args.iterations)
        print(f"{done} of {args.iterations}: " + said(spent, done), flush=True)
    for side in sides.values():
        side.close()


def steps(args: argparse.Namespace, name: str) -> Callable[[], Any]:
    """Return what trains one iteration: stock MMDetection's, or ours in a precision."""
    register_all_modules(init_default_scope=True)
    MMLogger.get_current_instance().setLevel("ERROR")  # what each weight begins with
    going = training_steps(stock(args) if name == STOCK else ours(args, OURS[name]))
    return lambda: next(going)


def said(spent: dict[str, float], done: int) -> str:
    """Return seconds an iteration and the ratio, in words."""
    each = ", ".join(f"{name} {seconds / done:.2f} s" for name, seconds in spent.items())
    ratios = [f"{seconds / spent[STOCK]:.2f}" for name, seconds in spent.items() if name != STOCK]
    return f"{each} an iteration, ratio {' and '.join(ratios)}"


def parse_args() -> argparse.Namespace:
    """Parse the data and how much of it runs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--img-scale", nargs=2, type=int, default=(640, 480), metavar=("W", "H"))
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--iterations", type=int, default=40)
    parser.add_argument("--turn", type=int, default=10, help="iterations before the other's turn")
    parser.add_argument("--warm-up", type=int, default=20, help="iterations of each, not timed")
    parser.add_argument("--bf16", action="store_true", help="also where the CPU has no bf16")
    return parser.parse_args()


def scales(args: argparse.Namespace) -> list[tuple[int, int]]:
    """Return the six sizes (longer, shorter side)."""
    longer, shorter = max(args.img_scale), min(args.img_scale)
    return [(longer, round(shorter * share)) for share in SHORTER]


def stock(args: argparse.Namespace) -> Any:
    """Return MMDetection's config, bound to the data, at several sizes."""
    import stock_mmdet

    args.out, args.weights = HERE.parent / "work_dirs" / "epoch", None
    args.lr, args.epochs, args.seed = 0, 1, 0
    args.train_images, args.optimizer = None, "sgd"
    cfg, _ = stock_mmdet.config(args)
    cfg.model.roi_head.bbox_roi_extractor.roi_layer.use_torchvision = True
    return at_sizes(cfg, args, "Resize")


def ours(args: argparse.Namespace, precision: str) -> Any:
    """Return the shipped config, likewise."""
    cfg = load_config(HERE.parent / "configs/faster_rcnn/faster-rcnn_r50_fpn_ms-3x_fish.py")
    bind(cfg, args.data)
    cfg.model.backbone.update(init_cfg=None, frozen_stages=-1, norm_eval=False)
    cfg.optim_wrapper.optimizer.lr = 0
    set_precision(cfg, precision, "cpu")
    return at_sizes(cfg, args, "RandomChoiceResize")


def at_sizes(cfg: Any, args: argparse.Namespace, kind: str) -> Any:
    """Set sizes, batch and workers of the training loader."""
    loader = cfg.train_dataloader
    loader.update(batch_size=args.batch, num_workers=args.workers)
    loader.persistent_workers = args.workers > 0
    if not args.workers:
        loader.pop("timeout", None)
    resize = dict(type="RandomChoiceResize", scales=scales(args), keep_ratio=True)
    steps = loader.dataset.pipeline
    (place,) = [i for i, step in enumerate(steps) if step["type"] == kind]
    steps[place] = resize
    return cfg


if __name__ == "__main__":
    sys.exit(exit_status(main))
