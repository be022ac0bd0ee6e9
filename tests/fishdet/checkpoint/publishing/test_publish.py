"""From a run's folder to a release, and back to a detector."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from mmengine.hooks import EMAHook
from mmengine.model import BaseModel
from mmengine.runner import Runner

import fishdet
from fishdet import testing
from fishdet.checkpoint.load import load_checkpoint
from fishdet.checkpoint.published import canonical_json, read_metadata, read_published
from fishdet.checkpoint.publishing.model_papers import PublishOptions
from fishdet.checkpoint.publishing.publish import publish, release_state
from fishdet.checkpoint.publishing.run_records import without_machine_paths
from fishdet.checkpoint.safety.limits import MAX_PIXELS
from fishdet.errors import FishdetError
from fishdet.runner import build_runner
from fishdet.training import TrainOptions, training_config

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TOOLS = Path(__file__).resolve().parents[4] / "tools"


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{name}_tool", TOOLS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_same_checkpoint_same_bytes(run_copy: Path, published: Path, tmp_path: Path) -> None:
    again = publish(PublishOptions(run_copy, tmp_path / "out", licence="Apache-2.0"))
    assert again.file.name == published.name
    assert again.file.read_bytes() == published.read_bytes()
    card = (tmp_path / "out" / "README.md").read_text()
    assert card == (published.parent / "README.md").read_text()
    assert not again.notes


def test_name_index_and_card_agree_with_the_file(published: Path) -> None:
    sha256 = hashlib.sha256(published.read_bytes()).hexdigest()
    papers = read_metadata(published)
    assert papers["name"] == "tiny_set"  # the config's name, the data folder's name
    assert published.name == f"tiny_set-{sha256[:8]}.safetensors"
    index = tomllib.loads((published.parent / "models.toml").read_text())
    assert index["models"]["tiny_set"] == {
        "file": published.name,
        "sha256": sha256,
        "size": published.stat().st_size,
        "card": "README.md",
        "config": "tiny",
        "data": "set",
        "licence": "Apache-2.0",
        "classes": 7,
        "metrics": {"mAP": 0.25, "mAP_50": 0.5},
    }
    assert sha256 in (published.parent / "README.md").read_text()


def test_identical_detections(run_checkpoint: Path, published: Path, drawn_data: Path) -> None:
    options = {"device": "cpu", "precision": "fp32", "score_thr": 0.05}
    before = fishdet.Detector(run_checkpoint, **options)
    after = fishdet.load_model(published, **options)
    pictures = sorted((drawn_data / "images").glob("val*"))[:5]
    found = 0
    for one, other in zip(before(pictures), after(pictures), strict=True):
        np.testing.assert_array_equal(one.xyxy, other.xyxy)
        np.testing.assert_array_equal(one.confidence, other.confidence)
        np.testing.assert_array_equal(one.data["class_name"], other.data["class_name"])
        found += len(one)
    assert found > 10


def test_evaluation_takes_published_files(
    run_checkpoint: Path, published: Path, tiny_config: Path, drawn_data: Path, tmp_path: Path
) -> None:
    totals = [
        testing.test(
            testing.TestOptions(tiny_config, path, drawn_data, work_dir=tmp_path, precision="fp32")
        )
        for path in (run_checkpoint, published)
    ]
    assert totals[0] == totals[1] and "coco/bbox_mAP" in totals[0]


def test_training_starts_from_published_files_and_does_not_resume(
    published: Path, tiny_config: Path, drawn_data: Path, tmp_path: Path
) -> None:
    options = TrainOptions(tiny_config, drawn_data, tmp_path, resume=str(published))
    with pytest.raises(FishdetError, match="weights only.*load_from"):
        training_config(options)
    start = {"load_from": str(published)}
    cfg, _ = training_config(TrainOptions(tiny_config, drawn_data, tmp_path, cfg_options=start))
    runner = build_runner(cfg)
    runner.load_or_resume()
    expected = read_published(published)[1]["backbone.conv1.weight"]
    assert torch.equal(runner.model.backbone.conv1.weight, expected)


def test_papers_tell_what_the_run_recorded(published: Path, drawn_data: Path) -> None:
    papers = read_metadata(published)
    assert papers["classes"][:2] == [
        {"name": "salmon", "species": "oncorhynchus-keta"},
        {"name": "eel", "species": "anguilla-japonica"},
    ]
    digest = hashlib.sha256((drawn_data / "train.json").read_bytes()).hexdigest()
    assert papers["data"]["digest"] == digest
    assert papers["data"]["splits"] == {"train": {"sha256": digest, "images": 12}}
    assert papers["metrics"]["totals"]["coco/bbox_mAP"] == 0.25  # of this iteration, not the best
    assert papers["metrics"]["intervals"] is None
    unknown = dict.fromkeys(("temperature", "bias", "thresholds", "fitted_on"))
    assert papers["calibration"] == {**unknown, "score_thr": 0.05}
    assert papers["preprocessing"]["to_rgb"] is True
    assert papers["preprocessing"]["mean"] == [123.675, 116.28, 103.53]
    assert papers["command"] == ["tools/train.py", "configs/fish.py", "--work-dir=run", "set"]
    assert (papers["licence"], papers["parent"], papers["seed"]) == ("Apache-2.0", None, 1)


def test_nothing_of_the_machine_or_the_clock_travels(published: Path, drawn_data: Path) -> None:
    text = canonical_json(read_metadata(published))
    assert str(drawn_data.parent) not in text and '"/' not in text
    assert "2026-01-01" not in text


def test_paths_are_cut_to_their_last_part() -> None:
    value = {
        "a": ["/x/y.json", "C:\\u\\z.jpg", "data/here", "--o=/p/q", "--o=r/s", 3],
        "b": ("/v",),
    }
    expected = {"a": ["y.json", "z.jpg", "data/here", "--o=q", "--o=r/s", 3], "b": ("v",)}
    assert without_machine_paths(value) == expected


def test_half_precision(run_checkpoint: Path, published: Path, tmp_path: Path) -> None:
    half = publish(PublishOptions(run_checkpoint, tmp_path, half=True)).file
    papers, state = read_published(half)
    assert papers is not None and "fp16" in papers["weights"]["precision"]
    for name, tensor in state.items():
        kept = name.endswith(("running_mean", "running_var"))
        counter = name.endswith("num_batches_tracked")
        expected = torch.int64 if counter else torch.float32 if kept else torch.float16
        assert tensor.dtype == expected, name
    assert sum(t.nbytes for t in state.values()) < 0.55 * sum(
        t.nbytes for t in read_published(published)[1].values()
    )
    whole = load_checkpoint(run_checkpoint)["state_dict"]
    for name, tensor in state.items():
        torch.testing.assert_close(tensor.to(whole[name].dtype), whole[name], atol=1e-3, rtol=1e-3)
    assert fishdet.load_model(half, device="cpu").classes[0] == "salmon"


def test_half_precision_does_not_make_infinities() -> None:
    with pytest.raises(FishdetError, match="'w' has numbers beyond 65,504"):
        release_state({"w": torch.tensor([1e6])}, half=True)
    assert release_state({"w": torch.tensor([1e6])}, half=False)["w"].item() == 1e6
    assert (
        release_state({"bn.running_var": torch.tensor([1e6])}, half=True)["bn.running_var"] == 1e6
    )
    with pytest.raises(FishdetError, match="complex64"):
        release_state({"w": torch.zeros(1, dtype=torch.complex64)}, half=False)


class Linear(BaseModel):
    """One layer that learns something."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)

    def forward(self, inputs: torch.Tensor, mode: str = "loss") -> dict[str, torch.Tensor]:
        return {"loss": (self.layer(inputs.float()) - 3).square().mean()}


