"""What the scripts of peers share: flags, results on disk, the import command.

Needs NumPy alone, so that it runs in a peer's own environment, too.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

STEPS, FACTOR = (8 / 12, 11 / 12), 0.1
"""Where the learning rate falls, of all epochs, and to what share: MMDetection's schedule_1x."""
WARM_UP = 500  # iterations, at most one epoch
LATENCY_IMAGES, REPEATS = 20, 3
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "sgd": dict(type="SGD", momentum=0.9, weight_decay=1e-4),
    "adamw": dict(type="AdamW", weight_decay=0.05),
}
"""By ``--optimizer``: names and settings of torch.optim. SGD is both references' own."""


def parse_args(text: str, lr: dict[str, float]) -> argparse.Namespace:
    """Return the flags that all peers have.

    Args:
        text: what the script does.
        lr: default learning rate for 16 pictures a step by optimizer, the peer's own first;
            scaled with the batch.
    """
    parser = argparse.ArgumentParser(description=text)
    parser.add_argument("data", type=Path, help="data folder with train and val in COCO form")
    parser.add_argument("--out", type=Path, required=True, help="folder for results")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch", type=int, default=2)
    rates = ", ".join(f"{rate:g} for {name}" for name, rate in lr.items())
    parser.add_argument("--lr", type=float, help=f"learning rate ({rates}; × batch / 16)")
    parser.add_argument("--optimizer", choices=list(lr), default=next(iter(lr)))
    parser.add_argument("--img-scale", nargs=2, type=int, default=(1333, 800), metavar=("W", "H"))
    parser.add_argument("--train-images", type=int, help="as the benchmark's train_images")
    parser.add_argument("--data-name", help="of the data set in the benchmark's tables")
    parser.add_argument("--weights", type=Path, help="backbone (ImageNet) weights; random without")
    args = parser.parse_args()
    args.lr = args.lr or lr[args.optimizer] * args.batch / 16
    return args


def chosen(total: int, wanted: int | None) -> list[int]:
    """Return the rows of the training pictures that are used: those of ``train_images``."""
    if wanted is None:
        return list(range(total))
    return sorted(np.random.default_rng(0).permutation(total)[:wanted].tolist())


def learning_rate(iteration: int, per_epoch: int, epochs: int) -> float:
    """Return the factor of the learning rate at an iteration: linear warm-up, two steps down."""
    warm_up = min(WARM_UP, per_epoch)
    rise = min(1.0, 0.001 + 0.999 * iteration / max(1, warm_up))
    passed = sum(iteration >= round(step * epochs) * per_epoch for step in STEPS)
    return rise * FACTOR**passed


def latency_ms(detect: Callable[[Any], Any], images: Sequence[Any]) -> float:
    """Return the median time of a picture: one warm-up pass, three timed ones, batch 1."""
    count = min(LATENCY_IMAGES, len(images))
    chosen = [images[int(i)] for i in np.linspace(0, len(images) - 1, count)]
    times = []
    for turn in range(1 + REPEATS):
        for image in chosen:
            began = time.perf_counter()
            detect(image)
            if turn:
                times.append((time.perf_counter() - began) * 1e3)
    return float(np.median(times))


def coco_rows(
    image_id: object, boxes: np.ndarray, scores: np.ndarray, category_ids: Sequence[int]
) -> list[dict[str, Any]]:
    """Return COCO results of a picture from (n, 4) corners in its pixels."""
    wide = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    return [
        {"image_id": image_id, "category_id": int(kind), "bbox": box, "score": float(score)}
        for kind, box, score in zip(category_ids, wide.astype(float).tolist(), scores, strict=True)
    ]


def finish(
    args: argparse.Namespace, name: str, results: list[dict[str, Any]], facts: dict[str, Any]
) -> None:
    """Write ``predictions.json`` and ``peer.json`` and print the command that imports them."""
    args.out.mkdir(parents=True, exist_ok=True)
    predictions = args.out / "predictions.json"
    predictions.write_text(json.dumps(results))
    flags = {key: str(value) for key, value in vars(args).items()}
    (args.out / "peer.json").write_text(
        json.dumps({"name": name, "flags": flags, **facts}, indent=1)
    )
    named = f" --data-name {args.data_name}" if args.data_name else ""
    print(
        f"python tools/benchmark.py import {predictions} --out work_dirs/benchmark --name {name} "
        f"--data {args.data}{named} --seed {args.seed} --parameters {facts['parameters']} "
        f"--train-seconds {facts['train_seconds']:.0f} --latency-ms {facts['latency_ms']:.1f} "
        f'--note "{facts["note"]}"'
    )
