"""TIDE's kinds and dAP: hand-made cases, and a slow reading of the paper word by word."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fishdet.errors import FishdetError
from fishdet.evaluation import Detections, evaluate
from fishdet.evaluation.errors import SHORT, Kind, costs, judge

NAMES = ("Cls", "Loc", "Both", "Dupe", "Bkg", "Miss")


def iou_of(one, other):
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(wide, 0) * max(high, 0)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return shared / (areas - shared)


def literal_ap(rows, boxes):
    """COCO's AP of one class from (score, right), by its definition in loops."""
    if not boxes:
        return 0.0 if rows else None
    points, right = [], 0
    for count, (_, hit) in enumerate(sorted(rows, key=lambda row: -row[0]), 1):
        right += hit
        points.append((right / boxes, right / count))
    tops = [
        max((precision for recall, precision in points if recall >= at), default=0.0)
        for at in np.linspace(0, 1, 101)  # pycocotools' points to the last bit
    ]
    return sum(tops) / 101


def literal_tide(annotations, detections):
    """The paper's section 2 on plain lists: (AP, dAP by name, kinds by detection, missed boxes)."""
    truths = [
        dict(image=int(annotations.box_image[i]), label=int(annotations.labels[i]),
             box=[*annotations.bboxes[i, :2].tolist(),
                  *(annotations.bboxes[i, :2].astype(float) + annotations.bboxes[i, 2:]).tolist()])
        for i in range(annotations.num_boxes)
    ]  # fmt: skip
    found = [
        dict(image=int(detections.image_row[i]), label=int(detections.labels[i]),
             score=float(detections.scores[i]), box=detections.bboxes[i].tolist())
        for i in range(len(detections))
    ]  # fmt: skip
    order = sorted(range(len(found)), key=lambda i: -found[i]["score"])
    for i in order:
        near = [
            (iou_of(found[i]["box"], truth["box"]), truth)
            for truth in truths
            if truth["image"] == found[i]["image"]
        ]
        found[i]["near"] = near
        free = [
            (iou, truth)
            for iou, truth in near
            if truth["label"] == found[i]["label"] and "by" not in truth and iou >= 0.5
        ]
        if free:
            found[i]["kind"] = "right"
            max(free, key=lambda pair: pair[0])[1]["by"] = i
    for i in order:
        if "kind" in found[i]:
            continue
        mine = [(iou, t) for iou, t in found[i]["near"] if t["label"] == found[i]["label"]]
        others = [(iou, t) for iou, t in found[i]["near"] if t["label"] != found[i]["label"]]
        own, own_box = max(mine, key=lambda pair: pair[0], default=(0, None))
        other, other_box = max(others, key=lambda pair: pair[0], default=(0, None))
        if 0.1 <= own <= 0.5:
            found[i].update(kind="Loc", about=own_box)
        elif other >= 0.5:
            found[i].update(kind="Cls", about=other_box)
        elif own >= 0.5:
            found[i]["kind"] = "Dupe"
        elif max(own, other) <= 0.1:
            found[i]["kind"] = "Bkg"
        else:
            found[i]["kind"] = "Both"
        about = found[i].get("about")
        if about is not None and "by" not in about:
            about.setdefault("mended_by", i)  # the best one; the rest are suppressed
    missed = [t for t in truths if "by" not in t and "mended_by" not in t]
    classes = sorted({truth["label"] for truth in truths})

    def mean_ap(kind):
        aps = []
        for label in classes:
            rows, boxes = [], sum(truth["label"] == label for truth in truths)
            for i in order:
                row, is_kind = found[i], found[i]["kind"] == kind
                now, right = row["label"], row["kind"] == "right"
                if is_kind and kind in ("Cls", "Loc"):
                    if row["about"].get("mended_by") != i:
                        continue
                    now, right = row["about"]["label"], True
                elif is_kind and kind in ("Both", "Dupe", "Bkg"):
                    continue
                elif kind == "FalsePos":
                    row = dict(row, score=float(right))
                if now == label:
                    rows.append((row["score"], right))
            if kind == "Miss":
                boxes -= sum(truth["label"] == label for truth in missed)
            if kind == "FalseNeg":
                boxes -= sum(t["label"] == label and "by" not in t for t in truths)
            ap = literal_ap(rows, boxes)
            if ap is not None:
                aps.append(ap)
        return sum(aps) / len(aps) if aps else float("nan")

    base = mean_ap(None)
    gains = {name: max(mean_ap(name) - base, 0) for name in NAMES}
    gains |= {name: mean_ap(name) - base for name in ("FalsePos", "FalseNeg")}
    return base, gains, [row["kind"] for row in found], len(missed)


