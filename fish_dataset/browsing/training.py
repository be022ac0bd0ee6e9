"""Pictures as training sees them: a config's own pipeline, on a data folder of one's choice."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmdet.registry import DATASETS
from mmengine.config import Config
from mmengine.registry import DefaultScope

import fish_dataset.registered  # noqa: F401
from fish_dataset.errors import FishDataError
from fish_dataset.layout import Split

from .tile import Shown


def training_dataset(config: Path, split: Split) -> Any:
    """The config's training data set, wrappers included, on the pictures of ``split``.

    Filters are taken off, so that index i is picture i of the file.

    Raises:
        FishDataError: the config cannot be read, has no FishDataset, or names an unknown type.
    """
    if not config.is_file():
        raise FishDataError(f"config {config}: no such file; this project's are in configs/")
    try:
        dataset = Config.fromfile(str(config)).train_dataloader["dataset"]
        inner = list(_fish_datasets(dataset))
        for one in inner:
            one.update(data_root="", ann_file=str(split.ann_file))
            one["data_prefix"] = {"img": str(split.image_dir)}
            for key in ("metainfo", "filter_cfg", "indices"):
                one.pop(key, None)
        if len(inner) != 1:
            raise FishDataError(
                f"config {config}: {len(inner)} data sets of type FishDataset in train_dataloader; "
                "one can be shown"
            )
        with DefaultScope.overwrite_default_scope("mmdet"):
            return DATASETS.build(dataset)
    except (KeyError, TypeError, AttributeError, SyntaxError, OSError, ImportError) as error:
        raise FishDataError(f"config {config}: {type(error).__name__}: {error}") from error


def view(dataset: Any, row: int, seed: int, number: int) -> Shown:
    """Picture ``row`` of the data set after its transforms; the same seed, the same view.

    Raises:
        FishDataError: the pipeline does not end in PackDetInputs.
    """
    with _seeded((seed, row, number)):
        result = dataset[row]
    if not isinstance(result, dict) or not {"inputs", "data_samples"} <= set(result):
        raise FishDataError("the pipeline does not end in PackDetInputs, so nothing can be shown")
    sample = result["data_samples"]
    found, ignored = sample.gt_instances, sample.get("ignored_instances")
    parts = [found] if ignored is None else [found, ignored]
    corners = np.concatenate([_numpy(part.bboxes).reshape(-1, 4) for part in parts])
    labels = np.concatenate([_numpy(part.labels).astype(int) for part in parts])
    pixels = _pixels(result["inputs"])
    note = f"{pixels.shape[1]} × {pixels.shape[0]}"
    flags = np.arange(len(labels)) >= len(found.labels)
    return Shown(pixels, corners, labels, flags, f"view {number + 1}", note)


def _numpy(values: Any) -> np.ndarray:
    return getattr(values, "tensor", values).numpy()


def _pixels(inputs: torch.Tensor) -> np.ndarray:
    """(C, H, W) as packed to (H, W, 3) uint8; normalised values are stretched to be seen."""
    values = inputs.permute(1, 2, 0)
    if values.dtype != torch.uint8:
        values = (values - values.min()) / (values.max() - values.min()).clamp_min(1e-6) * 255
    return np.ascontiguousarray(values.to(torch.uint8).numpy())


def _fish_datasets(value: Any) -> Iterator[dict]:
    if isinstance(value, dict):
        if value.get("type") == "FishDataset":
            yield value
        for item in value.values():
            yield from _fish_datasets(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _fish_datasets(item)


@contextmanager
def _seeded(key: tuple[int, ...]) -> Iterator[None]:
    """Chance as ``key`` has it, in Python, NumPy and torch; afterwards as it was."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    seed = int(np.random.SeedSequence(key).generate_state(1)[0])
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
