"""Train with compiled backbone and neck (``tools/train.py --compile``)."""

from __future__ import annotations

from mmdet.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from fishdet.models.compiled import compile_parts


@HOOKS.register_module()
class CompileHook(Hook):
    """Hand backbone and neck to ``torch.compile`` before training begins."""

    priority = "LOW"  # after memory format and algorithms are chosen

    def before_train(self, runner: Runner) -> None:
        """Compile in place, inside whatever wraps the model."""
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        runner.logger.info(f"torch.compile: {compile_parts(model)} at their first pictures.")
