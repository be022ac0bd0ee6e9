"""What naming fish adds to finding them: 1, 10 and 100 fish on a picture.

    python benchmarks/identification_cost.py PICTURE --detector M --model EMBEDDER --gallery FILE

The fish are boxes by chance on the picture: what they show makes no difference to the time. Crops
are cut, embedded in batches and held against the gallery.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
import torch

from fishdet import Detector
from fishdet.identification.answers import answer
from fishdet.identification.embedder import Embedder
from fishdet.identification.gallery_file import read_gallery
from fishdet.inference.inputs import read_image


def main() -> None:
    """Print milliseconds and the share of the detector's time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--detector", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--gallery", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    image = read_image(options.picture)
    detector, embedder = Detector(options.detector), Embedder(options.model)
    gallery = read_gallery(options.gallery, embedder.digest)
    rng = np.random.default_rng(0)
    height, width = image.shape[:2]
    corners = rng.uniform(0, 0.8, (100, 2)) * (width, height)
    sizes = rng.uniform(0.05, 0.2, (100, 2)) * (width, height)
    boxes = np.concatenate([corners, corners + sizes], axis=1)

    def name(count: int) -> None:
        crops = [embedder.cut(image, box) for box in boxes[:count]]
        answer(gallery, embedder(crops))

    times: dict[str, list[float]] = {}
    for turn in range(options.repeats + 1):  # interleaved: other work slows all alike
        for label, run in (
            ("detector", lambda: detector.predict([image])),
            *((str(count), lambda count=count: name(count)) for count in (1, 10, 100)),
        ):
            started = time.perf_counter()
            run()
            if turn:
                times.setdefault(label, []).append(1000 * (time.perf_counter() - started))
    base = statistics.median(times["detector"])
    print(f"{torch.get_num_threads()} threads, {width}x{height}, {len(gallery.photos)} photos")
    print(f"detector: {base:.0f} ms")
    for count in (1, 10, 100):
        took = statistics.median(times[str(count)])
        print(f"{count:>4} fish: {took:.0f} ms, {took / base:.0%} of the detector's time")


if __name__ == "__main__":
    main()
