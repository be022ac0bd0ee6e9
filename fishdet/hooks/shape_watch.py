"""Say when ever new picture shapes slow a CPU down."""

from __future__ import annotations

from typing import Any

from mmdet.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import Runner


@HOOKS.register_module()
class ShapeWatchHook(Hook):
    """Count the distinct batch shapes of training on a CPU and warn once.

    oneDNN builds its kernels anew for each shape that it has not seen, which costs seconds: a
    pipeline that yields a new shape each iteration runs up to eight times slower.

    Args:
        most: shapes that are fine.
    """

    def __init__(self, most: int = 8) -> None:
        self.most = most
        self.shapes: set[tuple[int, ...]] = set()
        self._told = False

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Note the padded size of the batch, which the data preprocessor gives it."""
        device = next(runner.model.parameters()).device.type
        if self._told or device != "cpu" or not isinstance(data_batch, dict):
            return
        divisor = runner.cfg.model.get("data_preprocessor", {}).get("pad_size_divisor", 1)
        self.shapes.add(padded_size(data_batch["inputs"], divisor))
        if len(self.shapes) > self.most:
            self._told = True
            runner.logger.warning(
                f"{len(self.shapes)} different batch sizes in {runner.iter + 1} iterations: on a "
                "CPU each new size costs seconds of kernel building. Use few fixed sizes: "
                "--img-scale W H, one `scale` in the pipeline, a `pad_size_divisor` of 64 or more."
            )


def padded_size(images: Any, divisor: int) -> tuple[int, int]:
    """Return (height, width) to which a batch of (C, H, W) images is padded."""
    height = max(int(image.shape[-2]) for image in images)
    width = max(int(image.shape[-1]) for image in images)
    return -(-height // divisor) * divisor, -(-width // divisor) * divisor