@pytest.fixture
def kinds_of(make_annotations, make_detections):
    """Kinds of detections (label, score, xywh) on one picture of boxes (label, xywh)."""

    def of(boxes, rows):
        truth = make_annotations([(0, *box) for box in boxes], 1)
        verdicts = judge(truth, make_detections([(0, *row) for row in rows]))
        names = [SHORT.get(Kind(kind), "right") for kind in verdicts.kind]
        return names, verdicts, costs(truth, verdicts)

    return of


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ((0, 0.9, 0, 0, 100, 100), "right"),
        ((1, 0.9, 0, 0, 100, 100), "Cls"),
        ((0, 0.9, 0, 0, 100, 40), "Loc"),  # IoU 0.4
        ((1, 0.9, 0, 0, 100, 40), "Both"),
        ((0, 0.9, 0, 0, 100, 9), "Bkg"),  # IoU 0.09
        ((0, 0.9, 300, 300, 50, 50), "Bkg"),
        ((0, 0.9, 0, 0, 100, 50), "right"),  # IoU 0.5 is enough
    ],
)
def test_one_detection_on_one_box(kinds_of, row, kind):
    names, verdicts, _ = kinds_of([(0, 0, 0, 100, 100)], [row])
    assert names == [kind]
    assert verdicts.missed.tolist() == [kind in ("Both", "Bkg")]


def test_a_second_detection_of_a_found_box_is_a_dupe(kinds_of):
    names, verdicts, cost = kinds_of(
        [(0, 0, 0, 100, 100), (0, 300, 0, 100, 100)],
        [(0, 0.7, 0, 0, 100, 90), (0, 0.9, 0, 0, 100, 100), (0, 0.5, 300, 0, 100, 100)],
    )
    assert names == ["right", "Dupe", "right"]
    assert verdicts.box.tolist() == [0, 0, 1]
    # Right, wrong, right of two boxes: precision 1 up to recall 0.5 (51 points), then 2/3 (50).
    assert cost.mean_ap == pytest.approx((51 + 50 * 2 / 3) / 101)
    assert cost.main["Dupe"] == pytest.approx(1 - cost.mean_ap)
    assert cost.main["Bkg"] == cost.main["Miss"] == 0


def test_miss_is_what_no_correction_reaches(kinds_of):
    """A box with a misnamed detection is an error of naming, the other one is missed."""
    names, verdicts, cost = kinds_of(
        [(0, 0, 0, 100, 100), (0, 300, 0, 100, 100)], [(1, 0.9, 0, 0, 100, 100)]
    )
    assert names == ["Cls"]
    assert verdicts.missed.tolist() == [False, True]
    assert cost.mean_ap == 0
    assert cost.main["Cls"] == pytest.approx(51 / 101)  # recall 0.5 at precision 1
    assert cost.main["Miss"] == 0  # one box is left, and nothing finds it
    assert cost.counts == {"Cls": 1, "Loc": 0, "Both": 0, "Dupe": 0, "Bkg": 0, "Miss": 1}


def test_only_the_best_of_two_errors_mends_a_box(kinds_of):
    names, verdicts, cost = kinds_of(
        [(0, 0, 0, 100, 100)], [(0, 0.6, 0, 0, 100, 40), (1, 0.9, 0, 0, 100, 100)]
    )
    assert names == ["Cls", "Loc"]
    assert verdicts.mends.tolist() == [True, False]
    assert cost.main["Cls"] == pytest.approx(1)
    assert cost.main["Loc"] == 0


