"""Tell losses how common each species is in the training pictures."""

from __future__ import annotations

import torch
from mmdet.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from fish_dataset.annotations import Annotations


@HOOKS.register_module()
class ImageSharesHook(Hook):
    """Fill in ``image_shares`` of every loss that has them, before training starts."""

    def before_train(self, runner: Runner) -> None:
        """Read the annotations of the innermost training data set; each picture counts once."""
        dataset = runner.train_dataloader.dataset
        while hasattr(dataset, "dataset"):
            dataset = dataset.dataset
        shares = image_shares(dataset.annotations)
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        losses = [part for part in model.modules() if hasattr(part, "image_shares")]
        for loss in losses:
            loss.image_shares.copy_(shares)
        names = dataset.annotations.classes
        told = ", ".join(f"{name} {share:.1%}" for name, share in zip(names, shares, strict=True))
        rare = {
            names[i]
            for loss in losses
            for i in torch.nonzero(shares < loss.rare).flatten().tolist()
        }
        runner.logger.info(
            f"Share of training pictures with a species: {told}. Rare: "
            f"{', '.join(sorted(rare)) or 'none, so the loss is a plain sigmoid cross entropy'}."
        )


def image_shares(annotations: Annotations) -> torch.Tensor:
    """Return the share of pictures that hold a species, one a class; ignored boxes do not count."""
    kept = ~(annotations.crowd | annotations.ignore)
    pairs = torch.from_numpy(annotations.box_image[kept]).long() * len(annotations.classes)
    pairs = pairs + torch.from_numpy(annotations.labels[kept]).long()
    labels = torch.unique(pairs) % len(annotations.classes)
    counts = torch.bincount(labels, minlength=len(annotations.classes))
    return counts / max(1, annotations.num_images)
