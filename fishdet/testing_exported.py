"""Evaluate what ``tools/export.py`` wrote by the metric of a config, as ``tools/test.py`` does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from mmdet.registry import METRICS
from mmengine.config import Config
from mmengine.logging import MMLogger, print_log

from fish_dataset.coco import read_coco
from fish_dataset.progress import track
from fishdet.binding import DATASETS
from fishdet.config import nested_dicts
from fishdet.errors import FishdetError
from fishdet.evaluation import FishMetric
from fishdet.inference.detector import Detector
from fishdet.inference.exported import SUFFIXES

if TYPE_CHECKING:
    from .testing import TestOptions

__all__ = ["SUFFIXES", "open_for_test", "run_exported"]


def open_for_test(path: Path, options: TestOptions) -> Detector:
    """Open an exported model, each of its scores.

    Raises:
        FishdetError: the file cannot be opened, or an option that its graph has fixed.
    """
    fixed = {
        "--img-scale": options.img_scale,
        "--precision": options.precision,
        "--tta": options.tta,
        "--tta-scales": options.tta_scales,
        "--show": options.show,
        "--show-dir": options.show_dir,
    }
    given = [flag for flag, value in fixed.items() if value]
    if given:
        raise FishdetError(
            f"{', '.join(given)}: {path} is an exported model, which has size and precision fixed "
            "and is looked at with tools/predict.py; leave it out"
        )
    return Detector(path, score_thr=0.0)


def run_exported(
    cfg: Config, detector: Detector, note: str
) -> tuple[dict[str, float], FishMetric, Path]:
    """Detect on the test pictures of a bound config, one by one, and score.

    Returns:
        The totals, the metric that holds the rest, and the folder of the pictures.

    Raises:
        FishdetError, FishDataError: a picture that cannot be read, or what the metric raises.
    """
    folder = Path(cfg.work_dir)
    folder.mkdir(parents=True, exist_ok=True)
    MMLogger.get_instance("exported", log_file=str(folder / "test.log"), distributed=False)
    dataset = next(d for d in nested_dicts(cfg.test_dataloader) if d.get("type") in DATASETS)
    image_dir = Path(dataset["data_root"]) / dataset["data_prefix"]["img"]
    ann_file = Path(dataset["data_root"]) / dataset["ann_file"]
    evaluators = (
        cfg.test_evaluator if isinstance(cfg.test_evaluator, list) else [cfg.test_evaluator]
    )
    metric = METRICS.build(evaluators[0])
    metric.dataset_meta = {"classes": detector.classes}
    truth, _ = read_coco(ann_file, classes=detector.classes, image_dir=image_dir)
    print_log(note, logger="current")
    print_log(f"{detector.engine}, one picture at a time", logger="current")
    images = list(zip(truth.image_ids.tolist(), truth.file_names, strict=True))
    for image_id, name in track(images, len(images)):
        found = detector(image_dir / name)
        parts = {"bboxes": found.xyxy, "scores": found.confidence, "labels": found.class_id}
        instances: dict[str, Any] = {key: torch.as_tensor(part) for key, part in parts.items()}
        metric.process(None, [{"img_id": image_id, "pred_instances": instances}])
    return metric.evaluate(len(images)), metric, image_dir