def test_the_averaged_weights_of_a_run_with_ema_are_published(tmp_path: Path) -> None:
    """mmengine saves them as ``state_dict``, and the last ones as ``ema_state_dict``."""
    runner = Runner(
        Linear(),
        str(tmp_path),
        train_dataloader={"dataset": [torch.ones(1)] * 4, "batch_size": 1, "num_workers": 0,
                          "sampler": {"type": "DefaultSampler", "shuffle": False}},
        train_cfg={"by_epoch": True, "max_epochs": 1},
        optim_wrapper={"optimizer": {"type": "SGD", "lr": 0.1}},
        custom_hooks=[{"type": "EMAHook", "momentum": 0.1}],
        default_scope="mmengine",
        experiment_name=f"ema-{tmp_path.name}",
    )  # fmt: skip
    runner.train()
    hook = next(hook for hook in runner.hooks if isinstance(hook, EMAHook))
    averaged = hook.ema_model.module.state_dict()
    released = release_state(load_checkpoint(tmp_path / "epoch_1.pth")["state_dict"], half=False)
    torch.testing.assert_close(released, dict(averaged))
    last = runner.model.layer.weight
    assert not torch.allclose(released["layer.weight"], last)


def test_what_is_not_recorded_is_null(run_copy: Path) -> None:
    for name in ("metrics.json", "environment.json"):
        (run_copy.parent / name).unlink()
    done = publish(PublishOptions(run_copy))
    papers = read_metadata(done.file)
    empty = ("metrics", "versions", "commit", "command", "licence", "seed")
    assert [papers[key] for key in empty] == [None] * len(empty)
    assert papers["data"] == {"name": None, "digest": papers["data"]["digest"], "splits": {}}
    assert any("metrics.json" in note for note in done.notes)
    assert any("environment.json" in note for note in done.notes)
    assert done.file.parent == run_copy.parent / "published" and done.name == "tiny"