def test_special_errors_by_hand(kinds_of):
    """A false alarm first, then one of two boxes."""
    _, _, cost = kinds_of(
        [(0, 0, 0, 100, 100), (0, 300, 0, 100, 100)],
        [(0, 0.9, 500, 300, 50, 50), (0, 0.8, 0, 0, 100, 100)],
    )
    assert cost.mean_ap == pytest.approx(0.5 * 51 / 101)
    assert cost.special["FalsePos"] == pytest.approx(0.5 * 51 / 101)
    assert cost.special["FalseNeg"] == pytest.approx(0.5 - 0.5 * 51 / 101)


@pytest.mark.parametrize("seed", range(4))
def test_equals_the_literal_reading(random_case, seed):
    annotations, detections = random_case(seed, images=12, per_image=25, boxes=50)
    base, gains, kinds, missed = literal_tide(annotations, detections)
    verdicts = judge(annotations, detections)
    cost = costs(annotations, verdicts)
    assert cost.mean_ap == pytest.approx(base, abs=1e-12)
    assert {**cost.main, **cost.special} == pytest.approx(gains, abs=1e-12)
    assert cost.counts == {
        **{name: kinds.count(name) for name in NAMES[:-1]},
        "Miss": missed,
    }


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(0, 12))
@settings(max_examples=60, deadline=None)
def test_equals_the_literal_reading_on_crowded_pictures(make, seed, boxes, found):
    """Corners on a coarse grid: many overlaps, many boxes that two detections want."""
    rng = np.random.default_rng(seed)

    def place(count):
        return [rng.integers(0, 2, count), rng.integers(0, 3, count)]

    corner, side = rng.integers(0, 60, (boxes, 2)), rng.integers(31, 90, (boxes, 2))
    truth = np.column_stack([*place(boxes), corner, side])
    corner, side = rng.uniform(0, 60, (found, 2)), rng.uniform(31, 90, (found, 2))
    rows = np.column_stack([*place(found), rng.permutation(found) / 100 + 0.1, corner, side])
    annotations, detections = make[0](truth, 2), make[1](rows)
    base, gains, _, _ = literal_tide(annotations, detections)
    cost = costs(annotations, judge(annotations, detections))
    assert cost.mean_ap == pytest.approx(base, abs=1e-12)
    assert {**cost.main, **cost.special} == pytest.approx(gains, abs=1e-12, nan_ok=True)


@pytest.fixture(scope="session")
def make(make_annotations, make_detections):
    return make_annotations, make_detections


@pytest.mark.parametrize("seed", [0, 1])
def test_ap_is_the_metric_s(random_case, seed):
    """Equal scores, crowds and ignored boxes too: AP at IoU 0.5 is the one that is reported."""
    annotations, detections = random_case(seed, regions=0.1, decimals=2)
    report = evaluate(annotations, detections)
    cost = costs(annotations, judge(annotations, detections))
    assert cost.mean_ap == pytest.approx(report.totals["bbox_mAP_50"], abs=1e-9)
    expected = [row["AP50"] for row in report.per_class]
    np.testing.assert_allclose(cost.ap, expected, atol=1e-9)


def test_nothing_detected(make_annotations):
    truth = make_annotations([(0, 0, 0, 0, 10, 10), (1, 2, 0, 0, 10, 10)], 2)
    cost = costs(truth, judge(truth, Detections.empty()))
    assert cost.mean_ap == 0
    assert cost.counts["Miss"] == 2
    assert all(value == 0 for value in cost.main.values() if not np.isnan(value))


def test_no_boxes(make_annotations, make_detections):
    truth = make_annotations([], 1)
    verdicts = judge(truth, make_detections([(0, 1, 0.5, 0, 0, 10, 10)]))
    assert verdicts.kind.tolist() == [Kind.BKG]
    assert np.isnan(costs(truth, verdicts).mean_ap)


def test_nan_is_refused(make_annotations, make_detections):
    truth = make_annotations([(0, 0, 0, 0, 10, 10)], 1)
    with pytest.raises(FishdetError, match="NaN"):
        judge(truth, make_detections([(0, 0, np.nan, 0, 0, 10, 10)]))
