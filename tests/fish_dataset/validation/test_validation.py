"""The validator as a whole: planted faults, clean sets, reports, the command."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import sys
from pathlib import Path

import pytest

from fish_dataset import FishDataError
from fish_dataset.rules import RULES
from fish_dataset.validation.report import as_json, print_summary, write_report
from fish_dataset.validation.run import SEVERITIES, validate

SCRIPT = Path(__file__).resolve().parents[3] / "tools" / "dataset" / "validate.py"


def digest_of(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        digest.update(f"{path.relative_to(folder)} {path.stat().st_mtime_ns}".encode())
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()


def values_of(report, rule: str) -> list[str]:
    return [f"{f.field} {f.value}" for f in report.findings if f.rule == rule]


def test_the_clean_part_has_no_error(clean_report):
    assert clean_report.status == 0 and len(clean_report.subject.names) > 40
    assert clean_report.total("error") == clean_report.total("repaired") == 0


def test_every_planted_fault_is_named_and_none_on_the_clean_part(planted, clean_report):
    assert len(planted.faults) >= 20
    report = validate(planted.root, progress=False)
    assert report.status == 1
    for rule, words in planted.faults.items():
        before, now = values_of(clean_report, rule), values_of(report, rule)
        for word in words:
            assert any(word in value for value in now), f"{rule}: {word} not in {now}"
        assert len(now) > len(before)
        assert not any(all(word in value for word in words) for value in before)


def test_nothing_but_the_planted_faults_is_an_error(planted):
    report = validate(planted.root, progress=False)
    errors = {f.rule for f in report.findings if f.severity == "error"}
    assert errors <= set(planted.faults)


def test_reports_hold_every_rule_and_its_pictures(planted, tmp_path, capsys):
    before = digest_of(planted.root)
    report = validate(planted.root, progress=False)
    out = tmp_path / "a" / "b"
    write_report(report, out)
    print_summary(report)
    shown = capsys.readouterr().out
    page = (out / "report.html").read_text(encoding="utf-8")
    document = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert digest_of(planted.root) == before
    for rule in planted.faults:
        assert rule in shown and rule in page
        assert any(entry["rule"] == rule for entry in document["findings"])
    assert "고등어" in page and "Fïsh" in page
    assert page.count("data:image/jpeg") > 25
    totals = {entry["rule"]: entry["count"] for entry in document["summary"]}
    assert totals == report.counts()
    assert document["status"] == 1 and document["splits"][0]["split"] == "train"


def test_evidence_points_at_the_box(planted):
    findings = as_json(validate(planted.root, progress=False))["findings"]
    outside = next(f for f in findings if f["rule"] == "box-outside")
    assert outside["pictures"][0]["boxes"] == [[5000, 10, 20, 20]]
    name = planted.faults["box-whole-picture"][0]
    whole = next(f for f in findings if f["rule"] == "box-whole-picture")
    assert whole["pictures"][0]["file_name"] == name


@pytest.mark.parametrize("name", ["aquarium", "deepfish"])
def test_real_sets_have_no_error(fishdet_data, name):
    report = validate(fishdet_data / name, progress=False)
    assert report.total("error") == 0
    if name == "aquarium":  # consecutive shots across the published split
        near = {f.value.partition(":")[0] for f in report.findings if f.rule == "picture-near-leak"}
        assert "'IMG_8528.jpg'" in near
    else:
        one_split = [f for f in report.findings if f.rule == "class-one-split"]
        assert len(one_split) == 3


def test_a_random_split_of_frames_is_a_leak(fishdet_data, tmp_path):
    source = fishdet_data / "deepfish"
    for split in ("train", "val"):
        shutil.copy(source / f"{split}_random.json", tmp_path / f"{split}.json")
    (tmp_path / "images").symlink_to(source / "images")
    report = validate(tmp_path, progress=False)
    counts = report.counts()
    val = len(json.loads((tmp_path / "val.json").read_text())["images"])
    assert counts["group-leak"] > 10 and report.status == 1
    assert counts["picture-near-leak"] > 0.9 * val


def test_names_alone_tell_the_series(fishdet_data, tmp_path):
    """Without the metadata the same leak is found by name and likeness, as a warning."""
    source = fishdet_data / "deepfish"
    for split in ("train", "val"):
        document = json.loads((source / f"{split}_random.json").read_text())
        for image in document["images"]:
            for key in ("site", "video", "frame"):
                image.pop(key, None)
        (tmp_path / f"{split}.json").write_text(json.dumps(document))
    (tmp_path / "images").symlink_to(source / "images")
    report = validate(tmp_path, progress=False)
    assert report.counts()["group-guess"] > 10
    assert report.status == 0 and "a guess" in report.grouping


def test_a_broken_file_does_not_stop_the_other_split(clean, tmp_path):
    root = tmp_path / "set"
    shutil.copytree(clean, root)
    text = (root / "val.json").read_text()
    (root / "val.json").write_text(text[: len(text) // 2])
    report = validate(root, progress=False)
    broken = next(f for f in report.findings if f.rule == "annotation-file")
    assert "cut short" in broken.value and broken.file.endswith("val.json")
    assert report.subject.splits == ("train",) and report.status == 1
    write_report(report, tmp_path / "out")


def test_all_files_broken_still_gives_a_report(clean, tmp_path):
    root = tmp_path / "set"
    shutil.copytree(clean, root)
    for split in ("train", "val"):
        (root / f"{split}.json").write_text("[]")
    report = validate(root, progress=False)
    assert report.counts() == {"annotation-file": 2}
    write_report(report, tmp_path / "out")
    print_summary(report)


@pytest.mark.parametrize("fault", ["boxes-xyxy", "boxes-normalised", "category-name", "no-images"])
def test_files_of_another_kind_are_reported(clean, tmp_path, fault):
    root = tmp_path / "set"
    shutil.copytree(clean, root)
    document = json.loads((root / "val.json").read_text())
    sizes = {i["id"]: (i["width"], i["height"]) for i in document["images"]}
    for entry in document["annotations"]:
        x, y, w, h = entry["bbox"]
        wide, high = sizes[entry["image_id"]]
        if fault == "boxes-xyxy":
            entry["bbox"] = [x, y, x + w, y + h]
        elif fault == "boxes-normalised":
            entry["bbox"] = [x / wide, y / high, w / wide, h / high]
    if fault == "category-name":
        document["categories"][0]["name"] = None
    if fault == "no-images":
        document.update(images=[], annotations=[])
    (root / "val.json").write_text(json.dumps(document))
    report = validate(root, progress=False)
    assert fault in report.counts() and report.status == 1
    write_report(report, tmp_path / "out")


def test_mistakes_of_the_user(clean, tmp_path):
    with pytest.raises(FishDataError, match="no such data folder"):
        validate(tmp_path / "none")
    with pytest.raises(FishDataError, match="--workers 0"):
        validate(clean, workers=0)
    report = validate(clean, progress=False)
    with pytest.raises(FishDataError, match="never written to"):
        write_report(report, clean / "report")
    (tmp_path / "file").write_text("")
    with pytest.raises(FishDataError, match="is a file"):
        write_report(report, tmp_path / "file")


def test_the_command_and_its_exit_status(planted, clean, tmp_path, monkeypatch, capsys):
    spec = importlib.util.spec_from_file_location("validate_tool", SCRIPT)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> int:
        monkeypatch.setattr(sys, "argv", ["validate.py", *map(str, arguments)])
        return tool.exit_status(lambda: tool.run(tool.parse_args()))

    assert run(planted.root, "--fix", tmp_path / "fixed") == 1
    (report,) = (tmp_path / "work_dirs" / "validate").glob("*set-*/report.html")
    assert (tmp_path / "fixed" / "changes.json").is_file()
    assert run(clean, "--out", "out") == 0
    capsys.readouterr()
    assert run(tmp_path / "none") == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_every_rule_has_words():
    for rule in RULES.values():
        assert rule.what and rule.remedy and rule.severity in SEVERITIES
