"""Naming scores behind mmengine's evaluator interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmdet.registry import METRICS
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger

from fishdet.evaluation.identification.naming import Naming, naming


@METRICS.register_module()
class NamingMetric(BaseMetric):
    """Top-1 and top-5 of ``FishEmbedder``'s own classifier, over crops and over species.

    Returns ``ident/top1``, ``ident/macro_top1`` … and keeps the rows per species in ``.report``.
    """

    default_prefix = "ident"
    uncertainty = None

    def __init__(self, collect_device: str = "cpu", prefix: str | None = None) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.report: Naming | None = None

    @property
    def record(self) -> dict[str, Any]:
        """The rows per species as plain data."""
        return {"naming": self.report.per_class if self.report else []}

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep score rows and labels of one batch."""
        for sample in data_samples:
            scores = sample["pred_scores"].detach().float().cpu().numpy()
            self.results.append((int(sample["sample_idx"]), scores, int(sample["gt_label"][0])))

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        """Return the totals; a sampler's padding counts once."""
        unique = {index: (scores, label) for index, scores, label in results}
        scores = np.stack([scores for scores, _ in unique.values()])
        labels = np.array([label for _, label in unique.values()])
        self.report = naming(scores, labels, self.dataset_meta["classes"])
        lines = [
            f"  {row['name']}: {row['top1']:.3f} of {row['crops']}"
            for row in self.report.per_class
            if row["crops"]
        ]
        MMLogger.get_current_instance().info("top-1 by species\n" + "\n".join(lines))
        return self.report.totals
