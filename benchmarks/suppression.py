"""Non-maximum suppression of proposals and of final boxes: mmcv's way and ours, in turn.

    OMP_NUM_THREADS=2 python benchmarks/suppression.py [--repeats 15]

Proposals: 2,000 boxes of each of three levels and 1,275 of two small ones, of which 1,000 go on;
mmcv's ``batched_nms`` compares all with all, or (``split_thr``) those of a level. Final boxes:
1,000 RoIs in 20 classes, of which 100 stay. Boxes lie at random, so that most are kept, or around
200 or 20 places, so that few are. Kept boxes must be the same.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping

import torch
from side_by_side import in_turn, machine, machine_line

import tvops  # noqa: F401  # stands in for mmcv's operators
from tvops.nms import best_nms

SIZE = torch.tensor([640.0, 480.0])
LEVELS = (2000, 2000, 2000, 960, 315)


def main() -> None:
    """Print both times and their ratio."""
    from mmcv.ops import batched_nms

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15)
    repeats = parser.parse_args().repeats
    torch.manual_seed(0)
    print(machine_line(machine()))
    cases = {
        "proposals": (torch.arange(5).repeat_interleave(torch.tensor(LEVELS)), 0.7, 1000),
        "final boxes": (torch.arange(20).repeat(1000), 0.5, 100),
    }
    for name, (groups, threshold, most) in cases.items():
        for places in (None, 200, 20):
            boxes, scores = random_boxes(len(groups), places), torch.rand(len(groups))
            moved = boxes + (groups * (boxes.max() + 1))[:, None]  # as batched_nms does

            def theirs(split: float) -> torch.Tensor:
                cfg = dict(type="nms", iou_threshold=threshold, split_thr=split)  # noqa: B023
                return batched_nms(boxes, scores, groups, cfg)[1][:most]  # noqa: B023

            ways: Mapping[str, Callable[[], torch.Tensor]] = {
                "mmcv, all with all": lambda: theirs(float("inf")),
                "mmcv, group by group": lambda: theirs(1),
                "best_nms": lambda: best_nms(moved, scores, threshold, most, groups),  # noqa: B023
            }
            lie = "at random" if places is None else f"around {places} places"
            report(f"{len(groups):,} {name} {lie}, {most} stay", ways, repeats)


def random_boxes(count: int, places: int | None) -> torch.Tensor:
    """Return boxes (N, 4) xyxy of 10 to 110 pixels a side in a picture of 480×640."""
    centre, side = torch.rand(count, 2) * SIZE, 10 + torch.rand(count, 2) * 100
    if places is not None:
        at = torch.randint(places, (count,))
        centre, side = centre[at] + torch.randn(count, 2) * 5, side[at] + torch.rand(count, 2) * 10
    return torch.cat([centre - side / 2, centre + side / 2], 1).clamp(min=0)


def report(title: str, ways: Mapping[str, Callable[[], torch.Tensor]], repeats: int) -> None:
    """Run the ways in turn; they must agree."""
    kept = {name: run() for name, run in ways.items()}
    for name, found in kept.items():
        if not torch.equal(found, kept["best_nms"]):
            raise SystemExit(f"{title}: {name} keeps other boxes")
    in_turn(ways, title, repeats)


if __name__ == "__main__":
    main()
