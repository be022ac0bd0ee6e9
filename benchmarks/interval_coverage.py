"""How often the 95 % intervals hold the truth, and how often no difference is called one.

    OMP_NUM_THREADS=1 python benchmarks/interval_coverage.py
    OMP_NUM_THREADS=1 python benchmarks/interval_coverage.py --speed

Detectors are simulated on a population of videos: each video has its own difficulty, so that its
images resemble each other, and species come in schools. The AP over the whole population is the
truth. Then small sets of videos are drawn from it as test sets, an interval is made from each, and
those that hold the truth are counted. ``fishdet.evaluation`` computes AP and intervals as it does
for a real run; only the matching is simulated.

A second detector of the same kind, with its own luck, has the same true AP (what the finite
population leaves of a difference is taken off): how often is it called different? A third with
other strengths (finds more, is less precise) has a true difference, which the interval of the
difference has to hold.

``--speed`` times 1,000 resamples of 500 images, 20 species and 100 detections an image instead.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import numpy as np
from evaluation import random_case  # beside this script

from fishdet.evaluation.compare import paired
from fishdet.evaluation.intervals.bounds import METHODS
from fishdet.evaluation.intervals.resampling import bootstrap_weights, jackknife_weights
from fishdet.evaluation.intervals.weighted import weighted_scores
from fishdet.evaluation.matching import Matches, match

IMAGES = 4  # of each video
THRESHOLDS = np.array([0.5, 0.75])


def main() -> None:
    """Draw test sets, count, and print one line for each size of set."""
    args = parse_args()
    if args.speed:
        return time_resamples()
    rng = np.random.default_rng(args.seed)
    detectors = population(rng, args.population, args.classes)
    truth = np.stack([value[0] for value in map(scores, detectors)])
    print(
        f"{args.population} videos of {IMAGES} images, {args.classes} species; true AP50, mAP: "
        + "; ".join(f"{ap50:.3f}, {ap:.3f}" for ap50, ap in truth)
    )
    for groups in args.videos:
        start = time.process_time()
        report(groups, args, rng, detectors, truth)
        print(f"   ({time.process_time() - start:.0f} s)")


def parse_args() -> argparse.Namespace:
    """Parse the sizes of the simulation."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--videos", type=int, nargs="+", default=[10, 20, 50], help="of a test set")
    parser.add_argument("--trials", type=int, default=1000, help="test sets of each size")
    parser.add_argument("--resamples", type=int, default=500)
    parser.add_argument("--classes", type=int, default=4)
    parser.add_argument("--population", type=int, default=4000, help="videos")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--speed", action="store_true", help="time the resamples instead")
    return parser.parse_args()


def time_resamples() -> None:
    """Print the CPU seconds of matching and of the resamples."""
    annotations, detections = random_case(500, 20, 100, seed=0)
    start = time.process_time()
    matches = match(annotations, detections)
    middle = time.process_time()
    weighted_scores(matches, bootstrap_weights(np.arange(500), 1000))
    end = time.process_time()
    print(
        f"500 images, 20 species, {len(detections)} detections, CPU time: matching "
        f"{middle - start:.2f} s, 1,000 resamples at 10 IoU thresholds {end - middle:.2f} s"
    )


def population(rng: np.random.Generator, videos: int, classes: int) -> list[Matches]:
    """Three detectors on the same videos: two of one kind, and one of another."""
    hard = rng.normal(0, 0.7, videos)
    school = rng.gamma(1.0, 1.2, (videos, classes))
    boxes = rng.poisson(np.repeat(school, IMAGES, axis=0))
    return [
        detector(rng, boxes, hard, found=0.8, false=1.0),
        detector(rng, boxes, hard, found=0.8, false=1.0),
        detector(rng, boxes, hard, found=1.5, false=2.0),
    ]


