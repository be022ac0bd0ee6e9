"""From a config to an mmengine Runner, for training and testing alike."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.dist import barrier, broadcast_object_list, is_main_process, master_only
from mmengine.logging import MMLogger
from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import Runner
from mmengine.runner.checkpoint import _load_checkpoint_to_model
from torch import nn
from torch.hub import download_url_to_file, get_dir
from torch.utils.data import DataLoader

import fishdet.registered  # noqa: F401
from fish_dataset.files import require_writable
from fishdet.checkpoint.load import classes_of, load_checkpoint, load_state
from fishdet.checkpoint.loading import is_name, resolve
from fishdet.checkpoint.training.newest import (
    newest_good,
    require_training_state,
    verify_checkpoint,
)
from fishdet.checkpoint.training.saving import save_durably
from fishdet.checkpoint.training.starting import starting_weights
from fishdet.errors import FishdetError
from fishdet.hooks.convolutions import computes_in_full, wants_fast_convolutions
from fishdet.models.arrangement import arrange_model
from fishdet.models.timm_backbone import check_neck
from fishdet.models.weight_files import find_weights
from fishdet.models.weight_sources import address_of, reachable
from fishdet.parallel import require_agreement, resume_since, training_facts
from fishdet.processes import (
    cpu_wrapper,
    join_cpu_processes,
    require_sync_bn_device,
    wait_seconds,
)

DUMPS = ("System environment:", "Config:", "Hooks will be executed", "paramwise_options --")
MOOT = ("is skipped since its requires_grad=False",)  # a line for each frozen parameter
OWN_NOTES = (
    "Distributed training is not used, all SyncB",
    '"FileClient" will be deprecated',
    '"HardDiskBackend" is the alias',
)
_UNKNOWN_SETTING = re.compile(
    r"(?P<part>[\w.]+)\(\) got an unexpected keyword argument '(?P<setting>\w+)'"
)


class FishRunner(Runner):
    """mmengine's Runner that loads checkpoints without executing them and checks their classes."""

    _load_from: str | None

    def setup_env(self, env_cfg: dict[str, Any]) -> None:
        """Set up the processes as mmengine does, and without a GPU as well.

        Raises:
            FishdetError: they have not the same data, code and settings.
        """
        join_cpu_processes(self.launcher, wait_seconds(self.cfg))
        super().setup_env(env_cfg)
        if self.distributed:
            require_agreement(training_facts(self.cfg))

    def wrap_model(self, model_wrapper_cfg: dict[str, Any] | None, model: nn.Module) -> nn.Module:
        """Wrap the model as mmengine does, and without a GPU as well.

        Raises:
            FishdetError: ``sync_bn`` without a GPU.
        """
        if self.distributed and not is_model_wrapper(model):
            require_sync_bn_device(self.cfg)
            model_wrapper_cfg = model_wrapper_cfg or cpu_wrapper(self.cfg)
            if wants_fast_convolutions(self.cfg):
                arrange_model(model, training=True, in_full=computes_in_full(self.cfg))
        return super().wrap_model(model_wrapper_cfg, model)

    def build_logger(self, *args: Any, **kwargs: Any) -> MMLogger:
        """Build the logger; what fills screens goes to the log file alone."""
        logger = super().build_logger(*args, **kwargs)
        for handler in logger.handlers:
            if not isinstance(handler, logging.FileHandler):
                handler.addFilter(is_news)
        return logger

    def build_optim_wrapper(self, *args: Any, **kwargs: Any) -> OptimWrapper | OptimWrapperDict:
        """Build optimizer and wrapper as mmengine does.

        Raises:
            FishdetError: a setting that one of them does not know.
        """
        with naming_unknown_settings():
            return super().build_optim_wrapper(*args, **kwargs)

    def scale_lr(
        self, optim_wrapper: OptimWrapper, auto_scale_lr: dict[str, Any] | None = None
    ) -> None:
        """Scale as mmengine does, by the pictures of one optimizer step.

        mmengine counts processes × batch and not the batches whose gradients are accumulated.
        """
        steps = getattr(optim_wrapper, "_accumulative_counts", 1)
        if steps > 1 and auto_scale_lr is not None and auto_scale_lr.get("enable"):
            base = auto_scale_lr["base_batch_size"]
            self.logger.info(f"{steps} batches make a step: base batch size {base} / {steps}")
            auto_scale_lr = {**auto_scale_lr, "base_batch_size": base / steps}
        super().scale_lr(optim_wrapper, auto_scale_lr)

    @staticmethod
    def build_dataloader(*args: Any, **kwargs: Any) -> DataLoader:
        """Build a loader as mmengine does.

        Raises:
            FishdetError: a setting that the loader, its sampler or its data set does not know.
        """
        with naming_unknown_settings():
            return Runner.build_dataloader(*args, **kwargs)

    @master_only
    def save_checkpoint(self, out_dir: str, filename: str, *args: Any, **kwargs: Any) -> None:
        """Save as mmengine does, but whole or not at all: see ``saving.write_durably``.

        Raises:
            CheckpointNotWritten: the disk is full or fails.
        """
        write = super().save_checkpoint
        if "://" in str(out_dir):
            write(out_dir, filename, *args, **kwargs)
            return
        save_durably(
            Path(out_dir) / filename,
            lambda partial: write(str(out_dir), partial.name, *args, **kwargs),
        )

    def load_or_resume(self) -> None:
        """Load what the config names; ``resume`` alone goes on from the newest that verifies.

        Raises:
            FishdetError: no checkpoint verifies; a file that is missing, broken or holds weights
                only.
        """
        if self._resume and self._load_from is None and not self._has_loaded:
            self._load_from = str(newest_of(Path(self.work_dir), self.logger))
        super().load_or_resume()

    def resume(self, filename: str, *args: Any, **kwargs: Any) -> None:
        """Go on from a checkpoint whose check sums hold.

        Raises:
            FishdetError: a file that is missing, broken, or holds weights only.
        """
        path = local_file(filename)
        if path.is_file():
            verify_checkpoint(path)
        super().resume(filename, *args, **kwargs)

    def load_checkpoint(
        self,
        filename: str,
        map_location: str | Callable[..., Any] = "cpu",
        strict: bool = False,
        revise_keys: list[tuple[str, str]] | None = None,
    ) -> dict[str, Any]:
        """Load a checkpoint into the model and return it.

        Resuming and testing ask for the same classes in the same order and for every weight;
        ``load_from`` of a training takes what fits, moves the class heads' rows to the data's
        species, renames torchvision's weights, and reports the rest.

        Raises:
            FishdetError: a file that is missing, broken, or of another model or class list.
        """
        checkpoint = load_checkpoint(local_file(filename), self.cfg.get("trust_pickle", False))
        if self._resume:
            require_training_state(filename, checkpoint)
            checkpoint["meta"].pop("config", None)  # Python, which mmengine would execute
        model = self.model
        while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
            model = model.module
        starts = not self._resume and self._train_loop is not None
        if starts:
            state, notes = starting_weights(checkpoint, model.state_dict(), self._classes())
            checkpoint["state_dict"] = state
            for note in notes:
                self.logger.info(f"{filename}: {note}")
        self.call_hook("after_load_checkpoint", checkpoint=checkpoint)
        if starts:
            _load_checkpoint_to_model(model, checkpoint, strict, revise_keys or [(r"^module.", "")])
        else:
            check_classes(filename, classes_of(checkpoint), self._classes())
            load_state(model, checkpoint.get("state_dict", checkpoint))
        self._has_loaded = True
        self.logger.info(f"Loaded checkpoint {filename}")
        return checkpoint

    def _classes(self) -> list[str]:
        loader = self._train_dataloader if self._train_loop is not None else self._test_dataloader
        dataset = loader["dataset"] if isinstance(loader, dict) else loader.dataset
        meta = dataset.get("metainfo", {}) if isinstance(dataset, dict) else dataset.metainfo
        return list(meta.get("classes", ()))


