"""The model card, read by the library of the hub that it is written for."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard

from fish_dataset.files import file_sha256
from fishdet.checkpoint.published import read_metadata
from fishdet.checkpoint.publishing.card import front_matter, model_card
from fishdet.checkpoint.publishing.weaknesses import weaknesses


@pytest.fixture
def papers(published: Path) -> dict[str, Any]:
    return copy.deepcopy(read_metadata(published))


def table(card: str) -> dict[str, list[str]]:
    rows = [line for line in card.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]
    return {row[0]: row[1:] for row in cells}


def test_the_hub_s_library_reads_it(published: Path) -> None:
    card = ModelCard.load(published.parent / "README.md")
    data = card.data
    assert (data.library_name, data.pipeline_tag) == ("fishdet", "object-detection")
    assert (data.license, data.datasets) == ("apache-2.0", ["set"])
    results = {result.metric_name: result.metric_value for result in data.eval_results}
    assert results == {"mAP@0.5:0.95(box)": 0.25, "mAP@0.5(box)": 0.5}
    assert data.eval_results[0].task_type == "object-detection"
    assert data.eval_results[0].dataset_split == "val"


def test_the_table_has_each_species_in_both_languages(published: Path) -> None:
    rows = table((published.parent / "README.md").read_text())
    assert rows["class"][0] == "한국어"
    assert rows["salmon"] == ["연어", "*Oncorhynchus keta*", "4", "40", "0.000", "0.200", "0.300"]
    assert rows["eel"][5] == "0.200" and rows["eel"][4] == "0.100"
    assert len(rows) == 1 + 7


def test_only_what_was_measured_is_claimed(papers: dict[str, Any]) -> None:
    papers["metrics"] = papers["licence"] = papers["versions"] = papers["commit"] = None
    papers["data"] = {"name": None, "digest": None, "splits": {}}
    fields = front_matter(papers)
    assert not {"model-index", "metrics", "license", "datasets", "base_model"} & set(fields)
    card = model_card(papers, "m.safetensors", "0" * 64, 5)
    assert "No evaluation of this checkpoint was recorded" in card
    assert "Its accuracy is not recorded" in card and "Licence: not stated" in card
    assert "95 %" not in card


def test_intervals_are_shown_where_the_run_has_them(papers: dict[str, Any]) -> None:
    assert "without confidence intervals" in " ".join(weaknesses(papers))
    papers["metrics"]["intervals"] = {"coco/bbox_mAP": [0.2, 0.31]}
    card = model_card(papers, "m.safetensors", "0" * 64, 5)
    assert "95 % intervals: mAP 0.200 to 0.310." in card
    assert "without confidence intervals" not in card


def test_weaknesses_come_from_the_figures(papers: dict[str, Any]) -> None:
    lines = " ".join(weaknesses(papers))
    assert "drawn pictures" not in lines
    papers["config"]["builtin_data"] = {"root": "data/fish_builtin"}
    lines = " ".join(weaknesses(papers))
    assert "Lowest AP: salmon (0.000), eel (0.100), mackerel (0.200)" in lines
    assert "AP on small (under 32² pixels) boxes is 0.050, against 0.250" in lines
    assert "No figure for large" in lines and "not calibrated" in lines
    assert "drawn pictures" in lines
    papers["metrics"]["species"][0]["boxes"] = 3
    assert "say little: salmon (3)" in " ".join(weaknesses(papers))


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("CC-BY-NC-4.0", {"license": "cc-by-nc-4.0"}),
        ("CECILL-2.1", {"license": "other", "license_name": "CECILL-2.1"}),
        (None, {}),
    ],
)
def test_licences(papers: dict[str, Any], licence: str | None, expected: dict[str, str]) -> None:
    papers["licence"] = licence
    fields = front_matter(papers)
    assert {key: fields[key] for key in fields if key.startswith("license")} == expected


@pytest.mark.parametrize(("parent", "shown"), [("org/m", "org/m"), ("torchvision://m", None)])
def test_a_parent_on_the_hub_is_a_base_model(
    papers: dict[str, Any], parent: str, shown: str | None
) -> None:
    papers["parent"] = parent
    assert front_matter(papers).get("base_model") == shown
    assert f"Parent model: {parent}" in model_card(papers, "m.safetensors", "0" * 64, 5)


def test_odd_names_do_not_break_it(papers: dict[str, Any]) -> None:
    papers["classes"][0]["name"] = "a|b: 'c' #d\n---"
    papers["data"]["name"] = "x: [y"
    card = model_card(papers, "m.safetensors", "0" * 64, 5)
    head = yaml.safe_load(card.split("\n---\n")[0].removeprefix("---\n"))
    assert head["datasets"] == ["x: [y"]
    row = next(line for line in card.splitlines() if line.startswith("| a\\|b"))
    assert row.count(" | ") == 7


def test_the_sum_is_the_file_s(published: Path) -> None:
    assert file_sha256(published) in (published.parent / "README.md").read_text()
