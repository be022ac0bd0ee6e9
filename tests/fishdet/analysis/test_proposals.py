"""Which number of proposals is chosen, and that the number reaches the network."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from fishdet.analysis import proposals
from fishdet.analysis.proposals import ProposalRow, fewest
from fishdet.errors import FishdetError
from fishdet.inference.exported import ExportedNetwork
from fishdet.inference.network import Network

ROWS = [ProposalRow(1000, 0.500, 90), ProposalRow(300, 0.499, 40), ProposalRow(100, 0.490, 30)]


@pytest.mark.parametrize(("drop", "number"), [(0.0, 1000), (0.003, 300), (0.02, 100)])
def test_the_fewest_that_lose_no_more(drop: float, number: int) -> None:
    assert fewest(ROWS, drop).number == number


def test_what_is_lost_is_lost_against_the_trained_number(monkeypatch, tmp_path) -> None:
    tried = []
    network = SimpleNamespace(proposals=200, limit_proposals=tried.append)
    detector = SimpleNamespace(network=network, classes=("fish",))
    truth = SimpleNamespace(file_names=[])
    for name, value in {
        "find_splits": lambda data: {"val": SimpleNamespace(ann_file="", image_dir=tmp_path)},
        "Detector": lambda *_, **__: detector,
        "resolve": str,
        "read_coco": lambda *_, **__: (truth, None),
        "evaluate": lambda *_: SimpleNamespace(totals={"bbox_mAP": 0.5}),
    }.items():
        monkeypatch.setattr(proposals, name, value)
    monkeypatch.setattr(proposals.statistics, "median", lambda _: 0.0)
    rows = proposals.measure_proposals("model", tmp_path, [20, 50])
    assert tried == [row.number for row in rows] == [200, 50, 20]
    network.proposals = None
    with pytest.raises(FishdetError, match="cannot be changed"):
        proposals.measure_proposals("model", tmp_path, [20])


def test_the_number_reaches_the_network() -> None:
    rpn = SimpleNamespace(test_cfg=SimpleNamespace(max_per_img=1000))
    network = Network.__new__(Network)
    network.model = SimpleNamespace(rpn_head=rpn)
    network.limit_proposals(300)
    assert rpn.test_cfg.max_per_img == 300
    with pytest.raises(FishdetError, match="at least 1"):
        network.limit_proposals(0)
    network.model = SimpleNamespace()
    with pytest.raises(FishdetError, match="makes none"):
        network.limit_proposals(300)


def test_an_exported_model_says_how() -> None:
    network = ExportedNetwork(SimpleNamespace(runtime="none"), 1, 1)
    with pytest.raises(FishdetError, match="tools/export.py|--proposals"):
        network.limit_proposals(3)
