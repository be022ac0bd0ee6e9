"""torchvision's weights as a checkpoint of this project."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.config import Config
from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights

from fish_dataset.files import require_writable, write_atomic
from fishdet.checkpoint.load import load_checkpoint
from fishdet.checkpoint.papers import config_to_json
from fishdet.checkpoint.training.heads import fit_head
from fishdet.errors import FishdetError

from .config import torchvision_config
from .convert import to_mmdet_state
from .names import CLS, V1, V2, is_torchvision, layout_of

HOLE = "N/A"
"""What torchvision calls the numbers that COCO has left out."""


def from_torchvision(
    path: Path, out: Path, classes: Sequence[str] | None = None, bn_eps: float | None = None
) -> tuple[str, ...]:
    """Write torchvision's weights of ``fasterrcnn_resnet50_fpn`` or ``…_v2`` as a checkpoint.

    It carries its config, so that every tool of this project takes it.

    Args:
        path: a ``.pth`` or ``.safetensors`` of weights.
        out: the ``.pth`` to write.
        classes: names in the order of the labels from 1 on; torchvision's COCO names by default
            where there are 91 labels, the numbers that COCO has left out being dropped.
        bn_eps: of the backbone's batch norms. By default 0 for the v1 of 91 labels, as
            torchvision loads that, else 1e-5.

    Returns:
        the names.

    Raises:
        FishdetError: no such weights, or names that do not fit them.
    """
    if out.suffix != ".pth":
        raise FishdetError(f"--out {out}: name it ….pth; tools/publish.py makes a release of it")
    require_writable(out.parent, "--out")
    checkpoint = load_checkpoint(path)
    if "format" in checkpoint:
        raise FishdetError(
            f"{path}: an export of this project; take the checkpoint that it was made from"
        )
    state = checkpoint["state_dict"]
    if not is_torchvision(state):
        raise FishdetError(f"{path}: no weights of a torchvision detector")
    version = _version(path, state)
    state = to_mmdet_state(state)
    names = _class_names(path, len(state[f"{CLS}.weight"]) - 1, classes)
    coco = classes is None
    kept = tuple(name for name in names if name != HOLE)
    if bn_eps is None:
        bn_eps = 0.0 if coco and version == "v1" else 1e-5
    if coco:
        state = fit_head(state, names, kept).state
    cfg = Config(torchvision_config(version, len(kept), bn_eps=bn_eps, classes=kept))
    _write_checkpoint(out, cfg, state, kept)
    return kept


def _version(path: Path, state: dict[str, torch.Tensor]) -> str:
    layout, names = layout_of(to_mmdet_state(state)), set(state)
    versions = {V1: "v1", V2: "v2"}
    last, beyond = (f"backbone.body.layer3.{block}.conv3.weight" for block in (5, 6))
    if layout not in versions or last not in names or beyond in names:
        raise FishdetError(
            f"{path}: neither fasterrcnn_resnet50_fpn nor fasterrcnn_resnet50_fpn_v2, which are "
            "the two that are converted"
        )
    return versions[layout]


def _class_names(path: Path, number: int, classes: Sequence[str] | None) -> tuple[str, ...]:
    coco = tuple(FasterRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"][1:])
    if classes is None and number == len(coco):
        return coco
    if classes is None or len(classes) != number or len(set(classes)) != number:
        given = ", ".join(classes or ()) or "none"
        raise FishdetError(
            f"{path}: has {number} classes beside the background, which it does not name; give "
            f"{number} different names in the order of their labels: --classes (given: {given})"
        )
    return tuple(classes)


def _write_checkpoint(
    out: Path, cfg: Config, state: dict[str, torch.Tensor], classes: tuple[str, ...]
) -> None:
    from fishdet.inference.build import build_network

    build_network(cfg, state, "cpu")  # proves that names and shapes fit
    papers = {"config": config_to_json(cfg), "classes": list(classes)}
    meta = {"fishdet": papers, "dataset_meta": {"classes": classes}, "experiment_name": out.stem}
    write_atomic(out, lambda to: torch.save({"state_dict": state, "meta": meta}, to))
