"""Which layers stay in FP32: the search, without a network."""

from __future__ import annotations

import math

import numpy as np
import pytest
import supervision as sv
from hypothesis import given
from hypothesis import strategies as st

from fishdet.export.layers import group
from fishdet.export.likeness import damage
from fishdet.export.search import fewest, rank


@given(st.integers(1, 200), st.sets(st.integers(0, 199), max_size=4), st.integers(0, 60))
def test_ranking_keeps_every_layer_and_its_budget(count: int, bad: set[int], tries: int) -> None:
    calls: list[int] = []
    ranked = rank(range(count), lambda g: len(bad & set(g)) / 4 + len(g) / 1e4, tries, calls.append)
    assert sorted(item for one in ranked for item in one.items) == list(range(count))
    assert sum(calls) <= tries
    assert [one.damage for one in ranked] == sorted((one.damage for one in ranked), reverse=True)


@given(st.integers(2, 200), st.data())
def test_bad_layers_are_found_by_themselves_within_a_bounded_number_of_tries(
    count: int, data: st.DataObject
) -> None:
    bad = data.draw(st.sets(st.integers(0, count - 1), min_size=1, max_size=3))
    tries = 2 * len(bad) * math.ceil(math.log2(count))
    ranked = rank(range(count), lambda g: len(bad & set(g)) + len(g) / 1e4, tries)
    assert {one.items for one in ranked[: len(bad)]} == {(layer,) for layer in bad}


def test_of_layers_that_hurt_alike_the_last_comes_first() -> None:
    assert [one.items for one in rank("abcd", lambda g: 0.0, 8)] == [("c", "d"), ("a", "b")]
    assert [one.items for one in rank("abcd", lambda g: 1.0, 8)] == [("d",), ("c",), ("b",), ("a",)]


@given(st.integers(0, 300), st.integers(1, 400))
def test_fewest_is_the_least_that_does(most: int, needed: int) -> None:
    calls: list[int] = []

    def enough(number: int) -> bool:
        assert 1 <= number <= most
        calls.append(number)
        return number >= needed

    assert fewest(enough, most) == (needed if needed <= most else None)
    assert len(calls) == len(set(calls)) <= 2 * math.log2(max(most, 1)) + 2


def _found(*rows: tuple[tuple[float, ...], float, int]) -> sv.Detections:
    boxes, scores, labels = zip(*rows, strict=True) if rows else ((), (), ())
    return sv.Detections(np.reshape(boxes, (-1, 4)).astype(float),
                         confidence=np.array(scores, float),
                         class_id=np.array(labels, int))  # fmt: skip


BOX = (0.0, 0.0, 10.0, 10.0)


@pytest.mark.parametrize(
    "before, after, wanted",
    [
        ((), (), 0.0),
        (((BOX, 0.8, 1),), ((BOX, 0.8, 1),), 0.0),
        (((BOX, 0.8, 1),), (), 1.0),
        (((BOX, 0.8, 1),), ((BOX, 0.8, 2),), 1.0),
        (((BOX, 0.8, 1),), ((BOX, 0.4, 1),), 0.5),
        (((BOX, 0.8, 1),), (((0.0, 0.0, 10.0, 5.0), 0.8, 1),), 0.5),
        # 0.8 of 0.8 found again, and of the other side 0.8 of 1.0
        (((BOX, 0.8, 1),), ((BOX, 0.8, 1), ((50.0, 50.0, 60.0, 60.0), 0.2, 1)), 0.2 / 1.8),
        (((BOX, 0.8, 1),), ((BOX, 0.8, 1), ((50.0, 50.0, 60.0, 60.0), 0.04, 1)), 0.0),
    ],
)
def test_damage_by_hand(before: tuple, after: tuple, wanted: float) -> None:
    assert damage([_found(*before)], [_found(*after)]) == pytest.approx(wanted)
    assert damage([_found(*after)], [_found(*before)]) == pytest.approx(wanted)


def test_layers_are_named_after_their_modules() -> None:
    operations = [
        ("/pixels/Conv", "Conv"),
        ("/body/layer1/conv1/Pad", "Pad"),
        ("/body/layer1/conv1/Conv/WithoutBiases", "Convolution"),
        ("/body/layer1/relu/Relu", "Relu"),
        ("/heads/Softmax", "Softmax"),
        ("/heads/head/rpn_conv_1/Conv", "Conv"),
        ("/neck/lateral/Conv", "Conv"),
        ("/body/layer1/Add", "Add"),
        ("/heads/heads.0/fc_cls/Gemm", "Gemm"),
        ("/heads/proposals/MatMul", "MatMul"),
    ]
    layers = group(operations)
    assert [layer.name for layer in layers] == [
        "body/layer1/conv1", "neck/lateral", "heads/head/rpn_conv_1", "heads/heads.0/fc_cls",
    ]  # fmt: skip
    assert layers[0].operations == (
        "/body/layer1/conv1/Conv/WithoutBiases", "/body/layer1/relu/Relu", "/body/layer1/Add",
    )  # fmt: skip
