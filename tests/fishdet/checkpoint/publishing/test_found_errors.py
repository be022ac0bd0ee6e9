"""The error analysis of a checkpoint in its card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fish_dataset.files import file_sha256
from fishdet.checkpoint.published import read_metadata
from fishdet.checkpoint.publishing.found_errors import read_errors
from fishdet.checkpoint.publishing.model_papers import PublishOptions
from fishdet.checkpoint.publishing.publish import publish
from fishdet.checkpoint.publishing.weaknesses import KINDS
from fishdet.errors import FishdetError


def record(checkpoint: Path) -> dict[str, Any]:
    """``errors.json`` as the analysis writes it, cut to what is read."""
    kinds = {name: {"count": n, "dAP": n / 100} for n, name in enumerate(KINDS)}
    rows = [{"species": "salmon", "taken_for": "mackerel", "times": 9 - n} for n in range(8)]
    parts = [("< 20 px", 40, 0.25), ("≥ 20 px", 60, 0.9), ("≥ 90 px", 3, None)]
    size = [{"name": name, "boxes": boxes, "recall": recall} for name, boxes, recall in parts]
    even = [{"name": "1", "boxes": 50, "recall": 0.6}, {"name": "≥ 20", "boxes": 5, "recall": 0.0}]
    return {
        "images": 20, "boxes": 103, "AP50": 0.5, "threshold": 0.35, "errors": kinds,
        "confusion": {"commonest": rows}, "strata": {"size": size, "crowding": even},
        "source": {"file": checkpoint.name, "sha256": file_sha256(checkpoint)},
    }  # fmt: skip


def test_a_card_tells_what_was_found(run_copy: Path) -> None:
    folder = run_copy.parent / "errors"
    folder.mkdir()
    (folder / "errors.json").write_text(json.dumps(record(run_copy)))
    file = publish(PublishOptions(run_copy)).file
    errors = read_metadata(file)["errors"]
    assert errors["kinds"]["Miss"] == {"count": 5, "dAP": 0.05} and len(errors["confusions"]) == 5
    card = (file.parent / "README.md").read_text()
    assert "missed 0.050 (5), nothing there 0.040 (4), found twice 0.030 (3); AP50 is 0.500" in card
    assert "taken for another species at score 0.35: salmon for mackerel (9)" in card
    # (40 × 0.25 + 60 × 0.9) / 100 = 0.64; of the crowded pictures too few boxes are known
    found_least = "boxes of < 20 px (root of the area) 25% of 40 (all: 64%)"
    assert f"- Found least at score 0.35: {found_least}.\n" in card


def test_without_an_analysis_nothing_is_said(run_copy: Path) -> None:
    assert read_errors(run_copy) == (None, ())
    with pytest.raises(FishdetError, match="--errors .*: no errors.json;"):
        read_errors(run_copy, run_copy.parent)


def test_that_of_another_model_is_left_out_or_refused(run_copy: Path) -> None:
    path = run_copy.parent / "errors.json"
    other = record(run_copy)
    other["source"]["sha256"] = "0" * 64
    path.write_text(json.dumps(other))
    found, (note,) = read_errors(run_copy)
    assert found is None and "not the analysis of best.pth; it was left out" in note
    with pytest.raises(FishdetError, match="not the analysis of best.pth; make it: python tools"):
        read_errors(run_copy, path)


@pytest.mark.parametrize(
    ("field", "value"),
    [("AP50", None), ("errors", {}), ("confusion", []), ("strata", {"size": [{"name": "x"}]}),
     ("boxes", "many"), ("threshold", "high")],
)  # fmt: skip
def test_a_wrong_field_is_named(run_copy: Path, field: str, value: Any) -> None:
    path = run_copy.parent / "errors.json"
    path.write_text(json.dumps(record(run_copy) | {field: value}))
    with pytest.raises(FishdetError, match=f"{path}: no error analysis of this version"):
        read_errors(run_copy)
