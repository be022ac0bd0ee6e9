"""Which number of proposals is chosen, and that the number reaches the network."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from fishdet.analysis.proposals import ProposalRow, fewest
from fishdet.errors import FishdetError
from fishdet.inference.exported import ExportedNetwork
from fishdet.inference.network import Network

ROWS = [ProposalRow(1000, 0.500, 90), ProposalRow(300, 0.499, 40), ProposalRow(100, 0.490, 30)]


@pytest.mark.parametrize(("drop", "number"), [(0.0, 1000), (0.003, 300), (0.02, 100)])
def test_the_fewest_that_lose_no_more(drop: float, number: int) -> None:
    assert fewest(ROWS, drop).number == number


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
