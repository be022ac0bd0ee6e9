"""Reading JPEGs side by side, and what a loader of 0, 1 and 2 workers brings.

    python benchmarks/loading.py [--heights 360 720 1440 3000] [--network 480x640]

From the bytes of a file to a picture of the network's size, uint8: OpenCV as MMDetection decodes
it; OpenCV asked for a half, a quarter or an eighth where the picture will be shrunk to no more
(libjpeg leaves out what is not needed); torchvision's decoder; Pillow's draft. Then the shipped
training pipeline in a DataLoader, with reduced decoding (``FishDataset.reduced_decode``) and
without. ``--step SECONDS`` (of benchmarks/training.py) gives the share
of an epoch.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torchvision
from contenders import picture
from PIL import Image
from prediction import size_of
from side_by_side import Row, add_common, chosen, in_turn, machine, machine_line, record
from torchvision.transforms.v2 import functional as resizing

REDUCED = {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4,
           8: cv2.IMREAD_REDUCED_COLOR_8}  # fmt: skip
BATCH = 4


def main() -> None:
    """Decode at every size, load with every number of workers, and print."""
    args = parse_args()
    print(machine_line(machine()))
    rows: list[Row] = []
    for height in args.heights:
        rows += decoding(args, height)
    workers = [line for height in args.heights for line in loading(args, height)]
    record(args.json, rows, loaders=workers)


def parse_args() -> argparse.Namespace:
    """Parse the sizes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_common(parser)
    parser.add_argument("--heights", nargs="+", type=int, default=[360, 720, 1440, 3000])
    parser.add_argument(
        "--network", type=size_of, default=(480, 640), help="size that it trains at"
    )
    parser.add_argument("--pictures", type=int, default=24, help="of each size")
    parser.add_argument("--workers", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--step", type=float, help="seconds of a training step of batch 4")
    args = parser.parse_args()
    if args.quick:
        args.heights, args.pictures, args.repeats, args.workers = [360], 8, 2, [0]
    return args


def decoding(args: argparse.Namespace, height: int) -> list[Row]:
    """Return the rows of one size of file, each run reads five pictures."""
    files = [jpeg(height, seed) for seed in range(5)]
    target = args.network
    ways: dict[str, Callable[[bytes], Any]] = {
        "OpenCV": lambda data: sized(cv2.imdecode(np.frombuffer(data, np.uint8), 1), target),
        "OpenCV, reduced": lambda data: sized(reduced(data, height, target), target),
        "torchvision": lambda data: through_torchvision(data, target),
        "Pillow, draft": lambda data: through_pillow(data, target),
    }

    def all_files(read: Callable[[bytes], Any]) -> Callable[[], None]:
        return lambda: [read(data) for data in files] and None

    made = {name: all_files(read) for name, read in chosen(ways, args.only).items()}
    size = f"{height * height * 4 // 3 / 1e6:.1f} MP, 5 pictures"
    return in_turn(made, size, args.repeats)


def jpeg(height: int, seed: int) -> bytes:
    """Return a JPEG of 4:3 with the detail of a photo, quality 90."""
    width = height * 4 // 3
    noise = np.random.default_rng(seed).normal(0, 6, (height, width, 3))
    pixels = np.clip(picture(height, width, seed)[:height, :width] + noise, 0, 255)
    return cv2.imencode(".jpg", pixels.astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 90])[
        1
    ].tobytes()


def sized(image: np.ndarray, target: tuple[int, int]) -> np.ndarray:
    """Return the picture at the network's size, bilinear as MMDetection resizes."""
    return cv2.resize(image, target[::-1], interpolation=cv2.INTER_LINEAR)


def reduced(data: bytes, height: int, target: tuple[int, int]) -> np.ndarray:
    """Decode at the smallest scale that is not below the network's size."""
    fits = [divisor for divisor in REDUCED if height / divisor >= target[0]]
    return cv2.imdecode(np.frombuffer(data, np.uint8), REDUCED[max(fits)] if fits else 1)


def through_torchvision(data: bytes, target: tuple[int, int]) -> torch.Tensor:
    """Decode and resize with torchvision."""
    pixels = torchvision.io.decode_jpeg(torch.frombuffer(bytearray(data), dtype=torch.uint8))
    return resizing.resize(pixels, list(target), antialias=False)


def through_pillow(data: bytes, target: tuple[int, int]) -> np.ndarray:
    """Decode with Pillow, which asks libjpeg for a reduced scale."""
    image = Image.open(io.BytesIO(data))
    image.draft("RGB", target[::-1])
    return np.asarray(image.resize(target[::-1], Image.Resampling.BILINEAR))


def loading(args: argparse.Namespace, height: int) -> list[dict[str, Any]]:
    """Return pictures a second of the training loader, by number of workers."""
    from mmdet.utils import register_all_modules
    from mmengine.runner import Runner

    from fishdet.binding import bind
    from fishdet.config import load_config, set_img_scale

    config = Path(__file__).parent.parent / "configs/faster_rcnn/faster-rcnn_r50_fpn_1x_fish.py"
    register_all_modules(init_default_scope=True)
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        write_set(Path(folder), height, args.pictures)
        for workers, reduce in itertools.product(args.workers, (True, False)):
            cfg = load_config(config)
            bind(cfg, Path(folder))
            set_img_scale(cfg, args.network[::-1])
            own = cfg.train_dataloader
            own.dataset.reduced_decode = reduce
            own.update(num_workers=workers, persistent_workers=workers > 0, batch_size=BATCH)
            own.pop("timeout", None)
            loader = Runner.build_dataloader(own, seed=0)
            for _ in loader:  # starts the workers
                pass
            began = time.perf_counter()
            count = sum(len(batch["inputs"]) for _ in range(2) for batch in loader)
            rate = count / (time.perf_counter() - began)
            line = {"height": height, "workers": workers, "reduced": reduce}
            line["pictures_per_second"] = rate
            if args.step:
                line["share"] = share_of_epoch(rate, workers, args.step)
            lines.append(line)
            share = f", {line['share']:.1%} of an epoch" if args.step else ""
            how = "reduced" if reduce else "whole"
            print(
                f"  {height} px, {workers} workers, {how}: {rate:.1f} pictures/s{share}", flush=True
            )
    return lines


def share_of_epoch(rate: float, workers: int, step: float) -> float:
    """Return the part of an epoch that is spent waiting for pictures.

    Args:
        rate: pictures a second.
        workers: processes that load while the network computes; 0: in turn with it.
        step: seconds of a training step of ``BATCH`` pictures.
    """
    load = BATCH / rate
    return max(0, load - step) / max(load, step) if workers else load / (load + step)


def write_set(folder: Path, height: int, count: int) -> None:
    """Write a data folder of JPEGs with one box each."""
    (folder / "images").mkdir()
    width = height * 4 // 3
    for number in range(count):
        (folder / "images" / f"{number}.jpg").write_bytes(jpeg(height, number))
    truth = {
        "images": [
            {"id": i + 1, "file_name": f"{i}.jpg", "width": width, "height": height}
            for i in range(count)
        ],
        "categories": [{"id": 1, "name": "fish"}],
        "annotations": [
            {"id": i + 1, "image_id": i + 1, "category_id": 1, "bbox": [10, 10, 80, 60],
             "area": 4800, "iscrowd": 0}
            for i in range(count)
        ],
    }  # fmt: skip
    for split in ("train", "val"):
        (folder / f"{split}.json").write_text(json.dumps(truth))


if __name__ == "__main__":
    main()
