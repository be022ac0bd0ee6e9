"""Own photos → fish: names, chances, the species that it could be instead.

python examples/own_photos.py work_dirs/fish photos/
"""

from __future__ import annotations

import sys

from fishdet import Detector
from fishdet.inference import find_images


def main(model: str, *photos: str) -> None:
    """Print a line for each fish on each photo."""
    detector = Detector(model, score_thr=0.3, agnostic_nms=0.7)
    files = find_images(photos)
    results = detector(file.path for file in files)  # a generator: a few photos in memory
    for file, fish in zip(files, results, strict=True):
        print(f"{file.name}: {len(fish)} fish")
        for row in range(len(fish)):
            told = {name: column[row] for name, column in fish.data.items()}
            names = f"{told['name_en']} ({told['name_ko']}, {told['scientific_name']})"
            print(f"  {names}: {told['calibrated']:.0%}, else {told['runner_up'] or 'unknown'}")


if __name__ == "__main__":
    main(*sys.argv[1:])
