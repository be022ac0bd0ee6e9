"""COCO evaluation: pycocotools from dicts against fishdet.evaluation from columns.

    OMP_NUM_THREADS=1 python benchmarks/evaluation.py --images 500

Both sides get what a detector leaves behind and give the twelve totals: pycocotools a list of
result dicts, ours the columns. Ground truth is read beforehand on both sides. The runs alternate
in one process, each after a garbage collection; the ratio is that of the medians. Times are CPU
seconds, so that other work on the machine does not count. The further scores of ``tools/test.py``
(``fishdet.evaluation.extras``) are timed beside them, without the twelve totals.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from fish_dataset.annotations import Annotations
from fish_dataset.catalogue import Species, all_species
from fish_dataset.strings import Strings
from fishdet.evaluation import Detections
from fishdet.evaluation.coco_eval import evaluate_sharing
from fishdet.evaluation.coco_form import coco_results, ground_truth_dict
from fishdet.evaluation.extras import Choices, evaluation_record


def main() -> None:
    """Time both evaluators, compare their totals and print the ratio."""
    args = parse_args()
    annotations, detections = random_case(args.images, args.classes, args.detections, args.seed)
    truth, results = ground_truth_dict(annotations), coco_results(annotations, detections)
    print(
        f"{args.images} images, {args.classes} classes, {annotations.num_boxes} boxes, "
        f"{len(detections)} detections, {args.repeats} runs each"
    )
    times: dict[str, list[float]] = {"pycocotools": [], "fishdet": [], "further": []}
    for _ in range(args.repeats):
        # pycocotools writes into the dicts it is given: each run gets its own
        copies = [dict(result) for result in results]
        expected = timed(times["pycocotools"], partial(pycocotools_totals, truth, copies))
        report, shared = timed(times["fishdet"], partial(evaluate_sharing, annotations, detections))
        timed(
            times["further"],
            partial(evaluation_record, annotations, detections, report, Choices(), shared),
        )
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, value in medians.items():
        print(f"{name:12} {value:8.2f} s  (runs {', '.join(f'{t:.2f}' for t in times[name])})")
    ratio = medians["fishdet"] / medians["pycocotools"]
    print(f"ratio fishdet / pycocotools: {ratio:.3f} ({1 / ratio:.1f} times as fast)")
    added = medians["further"] / medians["fishdet"]
    print(f"further scores add {added:.1%} to the time of the twelve totals")
    report_difference(expected, np.nan_to_num(list(report.totals.values()), nan=-1.0))


def parse_args() -> argparse.Namespace:
    """Parse the sizes of the made-up case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--classes", type=int, default=20)
    parser.add_argument("--detections", type=int, default=100, help="per image")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def timed(times: list[float], run: Callable[[], Any]) -> Any:
    """Return what ``run`` returns and append the seconds it took to ``times``."""
    gc.collect()
    start = time.process_time()
    result = run()
    times.append(time.process_time() - start)
    return result


def pycocotools_totals(truth: dict[str, Any], results: list[dict[str, Any]]) -> np.ndarray:
    """Return pycocotools' twelve numbers."""
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = truth
        coco.createIndex()
        evaluator = COCOeval(coco, coco.loadRes(results), "bbox")
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    return np.asarray(evaluator.stats)


def report_difference(expected: np.ndarray, got: np.ndarray) -> None:
    """Print the largest difference of the totals; exit with an error where it is above 1e-6."""
    difference = float(np.abs(expected - got).max())
    print(f"largest difference of the 12 totals: {difference:.1e} (mAP {got[0]:.4f})")
    if difference > 1e-6:
        raise SystemExit("the totals differ by more than 1e-6")


def random_case(
    images: int, classes: int, per_image: int, seed: int
) -> tuple[Annotations, Detections]:
    """Eight boxes an image, one in twenty crowd; of the detections a third near a box."""
    rng = np.random.default_rng(seed)
    image = np.repeat(np.arange(images), 8)
    boxes = random_boxes(rng, len(image))
    labels = rng.integers(0, classes, len(image))
    annotations = Annotations(
        classes=tuple(s.scientific_name for s in _real_species()[:classes]),
        image_ids=np.arange(1, images + 1),
        file_names=Strings.of(f"{i}.jpg" for i in range(images)),
        widths=np.full(images, 640),
        heights=np.full(images, 480),
        box_ids=np.arange(1, len(image) + 1),
        box_image=image,
        bboxes=boxes,
        labels=labels,
        crowd=rng.random(len(image)) < 0.05,
        ignore=np.zeros(len(image), bool),
        areas=boxes[:, 2] * boxes[:, 3],
    )
    rows = np.repeat(np.arange(images), per_image)
    found, names = random_boxes(rng, len(rows)), rng.integers(0, classes, len(rows))
    near = np.flatnonzero(rng.random(len(rows)) < 1 / 3)
    source = rows[near] * 8 + rng.integers(0, 8, len(near))
    found[near] = boxes[source] * rng.normal(1, 0.08, (len(near), 4))
    names[near] = labels[source]
    found[:, 2:] += found[:, :2]
    return annotations, Detections(
        rows, found.astype(np.float32), rng.random(len(rows)).astype(np.float32), names
    )


def _real_species() -> list[Species]:
    """Species of the catalogue: names that it does not know would spare the taxonomic scores."""
    return [s for s in all_species() if s.rank == "species" and s.scientific_name]


def random_boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return (count, 4) boxes xywh inside 640 x 480 or nearly, sides 8 to 240 pixels."""
    sides = np.exp(rng.uniform(np.log(8), np.log(240), (count, 2)))
    return np.hstack([rng.uniform(0, 1, (count, 2)) * (640, 480) * 0.7, sides])


if __name__ == "__main__":
    main()
