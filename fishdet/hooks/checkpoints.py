"""Keep the n last and the n best checkpoints; never delete one before its successor is there."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmdet.registry import HOOKS
from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner

from fishdet.checkpoint.training.saving import (
    BEST,
    LAST,
    CheckpointNotWritten,
    note,
    remove_partials,
)

Ranking = list[list[Any]]  # [score, file name], the best first


@HOOKS.register_module()
class FishCheckpointHook(CheckpointHook):
    """mmengine's ``CheckpointHook`` for disks that fill up and machines that die.

    mmengine deletes the oldest checkpoint and the last best one before it writes the new. Here
    they go when the new ones are on the disk, and a list of what is to go travels in them, so
    that a run killed in between clears up when it is resumed. After an evaluation the epoch's
    checkpoint is written again: it then holds the best score. A checkpoint that cannot be written
    is reported and training goes on, unless it is the last of the run.

    Args:
        max_keep_best: how many of the best by ``save_best`` to keep.
    """

    def __init__(self, *args: Any, max_keep_best: int = 1, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if max_keep_best < 1:
            raise ValueError(f"max_keep_best must be at least 1, not {max_keep_best}")
        self.max_keep_best = max_keep_best
        self.kept: list[int] = []
        self.rankings: dict[str, Ranking] = {}

    def before_train(self, runner: Runner) -> None:
        """Take up the lists of a run that is resumed, and clear up after it."""
        super().before_train(runner)
        known = runner.message_hub.runtime_info
        self.kept = list(getattr(self, "keep_ckpt_ids", []))
        self.last_ckpt = known.get("last_ckpt")
        rankings = known.get("best_ranking") or self._upstream_best(known)
        self.rankings = {key: self._present(list(rows)) for key, rows in rankings.items()}
        self._remove_worse()
        if is_main_process() and self._is_local():
            remove_partials(Path(self.out_dir))

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float]) -> None:
        """Save the best, then the epoch's checkpoint again with what the evaluation brought."""
        super().after_val_epoch(runner, metrics)
        step = runner.epoch if self.by_epoch else runner.iter
        if self.last_ckpt and Path(self.last_ckpt).name == self.filename_tmpl.format(step):
            meta = {"epoch": runner.epoch, "iter": runner.iter}
            self._save_checkpoint_with_step(runner, step, meta)
        self._remove_worse()

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict[str, Any]) -> None:
        name = self.filename_tmpl.format(step)
        before, kept = self.last_ckpt, self.kept
        self._note_last(runner, self._path(name), [*(s for s in kept if s != step), step])
        try:
            runner.save_checkpoint(
                self.out_dir, name, self.file_client_args, save_optimizer=self.save_optimizer,
                save_param_scheduler=self.save_param_scheduler, meta=meta, by_epoch=self.by_epoch,
                backend_args=self.backend_args, **self.args,
            )  # fmt: skip
            if is_main_process():
                note(Path(runner.work_dir), LAST, self.last_ckpt)
        except CheckpointNotWritten as error:
            self._note_last(runner, before, kept)
            if self._is_end(runner) and not Path(self._path(name)).is_file():
                left = f"the last good one is {before}" if before else "there is none before it"
                go_on = "go on with the same command and --resume" if before else "start again"
                raise CheckpointNotWritten(f"{error}; {left}. Make room and {go_on}.") from error
            self._report(runner, error)
            return
        while len(self.kept) > self.max_keep_ckpts > 0:
            self._remove(self.filename_tmpl.format(self.kept.pop(0)))

    def _save_best_checkpoint(self, runner: Runner, metrics: dict[str, float]) -> None:
        if not self.save_best:
            return
        if "auto" in self.key_indicators:
            self._init_rule(self.rules, [next(iter(metrics))])
        for key in self.key_indicators:
            score = metrics[key]
            if score is None or math.isnan(score):
                continue
            self._rank(runner, key, float(score))

    def _rank(self, runner: Runner, key: str, score: float) -> None:
        """Save the weights if they are among the best by ``key``."""
        kind, step = ("epoch", runner.epoch) if self.by_epoch else ("iter", runner.iter)
        name = f"best_{key}_{self.filename_tmpl.format(step)}".replace("/", "_")
        rows = [row for row in self.rankings.get(key, []) if row[1] != name]
        place = place_of(score, rows, self.is_better_than[key])
        if place >= self.max_keep_best:
            return
        try:
            runner.save_checkpoint(
                self.out_dir, name, self.file_client_args, save_optimizer=False,
                save_param_scheduler=False, meta={"epoch": runner.epoch, "iter": runner.iter},
                by_epoch=False, backend_args=self.backend_args,
            )  # fmt: skip
        except CheckpointNotWritten as error:
            self._report(runner, error)
            return
        self.rankings[key] = [*rows[:place], [score, name], *rows[place:]]
        self._note_best(runner, key)
        rank = "best" if place == 0 else f"best but {place}"
        runner.logger.info(f"The {rank} checkpoint by {key}, {score:.4f} at {kind} {step}: {name}")

    def _note_last(self, runner: Runner, path: str | None, kept: list[int]) -> None:
        self.last_ckpt, self.kept = path, kept
        runner.message_hub.update_info("last_ckpt", path)
        if self.max_keep_ckpts > 0:
            runner.message_hub.update_info("keep_ckpt_ids", list(kept))

    def _note_best(self, runner: Runner, key: str) -> None:
        """Note the best in mmengine's terms, and all with those that are to go."""
        score, name = self.rankings[key][0]
        ending = "" if len(self.key_indicators) == 1 else f"_{key}"
        runner.message_hub.update_info(f"best_score{ending}", score)
        runner.message_hub.update_info(f"best_ckpt{ending}", self._path(name))
        runner.message_hub.update_info(
            "best_ranking", {k: [list(row) for row in rows] for k, rows in self.rankings.items()}
        )
        if is_main_process() and key == self.key_indicators[0]:
            try:
                note(Path(runner.work_dir), BEST, self._path(name))
            except CheckpointNotWritten as error:
                self._report(runner, error)

    def _upstream_best(self, known: dict[str, Any]) -> dict[str, Ranking]:
        """Return the best of a checkpoint that mmengine's own hook wrote."""
        if not self.save_best or "best_ckpt" not in known or len(self.key_indicators) > 1:
            return {}
        return {self.key_indicators[0]: [[known["best_score"], Path(known["best_ckpt"]).name]]}

    def _present(self, rows: Ranking) -> Ranking:
        """Return the rows whose file is still there: only those can be the best."""
        return [row for row in rows if self.file_backend.isfile(self._path(row[1]))]

    def _remove_worse(self) -> None:
        for rows in self.rankings.values():
            while len(rows) > self.max_keep_best:
                self._remove(rows.pop()[1])

    def _remove(self, name: str) -> None:
        if is_main_process() and self.file_backend.isfile(self._path(name)):
            self.file_backend.remove(self._path(name))

    def _path(self, name: str) -> str:
        return self.file_backend.join_path(self.out_dir, name)

    def _is_local(self) -> bool:
        return "://" not in str(self.out_dir)

    def _is_end(self, runner: Runner) -> bool:
        if self.by_epoch:
            return self.is_last_train_epoch(runner)
        return self.is_last_train_iter(runner)

    def _report(self, runner: Runner, error: CheckpointNotWritten) -> None:
        runner.logger.error(f"{error}. Training goes on; the last good one is {self.last_ckpt}.")


def place_of(score: float, rows: Ranking, better: Callable[[float, float], bool]) -> int:
    """Return where ``score`` comes in among rows that are ordered best first; behind its equals."""
    return next((at for at, row in enumerate(rows) if better(score, row[0])), len(rows))
