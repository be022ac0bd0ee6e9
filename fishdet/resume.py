"""Go on inside an epoch: the batches that were seen are passed over without loading them."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator
from itertools import islice
from typing import Any

import torch
from mmdet.datasets.samplers import AspectRatioBatchSampler
from mmdet.registry import DATA_SAMPLERS, LOOPS
from mmengine.runner import EpochBasedTrainLoop

from .seeding import LOADING, SeededBatch, seed_loading


@DATA_SAMPLERS.register_module()
class ResumableBatchSampler(AspectRatioBatchSampler):
    """mmdet's ``AspectRatioBatchSampler`` that can leave out the first batches of an epoch.

    Each batch carries the key of its random numbers: seed, epoch, place in the epoch, process.

    Attributes:
        skip: batches to leave out of the next pass; 0 again after it.
    """

    skip: int = 0

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the index lists of one epoch from batch ``skip`` on."""
        start, self.skip = self.skip, 0
        seed, epoch, rank = (getattr(self.sampler, n, 0) or 0 for n in ("seed", "epoch", "rank"))
        for place, indices in islice(enumerate(super().__iter__()), start, None):
            yield SeededBatch(indices, (seed, LOADING, epoch, place, rank))


@LOOPS.register_module()
class ResumableTrainLoop(EpochBasedTrainLoop):
    """mmengine's epoch loop that takes up an interrupted epoch at its next batch.

    mmengine starts such an epoch anew with the iteration count of where it stopped, so that
    some pictures are seen twice and the learning rate runs ahead of the data. And an epoch whose
    evaluation was cut off it never evaluates: here that is made up for first.

    Attributes:
        epoch_began: iterations of the epochs before this one. Not ``epoch · len(dataloader)``:
            a batch sampler that groups by shape and drops rests may yield fewer batches.
        validation_pending: the last epoch is to be evaluated and has not been.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.epoch_began: int | None = None
        self.validation_pending = False
        seed_loading(self.dataloader)

    def run(self) -> torch.nn.Module:
        """Train, from wherever the runner's checkpoint left off."""
        self.runner.call_hook("before_train")
        if self.epoch_began is None:  # a checkpoint without ExactResumeHook's notes, or none
            self.epoch_began = min(self._iter, self._epoch * len(self.dataloader))
        if self.validation_pending and self.runner.val_loop is not None:
            self.runner.val_loop.run()
        while self._epoch < self._max_epochs and not self.stop_training:
            self.run_epoch()
            self._decide_current_val_interval()
            if self._validates_after(self._epoch):
                self.runner.val_loop.run()
        self.runner.call_hook("after_train")
        return self.runner.model

    def run_epoch(self) -> None:
        """Run one epoch, or the rest of one."""
        done = self._iter - (self.epoch_began or 0)
        self.runner.call_hook("before_train_epoch")
        self.runner.model.train()
        if done:
            self._skip(done)
        for idx, data_batch in enumerate(self.dataloader, start=done):
            self.run_iter(idx, data_batch)
        self.validation_pending = self._validates_after(self._epoch + 1)
        self.runner.call_hook("after_train_epoch")
        self._epoch += 1
        self.epoch_began = self._iter

    def _validates_after(self, epochs: int) -> bool:
        """Whether an evaluation follows when ``epochs`` epochs are done; mmengine's rule."""
        interval = self.dynamic_intervals[bisect(self.dynamic_milestones, epochs + 1) - 1]
        return (
            self.runner.val_loop is not None
            and epochs >= self.val_begin
            and (epochs % interval == 0 or epochs == self._max_epochs)
        )

    def _skip(self, batches: int) -> None:
        sampler: Any = self.dataloader.batch_sampler
        if not isinstance(sampler, ResumableBatchSampler):
            raise TypeError(
                "ResumableTrainLoop needs batch_sampler=dict(type='ResumableBatchSampler') in "
                f"train_dataloader to take up an epoch after {batches} batches"
            )
        sampler.skip = batches
