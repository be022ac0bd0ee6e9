"""From a config to an mmengine Runner, for training and testing alike."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.dist import barrier, is_main_process
from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.runner import Runner
from mmengine.runner.checkpoint import _load_checkpoint_to_model
from torch.hub import download_url_to_file, get_dir

from fishdet.checkpoint.load import classes_of, load_checkpoint, load_state
from fishdet.errors import FishdetError
from fishdet.models.timm_backbone import check_neck
from fishdet.models.weight_files import find_weights
from fishdet.models.weight_sources import reachable


class FishRunner(Runner):
    """mmengine's Runner that loads checkpoints without executing them and checks their classes."""

    def load_checkpoint(
        self,
        filename: str,
        map_location: str | Callable[..., Any] = "cpu",
        strict: bool = False,
        revise_keys: list[tuple[str, str]] | None = None,
    ) -> dict[str, Any]:
        """Load a checkpoint into the model and return it.

        Resuming and testing ask for the same classes in the same order and for every weight;
        ``load_from`` of a training takes what fits and reports the rest.

        Raises:
            FishdetError: a file that is missing, broken, or of another model or class list.
        """
        checkpoint = load_checkpoint(local_file(filename))
        self.call_hook("after_load_checkpoint", checkpoint=checkpoint)
        model = self.model
        while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
            model = model.module
        if self._resume or self._train_loop is None:
            check_classes(filename, classes_of(checkpoint), self._classes())
            load_state(model, checkpoint.get("state_dict", checkpoint))
        else:
            _load_checkpoint_to_model(model, checkpoint, strict, revise_keys or [(r"^module.", "")])
        self._has_loaded = True
        self.logger.info(f"Loaded checkpoint {filename}")
        return checkpoint

    def _classes(self) -> list[str]:
        loader = self._train_dataloader if self._train_loop is not None else self._test_dataloader
        dataset = loader["dataset"] if isinstance(loader, dict) else loader.dataset
        meta = dataset.get("metainfo", {}) if isinstance(dataset, dict) else dataset.metainfo
        return list(meta.get("classes", ()))


def check_classes(filename: str, trained: Sequence[str] | None, wanted: Sequence[str]) -> None:
    """Raise FishdetError, with both lists, if a checkpoint's classes are not the data's."""
    if trained and wanted and list(trained) != list(wanted):
        raise FishdetError(
            f"{filename} was trained on other classes than the data has.\n"
            f"  checkpoint: {', '.join(trained)}\n  data:       {', '.join(wanted)}"
        )


def local_file(name: str) -> Path:
    """Return the path of a checkpoint; an http(s) address is downloaded into torch's cache.

    Raises:
        FishdetError: the address cannot be reached.
    """
    if not name.startswith(("http://", "https://")):
        return Path(name)
    target = Path(get_dir()) / "checkpoints" / name.rsplit("/", 1)[-1]
    offline = find_weights(target.name)
    if offline is not None:
        return offline
    if is_main_process() and not target.is_file():
        _download(name, target)
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
        FishdetError: the work dir cannot be written.
    """
    check_writable(Path(cfg.work_dir))
    runner = FishRunner.from_cfg(cfg)
    check_neck(runner.model)
    return runner  # type: ignore[return-value]


def check_writable(work_dir: Path) -> None:
    """Raise FishdetError if a folder cannot be made or written."""
    probe = work_dir / f".write_test_{os.getpid()}"
    try:
        work_dir.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise FishdetError(
            f"work dir {work_dir} cannot be written: {error.strerror or error}. Choose another "
            "with --work-dir, or mend the permission."
        ) from error
