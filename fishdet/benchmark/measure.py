"""What a trained detector costs: parameters, multiply-adds, latency."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.analysis import get_model_complexity_info

from fish_dataset.coco import read_coco
from fish_dataset.layout import Split
from fishdet import Detector
from fishdet.errors import FishdetError

WARM_UP = 1  # passes over all pictures that are not timed
REPEATS = 3  # timed passes


def complexity(detector: Detector, image: np.ndarray) -> dict[str, Any]:
    """Count parameters and multiply-adds of a network on one picture.

    mmengine counts convolutions, matrix products and norms of a trace, a multiply-add as one:
    https://mmengine.readthedocs.io/en/latest/advanced_tutorials/model_analysis.html (2026-11-25).
    What it has no rule for (RoIAlign, NMS, sampling) is left out, here as in MMDetection's tables.

    Args:
        detector: as loaded.
        image: (H, W, 3) uint8 BGR.

    Returns:
        ``parameters``; ``gmacs`` (None where the network cannot be traced, with ``gmacs_note``);
        ``input``, height and width of the network's input.
    """
    network = detector.network
    model = network.model
    result: dict[str, Any] = {"parameters": network.parameters}
    sample = network.prepare(image)
    batch = {key: [sample[key]] for key in ("inputs", "data_samples")}
    data = model.data_preprocessor(batch, False)
    inputs = data["inputs"].float()
    result["input"] = list(inputs.shape[-2:])
    forward = model.forward
    model.forward = partial(forward, data_samples=data["data_samples"], mode="tensor")
    try:
        found = get_model_complexity_info(
            model, None, inputs=(inputs,), show_table=False, show_arch=False
        )
        result["gmacs"] = found["flops"] / 1e9
    except (RuntimeError, TypeError, ValueError, AttributeError, KeyError, IndexError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        result |= {"gmacs": None, "gmacs_note": f"cannot be traced: {reason}"}
    finally:
        model.forward = forward
    return result


def latency(
    detector: Callable[[np.ndarray], Any], images: Sequence[np.ndarray], repeats: int = REPEATS
) -> dict[str, Any]:
    """Time a detector by the protocol of docs/benchmarks.md.

    One picture at a time (batch 1) from decoded pixels to boxes: sizing, network, NMS; neither
    reading nor decoding. A pass over all pictures warms up, since each new shape builds kernels.

    Args:
        detector: called with (H, W, 3) uint8 BGR.
        images: at least one.
        repeats: timed passes.

    Returns:
        ``median_ms``, ``q1_ms``, ``q3_ms``, and the protocol: ``n``, ``warm_up``, ``batch``.
    """
    for _ in range(WARM_UP):
        for image in images:
            detector(image)
    times = [_timed(detector, image) for _ in range(repeats) for image in images]
    low, middle, high = np.percentile(times, [25, 50, 75]).tolist()
    return {
        "median_ms": middle,
        "q1_ms": low,
        "q3_ms": high,
        "n": len(times),
        "warm_up": WARM_UP * len(images),
        "batch": 1,
        "threads": torch.get_num_threads(),
        "from": "decoded pixels to boxes",
    }


def sample_images(split: Split, count: int) -> list[np.ndarray]:
    """Return ``count`` pictures, evenly spread over a split, as (H, W, 3) uint8 BGR.

    Raises:
        FishdetError: a picture cannot be read.
    """
    annotations, _ = read_coco(split.ann_file, image_dir=split.image_dir, check_images=False)
    rows = np.linspace(0, annotations.num_images - 1, min(count, annotations.num_images))
    return [_read(split.image_dir / annotations.file_names[int(row)]) for row in rows]


def _timed(detector: Callable[[np.ndarray], Any], image: np.ndarray) -> float:
    began = time.perf_counter()
    detector(image)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return (time.perf_counter() - began) * 1e3


def _read(path: Path) -> np.ndarray:
    image = cv2.imread(str(path))
    if image is None:
        raise FishdetError(f"{path}: cannot be read as a picture")
    return image
