"""Train a detector: what ``tools/train.py`` calls."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.logging import print_log

from fishdet.allocator import keep_freed_memory
from fishdet.binding import bind, fit_batch
from fishdet.checkpoint.published import SUFFIX
from fishdet.checkpoint.publishing.publish import Publication
from fishdet.checkpoint.training.newest import training_checkpoints
from fishdet.checkpoint.training.saving import BEST, LAST, explaining_full_disk, noted
from fishdet.config import (
    LOADER_TIMEOUT,
    LOADERS,
    load_config,
    nested_dicts,
    set_epochs,
    set_img_scale,
    set_precision,
)
from fishdet.cuda import set_cuda
from fishdet.errors import FishdetError
from fishdet.models.weights import resolve_pretrained
from fishdet.parallel import explaining_lost_process, restarted, resume_since, write_start
from fishdet.plan import print_plan
from fishdet.precision import describe_choice
from fishdet.processes import wait_seconds
from fishdet.release import release_best
from fishdet.runner import FishRunner, build_runner
from fishdet.tracking import add_trackers


@dataclass(frozen=True)
class TrainOptions:
    """The choices of one training run; each mirrors a flag of ``tools/train.py``."""

    config: Path
    data: Path | None = None
    work_dir: Path | None = None
    resume: str | None = None
    amp: bool = False
    precision: str | None = None
    auto_scale_lr: bool = False
    cfg_options: dict[str, Any] | None = None
    launcher: str = "none"
    seed: int | None = None
    epochs: int | None = None
    img_scale: tuple[int, int] | None = None
    dry_run: bool = False
    log_to: tuple[str, ...] = ()
    compile: bool = False


def train(options: TrainOptions) -> None:
    """Run a training, or with ``dry_run`` print its plan.

    Raises:
        FishdetError, FishDataError: a mistake in options, config, data or checkpoint; the loss
            became NaN; the user stopped the run.
    """
    cfg, notes = training_config(options)
    if not torch.cuda.is_available():
        keep_freed_memory()
    if options.dry_run:
        with TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
            cfg.work_dir = scratch
            runner = _telling_runner(cfg, notes)
            if cfg.load_from and not cfg.resume:
                runner.load_or_resume()
            print_plan(runner)
        return
    runner = _telling_runner(cfg, notes)
    if is_main_process() and not cfg.resume:
        write_start(Path(runner.work_dir))
    with (
        explaining_full_disk(Path(runner.work_dir)),
        explaining_lost_process(wait_seconds(cfg)),
    ):
        runner.train()
    published = release_best(runner)
    print_log(summary(runner, published), logger="current")


def _telling_runner(cfg: Config, notes: list[str]) -> FishRunner:
    with explaining_lost_process(wait_seconds(cfg)):
        runner = build_runner(cfg)
    for note in notes:
        print_log(note, logger="current")
    return runner


def training_config(options: TrainOptions) -> tuple[Config, list[str]]:
    """Return the config that the options make, and the lines to log about it."""
    cfg = load_config(options.config, options.cfg_options)
    if options.epochs is not None:
        cfg.auto_epochs = None  # moved twice, the schedule would be rounded twice
    bind(cfg, options.data)
    batch = fit_batch(cfg)
    if options.img_scale is not None:
        set_img_scale(cfg, options.img_scale)
    if options.epochs is not None:
        set_epochs(cfg, options.epochs)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    wanted = (
        options.precision or _amp_precision(options.amp, device) or cfg.get("precision", "auto")
    )
    dtype = set_precision(cfg, wanted, device)
    _keep_asked_workers(cfg, options.cfg_options or {})
    if device == "cuda":
        set_cuda(cfg, LOADERS)
    if options.compile:
        cfg.custom_hooks = [*(cfg.get("custom_hooks") or []), dict(type="CompileHook")]
    cfg.model, message = resolve_pretrained(cfg.model)
    _set_run(cfg, options)
    notes = [describe_choice(wanted, dtype, device), message, batch, size_switch(cfg)]
    return cfg, [note for note in notes if note]


def _keep_asked_workers(cfg: Config, asked: dict[str, Any]) -> None:
    """Let a number of loader workers that the command line asks for stand on a CPU too."""
    for name in LOADERS:
        if cfg.get(name) is not None and asked.get(f"{name}.num_workers"):
            cfg[name].num_workers = asked[f"{name}.num_workers"]
            cfg[name].timeout = asked.get(f"{name}.timeout", LOADER_TIMEOUT)


def size_switch(cfg: Config) -> str:
    """Return the line that says at which epoch the pictures grow, or nothing.

    The eta of the log is what the iterations so far took, times those to come.
    """
    for hook in cfg.get("custom_hooks") or []:
        if hook["type"] == "PipelineSwitchHook" and hook["switch_epoch"] > 0:
            own = next(d for d in nested_dicts(cfg.train_dataloader) if "pipeline" in d)
            early, late = (_resize(p) for p in (own["pipeline"], hook["switch_pipeline"]))
            if early != late:
                return (
                    f"pictures of {early} px until epoch {hook['switch_epoch']}, then of {late} "
                    "px: iterations take longer from there, and the eta before it is too low"
                )
    return ""


def _resize(pipeline: list[dict[str, Any]]) -> str:
    scales = [step["scale"] for step in pipeline if step["type"] == "Resize"]
    return "×".join(map(str, scales[0])) if scales else ""


def summary(runner: FishRunner, published: Publication | None = None) -> str:
    """Return the closing lines: where the best checkpoint is, and what to do with it."""
    work_dir = Path(runner.work_dir)
    model = noted(work_dir, BEST) or noted(work_dir, LAST)
    lines = f"Done. Best checkpoint: {model}\n"
    if published is not None:
        model = published.file
        lines += f"  published, to use and to share: {model} ({published.size / 1e6:.1f} MB)\n"
    if runner.cfg.model.get("type") == "FishEmbedder":
        use = f"python tools/species.py enrol NAME PHOTOS --model {model}"
    else:
        use = f"python tools/predict.py {model} IMAGES --out predictions"
    return (
        f"{lines}"
        f"  curves and numbers: {work_dir}/loss.png, ap.png, metrics.json, environment.json\n"
        f"  see it: {use}"
    )


def _amp_precision(amp: bool, device: str) -> str | None:
    if not amp:
        return None
    return "fp16" if device == "cuda" else "bf16"


def _set_run(cfg: Config, options: TrainOptions) -> None:
    cfg.launcher = options.launcher
    if options.work_dir is not None:
        cfg.work_dir = str(options.work_dir)
    elif cfg.get("work_dir") is None:
        cfg.work_dir = str(Path("work_dirs") / options.config.stem)
    if options.log_to:
        add_trackers(cfg, options.log_to)
    if options.seed is not None:
        cfg.randomness = {**(cfg.get("randomness") or {}), "seed": options.seed}
    if options.auto_scale_lr:
        if "base_batch_size" not in (cfg.get("auto_scale_lr") or {}):
            raise FishdetError("--auto-scale-lr: the config names no auto_scale_lr.base_batch_size")
        cfg.auto_scale_lr.enable = True
    _set_resume(cfg, options.resume or ("auto" if restarted() else None))


def _set_resume(cfg: Config, resume: str | None) -> None:
    if resume is None:
        return
    if resume.endswith(SUFFIX):
        raise FishdetError(
            f"--resume {resume}: a published model has weights only, no optimizer or position to "
            f"go on from; start a new training from it: --cfg-options load_from={resume}"
        )
    if resume != "auto" and not Path(resume).is_file():
        raise FishdetError(
            f"--resume {resume}: no such file; without a value it takes the newest in the work dir"
        )
    cfg.resume = True
    cfg.load_from = None if resume == "auto" else resume
    work_dir = Path(cfg.work_dir)
    if resume == "auto" and not training_checkpoints(work_dir, resume_since(work_dir)):
        print_log(
            f"--resume: {cfg.work_dir} holds no checkpoint yet; starting anew.", logger="current"
        )
        cfg.resume = False
