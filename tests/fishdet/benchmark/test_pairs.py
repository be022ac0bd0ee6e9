"""Scores and pairs of detectors with several seeds."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fish_dataset.annotations import Annotations
from fish_dataset.coco import read_coco
from fishdet.benchmark.pairs import judge
from fishdet.benchmark.scoring import score
from fishdet.errors import FishdetError
from fishdet.evaluation.compare import compare
from fishdet.evaluation.detections import Detections

IMAGES = 40


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Annotations:
    """Forty images with two fish each, of two species."""
    images = [
        {"id": i, "file_name": f"{i}.jpg", "width": 100, "height": 100}
        for i in range(1, IMAGES + 1)
    ]
    boxes = [
        {"id": 2 * i + k, "image_id": i, "category_id": k + 1, "iscrowd": 0,
         "bbox": [10 + 40 * k, 10, 30, 30], "area": 900}
        for i in range(1, IMAGES + 1) for k in range(2)
    ]  # fmt: skip
    kinds = [{"id": 1, "name": "cod"}, {"id": 2, "name": "eel"}]
    path = tmp_path_factory.mktemp("truth") / "val.json"
    path.write_text(json.dumps({"images": images, "annotations": boxes, "categories": kinds}))
    return read_coco(path, check_images=False)[0]


def found(truth: Annotations, seed: int, hit: float) -> Detections:
    """Every fish with chance ``hit``, and a false alarm in one of four images."""
    rng = np.random.default_rng(seed)
    boxes = truth.bboxes.astype(np.float64)
    corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
    kept = rng.random(len(boxes)) < hit
    wrong = np.flatnonzero(rng.random(truth.num_images) < 0.25)
    return Detections(
        np.concatenate([truth.box_image[kept], wrong]).astype(np.int64),
        np.concatenate([corners[kept], np.tile([60.0, 60.0, 90.0, 90.0], (len(wrong), 1))]),
        rng.random(int(kept.sum()) + len(wrong)),
        np.concatenate([truth.labels[kept], np.zeros(len(wrong))]).astype(np.int64),
    )


def test_one_seed_is_the_comparison_of_single_models(truth: Annotations) -> None:
    models = {name: found(truth, n, 0.5 + 0.1 * n) for n, name in enumerate("abc")}
    known = compare(truth, models, resamples=300)
    seen = judge(truth, {name: [d] for name, d in models.items()}, resamples=300)
    assert seen.pairs == known.pairs
    assert {n: s["bbox_mAP"].value for n, s in seen.scores.items()} == known.scores
    assert all(s["bbox_mAP"].spread is None for s in seen.scores.values())


def test_the_score_is_the_mean_of_the_seeds(truth: Annotations) -> None:
    seeds = [found(truth, n, 0.6) for n in range(3)]
    each = [score(truth, d, resamples=10)["bbox_mAP"] for d in seeds]
    seen = judge(truth, {"a": seeds}, resamples=200).scores["a"]["bbox_mAP"]
    assert seen.value == pytest.approx(np.mean(each), abs=1e-6)
    assert seen.spread == pytest.approx(np.std(each, ddof=1), abs=1e-6)
    assert (seen.low < seen.value < seen.high) and seen.seeds == 3


def test_seeds_that_scatter_widen_the_interval(truth: Annotations) -> None:
    alike, apart = [found(truth, 1, 0.6)] * 2, [found(truth, 1, 0.4), found(truth, 2, 0.8)]
    seen = judge(truth, {"alike": alike, "apart": apart}, resamples=400).scores
    width = {name: s["bbox_mAP"].high - s["bbox_mAP"].low for name, s in seen.items()}
    assert width["apart"] > 1.5 * width["alike"]


def test_a_plain_difference_is_called_and_none_is_not(truth: Annotations) -> None:
    weak, strong = ([found(truth, n + k, p) for n in range(2)] for k, p in ((0, 0.3), (9, 0.9)))
    seen = judge(truth, {"weak": weak, "strong": strong, "again": strong}, resamples=400)
    verdicts = {(p.first, p.second): p.differs for p in seen.pairs}
    assert verdicts[("weak", "strong")] and verdicts[("weak", "again")]
    assert not verdicts[("strong", "again")]


def test_mistakes_are_named(truth: Annotations) -> None:
    models = {name: [found(truth, 0, 0.5)] for name in "abcd"}
    with pytest.raises(FishdetError, match="too few for 6 pairs.*at least 240"):
        judge(truth, models, resamples=100)
    with pytest.raises(FishdetError, match="'mAP': choose of bbox_mAP, "):
        judge(truth, models, statistic="mAP")
