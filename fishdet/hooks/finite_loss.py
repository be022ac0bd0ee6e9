"""Stop at the first loss that is not finite, before it reaches the weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from mmdet.registry import HOOKS
from mmengine.dist import all_gather_object, all_reduce, get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner

from fishdet.errors import FishdetError


class NonFiniteLossError(FishdetError):
    """The training loss became NaN or infinite."""


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Check each loss before the optimizer uses it.

    mmdet's ``CheckInvalidLossHook`` looks every 50 iterations and after the step, when the
    weights are NaN already. Here the state of before the step is saved beside the images of the
    batch, so that the fault can be studied and training can go on from it.
    """

    priority = "VERY_HIGH"

    def __init__(self) -> None:
        self._batch: Any = None

    def before_train(self, runner: Runner) -> None:
        """Guard the optimizer wrapper's ``update_params``."""
        wrapper = runner.optim_wrapper
        wrapper.update_params = self._guarded(runner, wrapper.update_params)  # type: ignore[method-assign]

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Remember the batch: its image paths go into the message."""
        self._batch = data_batch

    def _guarded(self, runner: Runner, update: Callable[..., None]) -> Callable[..., None]:
        def update_params(loss: torch.Tensor, *args: Any, **kwargs: Any) -> None:
            finite = torch.isfinite(loss.detach()).all().to(torch.int32)
            if get_world_size() > 1:  # one process's NaN would reach the weights of all
                all_reduce(finite, op="min")
            if not bool(finite):
                raise NonFiniteLossError(self._explain(runner, float(loss.detach())))
            update(loss, *args, **kwargs)

        return update_params

    def _explain(self, runner: Runner, value: float) -> str:
        name = f"nonfinite_iter_{runner.iter + 1}.pth"
        meta = {"epoch": runner.epoch, "iter": runner.iter}
        runner.save_checkpoint(runner.work_dir, name, meta=meta)
        found = all_gather_object((value, batch_images(self._batch)))
        values = named_by_process([value for value, _ in found])
        paths = [path for value, paths in found if not math.isfinite(value) for path in paths]
        images = "\n  ".join(paths)
        return (
            f"the loss is {values} at epoch {runner.epoch + 1}, iteration {runner.iter + 1}: "
            f"training stops before the optimizer uses it.\nImages of the batch:\n  {images}\n"
            f"Last good checkpoint: {last_checkpoint(Path(runner.work_dir))}\n"
            f"State before this step: {Path(runner.work_dir) / name}\n"
            "Look at these images and their boxes; if they are sound, lower the learning rate "
            "(--cfg-options optim_wrapper.optimizer.lr=…), clip gradients "
            "(optim_wrapper.clip_grad.max_norm=10), or train in full precision (--precision fp32)."
        )


def named_by_process(values: Sequence[float]) -> str:
    """Return the loss that is not finite, of several processes with their numbers."""
    if len(values) == 1:
        return str(values[0])
    return ", ".join(
        f"{value} in process {rank}"
        for rank, value in enumerate(values)
        if not math.isfinite(value)
    )


def batch_images(data_batch: Any) -> list[str]:
    """Return the image paths of a collated mmdet batch; empty if it carries none."""
    samples: Sequence[Any] = (
        data_batch.get("data_samples", []) if isinstance(data_batch, dict) else []
    )
    return [str(getattr(sample, "img_path", "?")) for sample in samples]


def last_checkpoint(work_dir: Path) -> str:
    """Return the path that mmengine's ``last_checkpoint`` file names, or ``none``."""
    pointer = work_dir / "last_checkpoint"
    return pointer.read_text().strip() if pointer.is_file() else "none (no epoch is finished)"
