"""Where else a training's numbers go: TensorBoard, MLflow and others, by one flag."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict

from fishdet.errors import FishdetError

# name: mmengine's backend, the module that it imports, what installs it
TRACKERS = {
    "tensorboard": ("TensorboardVisBackend", "tensorboard", "tensorboard"),
    "mlflow": ("MLflowVisBackend", "mlflow", "mlflow-skinny"),
    "wandb": ("WandbVisBackend", "wandb", "wandb"),
    "clearml": ("ClearMLVisBackend", "clearml", "clearml"),
    "neptune": ("NeptuneVisBackend", "neptune", "neptune"),
    "dvclive": ("DVCLiveVisBackend", "dvclive", "dvclive"),
    "aim": ("AimVisBackend", "aim", "aim"),
}


def add_trackers(cfg: Config, names: Sequence[str]) -> None:
    """Add backends to the config's visualizer; needs ``cfg.work_dir``.

    Args:
        cfg: changed in place.
        names: keys of ``TRACKERS``.

    Raises:
        FishdetError: a name that is none, or a package that is not installed.
    """
    backends = [dict(one) for one in cfg.visualizer.get("vis_backends") or []]
    known = {one["type"] for one in backends}
    for name in names:
        if name not in TRACKERS:
            raise FishdetError(f"--log-to {name}: unknown; there are {', '.join(TRACKERS)}")
        kind, module, package = TRACKERS[name]
        if find_spec(module) is None:
            raise FishdetError(f"--log-to {name} needs a package: pip install {package}")
        if kind not in known:
            known.add(kind)
            backends.append({"type": kind, **_settings(name, Path(cfg.work_dir))})
    cfg.visualizer.vis_backends = [ConfigDict(one) for one in backends]
    cfg.vis_backends = cfg.visualizer.vis_backends


def _settings(name: str, work_dir: Path) -> dict[str, Any]:
    if name == "mlflow":  # mmengine writes files unless it is given an address
        names = {"exp_name": work_dir.parent.name or "fishdet", "run_name": work_dir.name}
        address = os.environ.get("MLFLOW_TRACKING_URI")
        if address:
            return {**names, "tracking_uri": address}
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        return names
    return {}
