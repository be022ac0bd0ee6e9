"""The zoo's table: every config in it, and figures of recorded runs alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fishdet.benchmark.keep import keep, read_kept
from fishdet.benchmark.zoo import UNMEASURED, markdown, read_metafiles, read_runs
from fishdet.errors import FishdetError

ROOT = Path(__file__).resolve().parents[3]


def test_every_config_has_an_entry() -> None:
    shipped = {str(p.relative_to(ROOT)) for p in ROOT.glob("configs/*/*_fish.py")}
    shipped = {path for path in shipped if "/identification/" not in path}  # no detectors
    entries = read_metafiles(ROOT)
    assert {entry.config for entry in entries} == shipped
    assert all(entry.name == Path(entry.config).stem for entry in entries)
    assert all(
        (ROOT / "configs" / p.parent.name / "README.md").is_file() for p in map(Path, shipped)
    )


def test_page_is_the_one_that_the_script_writes() -> None:
    kept = sorted((ROOT / "benchmarks/recorded").glob("*.json"))
    text = markdown(read_metafiles(ROOT), read_runs(kept))
    assert UNMEASURED in text
    assert (ROOT / "docs/zoo.md").read_text(encoding="utf-8") == text


def test_scores_are_means_of_unchanged_runs(tmp_path: Path) -> None:
    config = "configs/atss/atss_r50_fpn_1x_fish.py"
    for seed, score, options in ((0, 0.2, {}), (1, 0.4, {}), (2, 0.9, {"a": 1})):
        folder = tmp_path / "runs" / f"r{seed}"
        folder.mkdir(parents=True)
        record = dict(
            state="done",
            model=dict(name="atss", config=str(ROOT / config), cfg_options=options),
            data=dict(name="reef", path="/somewhere/reef"),
            seed=seed,
            checkpoint_file="/somewhere/work/epoch_12.pth",
            scores=dict(bbox_mAP=score, bbox_mAP_50=score + 0.1),
            environment=dict(commit="0123456789", command=["/somewhere/tools/train.py"]),
        )
        (folder / "record.json").write_text(json.dumps(record))
    text = markdown(read_metafiles(ROOT), read_runs([tmp_path]))
    (row,) = (line for line in text.splitlines() if "[atss_r50" in line)
    assert "| 0.300 | 0.400 | reef | 2 | 01234567 |" in row
    assert keep(tmp_path, tmp_path / "kept.json") == 0
    held = (tmp_path / "kept.json").read_text()
    assert "somewhere" not in held and str(ROOT) not in held
    assert markdown(read_metafiles(ROOT), read_runs([tmp_path / "kept.json"])) == text
    with pytest.raises(FishdetError, match="no run is done"):
        keep(tmp_path / "runs", tmp_path / "kept.json")
    with pytest.raises(FishdetError, match="record.json: no kept benchmark"):
        read_kept(tmp_path / "runs/r0/record.json")


def test_a_broken_metafile_is_named(tmp_path: Path) -> None:
    (tmp_path / "configs/x").mkdir(parents=True)
    (tmp_path / "configs/x/metafile.yml").write_text("Models: [1]")
    with pytest.raises(FishdetError, match="metafile.yml"):
        read_metafiles(tmp_path)
