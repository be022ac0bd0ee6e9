"""COCO box evaluation behind mmengine's evaluator interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from mmdet.registry import METRICS
from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger

from fish_dataset.annotations import Annotations
from fish_dataset.coco import read_coco
from fish_dataset.errors import FishDataError
from fish_dataset.files import write_json

from ..errors import FishdetError
from .candidates import Candidates
from .coco_eval import evaluate_sharing
from .coco_form import write_results
from .detections import Detections
from .extras import Choices, absent_species, evaluation_record, format_record, images_per_class
from .gather import ImageResult, gather_results, match_images
from .report import CocoReport
from .table import format_table
from .uncertainty import Uncertainty, uncertainty

_ALWAYS = ("bbox_mAP", "bbox_mAP_50", "bbox_mAP_75")


@METRICS.register_module()
class FishMetric(BaseMetric):
    """COCO box metrics, in total and per species.

    Returns the totals of :class:`~fishdet.evaluation.CocoReport` under ``coco/``
    (``coco/bbox_mAP``, …), those that are undefined left out; logs the table per species; keeps
    the whole report in ``.report`` and what was scored, images and detections, in ``.evaluated``.
    Classes come from the data set (``dataset_meta['classes']``), never from the order in the file.
    Only the images that reach the evaluator count, each once: what a subset leaves out is reported,
    what a distributed sampler pads is dropped.

    Args:
        ann_file: COCO annotation file of the images to be evaluated.
        image_dir: folder of the pictures, looked into only where ``ann_file`` lacks image sizes.
        annotations: the same already read, in place of ``ann_file``.
        results_file: write the detections there as COCO results JSON.
        outfile_prefix: as in mmdet's ``CocoMetric``: short for ``results_file`` =
            ``<prefix>.bbox.json``.
        format_only: write the results and do not score them (test sets without boxes).
        max_dets: see :func:`~fishdet.evaluation.evaluate`.
        extras: score also what ``docs/metrics.md`` defines beside COCO's numbers, log it as tables
            and keep it in ``.record``. ``tools/test.py`` switches it on; an evaluation in training
            goes without.
        record_file: write the record of ``extras`` there as JSON (``evaluation.json``).
        train_file: COCO annotation file of the training set, for AP by frequency.
        score_thr: see :class:`~fishdet.evaluation.extras.Choices`.
        limits: the same.
        lang: ``'en'`` or ``'ko'`` for common names in the table; None for class names.
        intervals: resamples for 95 % intervals and the calibration error, kept in
            ``.uncertainty`` and shown in the table; 0 for none, as in training.
        group_by: what the resamples keep together, such as ``['video']``; see
            ``intervals.resampling.sampling_groups``.
        collect_device, prefix, collect_dir: see ``mmengine.evaluator.BaseMetric``.

    Raises:
        FishdetError: arguments that contradict each other, or an ``ann_file`` that is not there.
        fish_dataset.errors.FishDataError: when the classes of the data set arrive and
            ``ann_file`` is at fault or has others.
    """

    default_prefix = "coco"

    def __init__(
        self,
        ann_file: str | Path | None = None,
        *,
        image_dir: str | Path | None = None,
        annotations: Annotations | None = None,
        results_file: str | Path | None = None,
        outfile_prefix: str | None = None,
        format_only: bool = False,
        max_dets: Sequence[int] = (1, 10, 100),
        extras: bool = False,
        record_file: str | Path | None = None,
        train_file: str | Path | None = None,
        score_thr: float | Mapping[str, float] | None = 0.3,
        limits: Sequence[int] = (100, 300, 1000),
        lang: str | None = None,
        intervals: int = 0,
        group_by: Sequence[str] | None = None,
        collect_device: str = "cpu",
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        if outfile_prefix is not None and results_file is None:
            results_file = f"{outfile_prefix}.bbox.json"
        _check_arguments(ann_file, annotations, results_file, format_only)
        if intervals < 0 or intervals == 1:
            raise FishdetError(
                f"FishMetric: intervals={intervals}: give a number of resamples, such as 1000, or 0"
            )
        self.ann_file = ann_file
        self.image_dir = image_dir
        self.results_file = results_file
        self.format_only = format_only
        self.max_dets = tuple(max_dets)
        self.extras = extras
        self.record_file = record_file
        self.train_file = train_file
        self.choices = Choices(score_thr, tuple(limits), None, self.max_dets[-1])
        self.lang = lang
        self.intervals = intervals
        self.group_by = group_by
        self.report: CocoReport | None = None
        self.evaluated: tuple[Annotations, Detections] | None = None
        self.uncertainty: Uncertainty | None = None
        self.record: dict[str, Any] | None = None
        self._annotations = annotations

    @property
    def dataset_meta(self) -> dict | None:
        """Meta information of the data set; holds ``classes``."""
        return self._dataset_meta

    @dataset_meta.setter
    def dataset_meta(self, dataset_meta: dict) -> None:
        # Read here and not after the first epoch: the loops hand over the meta information
        # before they start, so that wrong classes cost no training time.
        self._dataset_meta = dataset_meta
        self._annotations = self._ground_truth(dataset_meta)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the predictions of one batch as arrays.

        Args:
            data_batch: not used.
            data_samples: per image ``img_id`` and ``pred_instances`` with tensors ``bboxes``
                (n, 4) xyxy in pixels of the original image, ``scores`` (n,), ``labels`` (n,).
        """
        for sample in data_samples:
            found = sample["pred_instances"]
            self.results.append(
                ImageResult(
                    int(sample["img_id"]),
                    found["bboxes"].detach().float().cpu().numpy(),
                    found["scores"].detach().float().cpu().numpy(),
                    found["labels"].detach().cpu().numpy(),
                )
            )

    def evaluate(self, size: int) -> dict[str, float]:
        """Score what all processes have seen; a collective call with the same answer in each.

        mmengine puts the parts together in the order of its own sampler and cuts the list at
        ``size``: with another sampler that drops pictures and keeps others twice. Here all results
        come, and each image counts once by its id (``gather.match_images``).

        Args:
            size: of the data set; not used.

        Raises:
            FishdetError: in all processes, what ``compute_metrics`` raises in the first.
        """
        results = gather_results(self.results)
        self.results.clear()
        answer: Any = None
        if is_main_process():
            try:
                scores = self.compute_metrics(results)
                answer = {f"{self.prefix}/{key}": value for key, value in scores.items()}
            except (FishdetError, FishDataError) as error:  # the others wait for an answer
                answer = error
        answers = [answer]
        broadcast_object_list(answers)
        if isinstance(answers[0], FishdetError | FishDataError):
            raise answers[0]
        return answers[0] or {}

    def compute_metrics(self, results: list[ImageResult]) -> dict[str, float]:
        """Score all results; see the class for what is returned, logged and kept.

        Raises:
            FishdetError: no image was seen, an image id is not in the annotations, there is no
                box to score against, or detections cannot be scored.
        """
        if self._annotations is None:
            raise FishdetError(
                f"FishMetric: the data set gave no class names (dataset_meta['classes']), without "
                f"which {self.ann_file} cannot be read; use FishDataset or set metainfo.classes"
            )
        seen, detections = match_images(self._annotations, results, self._source)
        self.evaluated = seen, detections
        if self.results_file is not None:
            path = write_results(self.results_file, seen, detections, self.ann_file)
            _logger().info(f"{len(detections)} detections written to {path}")
        return {} if self.format_only else self._score(seen, detections)

    def _score(self, seen: Annotations, detections: Detections) -> dict[str, float]:
        report, candidates = evaluate_sharing(seen, detections, max_dets=self.max_dets)
        self.report = report
        if report.num_boxes == 0:
            raise FishdetError(
                f"no boxes in {self._source}: none of the {seen.num_images} evaluated images has "
                "one to score against; use annotated images, or format_only=True to write results"
            )
        if len(detections) == 0:
            _logger().warning(
                "The model predicted nothing above its score threshold in any of the "
                f"{seen.num_images} images, so every AP is 0. Look at the loss (does it fall?), "
                "the learning rate, test_cfg.score_thr of the model, and whether the checkpoint "
                "was loaded."
            )
        self.uncertainty = found = self._uncertainty(seen, detections)
        table = format_table(report, self.lang, found.intervals if found else None)
        _logger().info("\n" + table + (f"\n{found.told()}" if found else ""))
        self._name_absent(report)
        if self.extras:
            self._score_further(seen, detections, report, candidates)
        return {
            name: value
            for name, value in report.totals.items()
            if name in _ALWAYS or not np.isnan(value)
        }

    def _uncertainty(self, seen: Annotations, detections: Detections) -> Uncertainty | None:
        if not self.intervals:
            return None
        return uncertainty(
            seen,
            detections,
            resamples=self.intervals,
            by=self.group_by,
            max_dets=self.max_dets[-1],
        )

    def _name_absent(self, report: CocoReport) -> None:
        absent = [f"{row['name']} ({row['detections']})" for row in absent_species(report)]
        if absent:
            _logger().info(
                f"{len(absent)} species have no box in {self._source}, so that their AP is "
                f"undefined and in no mean (detections of them): {', '.join(absent)}"
            )

    def _score_further(
        self,
        seen: Annotations,
        detections: Detections,
        report: CocoReport,
        candidates: Candidates,
    ) -> None:
        choices = replace(self.choices, train_images=self._train_images(seen.classes))
        self.record = evaluation_record(seen, detections, report, choices, candidates)
        self.record["source"] = self._source
        if self.uncertainty:
            self.record |= self.uncertainty.as_dict()
        _logger().info("\n" + format_record(self.record, self.lang))
        if self.record_file is not None:
            Path(self.record_file).parent.mkdir(parents=True, exist_ok=True)
            write_json(Path(self.record_file), self.record)
            _logger().info(f"Wrote {self.record_file}")

    def _train_images(self, classes: Sequence[str]) -> dict[str, int] | None:
        if self.train_file is None:
            return None
        try:
            train, _ = read_coco(self.train_file, classes=classes, check_images=False)
        except FishDataError as error:  # of no weight for the other scores
            _logger().warning(f"No AP by frequency, the training set cannot be read: {error}")
            return None
        return images_per_class(train)

    def _ground_truth(self, dataset_meta: dict | None) -> Annotations | None:
        classes = tuple((dataset_meta or {}).get("classes", ()))
        given = self._annotations
        if not classes or (given is not None and given.classes == classes):
            return given
        if self.ann_file is None:
            raise FishdetError(
                f"FishMetric: the data set has the classes {list(classes)}, the annotations given "
                f"to the metric {list(given.classes) if given else []}; both must be the same, in "
                "the same order"
            )
        annotations, findings = read_coco(
            self.ann_file, classes=classes, image_dir=self.image_dir, check_images=False
        )
        repaired = sum(finding.count for finding in findings if finding.severity == "repaired")
        if repaired:
            _logger().info(
                f"{self.ann_file}: {repaired} harmless faults repaired before the evaluation, as "
                "the data set repairs and lists them"
            )
        return annotations

    @property
    def _source(self) -> str:
        return str(self.ann_file) if self.ann_file is not None else "the annotations"


def _check_arguments(
    ann_file: str | Path | None,
    annotations: Annotations | None,
    results_file: str | Path | None,
    format_only: bool,
) -> None:
    if (ann_file is None) == (annotations is None):
        raise FishdetError(
            "FishMetric: give either ann_file (a COCO annotation file) or "
            f"annotations; got ann_file={ann_file!r} and "
            f"{'no' if annotations is None else 'also'} annotations"
        )
    if ann_file is not None and not Path(ann_file).is_file():
        raise FishdetError(
            f"FishMetric: ann_file {ann_file} does not exist; give the annotation "
            "file of the images to be evaluated (--data DIR sets it)"
        )
    if format_only and results_file is None:
        raise FishdetError(
            "FishMetric: format_only=True writes results and nothing else; "
            "say where with results_file or outfile_prefix"
        )


def _logger() -> MMLogger:
    return MMLogger.get_current_instance()
