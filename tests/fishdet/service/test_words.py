"""How sure the service says it is, by hand; who may ask how often."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from torch.nn import Identity

from fishdet.errors import FishdetError
from fishdet.inference.boxes import Boxes
from fishdet.inference.calibration import find_thresholds
from fishdet.inference.names import names_of
from fishdet.inference.options import DetectionOptions
from fishdet.service.access import RateLimit, read_keys
from fishdet.service.answers import verdict_of
from fishdet.service.errors import ServiceError
from fishdet.service.model import model_of
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


def test_below_its_calibrated_threshold_nothing_is_probable() -> None:
    assert verdict_of(0.9, np.array([0.6, 0.1]), sure_from=0.6) == ("probably", 1)
    assert verdict_of(0.9, np.array([0.59, 0.1]), sure_from=0.6) == ("one_of", 2)


def test_what_is_shown_follows_the_calibrated_thresholds(tmp_path: Path) -> None:
    """Scores 0.2, 0.4, 0.4; calibration chose 0.1 for the first class, 0.5 for the second."""
    scores = np.array([0.2, 0.4, 0.4], np.float32)
    boxes = np.array([[0, 0, 9, 9], [20, 0, 29, 9], [40, 0, 49, 9]], np.float32)
    found = Boxes(boxes, scores, np.arange(3), np.eye(3, dtype=np.float32) * scores)
    network: Any = lambda images: [found for _ in images]  # noqa: E731
    network.model = Identity()
    detector: Any = SimpleNamespace(
        network=network, options=DetectionOptions(),
        classes=["eel", "mackerel", "salmon"], thresholds=np.full(3, 0.3, np.float32),
        class_thresholds={"eel": 0.1, "mackerel": 0.5}, calibration=None, drawn_only=True,
        catalogue_names=names_of(["eel", "mackerel", "salmon"], "en"),
    )  # fmt: skip
    (tmp_path / "m.pth").write_bytes(b"weights")
    shown, asked = (model_of(detector, tmp_path / "m.pth", lower) for lower in (True, False))
    image = [np.zeros((9, 60, 3), np.uint8)]
    assert sorted(shown.find(image)[0].labels) == [0, 1, 2]
    assert sorted(asked.find(image)[0].labels) == [1, 2]  # the user's own limit stands
    assert np.allclose(shown.sure_from, [0.1, 0.5, 0])
    assert shown.drawn_only


def test_thresholds_of_a_model_are_checked(tmp_path: Path) -> None:
    file, beside = tmp_path / "m.pth", tmp_path / "calibration.json"
    assert find_thresholds({}, file, ["eel"]) == {}
    beside.write_text('{"thresholds": {"eel": 0.4}}')
    assert find_thresholds({}, file, ["eel"]) == {"eel": 0.4}
    papers = {"meta": {"fishdet": {"calibration": {"thresholds": {"eel": 0.2}}}}}
    assert find_thresholds(papers, file, ["eel"]) == {"eel": 0.2}  # a published model's own
    for wrong in ('{"eel": 2}', '{"eel": true}', '{"cod": 0.3}', "[1]"):
        beside.write_text(f'{{"thresholds": {wrong}}}')
        with pytest.raises(FishdetError, match="calibration.json: thresholds"):
            find_thresholds({}, file, ["eel"])


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
