"""Evaluate a checkpoint: what ``tools/test.py`` calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.logging import print_log

from fish_dataset.coco import read_classes
from fish_dataset.files import require_writable, write_json
from fish_dataset.layout import find_splits
from fishdet.allocator import keep_freed_memory
from fishdet.binding import DATASETS, bind
from fishdet.checkpoint.load import classes_of, config_of, load_checkpoint
from fishdet.checkpoint.loading import resolve
from fishdet.checkpoint.safety.limits import MAX_PIXELS
from fishdet.config import LOADERS, load_config, nested_dicts, set_img_scale, set_precision
from fishdet.environment import git_commit
from fishdet.errors import FishdetError
from fishdet.evaluation import FishMetric
from fishdet.evaluation.intervals import RESAMPLES
from fishdet.evaluation.report_page import write_report
from fishdet.models.last_layers import predict_in_full
from fishdet.parallel import explaining_lost_process
from fishdet.precision import describe_choice
from fishdet.processes import wait_seconds
from fishdet.runner import build_runner
from fishdet.testing_exported import SUFFIXES, open_for_test, run_exported
from fishdet.testing_views import add_views

_WHERE = (
    "data_root", "ann_file", "data_prefix", "metainfo", "shards", "shard_base", "image_dir",
)  # fmt: skip
"""What of a data set or metric says which pictures it reads."""


_Tested = tuple[dict[str, float], FishMetric, Path, Config]
"""Totals, the metric that holds the rest, the folder of the pictures, and the bound config."""


@dataclass(frozen=True)
class TestOptions:
    """The choices of one evaluation; each mirrors a flag of ``tools/test.py``."""

    config: Path
    checkpoint: Path | str
    data: Path | None = None
    split: str = "auto"
    work_dir: Path | None = None
    out: Path | None = None
    report: Path | None = None
    lang: str = "en"
    show: bool = False
    show_dir: Path | None = None
    wait_time: float = 2.0
    tta: bool = False
    tta_scales: tuple[float, ...] = ()
    precision: str | None = None
    cfg_options: dict[str, Any] | None = None
    launcher: str = "none"
    img_scale: tuple[int, int] | None = None
    trust_pickle: bool = False
    intervals: int = RESAMPLES
    group_by: tuple[str, ...] | None = None


def test(options: TestOptions) -> dict[str, float]:
    """Evaluate and return the totals (``coco/bbox_mAP`` …); per species they stand in the log.

    Raises:
        FishdetError, FishDataError: a mistake in options, config, data or checkpoint.
    """
    if options.report is not None:
        require_writable(options.report, "--report")
    if options.out is not None:
        require_writable(options.out.parent, "--out")
    if options.show_dir is not None:
        require_writable(options.show_dir, "--show-dir")
    keep_freed_memory()
    path = resolve(options.checkpoint)
    run = _test_exported if path.suffix in SUFFIXES else _test_trained
    totals, metric, image_dir, cfg = run(replace(options, checkpoint=path))
    record = _record(totals, metric, cfg, options)
    if options.out is not None and is_main_process():
        write_json(options.out, record)
        print_log(f"Wrote {options.out}", logger="current")
    if options.report is not None and is_main_process():
        page = write_report(options.report, metric, image_dir, record, path, options.lang)
        print_log(f"Report: {page}", logger="current")
    return totals


def _test_trained(options: TestOptions) -> _Tested:
    cfg, notes = testing_config(options)
    with explaining_lost_process(wait_seconds(cfg)):
        runner = build_runner(cfg)
        predict_in_full(runner.model)
        for note in notes:
            print_log(note, logger="current")
        totals = runner.test()
    image_dir = runner.test_dataloader.dataset.image_dir
    return totals, runner.test_evaluator.metrics[0], image_dir, cfg


def _test_exported(options: TestOptions) -> _Tested:
    path = Path(options.checkpoint)
    detector = open_for_test(path, options)
    cfg = load_config(options.config, options.cfg_options)
    if options.data is not None:
        _require_same_species(path, detector.classes, options.data)
    bind(cfg, options.data, classes=detector.classes)
    note = _choose_split(cfg, options.split)
    _set_run(cfg, options)
    return *run_exported(cfg, detector, note), cfg


def _record(
    totals: Mapping[str, float], metric: FishMetric, cfg: Config, options: TestOptions
) -> dict[str, Any]:
    """What ``--out`` holds and the report shows."""
    settings = {
        "checkpoint": Path(options.checkpoint).name,
        "config": Path(options.config).name,
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "commit": git_commit(),
        "precision": cfg.get("precision"),
        "img_scale": cfg.get("img_scale"),
        "views": cfg.get("test_views"),
    }
    found = metric.uncertainty.as_dict() if metric.uncertainty else {}
    species = metric.report.per_class if metric.report else []
    evaluation = {"evaluation": metric.record, "settings": settings}
    return {**totals, "species": species, **found, **evaluation}


def testing_config(options: TestOptions) -> tuple[Config, list[str]]:
    """Return the config that the options make, and the lines to log about it."""
    cfg = load_config(options.config, options.cfg_options)
    path = resolve(options.checkpoint)
    checkpoint = load_checkpoint(path, options.trust_pickle)
    trained = config_of(checkpoint)
    classes = classes_of(checkpoint)
    if options.data is not None and classes:
        _require_same_species(path, classes, options.data)
    bind(cfg, options.data, classes=classes)
    scale = options.img_scale or _trained_scale(trained or {}, path)
    if scale:
        set_img_scale(cfg, scale)
    note = _choose_split(cfg, options.split)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    wanted = options.precision or cfg.get("precision", "auto")
    dtype = set_precision(cfg, wanted, device)
    _set_run(cfg, replace(options, checkpoint=path))
    views = cfg.get("test_views")
    notes = [describe_choice(wanted, dtype, device), note]
    return cfg, [*notes, f"Views: {views}."] if views else notes


def _trained_scale(trained: Mapping[str, Any], name: Path) -> tuple[int, int] | None:
    scale = trained.get("img_scale")
    if scale is None:
        return None
    sides = tuple(scale) if isinstance(scale, list | tuple) else ()
    if len(sides) != 2 or not all(type(n) is int and 0 < n <= MAX_PIXELS for n in sides):
        raise FishdetError(
            f"{name}: its config has img_scale {scale!r}, which is no width and height of at most "
            f"{MAX_PIXELS} pixels; give --img-scale W H"
        )
    return sides


def _require_same_species(checkpoint: Path, trained: Sequence[str], data: Path) -> None:
    splits = find_splits(data)
    found = read_classes(next(iter(splits.values())).ann_file)
    if set(found) != set(trained):
        raise FishdetError(
            f"{checkpoint} knows other species than {data} holds.\n"
            f"  checkpoint: {', '.join(trained)}\n  data:       {', '.join(found)}\n"
            "Evaluate on data with the checkpoint's species, or train on this data first."
        )


def _choose_split(cfg: Config, split: str) -> str:
    if split == "val":
        _read_what_val_reads(cfg)
    dataset = next(d for d in nested_dicts(cfg.test_dataloader) if d.get("type") in DATASETS)
    if split == "test" and dataset["ann_file"] == _val_file(cfg):
        raise FishdetError("--split test: this data set has no test split; use --split val")
    return f"Evaluating {dataset['ann_file']}"


def _read_what_val_reads(cfg: Config) -> None:
    """Point the test loader and metric to the val split; how they load and score is theirs."""
    for part, types in (("dataloader", DATASETS), ("evaluator", ("FishMetric",))):
        own, val = (
            [d for d in nested_dicts(cfg[f"{name}_{part}"]) if d.get("type") in types]
            for name in ("test", "val")
        )
        if not own or len(own) != len(val):  # built in another way: nothing to go by
            cfg[f"test_{part}"] = deepcopy(cfg[f"val_{part}"])
            continue
        for mine, theirs in zip(own, val, strict=True):
            for key in _WHERE:
                mine.pop(key, None)
            mine.update({key: deepcopy(theirs[key]) for key in _WHERE if key in theirs})


def _set_extras(cfg: Config) -> None:
    """Score all that there is, unless the config says otherwise."""
    train = next(
        (d for d in nested_dicts(cfg.get("train_dataloader") or {}) if "ann_file" in d), None
    )
    for metric in nested_dicts(cfg.test_evaluator):
        if metric.get("type") == "FishMetric":
            metric.setdefault("extras", True)
            metric.setdefault("record_file", str(Path(cfg.work_dir) / "evaluation.json"))
            if train is not None:
                path = Path(train.get("data_root") or "") / train["ann_file"]
                # a folder without a training set is bound to its val set in place of it
                if path.is_file() and str(train["ann_file"]) != _val_file(cfg):
                    metric.setdefault("train_file", str(path))


def _val_file(cfg: Config) -> str:
    dataset = next(d for d in nested_dicts(cfg.val_dataloader) if d.get("type") in DATASETS)
    return str(dataset["ann_file"])


def _set_run(cfg: Config, options: TestOptions) -> None:
    cfg.launcher = options.launcher
    cfg.load_from = str(options.checkpoint)
    cfg.trust_pickle = options.trust_pickle
    cfg.resume = False
    cfg.work_dir = str(options.work_dir or Path("work_dirs") / options.config.stem / "test")
    _set_extras(cfg)
    for name in (*LOADERS[:2], "train_cfg", "val_cfg", "val_evaluator", "optim_wrapper"):
        cfg[name] = None
    cfg.param_scheduler = None
    cfg.custom_hooks = [h for h in cfg.get("custom_hooks", []) if h["type"] == "ConvolutionsHook"]
    for part in nested_dicts(cfg.model):
        part.pop("init_cfg", None)
    if options.show or options.show_dir is not None:
        hook = cfg.default_hooks.visualization
        hook.update(draw=True, show=options.show, wait_time=options.wait_time)
        hook.test_out_dir = str(options.show_dir) if options.show_dir else None
    for metric in nested_dicts(cfg.test_evaluator):
        if metric.get("type") == "FishMetric":
            metric.setdefault("intervals", options.intervals)
            metric.setdefault("group_by", options.group_by)
    if options.tta or options.tta_scales:
        add_views(cfg, options.tta_scales)
