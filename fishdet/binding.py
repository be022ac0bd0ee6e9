"""Bind a data set to a config: paths, class order, heads, evaluators."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config

from fish_dataset.annotations import Annotations
from fish_dataset.coco import read_classes, read_coco
from fish_dataset.errors import FishDataError
from fish_dataset.layout import Split, find_splits
from fish_dataset.shards.index import index_of
from fish_dataset.synthesis import ensure_dataset
from fishdet.config import LOADERS, nested_dicts, set_epochs, set_img_scale, set_num_classes
from fishdet.errors import FishdetError

DATASETS = ("FishDataset", "FishCrops")
SMALL_FILE = 4 * 2**20  # bytes


def bind(cfg: Config, data_dir: str | Path | None, classes: Sequence[str] | None = None) -> None:
    """Bind ``data_dir``, or else the data that the config itself names.

    A config with ``builtin_data`` has its pictures drawn at first use; naming their folder as
    ``data_dir`` is the same as naming none, but draws nothing.

    Args:
        cfg: changed in place.
        data_dir: a folder in one of the layouts of ``fish_dataset.layout``.
        classes: the class order to keep, a checkpoint's; by default the config's own list or
            the order of the category ids in the training file.

    Raises:
        FishDataError: data that cannot be understood, or classes that differ.
        FishdetError: a config without any data, or a batch size that is no number.
    """
    _check_batch_sizes(cfg)
    builtin = cfg.get("builtin_data")
    if data_dir is not None:
        bind_folder(cfg, Path(data_dir), classes)
        if builtin and Path(data_dir).resolve() == Path(builtin["root"]).resolve():
            return
        _fit_to_data(cfg)
        cfg.pop("builtin_data", None)  # what is kept of the run must not say that it saw drawings
    elif builtin is not None:
        bind_folder(cfg, draw_builtin(dict(builtin)), classes)
    else:
        _bind_own_paths(cfg, classes)


def draw_builtin(spec: dict[str, Any]) -> Path:
    """Draw the built-in data set if it is not there yet, and return its folder."""
    return ensure_dataset(Path(spec.pop("root")), **spec)


def bind_folder(cfg: Config, data_dir: Path, classes: Sequence[str] | None = None) -> None:
    """Write the splits and classes of a folder into loaders, evaluators and heads of ``cfg``."""
    splits = find_splits(data_dir)
    train = splits.get("train")
    val = splits.get("val") or splits.get("test")
    if val is None:
        raise FishDataError(
            f"{data_dir} has no validation split (val.json, valid/ or instances_val*.json): what "
            "is never validated cannot be trusted. Set pictures aside for it, whole dives or "
            f"videos, and list them in {data_dir / 'val.json'}."
        )
    source = train or val
    names = tuple(classes or listed_classes(cfg) or read_classes(source.ann_file))
    for loader, split in zip(LOADERS, (source, val, splits.get("test") or val), strict=True):
        if cfg.get(loader) is not None:
            _bind_loader(cfg, loader, split, names)
    set_num_classes(cfg, len(names))


def listed_classes(cfg: Config) -> tuple[str, ...] | None:
    """Return the classes that a config itself lists for its training data, or None."""
    for dataset in nested_dicts(cfg.get("train_dataloader") or {}):
        found = (dataset.get("metainfo") or {}).get("classes")
        if found:
            return tuple(found)
    return None


def _bind_loader(cfg: Config, loader: str, split: Split, names: tuple[str, ...]) -> None:
    datasets = [d for d in nested_dicts(cfg[loader]) if d.get("type") in DATASETS]
    if not datasets:
        raise FishdetError(
            f"{loader}: --data binds datasets of type {' or '.join(DATASETS)}, and the config has "
            "none"
        )
    for dataset in datasets:
        dataset["data_root"] = ""
        dataset["ann_file"] = str(split.ann_file)
        dataset["data_prefix"] = {"img": str(split.image_dir)}
        dataset["metainfo"] = {"classes": names}
        if index_of(split.ann_file).is_file():
            _bind_shards(cfg[loader], dataset, index_of(split.ann_file))
    for metric in nested_dicts(cfg.get(loader.replace("dataloader", "evaluator")) or {}):
        if metric.get("type") == "FishMetric":
            metric["ann_file"] = str(split.ann_file)
            metric["image_dir"] = str(split.image_dir)


def _bind_shards(loader: Any, dataset: dict[str, Any], index: Path) -> None:
    """Read from tar files; where pictures are shuffled, a few of them at a time."""
    dataset["shards"] = str(index)
    dataset["shard_base"] = os.environ.get("FISHDET_SHARDS") or None
    sampler = loader.get("sampler") or {}
    if sampler.get("type") == "DefaultSampler" and sampler.get("shuffle"):
        sampler["type"] = "ShardSampler"


def _bind_own_paths(cfg: Config, classes: Sequence[str] | None) -> None:
    """Take the class order from the data that the config's own paths name."""
    names = tuple(classes or listed_classes(cfg) or ())
    for loader in LOADERS:
        for dataset in nested_dicts(cfg.get(loader) or {}):
            if dataset.get("type") not in DATASETS:
                continue
            path = Path(dataset.get("data_root") or "") / dataset["ann_file"]
            if not path.is_file():
                raise FishdetError(
                    f"{loader}: {path} is missing. Give the folder of your data set: --data DIR"
                )
            names = names or read_classes(path)
            dataset["metainfo"] = {"classes": names}
    if not names:
        raise FishdetError("the config names no data; give the folder of your data set: --data DIR")
    set_num_classes(cfg, len(names))


