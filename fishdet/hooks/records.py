"""What a run leaves behind: metrics.json, environment.json, curves, and the checkpoint's papers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmdet.registry import HOOKS
from mmengine.dist import all_gather_object, get_world_size, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from fish_dataset.files import read_json, write_json
from fishdet.checkpoint.papers import box_counts, checkpoint_papers
from fishdet.environment import environment
from fishdet.plots import plot_curves


@HOOKS.register_module()
class RecordsHook(Hook):
    """Write the records of a run into its work dir, after every epoch, always whole files.

    ``metrics.json`` holds ``train`` (one row a logged iteration: epoch, iter, lr, losses; those of
    several processes are averaged, as their gradients are) and ``val`` (one row an evaluation:
    epoch, totals, per species). A resumed run continues it.

    Args:
        interval: iterations between two rows of ``train``.
    """

    priority = 85  # before FishCheckpointHook: what a checkpoint knows, metrics.json holds

    def __init__(self, interval: int = 10) -> None:
        self.interval = interval
        self.rows: dict[str, list[dict[str, Any]]] = {"train": [], "val": []}
        self._written: tuple[int, int] | None = None

    def before_train(self, runner: Runner) -> None:
        """Write environment.json; take up the rows of a run that is resumed."""
        path = self._path(runner, "metrics.json")
        if runner.iter > 0 and path.is_file():
            old = read_json(path)
            self.rows = {
                "train": [row for row in old["train"] if row["iter"] <= runner.iter],
                "val": [row for row in old["val"] if row["epoch"] <= runner.epoch],
            }
        if is_main_process():
            record = environment(seed=runner.seed, precision=runner.cfg.get("precision"))
            record["data"] = data_record(runner)
            write_json(self._path(runner, "environment.json"), record)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Put config (as data), classes and digest into the checkpoint."""
        checkpoint["meta"]["fishdet"] = checkpoint_papers(runner.cfg, data_record(runner))
        self._write(runner)  # a run that is stopped has its curves up to here

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Note losses and learning rate."""
        if not self.every_n_train_iters(runner, self.interval):
            return
        losses = mean_losses(outputs or {})
        lr = runner.optim_wrapper.get_lr()["lr"][0]
        row = {"epoch": runner.epoch + 1, "iter": runner.iter + 1, "lr": lr, **losses}
        self.rows["train"].append(row)

    def after_train_epoch(self, runner: Runner) -> None:
        """Write after the epoch, before its evaluation."""
        self._write(runner)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Note the evaluation; the loop's epoch has moved on by now in training."""
        species = [
            row
            for metric in runner.val_evaluator.metrics
            if getattr(metric, "report", None) is not None
            for row in metric.report.per_class
        ]
        row = {"epoch": runner.epoch, "iter": runner.iter, **(metrics or {}), "species": species}
        # an evaluation that was cut off behind this point comes once more in the resumed run
        others = [old for old in self.rows["val"] if old["epoch"] != runner.epoch]
        self.rows["val"] = [*others, row]
        self._write(runner)

    def _write(self, runner: Runner) -> None:
        if not is_main_process():
            return
        state = (runner.iter, len(self.rows["val"]))
        if state == self._written:  # one epoch's end saves up to three checkpoints
            return
        self._written = state
        write_json(self._path(runner, "metrics.json"), self.rows)
        plot_curves(self.rows, Path(runner.work_dir))

    @staticmethod
    def _path(runner: Runner, name: str) -> Path:
        return Path(runner.work_dir) / name


def mean_losses(outputs: Mapping[str, Any]) -> dict[str, float]:
    """Return each loss, averaged over the processes that have it; a collective call."""
    own = {name: torch.as_tensor(value).item() for name, value in outputs.items()}
    if get_world_size() == 1:
        return own
    gathered = all_gather_object(own)
    found: dict[str, list[float]] = {}
    for name, value in (item for one in gathered for item in one.items()):
        found.setdefault(name, []).append(value)
    return {name: sum(values) / len(values) for name, values in found.items()}


def data_record(runner: Runner) -> dict[str, Any]:
    """Return classes, digest and sizes of the data that a runner trains on."""
    record: dict[str, Any] = {
        "classes": list(runner.train_dataloader.dataset.metainfo["classes"]),
        "train": _split_record(runner.train_dataloader.dataset),
    }
    if runner.val_loop is not None:
        record["val"] = _split_record(runner.val_dataloader.dataset)
    return record


def _split_record(dataset: Any) -> dict[str, Any]:
    while hasattr(dataset, "dataset"):
        dataset = dataset.dataset
    rows = dataset.image_rows
    facts = {"ann_file": dataset.ann_file, "sha256": dataset.digest, "images": len(rows)}
    return facts | box_counts(dataset.annotations.select_images(rows))
