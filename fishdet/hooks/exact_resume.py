"""Make a run that goes on from a checkpoint equal the one that never stopped, bit for bit."""

from __future__ import annotations

import time
from typing import Any

import torch
from mmdet.registry import HOOKS
from mmengine.dist import broadcast, get_rank, get_world_size
from mmengine.hooks import EMAHook, Hook
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner

from fishdet.checkpoint.training.newest import NOTES
from fishdet.resume import ResumableTrainLoop
from fishdet.seeding import ITERATION, VALIDATION, seed_streams

GRADIENTS = "gradients"
COMPARED = ("world_size", "batch_size", "threads", "precision", "data")


@HOOKS.register_module()
class ExactResumeHook(Hook):
    """Put into checkpoints what mmengine leaves out, and take it up again.

    Weights, optimizer, learning rate, EMA, loss scale and best score are in mmengine's own
    checkpoints. Added are the place in the epoch, an evaluation still due, the sampler's seed and
    gradients that wait for more to be accumulated. Random states are not stored: each iteration
    starts from generators seeded by its number (``fishdet.seeding``).

    Exact on one kind of CPU with equal thread count, in one process or two: how a sum over more
    is ordered is the backend's affair, as are CUDA kernels. Transforms and hooks that keep a
    state of their own (mmdet's ``CachedMosaic``, ``BatchSyncRandomResize``, mmengine's
    ``EarlyStoppingHook``) do not save it.
    """

    priority = "VERY_HIGH"

    def __init__(self) -> None:
        self._notes: dict[str, Any] = {}
        self._gradients: dict[str, torch.Tensor] = {}

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Keep the notes of a checkpoint that is resumed until the loop stands."""
        if runner._resume:
            self._notes = dict(checkpoint.get("meta", {}).get(NOTES, {}))
            self._gradients = checkpoint.get(GRADIENTS, {})

    def before_train(self, runner: Runner) -> None:
        """Take up the place in the epoch, the sampler's seed and waiting gradients."""
        loop = runner.train_loop
        notes, self._notes = self._notes, {}
        if not notes or not isinstance(loop, ResumableTrainLoop):
            return
        self._warn_of_differences(runner, notes)
        loop.validation_pending = notes["validation_pending"]
        done = runner.iter - notes["epoch_began"]
        loop.epoch_began = runner.iter - done * _pictures(notes) // _pictures(_setting(runner))
        sampler = _sampler(loop)
        if notes["sampler_seed"] is not None and hasattr(sampler, "seed"):
            sampler.seed = notes["sampler_seed"]
        for name, parameter in _network(runner).named_parameters():
            if name in self._gradients:
                parameter.grad = self._gradients[name].to(parameter.device)
        self._gradients = {}

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Seed this iteration's random numbers: which proposals are sampled, dropout."""
        seed_streams(runner.seed, ITERATION, runner.iter, get_rank())

    def before_val_epoch(self, runner: Runner) -> None:
        """Seed the evaluation's."""
        seed_streams(runner.seed, VALIDATION, runner.epoch, get_rank())

    def after_train_epoch(self, runner: Runner) -> None:
        """Give every process the statistics of the first, whose are saved and resumed."""
        if get_world_size() == 1:
            return
        averaged = [h.ema_model.module for h in runner.hooks if isinstance(h, EMAHook)]
        for network in (_network(runner), *averaged):
            for buffer in network.buffers():
                broadcast(buffer, src=0)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Note that the epoch has been evaluated."""
        if isinstance(runner._train_loop, ResumableTrainLoop):
            runner._train_loop.validation_pending = False

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Add the notes; ``meta`` holds the epoch and iteration that the file stands for."""
        loop, meta = runner.train_loop, checkpoint["meta"]
        if not isinstance(loop, ResumableTrainLoop):
            return
        inside = meta["epoch"] == runner.epoch
        meta[NOTES] = {
            "saved_at": time.time(),
            "epoch_began": loop.epoch_began if inside else meta["iter"],
            "validation_pending": loop.validation_pending,
            "sampler_seed": getattr(_sampler(loop), "seed", None),
            **_setting(runner),
        }
        if "optimizer" in checkpoint and _accumulating(runner):
            checkpoint[GRADIENTS] = _gradients(runner)

    @staticmethod
    def _warn_of_differences(runner: Runner, notes: dict[str, Any]) -> None:
        now = _setting(runner)
        changed = [
            f"{key} was {notes.get(key)}, is {now[key]}"
            for key in COMPARED
            if notes.get(key) != now[key]
        ]
        if changed:
            runner.logger.warning(
                f"The run goes on, but not exactly as it would have: {'; '.join(changed)}."
            )


def _setting(runner: Runner) -> dict[str, Any]:
    """Return what has to be equal for an exact resume."""
    dataset = runner.train_dataloader.dataset
    while hasattr(dataset, "dataset"):
        dataset = dataset.dataset
    return {
        "world_size": get_world_size(),
        "batch_size": runner.train_dataloader.batch_sampler.batch_size,
        "threads": torch.get_num_threads(),
        "precision": runner.cfg.get("precision"),
        "data": getattr(dataset, "digest", None),
    }


def _pictures(setting: dict[str, Any]) -> int:
    """Return how many pictures one iteration of all processes sees."""
    return setting["batch_size"] * setting["world_size"]


def _sampler(loop: ResumableTrainLoop) -> Any:
    return loop.dataloader.batch_sampler.sampler


def _network(runner: Runner) -> torch.nn.Module:
    return runner.model.module if is_model_wrapper(runner.model) else runner.model


def _accumulating(runner: Runner) -> bool:
    wrapper = runner.optim_wrapper
    return isinstance(wrapper, OptimWrapper) and not wrapper.should_update()


def _gradients(runner: Runner) -> dict[str, torch.Tensor]:
    if get_world_size() > 1:
        runner.logger.warning(
            "This checkpoint stands inside an accumulation of gradients, and each process has its "
            "own: going on from it is not exact. Choose accumulative_counts that divides the "
            "iterations of an epoch."
        )
        return {}
    return {
        name: parameter.grad.detach().cpu().clone()
        for name, parameter in _network(runner).named_parameters()
        if parameter.grad is not None
    }
