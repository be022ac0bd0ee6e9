"""How sure the service says it is, by hand; who may ask how often."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fishdet.errors import FishdetError
from fishdet.service.access import RateLimit, read_keys
from fishdet.service.answers import verdict_of
from fishdet.service.errors import ServiceError
from fishdet.service.settings import Settings
from fishdet.service.worker import Full, Gate


@pytest.mark.parametrize(
    ("chance", "scores", "verdict"),
    [
        (0.7, [0.7, 0.2, 0.1], ("probably", 1)),
        (0.69, [0.6, 0.3, 0.04], ("one_of", 2)),
        (0.4, [0.4, 0.06, 0.05], ("one_of", 3)),
        (0.4, [0.4, 0.05, 0.04], ("unknown", 3)),
        (0.6, [0.6], ("one_of", 1)),
    ],
)
def test_verdicts(chance: float, scores: list[float], verdict: tuple[str, int]) -> None:
    assert verdict_of(chance, np.array(scores)) == verdict


def test_a_bucket_fills_again() -> None:
    now = [0.0]
    limit = RateLimit(6, lambda: now[0])  # bursts of two, one more each ten seconds
    for client in "aab":
        limit.take(client)
    with pytest.raises(ServiceError) as refused:
        limit.take("a")
    assert refused.value.headers == {"Retry-After": "11"}
    now[0] = 10.5
    limit.take("a")


def test_the_gate_counts_pictures_and_pixels() -> None:
    gate = Gate(2, 100)
    with gate.admit(1, 60):
        with pytest.raises(Full), gate.admit(1, 41):
            pass
        with gate.admit(1, 40), pytest.raises(Full), gate.admit(1, 0):
            pass
    assert (gate.images, gate.pixels) == (0, 0)


def test_mistakes_are_named(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("# mine\nshort\n")
    with pytest.raises(FishdetError, match="key 1 is short"):
        read_keys(file)
    with pytest.raises(FishdetError, match="not readable"):
        read_keys(tmp_path / "none")
    with pytest.raises(FishdetError, match="smaller than one request"):
        Settings(queue_images=2)
    with pytest.raises(FishdetError, match="name the pages"):
        Settings(origins=("*",))