def newest_of(work_dir: Path, logger: logging.Logger) -> Path:
    """Return the checkpoint to go on from, the same in all processes; log what was left out.

    Raises:
        FishdetError: there is none, or none verifies.
    """
    since = resume_since(work_dir)
    found: list[Any] = [newest_good(work_dir, since) if is_main_process() else None]
    broadcast_object_list(found)
    path, skipped = found[0]
    for line in skipped:
        logger.warning(f"--resume: left out: {line}")
    if path is None:
        raise FishdetError(
            f"--resume: no checkpoint in {work_dir} to go on from: {'; '.join(skipped) or 'none'}. "
            "To start anew, choose another --work-dir or remove these files."
        )
    logger.info(f"--resume: going on from {path}")
    return path


def is_news(record: logging.LogRecord) -> bool:
    """Whether a message belongs on the screen: not mmengine's dumps of environment, config and
    hooks (400 lines before the first error could be seen), nor its notes on its own renamings."""
    text = record.getMessage()
    return not text.lstrip("\n-").startswith((*DUMPS, *OWN_NOTES)) and not text.endswith(MOOT)


def check_classes(filename: str, trained: Sequence[str] | None, wanted: Sequence[str]) -> None:
    """Raise FishdetError, with both lists, if a checkpoint's classes are not the data's."""
    if trained and wanted and list(trained) != list(wanted):
        raise FishdetError(
            f"{filename} was trained on other classes than the data has.\n"
            f"  checkpoint: {', '.join(trained)}\n  data:       {', '.join(wanted)}"
        )