def detector(
    rng: np.random.Generator, boxes: np.ndarray, hard: np.ndarray, found: float, false: float
) -> Matches:
    """Matches of one detector: right ones score higher; hard videos have fewer of them."""
    images, classes = boxes.shape
    effect = np.repeat(hard, IMAGES)
    rates = false * np.exp(0.5 * effect)[:, None] * np.ones(classes)
    true_rows, true_labels = expand(boxes)
    false_rows, false_labels = expand(rng.poisson(rates))
    seen = rng.random(len(true_rows)) < 1 / (1 + np.exp(effect[true_rows] - found))
    true_rows, true_labels = true_rows[seen], true_labels[seen]
    rows = np.concatenate([true_rows, false_rows])
    labels = np.concatenate([true_labels, false_labels])
    right = np.zeros((len(rows), len(THRESHOLDS)), bool)
    right[: len(true_rows), 0] = True
    right[: len(true_rows), 1] = rng.random(len(true_rows)) < 0.6
    scores = rng.normal(1.5 * right.sum(axis=1) / 2 - 0.4 * effect[rows], 1.0)
    order = np.lexsort((-scores, labels))
    return Matches(
        row=order,
        image_row=rows[order],
        labels=labels[order],
        scores=scores[order],
        rank=np.zeros(len(rows), np.int64),
        right=right[order],
        ignored=np.zeros_like(right),
        taken=np.full(right.shape, -1, np.int32),
        choices=np.array([-1]),
        iou=np.zeros(len(rows)),
        thresholds=THRESHOLDS,
        positives=boxes,
    )


def expand(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of a table of counts, each as often as it is counted."""
    rows, columns = np.nonzero(counts)
    return np.repeat(rows, counts[rows, columns]), np.repeat(columns, counts[rows, columns])


def scores(matches: Matches, weights: np.ndarray | None = None) -> np.ndarray:
    """(B, 2) AP at IoU 0.5, and the mean over both thresholds and the species."""
    weights = np.ones((1, len(matches.positives))) if weights is None else weights
    precision, _ = weighted_scores(matches, weights)
    return np.stack([np.nanmean(precision[..., 0], 1), np.nanmean(precision, (1, 2))], axis=1)


def subset(matches: Matches, images: np.ndarray) -> Matches:
    """The matches on some images, in the order of their rows."""
    new_row = np.full(len(matches.positives), -1)
    new_row[images] = np.arange(len(images))
    kept = new_row[matches.image_row] >= 0
    return replace(
        matches,
        image_row=new_row[matches.image_row[kept]],
        labels=matches.labels[kept],
        scores=matches.scores[kept],
        right=matches.right[kept],
        ignored=matches.ignored[kept],
        positives=matches.positives[images],
    )


def report(
    groups: int,
    args: argparse.Namespace,
    rng: np.random.Generator,
    detectors: list[Matches],
    truth: np.ndarray,
) -> None:
    """Print coverage by method, and how often a difference is called, for one size of set."""
    true = numbers(truth)
    held = {name: np.zeros(3) for name in METHODS}
    called, bias = 0, 0.0
    index = np.repeat(np.arange(groups), IMAGES)
    for trial in range(args.trials):
        videos = np.sort(rng.choice(args.population, groups, replace=False))
        images = (videos[:, None] * IMAGES + np.arange(IMAGES)).ravel()
        samples = [subset(matches, images) for matches in detectors]
        draws, jackknife, point = (
            numbers(np.stack([scores(matches, weights) for matches in samples]))
            for weights in (
                bootstrap_weights(index, args.resamples, seed=trial),
                jackknife_weights(index),
                np.ones((1, len(images))),
            )
        )
        bias += float(point[1, 0] - true[1])
        for name, method in METHODS.items():
            for k in range(3):
                low, high = method(draws[k], float(point[k, 0]), jackknife[k], groups)
                held[name][k] += low <= true[k] <= high
        drawn, observed, left_out = (v[3] - true[3] for v in (draws, point[:, 0], jackknife))
        _, _, p = paired(drawn, float(observed), left_out, groups)
        called += p < 0.05
    print(f"{groups} videos, {args.trials} test sets (mean mAP - truth {bias / args.trials:+.4f}):")
    for name, counts in held.items():
        ap50, ap, difference = 100 * counts / args.trials
        print(f"   {name:13} AP50 {ap50:.1f} %  mAP {ap:.1f} %  difference {difference:.1f} %")
    print(f"   no difference called one: {100 * called / args.trials:.1f} %", flush=True)


def numbers(values: np.ndarray) -> np.ndarray:
    """(4, …) of (3 detectors, …, 2 scores): AP50 and mAP of the first, mAP of the third minus the
    first, and of the second minus the first."""
    ap = values[..., 1]
    return np.stack([values[0, ..., 0], ap[0], ap[2] - ap[0], ap[1] - ap[0]])


if __name__ == "__main__":
    main()