def _fit_to_data(cfg: Config) -> None:
    """Settle what a config leaves to the data: ``auto_img_scale`` and ``auto_epochs``."""
    if cfg.get("auto_img_scale") is None and cfg.get("auto_epochs") is None:
        return
    dataset = next(d for d in nested_dicts(cfg.train_dataloader) if d.get("type") in DATASETS)
    annotations, _ = read_coco(
        dataset["ann_file"],
        image_dir=dataset["data_prefix"]["img"],
        check_images=not dataset.get("shards"),
    )
    if cfg.get("auto_img_scale") is not None:
        size = fitting_size(annotations, **cfg.auto_img_scale)
        set_img_scale(cfg, (size, size))
    if cfg.get("auto_epochs") is not None:
        crops = dataset["type"] == "FishCrops"
        samples = annotations.num_boxes if crops else annotations.num_images
        per_epoch = max(1, samples // (cfg.train_dataloader.batch_size * processes()))
        set_epochs(cfg, max(1, round(cfg.auto_epochs["iterations"] / per_epoch)))


def fit_batch(cfg: Config) -> str:
    """Let a training batch be no larger than a small data set; return the line that says so.

    A loader that leaves the rest of an epoch out would have no batch at all. Files above
    ``SMALL_FILE`` bytes are taken to hold a batch, and are not read for this.

    Raises:
        FishDataError: the training file has no boxes.
    """
    loader, dataset = cfg.train_dataloader, cfg.train_dataloader.dataset
    if dataset.get("type") != "FishDataset":
        return ""
    ann_file = Path(dataset.ann_file)
    if not ann_file.is_file() or ann_file.stat().st_size > SMALL_FILE:
        return ""
    annotations, _ = read_coco(ann_file, check_images=False)
    if annotations.num_boxes == 0:
        raise FishDataError(f"{ann_file}: no boxes in it, so there is nothing to learn; label fish")
    filters = dataset.get("filter_cfg") or {}
    fishy = len(np.unique(annotations.box_image))
    samples = fishy if filters.get("filter_empty_gt") else annotations.num_images
    most = max(1, samples // processes())
    if loader.batch_size <= most:
        return ""
    asked, loader.batch_size = loader.batch_size, most
    return (
        f"Batches of {most} in place of {asked}: {ann_file} has {samples} pictures to learn from."
    )


def processes() -> int:
    """Return how many processes train, which torchrun says before any has met another."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def _check_batch_sizes(cfg: Config) -> None:
    for name in LOADERS:
        size = (cfg.get(name) or {}).get("batch_size", 1)
        if not isinstance(size, int) or size < 1:
            raise FishdetError(f"{name}.batch_size {size!r}: a whole number from 1 on")


def fitting_size(annotations: Annotations, longest: int, divisor: int) -> int:
    """Return the median longer side in pixels, rounded up to ``divisor``, at most ``longest``."""
    sides = np.maximum(annotations.widths, annotations.heights)
    return min(longest, math.ceil(float(np.median(sides)) / divisor) * divisor)
