"""FishCheckpointHook: n last, n best, in an order that loses nothing."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from mmengine.logging import MessageHub

from fishdet.checkpoint.training.saving import BEST, LAST, CheckpointNotWritten
from fishdet.hooks.checkpoints import FishCheckpointHook


class FakeRunner:
    """What the hook uses of a Runner: it writes the scores it knows as a checkpoint's text."""

    def __init__(self, work_dir: Path, max_epochs: int = 99) -> None:
        self.work_dir, self.max_epochs = str(work_dir), max_epochs
        self.epoch, self.iter = 0, 0
        self.message_hub = MessageHub("fake")
        self.logger = logging.getLogger("fake")
        self.full_at: set[str] = set()
        self.present_when_written: dict[str, set[str]] = {}

    def save_checkpoint(self, out_dir: str, filename: str, *args: Any, **kwargs: Any) -> None:
        folder = Path(out_dir)
        present = {path.name for path in folder.glob("*.pth")}
        self.present_when_written.setdefault(filename, present)
        if filename in self.full_at:
            raise CheckpointNotWritten(f"{filename} cannot be written: No space left on device")
        best = self.message_hub.runtime_info.get("best_score")
        (folder / filename).write_text(str(best))


def run(runner: FakeRunner, hook: FishCheckpointHook, scores: list[float]) -> None:
    """One epoch for each score: train, save, evaluate."""
    for score in scores:
        hook.after_train_epoch(runner)
        runner.epoch += 1
        hook.after_val_epoch(runner, {"mAP": score})


def files(work_dir: Path) -> set[str]:
    return {path.name for path in work_dir.glob("*.pth")}


def begin(work_dir: Path, **settings: Any) -> tuple[FakeRunner, FishCheckpointHook]:
    runner = FakeRunner(work_dir, settings.pop("max_epochs", 99))
    settings = {"interval": 1, "max_keep_ckpts": 2, "save_best": "mAP", **settings}
    hook = FishCheckpointHook(**settings)
    hook.before_train(runner)
    return runner, hook


def test_two_last_and_two_best_are_kept(tmp_path: Path) -> None:
    runner, hook = begin(tmp_path, max_keep_best=2)
    run(runner, hook, [0.1, 0.5, 0.3, 0.4, 0.2])
    assert files(tmp_path) == {
        "epoch_4.pth", "epoch_5.pth", "best_mAP_epoch_2.pth", "best_mAP_epoch_4.pth",
    }  # fmt: skip
    assert (tmp_path / BEST).read_text() == str(tmp_path / "best_mAP_epoch_2.pth")
    assert (tmp_path / LAST).read_text() == str(tmp_path / "epoch_5.pth")
    assert runner.message_hub.get_info("best_score") == 0.5


def test_nothing_goes_before_its_successor_is_there(tmp_path: Path) -> None:
    """mmengine deletes first: a machine that dies in between has neither."""
    runner, hook = begin(tmp_path, max_keep_ckpts=1)
    run(runner, hook, [0.1, 0.2])
    assert "epoch_1.pth" in runner.present_when_written["epoch_2.pth"]
    assert "best_mAP_epoch_1.pth" in runner.present_when_written["best_mAP_epoch_2.pth"]
    assert files(tmp_path) == {"epoch_2.pth", "best_mAP_epoch_2.pth"}


def test_the_epoch_s_checkpoint_holds_what_its_evaluation_brought(tmp_path: Path) -> None:
    runner, hook = begin(tmp_path)
    run(runner, hook, [0.25])
    assert (tmp_path / "epoch_1.pth").read_text() == "0.25"


def test_an_equal_score_is_no_better_one_and_nan_is_none(tmp_path: Path) -> None:
    runner, hook = begin(tmp_path)
    run(runner, hook, [float("nan"), 0.3, 0.3])
    assert "best_mAP_epoch_2.pth" in files(tmp_path)
    assert not {"best_mAP_epoch_1.pth", "best_mAP_epoch_3.pth"} & files(tmp_path)


def test_less_can_be_better(tmp_path: Path) -> None:
    runner, hook = begin(tmp_path, rule="less", max_keep_best=2)
    run(runner, hook, [0.3, 0.1, 0.2])
    best = {name for name in files(tmp_path) if name.startswith("best")}
    assert best == {"best_mAP_epoch_2.pth", "best_mAP_epoch_3.pth"}


