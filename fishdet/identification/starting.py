"""A hook that lets an embedding start from a closed form in place of random numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmdet.registry import HOOKS
from mmengine.dataset import pseudo_collate
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from torch.utils.data import DataLoader, Subset

from fish_dataset.crops.sampler import draw

from .discriminant import Discriminant, discriminant
from .network import FishEmbedder


@HOOKS.register_module()
class DiscriminantStart(Hook):
    """Set projection and centres of a ``FishEmbedder`` to the linear discriminant of its crops.

    What an ImageNet backbone says of the training crops is gathered once; ``discriminant`` says
    which directions part the species best. Training goes on from there and needs a small step,
    and few species or little time still give a network that tells apart what it never saw. A
    network that is loaded or resumed is left as it is.

    Args:
        crops: how many are drawn, species about equally often, as training shows them.
        shrinkage: see ``discriminant``.
    """

    priority = "VERY_HIGH"

    def __init__(self, crops: int = 6000, shrinkage: float = 0.1) -> None:
        self.crops, self.shrinkage = crops, shrinkage

    def before_train(self, runner: Any) -> None:
        """Gather features and set the weights."""
        if runner.iter > 0 or runner._resume or runner._load_from is not None:
            return
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        dataset = runner.train_dataloader.dataset
        labels = np.asarray(dataset.labels)
        rows = np.unique(draw(labels, min(self.crops, 4 * len(labels)), 0.75, (0, 0)))
        workers = runner.train_dataloader.num_workers
        runner.logger.info(f"starting from the linear discriminant of {len(rows)} crops")
        features = gather(model, dataset, rows, workers)
        found = discriminant(
            features, labels[rows], len(model.head.centres), model.dimensions, self.shrinkage
        )
        start_from(model, found)


def gather(model: FishEmbedder, dataset: Any, rows: np.ndarray, workers: int) -> np.ndarray:
    """Return the pooled features (n, F) of the crops at ``rows`` of a data set."""
    loader: Any = DataLoader(
        Subset(dataset, rows.tolist()), 64, num_workers=workers, collate_fn=pseudo_collate
    )
    training = model.training
    model.eval()
    with torch.inference_mode():
        found = [
            model.pooled(model.data_preprocessor(batch, False)["inputs"]).cpu().numpy()
            for batch in loader
        ]
    model.train(training)
    return np.concatenate(found)


def start_from(model: FishEmbedder, found: Discriminant) -> None:
    """Write a discriminant into a network: its embeddings are then that map, at length 1."""
    head: Any = model.head

    def tensor(values: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(values).to(head.centres.device)

    with torch.no_grad():
        model.centre.copy_(tensor(found.centre))
        model.spread.copy_(tensor(found.spread))
        model.project.weight.copy_(tensor(found.weight))
        model.norm.running_mean.zero_()  # type: ignore[union-attr]
        model.norm.running_var.copy_(tensor(found.lengths**2))  # type: ignore[union-attr]
        model.norm.weight.copy_(tensor(found.lengths))
        taught = np.flatnonzero(np.abs(found.means).sum(1) > 0)
        means = torch.nn.functional.normalize(tensor(found.means[taught]), dim=-1)
        apart = 0.1 / head.centres.shape[-1] ** 0.5  # so that sub-centres can part
        noise = apart * torch.randn_like(head.centres[taught])
        head.centres[taught] = means[:, None] + noise