def test_records_of_another_run_are_left_out(run_copy: Path) -> None:
    path = run_copy.parent / "environment.json"
    record = json.loads(path.read_text())
    record["data"]["train"]["sha256"] = "f" * 64
    path.write_text(json.dumps(record))
    done = publish(PublishOptions(run_copy))
    assert read_metadata(done.file)["metrics"] is None
    assert "run on other data" in done.notes[0]


def test_sizes_come_from_the_data_folder(
    run_checkpoint: Path, drawn_data: Path, tmp_path: Path
) -> None:
    done = publish(PublishOptions(run_checkpoint, tmp_path, data=drawn_data))
    splits = read_metadata(done.file)["data"]["splits"]
    assert {name: split["images"] for name, split in splits.items()} == {"train": 12, "val": 6}
    boxes = len(json.loads((drawn_data / "val.json").read_text())["annotations"])
    assert splits["val"]["boxes"] == boxes


def test_another_data_folder_is_refused(
    run_checkpoint: Path, drawn_data: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "images").symlink_to(drawn_data / "images")
    for name in ("train.json", "val.json"):
        (other / name).write_text((drawn_data / name).read_text() + "\n")
    with pytest.raises(FishdetError, match="give the folder that it was trained on"):
        publish(PublishOptions(run_checkpoint, tmp_path / "out", data=other))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("licence", "do what you like", "SPDX"),
        ("name", "../elsewhere", "letters, digits"),
        ("name", "a/b", "letters, digits"),
        ("checkpoint", Path("gone.pth"), "gone.pth: no such checkpoint"),
        ("config", Path("gone.py"), "gone.py: no such file"),
        ("images", [Path("gone.jpg")], "gone.jpg"),
    ],
)
def test_wrong_options(
    run_checkpoint: Path, tmp_path: Path, field: str, value: object, message: str
) -> None:
    options = {"checkpoint": run_checkpoint, "out": tmp_path / "out", field: value}
    with pytest.raises(FishdetError, match=message):
        publish(PublishOptions(**options))


def test_published_files_and_other_models_folders_are_left_alone(
    run_checkpoint: Path, published: Path, tmp_path: Path
) -> None:
    with pytest.raises(FishdetError, match="is published already"):
        publish(PublishOptions(published))
    (tmp_path / "README.md").write_text("# My notes")
    with pytest.raises(FishdetError, match="not the card of 'tiny_set'"):
        publish(PublishOptions(run_checkpoint, tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]


def test_the_command_line(
    run_checkpoint: Path, drawn_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish_tool, models_tool = tool("publish"), tool("models")
    picture = next((drawn_data / "images").glob("val*"))
    arguments = [
        str(run_checkpoint),
        "--out",
        str(tmp_path),
        "--name",
        "m",
        "--images",
        str(picture),
    ]
    publish_tool.main(arguments)
    printed = capsys.readouterr().out
    file = next(tmp_path.glob("m-*.safetensors"))
    assert str(file) in printed and "no licence stated" in printed
    assert (tmp_path / "results-1.jpg").stat().st_size > 1000
    assert "](results-1.jpg)" in (tmp_path / "README.md").read_text()
    models_tool.main(["inspect", str(file)])
    shown = json.loads(capsys.readouterr().out)
    numbers = sum(t.numel() for t in read_published(file)[1].values())
    assert shown["numbers"] == numbers == sum(shown["parts"].values())
    assert shown["papers"]["name"] == "m"


def test_an_img_scale_without_measure_is_refused(
    tiny_config: Path, run_copy: Path, drawn_data: Path
) -> None:
    checkpoint = torch.load(run_copy, weights_only=False)
    papers = checkpoint["meta"]["fishdet"]
    config = json.loads(papers["config"])
    config["img_scale"] = [MAX_PIXELS + 1, 4]
    papers["config"] = json.dumps(config)
    torch.save(checkpoint, run_copy)
    with pytest.raises(FishdetError, match="img_scale"):
        testing.test(testing.TestOptions(tiny_config, run_copy, drawn_data))


@pytest.mark.parametrize("name", ["nowhere", "gone.safetensors"])
def test_what_is_not_there_is_named(name: str) -> None:
    with pytest.raises(FishdetError, match=f"{name}: no such model"):
        fishdet.load_model(name)


def test_a_folder_stands_for_its_model(published: Path) -> None:
    assert fishdet.load_model(published.parent, device="cpu").classes[0] == "salmon"