def test_training_goes_on_where_a_checkpoint_finds_no_room(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    runner, hook = begin(tmp_path, max_keep_ckpts=1)
    run(runner, hook, [0.5])
    runner.full_at = {"epoch_2.pth", "best_mAP_epoch_2.pth"}
    with caplog.at_level(logging.ERROR):
        run(runner, hook, [0.6])
    assert "No space left on device. Training goes on" in caplog.text
    assert f"the last good one is {tmp_path / 'epoch_1.pth'}" in caplog.text
    assert files(tmp_path) == {"epoch_1.pth", "best_mAP_epoch_1.pth"}
    assert (tmp_path / LAST).read_text() == str(tmp_path / "epoch_1.pth")
    assert runner.message_hub.get_info("best_score") == 0.5
    runner.full_at = set()
    run(runner, hook, [0.7])
    assert files(tmp_path) == {"epoch_3.pth", "best_mAP_epoch_3.pth"}


def test_the_last_checkpoint_of_a_run_must_be_written(tmp_path: Path) -> None:
    runner, hook = begin(tmp_path, max_epochs=2)
    run(runner, hook, [0.5])
    runner.full_at = {"epoch_2.pth"}
    with pytest.raises(CheckpointNotWritten, match=r"last good one is .*epoch_1.pth.*--resume"):
        run(runner, hook, [0.6])


def test_a_resumed_run_clears_up_and_keeps_the_ranking(tmp_path: Path) -> None:
    """Killed before it deleted: what was to go is in the lists that the checkpoint brought."""
    first, hook = begin(tmp_path, max_keep_best=2)
    run(first, hook, [0.1, 0.5])
    (tmp_path / "epoch_0.pth").write_text("")
    (tmp_path / "best_mAP_epoch_0.pth").write_text("")
    (tmp_path / ".epoch_3.pth.partial").write_text("half")
    known = first.message_hub
    known.update_info("keep_ckpt_ids", [0, 1, 2])
    rows = [*hook.rankings["mAP"], [0.0, "best_mAP_epoch_0.pth"]]
    known.update_info("best_ranking", {"mAP": rows})
    second = FakeRunner(tmp_path)
    second.message_hub, second.epoch = known, 2
    hook = FishCheckpointHook(interval=1, max_keep_ckpts=2, save_best="mAP", max_keep_best=2)
    hook.before_train(second)
    assert not list(tmp_path.glob(".*.partial"))
    assert files(tmp_path) == {
        "epoch_1.pth", "epoch_2.pth", "best_mAP_epoch_1.pth", "best_mAP_epoch_2.pth",
    }  # fmt: skip
    run(second, hook, [0.3])
    assert files(tmp_path) == {
        "epoch_2.pth", "epoch_3.pth", "best_mAP_epoch_2.pth", "best_mAP_epoch_3.pth",
    }  # fmt: skip


def test_a_best_checkpoint_that_is_gone_does_not_stay_the_best(tmp_path: Path) -> None:
    first, hook = begin(tmp_path)
    run(first, hook, [0.9])
    (tmp_path / "best_mAP_epoch_1.pth").unlink()
    second = FakeRunner(tmp_path)
    second.message_hub, second.epoch = first.message_hub, 1
    hook = FishCheckpointHook(interval=1, max_keep_ckpts=2, save_best="mAP")
    hook.before_train(second)
    run(second, hook, [0.4])
    assert "best_mAP_epoch_2.pth" in files(tmp_path)
    assert second.message_hub.get_info("best_score") == 0.4


def test_lists_of_mmengine_s_own_hook_are_taken_up(tmp_path: Path) -> None:
    (tmp_path / "best_mAP_epoch_1.pth").write_text("")
    runner = FakeRunner(tmp_path)
    runner.epoch = 1
    runner.message_hub.update_info("best_score", 0.9)
    runner.message_hub.update_info("best_ckpt", str(tmp_path / "best_mAP_epoch_1.pth"))
    hook = FishCheckpointHook(interval=1, save_best="mAP")
    hook.before_train(runner)
    run(runner, hook, [0.4])
    assert "best_mAP_epoch_1.pth" in files(tmp_path)
    assert "best_mAP_epoch_2.pth" not in files(tmp_path)
