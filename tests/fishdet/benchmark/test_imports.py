"""Detections of other detectors in the table."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fish_dataset.coco import read_coco
from fish_dataset.errors import FishDataError
from fish_dataset.files import file_sha256
from fishdet.benchmark.compare import CompareOptions, compare
from fishdet.benchmark.imports import ImportOptions, import_predictions
from fishdet.benchmark.rows import boards
from fishdet.benchmark.scoring import notes_on
from fishdet.benchmark.store import read_record, write_record
from fishdet.benchmark.tables import cells, latex
from fishdet.benchmark.zoo import markdown, read_metafiles, read_runs
from fishdet.errors import FishdetError
from fishdet.evaluation.detections import Detections

ROOT = Path(__file__).resolve().parents[3]


def perfect(data: Path) -> list[dict[str, Any]]:
    """A detection on every box of the val split of a folder."""
    truth = json.loads((data / "val.json").read_text())
    return [
        {"image_id": a["image_id"], "category_id": a["category_id"], "bbox": a["bbox"],
         "score": 0.9}
        for a in truth["annotations"]
    ]  # fmt: skip


def given(folder: Path, detections: object, name: str = "theirs") -> ImportOptions:
    path = folder / f"{name}.json"
    path.write_text(json.dumps(detections))
    return ImportOptions(path, folder / "out", name, folder / "none")


def with_data(options: ImportOptions, data: Path, **changes: Any) -> ImportOptions:
    return ImportOptions(**{**options.__dict__, "data": data, **changes})


def test_perfect_and_empty_stand_in_one_table(
    fishdet_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = fishdet_data / "aquarium"
    full = given(tmp_path, perfect(data), "perfect")
    import_predictions(with_data(full, data, parameters=7_000_000, latency_ms=12.5))
    import_predictions(with_data(given(tmp_path, [], "blind"), data))
    assert "no detections at all" in capsys.readouterr().out
    compare(CompareOptions(tmp_path / "out", resamples=200))
    with (tmp_path / "out/tables/results.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["detector"], float(row["bbox_mAP"])) for row in rows] == [
        ("perfect", pytest.approx(1.0)),
        ("blind", 0.0),
    ]
    assert "no detections at all" in rows[1]["notes"]
    assert (float(rows[0]["parameters"]), float(rows[0]["latency_ms"])) == (7e6, 12.5)
    with (tmp_path / "out/tables/pairs.csv").open() as stream:
        (pair,) = csv.DictReader(stream)
    assert pair["differs"] == "True" and float(pair["difference"]) == pytest.approx(1.0)
    told = (tmp_path / "out/tables/tables.md").read_text()
    assert "perfect is better" in told and "blind: no detections at all" in told
    assert (tmp_path / "out/tables/bbox_mAP_parameters.png").stat().st_size > 5000
    assert "perfect" in (tmp_path / "out/tables/index.html").read_text()
    assert r"1.000 [1.000, 1.000]" in (tmp_path / "out/tables/tables.tex").read_text()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: {**d, "category_id": 99}, "category_id values that .* has not"),
        (lambda d: {**d, "image_id": 10**6}, "image_id values that .* has not"),
        (
            lambda d: {**d, "score": -0.5},
            "10 of 10 scores are negative; the first is entry 0, image_id 1",
        ),
        (lambda d: {**d, "score": float("nan")}, "NaN"),
        (
            lambda d: {
                **d,
                "bbox": [*d["bbox"][:2], d["bbox"][0] + d["bbox"][2], d["bbox"][1] + d["bbox"][3]],
            },
            "look like xyxy",
        ),
    ],
)
def test_what_cannot_be_scored_is_refused(
    drawn_data: Path, tmp_path: Path, change: Any, message: str
) -> None:
    wrong = given(tmp_path, [change(d) for d in perfect(drawn_data)])
    with pytest.raises(FishdetError, match=message):
        import_predictions(with_data(wrong, drawn_data))
    assert not list((tmp_path / "out").glob("runs/*"))


def test_odd_boxes_and_scores_stand_in_the_notes(drawn_data: Path) -> None:
    """A detector may say them; a reader of its score must know."""
    annotations, _ = read_coco(drawn_data / "val.json", check_images=False)
    boxes = np.array([[0.0, 0, 9, 9], [5, 5, 5, 9], [8, 8, 2, 9]])
    detections = Detections(np.zeros(3, int), boxes, np.array([90.0, 1, 0]), np.zeros(3, int))
    told = notes_on(annotations, detections)
    assert "scores up to 90, so no chances" in told[0]
    assert "2 of 3 boxes have no width or height" in told[1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda b: [b[0] + b[2] / 2, b[1] + b[3] / 2, b[2], b[3]], "upper left corner"),
        (lambda b: [2 * v for v in b], r"boxes reach out of their picture"),
        (
            lambda b: [b[0] + 9 * b[2], b[1], b[2] / 9, b[3]],
            r"0\.0% of the 10 surest boxes overlap",
        ),
    ],
)
def test_boxes_of_another_scale_or_form_stand_in_the_notes(
    drawn_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Any, message: str
) -> None:
    moved = [{**d, "bbox": change(d["bbox"])} for d in perfect(drawn_data)]
    import_predictions(with_data(given(tmp_path, moved), drawn_data))
    assert re.search(message, capsys.readouterr().out)


def test_a_species_that_is_never_named_stands_in_the_notes(
    drawn_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    all_of = perfect(drawn_data)
    one = [d for d in all_of if d["category_id"] == all_of[0]["category_id"]]
    import_predictions(with_data(given(tmp_path, one), drawn_data))
    told = capsys.readouterr().out
    assert "no detection of " in told and "its AP is 0 for that reason" in told
    assert "surest" not in told and "reach out" not in told


def test_an_import_says_what_it_was_made_of(drawn_data: Path, tmp_path: Path) -> None:
    options = with_data(given(tmp_path, perfect(drawn_data)), drawn_data)
    import_predictions(options)
    record = read_record(next((tmp_path / "out/runs").iterdir()))
    assert record is not None
    assert record["imported"]["sha256"] == file_sha256(options.predictions)
    assert record["imported"]["time"] and record["imported"]["commit"]


def test_a_config_of_ours_brings_the_score_into_the_zoo(drawn_data: Path, tmp_path: Path) -> None:
    config = ROOT / "configs/atss/atss_r50_fpn_1x_fish.py"
    options = with_data(given(tmp_path, perfect(drawn_data)), drawn_data)
    with pytest.raises(FishdetError, match="--config .*absent.py: no such file"):
        import_predictions(with_data(options, drawn_data, config=tmp_path / "absent.py"))
    import_predictions(with_data(options, drawn_data, config=config, commit="0123456789"))
    runs = read_runs([tmp_path / "out"])
    (row,) = (line for line in markdown(read_metafiles(ROOT), runs).splitlines()
              if "[atss_r50" in line)  # fmt: skip
    assert "| 1.000 | 1.000 |" in row and "| 01234567 |" in row


def run_of(
    out: Path, seed: int, state: str | None, detections: list[dict[str, Any]], **more: Any
) -> None:
    """A folder as a run of ours leaves it, made of an import."""
    data = more.pop("data")
    import_predictions(with_data(given(out.parent, detections, "net"), data, out=out, seed=seed))
    folder = out / f"runs/{data.name}__net__seed{seed}"
    if state is None:
        (folder / "record.json").unlink()
        return
    record = read_record(folder)
    assert record is not None
    write_record(folder, {**record, "state": state, **more})


def test_what_failed_never_began_or_took_uneven_times_is_told(
    drawn_data: Path, tmp_path: Path
) -> None:
    out, found = tmp_path / "out", perfect(drawn_data)
    for seed, (ms, seconds) in enumerate([(84.4, 1319), (25.7, 250)]):
        times = {"latency": {"median_ms": ms, "q1_ms": ms - 1, "q3_ms": ms + 1}}
        run_of(out, seed, "done", found, data=drawn_data, cost=times, train_seconds=seconds)
    run_of(out, 2, None, found, data=drawn_data)
    run_of(out, 3, "failed", found, data=drawn_data, reason="no memory")
    run_of(out, 4, "failed", found, data=drawn_data, reason="no memory")
    (board,) = boards(out, statistic="bbox_mAP", by=None, resamples=100)
    (row,) = board.rows
    assert (row.cost["latency_ms"], row.cost["latency_q1"]) == (25.7, 24.7)
    assert row.cost["train_minutes"] == pytest.approx(250 / 60)
    assert {"seed 2 not started", "seeds 3, 4 failed: no memory"} < set(row.notes)
    assert "latency by seed: 25.7, 84.4 ms; the shortest is shown" in row.notes
    assert "training by seed: 4.2, 22.0 min; the shortest is shown" in row.notes
    assert not row.failed and "failed" not in cells(row)


def test_a_detector_of_failed_runs_alone_is_failed_in_the_table(
    drawn_data: Path, tmp_path: Path
) -> None:
    out, found = tmp_path / "out", perfect(drawn_data)
    import_predictions(with_data(given(tmp_path, found, "good"), drawn_data, out=out))
    run_of(out, 0, "failed", found, data=drawn_data, reason="no memory")
    shown = boards(out, statistic="bbox_mAP", by=None, resamples=100)
    assert [cells(row)[2] for row in shown[0].rows] == ["1.000 [1.000, 1.000]", "failed"]
    assert "% net: seed 0 failed: no memory" in latex(shown)


@pytest.mark.parametrize("resamples", [-5, 0, 1, 99])
def test_resamples_that_make_no_interval_are_refused(tmp_path: Path, resamples: int) -> None:
    with pytest.raises(FishdetError, match=f"--resamples {resamples}: from 100"):
        compare(CompareOptions(tmp_path, resamples=resamples))


def test_names_folders_and_truths_are_checked(drawn_data: Path, tmp_path: Path) -> None:
    good = with_data(given(tmp_path, perfect(drawn_data)), drawn_data)
    import_predictions(good)
    with pytest.raises(FishdetError, match="is there already.*--replace"):
        import_predictions(good)
    assert import_predictions(with_data(good, drawn_data, replace=True)) == 0
    with pytest.raises(FishdetError, match="--name 'a/b'"):
        import_predictions(with_data(good, drawn_data, name="a/b"))
    with pytest.raises(FishDataError, match="no such data folder"):
        import_predictions(with_data(good, tmp_path / "nowhere"))
    with pytest.raises(FishdetError, match="has no test split"):
        import_predictions(with_data(good, drawn_data, split="test", name="on-test"))
    other = tmp_path / "set"
    other.mkdir()
    (other / "images").symlink_to(drawn_data / "images")
    text = (drawn_data / "val.json").read_text()
    for name in ("train.json", "val.json"):
        (other / name).write_text(text.replace("{", "{ ", 1))
    with pytest.raises(FishdetError, match="another annotation file of the data set"):
        import_predictions(with_data(good, other, name="else", data_name=drawn_data.name))


def test_compare_needs_runs(tmp_path: Path) -> None:
    with pytest.raises(FishdetError, match="no runs"):
        compare(CompareOptions(tmp_path))