def local_file(name: str) -> Path:
    """Return the path of a checkpoint; an address is downloaded into torch's cache.

    Args:
        name: a path, an http(s) address, ``torchvision://…`` and the like, or what names a
            published model: a name of an index, ``hf://…``.

    Raises:
        FishdetError: the address cannot be reached, or no weights have such a name.
    """
    address = address_of(name)
    if name.startswith("hf://") or (is_name(name) and not Path(name).exists()):
        return resolve(name)
    if address is None:
        return Path(name)
    target = Path(get_dir()) / "checkpoints" / address.rsplit("/", 1)[-1]
    offline = find_weights(target.name)
    if offline is not None:
        return offline
    if is_main_process() and not target.is_file():
        _download(address, target)
    barrier()
    return target


def _download(address: str, target: Path) -> None:
    remedy = (
        f"Put the file into a folder as {target.name} and name the folder in FISHDET_WEIGHTS, or "
        "train without it: --cfg-options load_from=None"
    )
    if not reachable(address):
        raise FishdetError(f"{address} does not answer. {remedy}")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        download_url_to_file(address, str(target))
    except OSError as error:
        raise FishdetError(f"{address} cannot be downloaded ({error}). {remedy}") from error


def build_runner(cfg: Config) -> FishRunner:
    """Return the runner of a bound config.

    Raises:
        FishDataError: the work dir cannot be written.
        FishdetError: a part of the config has a setting that it does not know.
    """
    require_writable(Path(cfg.work_dir), "--work-dir")
    with naming_unknown_settings():
        runner = FishRunner.from_cfg(cfg)
    check_neck(runner.model)
    return runner  # type: ignore[return-value]


@contextmanager
def naming_unknown_settings() -> Iterator[None]:
    """Turn Python's word for an argument that nobody takes into one for the config's author.

    Raises:
        FishdetError: names the part and the setting.
    """
    try:
        yield
    except KeyError as error:
        if " " not in str(error.args[0]):  # a lone key is a fault of the code, a sentence is not
            raise
        raise FishdetError(f"{error.args[0]}; look in the config and --cfg-options") from error
    except TypeError as error:
        found = _UNKNOWN_SETTING.search(str(error))
        if found is None:
            raise
        part = found["part"].removesuffix(".__init__")
        raise FishdetError(
            f"{part} has no setting {found['setting']!r}; look for a slip of the pen in the config "
            "and in --cfg-options"
        ) from error
