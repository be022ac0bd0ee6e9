"""Go on inside an epoch: the batches that were seen are passed over without loading them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from mmdet.datasets.samplers import AspectRatioBatchSampler
from mmdet.registry import DATA_SAMPLERS, LOOPS
from mmengine.runner import EpochBasedTrainLoop


@DATA_SAMPLERS.register_module()
class ResumableBatchSampler(AspectRatioBatchSampler):
    """mmdet's ``AspectRatioBatchSampler`` that can leave out the first batches of an epoch.

    Attributes:
        skip: batches to leave out of the next pass; 0 again after it.
    """

    skip: int = 0

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the index lists of one epoch from batch ``skip`` on."""
        start, self.skip = self.skip, 0
        yield from islice(super().__iter__(), start, None)


@LOOPS.register_module()
class ResumableTrainLoop(EpochBasedTrainLoop):
    """mmengine's epoch loop that takes up an interrupted epoch at its next batch.

    mmengine starts such an epoch anew with the iteration count of where it stopped, so that
    some pictures are seen twice and the learning rate runs ahead of the data.
    """

    def run_epoch(self) -> None:
        """Run one epoch, or the rest of one."""
        done = max(0, self._iter - self._epoch * len(self.dataloader))
        self.runner.call_hook("before_train_epoch")
        self.runner.model.train()
        if done:
            self._skip(done)
        for idx, data_batch in enumerate(self.dataloader, start=done):
            self.run_iter(idx, data_batch)
        self.runner.call_hook("after_train_epoch")
        self._epoch += 1

    def _skip(self, batches: int) -> None:
        sampler: Any = self.dataloader.batch_sampler
        if not isinstance(sampler, ResumableBatchSampler):
            raise TypeError(
                "ResumableTrainLoop needs batch_sampler=dict(type='ResumableBatchSampler') in "
                f"train_dataloader to take up an epoch after {batches} batches"
            )
        sampler.skip = batches
