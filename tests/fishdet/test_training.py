"""Training, stopping, resuming, testing: on drawn and on real pictures."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from fish_dataset.errors import FishDataError
from fishdet import testing
from fishdet.checkpoint.load import classes_of, config_of, load_checkpoint
from fishdet.config import load_config, set_epochs, set_img_scale
from fishdet.errors import FishdetError
from fishdet.hooks.finite_loss import NonFiniteLossError
from fishdet.hooks.graceful_stop import GracefulStopHook, TrainingInterrupted
from fishdet.runner import DUMPS, build_runner
from fishdet.training import TrainOptions, size_switch, train, training_config

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_config: Path, drawn_data: Path) -> Path:
    """The work dir of a run of one epoch."""
    work_dir = tmp_path_factory.mktemp("run")
    train(TrainOptions(tiny_config, drawn_data, work_dir, epochs=1, precision="fp32", seed=1))
    return work_dir


def test_work_dir_holds_the_records(trained: Path) -> None:
    metrics = json.loads((trained / "metrics.json").read_text())
    assert metrics["val"][-1]["epoch"] == 1
    assert {"coco/bbox_mAP", "coco/bbox_mAP_50"} <= set(metrics["val"][-1])
    assert [row["name"] for row in metrics["val"][-1]["species"]][:2] == ["salmon", "eel"]
    record = json.loads((trained / "environment.json").read_text())
    assert record["seed"] == 1
    assert record["versions"]["torch"] == torch.__version__.split("+")[0]
    assert len(record["data"]["train"]["sha256"]) == 64
    assert (trained / "ap.png").stat().st_size > 1000
    assert list(trained.glob("best_coco_bbox_mAP*.pth"))
    assert (trained / "last_checkpoint").is_file()


def test_checkpoint_carries_config_and_classes(trained: Path) -> None:
    checkpoint = load_checkpoint(Path((trained / "last_checkpoint").read_text()))
    assert tuple(classes_of(checkpoint)[:2]) == ("salmon", "eel")
    config = config_of(checkpoint)
    assert config.model.roi_head.bbox_head.num_classes == 7
    assert isinstance(config.img_scale, tuple)


def test_evaluation_repeats_the_run_s_figure(
    trained: Path, tiny_config: Path, drawn_data: Path, tmp_path: Path
) -> None:
    metrics = json.loads((trained / "metrics.json").read_text())
    checkpoint = Path((trained / "last_checkpoint").read_text())
    out = tmp_path / "scores.json"
    options = testing.TestOptions(
        tiny_config, checkpoint, drawn_data, work_dir=tmp_path, out=out, precision="fp32"
    )
    totals = testing.test(options)
    assert totals["coco/bbox_mAP"] == pytest.approx(metrics["val"][-1]["coco/bbox_mAP"], abs=1e-9)
    record = json.loads(out.read_text())
    assert len(record["species"]) == 7
    assert {"bbox_mAP", "bbox_mAP_50", "count_MAE"} < set(record["intervals"])
    assert sum(record["reliability"]["counts"]) > 0 and 0 <= record["ece"] <= 1


def test_mirrored_pictures_are_merged(
    trained: Path, tiny_config: Path, drawn_data: Path, tmp_path: Path
) -> None:
    checkpoint = Path((trained / "last_checkpoint").read_text())
    options = testing.TestOptions(
        tiny_config, checkpoint, drawn_data, work_dir=tmp_path, tta=True, show_dir=Path("seen"),
        out=tmp_path / "scores.json", report=tmp_path / "page",
    )  # fmt: skip
    (tmp_path / "page").mkdir()
    assert 0 <= testing.test(options)["coco/bbox_mAP"] <= 1
    settings = json.loads((tmp_path / "scores.json").read_text())["settings"]
    assert "as it is and mirrored" in settings["views"] and settings["commit"]
    assert settings["views"] in (tmp_path / "page/report.html").read_text(encoding="utf-8")
    assert len(list(tmp_path.rglob("seen/*"))) == 6


def test_split_val_keeps_what_the_test_loader_is_told(
    trained: Path, tiny_config: Path, drawn_data: Path, tmp_path: Path
) -> None:
    checkpoint = Path((trained / "last_checkpoint").read_text())
    told = {
        "test_dataloader.dataset.reduced_decode": True,
        "test_dataloader.dataset.ann_file": "of the test split",
        "test_evaluator.max_dets": [1, 10, 300],
    }
    options = testing.TestOptions(
        tiny_config, checkpoint, drawn_data, "val", work_dir=tmp_path, cfg_options=told
    )
    cfg, _ = testing.testing_config(options)
    assert cfg.test_dataloader.dataset.reduced_decode is True
    assert cfg.test_evaluator.max_dets == [1, 10, 300]
    val = str(drawn_data / "val.json")
    assert cfg.test_dataloader.dataset.ann_file == cfg.test_evaluator.ann_file == val


def test_checkpoint_of_other_classes_is_refused(
    trained: Path, tiny_config: Path, fishdet_data: Path, tmp_path: Path
) -> None:
    checkpoint = Path((trained / "last_checkpoint").read_text())
    with pytest.raises(FishdetError, match=f"{checkpoint.name} knows other species") as caught:
        testing.test(
            testing.TestOptions(
                tiny_config, checkpoint, fishdet_data / "aquarium", work_dir=tmp_path
            )
        )
    assert "jellyfish" in str(caught.value)


def test_loss_that_is_not_finite_stops_before_the_step(
    tiny_config: Path, drawn_data: Path, tmp_path: Path
) -> None:
    """Trap 5: upstream goes on with NaN weights."""
    options = TrainOptions(
        tiny_config,
        drawn_data,
        tmp_path,
        epochs=1,
        precision="fp32",
        cfg_options={"model.roi_head.bbox_head.loss_bbox.loss_weight": float("inf")},
    )
    with pytest.raises(NonFiniteLossError) as caught:
        train(options)
    message = str(caught.value)
    assert ".jpg" in message or ".png" in message
    assert "Last good checkpoint: none" in message
    saved = load_checkpoint(next(tmp_path.glob("nonfinite_iter_*.pth")))
    assert all(torch.isfinite(value).all() for value in saved["state_dict"].values())


def test_interrupted_run_resumes_at_the_next_batch(
    monkeypatch: pytest.MonkeyPatch, tiny_config: Path, drawn_data: Path, tmp_path: Path
) -> None:
    """Stop after 2 of 6 iterations; the rest sees exactly the batches that were left."""
    seen: list[list[str]] = []
    original = GracefulStopHook.after_train_iter

    def spy(self: GracefulStopHook, runner, batch_idx, data_batch=None, outputs=None) -> None:
        seen.append(sorted(Path(s.img_path).name for s in data_batch["data_samples"]))
        if stop_after is not None and runner.iter + 1 == stop_after:
            os.kill(os.getpid(), signal.SIGINT)
        original(self, runner, batch_idx, data_batch, outputs)

    monkeypatch.setattr(GracefulStopHook, "after_train_iter", spy)
    options = dict(config=tiny_config, data=drawn_data, epochs=1, precision="fp32", seed=5)
    stop_after: int | None = None
    train(TrainOptions(work_dir=tmp_path / "whole", **options))
    whole, seen = seen, []
    stop_after = 2
    with pytest.raises(TrainingInterrupted, match="iteration 2"):
        train(TrainOptions(work_dir=tmp_path / "parts", **options))
    stop_after = None
    train(TrainOptions(work_dir=tmp_path / "parts", resume="auto", **options))
    assert len(whole) == 6
    assert seen == whole


def test_unwritable_work_dir_is_named(tiny_config: Path, drawn_data: Path, tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    with pytest.raises(FishDataError, match="cannot be written.*--work-dir"):
        train(TrainOptions(tiny_config, drawn_data, blocker / "run"))


@pytest.mark.parametrize(
    ("slip", "named"),
    [("train_dataloader.batchsize", "batchsize"), ("optim_wrapper.optimizer.rate", "rate")],
)
def test_an_unknown_setting_is_named(
    slip: str, named: str, tiny_config: Path, drawn_data: Path, tmp_path: Path
) -> None:
    options = TrainOptions(tiny_config, drawn_data, tmp_path, cfg_options={slip: 2})
    with pytest.raises(FishdetError, match=f"has no setting '{named}.*--cfg-options"):
        train(options)


def test_the_screen_shows_no_dump_and_the_log_file_does(
    tiny_config: Path, drawn_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cfg, _ = training_config(TrainOptions(tiny_config, drawn_data, tmp_path))
    build_runner(cfg)
    shown = capsys.readouterr().out
    log = next(tmp_path.glob("*/*.log")).read_text(encoding="utf-8")
    for dump in DUMPS[:3]:  # the fourth comes with settings for parts of a network
        assert dump in log and dump not in shown


def test_a_plan_leaves_nothing_behind(
    tiny_config: Path, drawn_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(TrainOptions(tiny_config, drawn_data, tmp_path / "run", dry_run=True))
    assert "training takes at most about" in capsys.readouterr().out
    assert not (tmp_path / "run").exists()


def test_a_plan_reads_the_weights_that_it_starts_from(
    tiny_config: Path, drawn_data: Path, tmp_path: Path
) -> None:
    options = TrainOptions(
        tiny_config, drawn_data, tmp_path / "run", dry_run=True,
        cfg_options={"load_from": str(tmp_path / "absent.pth")},
    )  # fmt: skip
    with pytest.raises(FishdetError, match=r"absent\.pth"):
        train(options)


def test_the_eta_comes_with_a_warning_where_pictures_grow() -> None:
    cfg = load_config(ROOT / "configs" / "fish.py")
    assert "128×128 px until epoch 3, then of 192×192 px" in size_switch(cfg)
    set_img_scale(cfg, (384, 384))
    assert "256×256 px until epoch 3, then of 384×384 px" in size_switch(cfg)
    set_epochs(cfg, 1)
    assert size_switch(cfg) == "", "one epoch is of full size from the start"
    cfg.custom_hooks = [hook for hook in cfg.custom_hooks if "Switch" not in hook["type"]]
    assert size_switch(cfg) == ""


def test_command_line_trains_tests_and_predicts_on_real_pictures(
    tiny_config: Path, fishdet_data: Path, tmp_path: Path
) -> None:
    data = fishdet_data / "aquarium"
    work_dir = tmp_path / "run"
    small = [
        "--cfg-options",
        "train_dataloader.dataset.indices=8",
        "val_dataloader.dataset.indices=4",
    ]
    run_tool("train.py", tiny_config, "--data", data, "--work-dir", work_dir, "--epochs", 1, *small)
    checkpoint = (work_dir / "last_checkpoint").read_text()
    log = run_tool(
        "test.py", tiny_config, checkpoint, "--data", data, "--work-dir", tmp_path,
        "--cfg-options", "test_dataloader.dataset.indices=4", "--out", tmp_path / "s.json",
    )  # fmt: skip
    assert "jellyfish" in log
    images = sorted((data / "images").iterdir())[:2]
    run_tool("predict.py", checkpoint, *images, "--out", tmp_path / "pictures", "--score-thr", 0.01)
    results = json.loads((tmp_path / "pictures" / "predictions.json").read_text())
    assert [image["file_name"] for image in results["images"]] == [path.name for path in images]


@pytest.mark.slow
def test_ctrl_c_in_a_terminal_leaves_a_checkpoint(
    tiny_config: Path, drawn_data: Path, tmp_path: Path
) -> None:
    """A terminal signals the whole process group, so the whole group is signalled here."""
    command = [sys.executable, str(ROOT / "tools" / "train.py"), str(tiny_config)]
    command += ["--data", str(drawn_data), "--work-dir", str(tmp_path), "--epochs", "500"]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "Saving checkpoint" in line:
            os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=60) == 2, "".join(lines[-20:])
    pointer = Path((tmp_path / "last_checkpoint").read_text())
    assert pointer.name.startswith("interrupted_iter_") and pointer.is_file()
    assert any("Go on with the same command and --resume" in line for line in lines)


def test_mistakes_end_with_one_line_and_status_2(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "tools" / "train.py"), str(tmp_path / "no.py")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 2
    assert "error: config" in done.stderr and "Traceback" not in done.stderr


def run_tool(name: str, *args: object) -> str:
    command = [sys.executable, str(ROOT / "tools" / name), *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout + done.stderr
