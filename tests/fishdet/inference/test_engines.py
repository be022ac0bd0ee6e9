"""Which engine is chosen, by the rules alone: machines are told, exports are papers in a file."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest

from fishdet import FishdetError
from fishdet.inference.engines import Machine, Wish, choose
from fishdet.inference.sessions import papers_of

HERE = Machine(runtimes=frozenset({"openvino", "onnxruntime"}))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "fish.safetensors"
    path.write_bytes(b"weights")
    return path


def write_export(model: Path, name: str = "fish.xml", **changed: object) -> Path:
    papers = {
        "model_sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        "precision": "fp32",
        "own_config": True,
        "proposals": None,
        "calibration": None,
        "thresholds": None,
        **changed,
    }
    text = json.dumps({key: value for key, value in papers.items() if value != "absent"})
    path = model.with_name(name)
    path.with_suffix(".bin").write_bytes(b"")
    path.write_text(
        f'<?xml version="1.0"?><net><layers><layer id="0"/></layers>'
        f"<rt_info><fishdet value={quoteattr(text)} /></rt_info></net>"
    )
    return path


def chosen(model: Path, machine: Machine = HERE, **wish: object):
    return choose(model, Wish(**wish), lambda: machine)


def test_an_export_beside_the_model_is_taken(model):
    export = write_export(model)
    assert chosen(model).file == chosen(model, device="cpu", precision="fp32").file == export
    assert papers_of(export)["precision"] == "fp32"


@pytest.mark.parametrize(
    ("machine", "wish", "why"),
    [
        (Machine(cuda=True, runtimes=HERE.runtimes), {}, "GPU"),
        (Machine(bf16=True, runtimes=HERE.runtimes), {}, "bf16 instructions"),
        (Machine(), {}, "no OpenVINO installed for fish.xml"),
        (HERE, {"plain": True}, "as it was trained"),
        (HERE, {"config": "c.py"}, "its config is given"),
        (HERE, {"precision": "bf16"}, "bf16 is asked for"),
        (HERE, {"device": "cuda"}, "cuda is asked for"),
        (HERE, {"proposals": 100}, "fish.xml has other proposals"),
        (HERE, {"runtime": "pytorch"}, "as asked"),
        (HERE, {"runtime": "named"}, "as asked"),
    ],
)
def test_pytorch_where_an_export_cannot_serve_or_is_slower(model, machine, wish, why):
    write_export(model)
    choice = chosen(model, machine, **wish)
    assert choice.file == model and why in choice.why


def test_fp32_on_a_cpu_with_bf16_may_be_asked_for(model):
    export, machine = write_export(model), Machine(bf16=True, runtimes=HERE.runtimes)
    assert chosen(model, machine, precision="fp32").file == export


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"precision": "int8"}, "is int8"),
        ({"model_sha256": "0" * 64}, "other weights"),
        ({"own_config": False}, "another config"),
        ({"own_config": "absent", "proposals": "absent"}, "older fishdet"),
        ({"proposals": 300}, "other proposals (300)"),
    ],
)
def test_an_export_with_other_boxes_is_never_taken_silently(model, changed, why):
    write_export(model, **changed)
    choice = chosen(model)
    assert choice.file == model and why in choice.why
    assert "tools/export.py" in choice.faster and str(model) in choice.faster


def test_as_many_proposals_as_the_export_has(model):
    export = write_export(model, proposals=300)
    assert chosen(model, proposals=300).file == export


def test_calibration_since_the_export(model):
    export = write_export(model, calibration={"temperature": 1.5, "bias": 0.0})
    beside = model.with_name("calibration.json")
    beside.write_text(json.dumps({"temperature": 1.5, "other": 1}))
    assert chosen(model).file == export
    for text in ('{"temperature": 2}', '{"temperature": 1.5, "thresholds": {"eel": 0.2}}', "{"):
        beside.write_text(text)
        assert "another calibration" in chosen(model).why


def test_what_would_be_faster(model):
    assert chosen(model).faster == f"python tools/export.py {model} --format openvino"
    assert chosen(model, Machine()).faster.startswith("pip install -e '.[export]'; python tools/")
    assert not chosen(model, Machine(bf16=True)).faster
    write_export(model)
    assert chosen(model, Machine()).faster == "pip install openvino"


def test_without_pytorch_the_runtime_of_an_export_is_named(model):
    write_export(model)
    with pytest.raises(FishdetError, match="fish.xml beside it needs openvino: pip install openv"):
        chosen(model, Machine(torch=False))


def test_an_exported_model_has_no_plain_network(model):
    with pytest.raises(FishdetError, match="plain: .* leave it out"):
        choose(model.with_suffix(".onnx"), Wish(plain=True))


def test_without_pytorch_any_export_serves(model):
    machine = Machine(torch=False, runtimes=frozenset({"openvino"}))
    assert chosen(model, machine).file == model
    export = write_export(model)
    assert chosen(model, machine).file == export


@pytest.mark.parametrize("text", ["", "<net", "<net/>", "<net><fishdet value='[1]'/></net>"])
def test_a_broken_export_is_left_aside(model, text):
    model.with_suffix(".xml").write_text(text)
    choice = chosen(model)
    assert choice.file == model and "cannot be read" in choice.why


def test_a_file_by_name(model):
    export = write_export(model, "small.xml", precision="int8", proposals=100)
    assert chosen(model, runtime=str(export)).file == export
    foreign = write_export(model, "foreign.xml", model_sha256="0" * 64)
    for runtime, told in [
        (foreign, "not an export of"),
        (model.with_name("no.xml"), "no such file"),
        ("openvino", "auto, pytorch, or a file"),
    ]:
        with pytest.raises(FishdetError, match=told):
            chosen(model, runtime=str(runtime))


def test_a_file_by_name_and_what_it_cannot_do(model):
    export = write_export(model, proposals=100)
    assert chosen(model, runtime=str(export), proposals=100).file == export
    for wish in ({"proposals": 50}, {"plain": True}, {"config": "c.py"}, {"compiled": True}):
        with pytest.raises(FishdetError, match="leave those options out"):
            chosen(model, runtime=str(export), **wish)


def test_half_an_export_and_an_export_without_its_model(model):
    export = write_export(model)
    export.with_suffix(".bin").unlink()
    assert "no .bin" in chosen(model).why
    write_export(model)
    model.unlink()
    assert chosen(model).file == model  # which PyTorch's way says is missing


def test_an_exported_model_runs_by_itself(model):
    export = write_export(model)
    assert chosen(export).file == chosen(export, runtime="named").file == export
    with pytest.raises(FishdetError, match="runtime pytorch: .* runs by itself"):
        chosen(export, runtime="pytorch")
