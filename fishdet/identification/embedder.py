"""Crops in, embeddings out: a trained network with what it needs to know of its crops."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config

from fish_dataset.crops.windows import MARGIN, cut
from fishdet.checkpoint.finding import find_checkpoint
from fishdet.checkpoint.load import load_checkpoint
from fishdet.checkpoint.loading import resolve
from fishdet.config import nested_dicts
from fishdet.errors import FishdetError
from fishdet.inference.build import build_network, class_names, config_for
from fishdet.precision import autocast, resolve_precision

from .network import FishEmbedder


class Embedder:
    """A network of ``configs/identification`` with its weights.

    Args:
        model: its checkpoint, a published model by file or name, or a work dir.
        device: 'cpu', 'cuda', …; by default CUDA where there is one.
        precision: 'fp32' (the default: a gallery is compared with what another machine makes),
            'auto', 'bf16' or 'fp16'.
        batch_size: crops at once.

    Attributes:
        classes: species of the data set that the network was trained on.
        taught: those of them that it was shown, all but what its config's ``leave_out`` names.
        digest: SHA-256 of weights and crop settings; a gallery states it.

    Raises:
        FishdetError: no such model, or it is no embedding network.
    """

    def __init__(
        self,
        model: str | os.PathLike[str],
        device: str | None = None,
        precision: str = "fp32",
        batch_size: int = 32,
    ) -> None:
        path = find_checkpoint(Path(resolve(os.fspath(model))))
        checkpoint = load_checkpoint(path)
        cfg = config_for(checkpoint, None, str(path))
        if cfg.model.get("type") != FishEmbedder.__name__:
            raise FishdetError(
                f"{path}: its model is a {cfg.model.get('type')}, no {FishEmbedder.__name__}: a "
                "gallery needs a network of configs/identification"
            )
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.dtype = resolve_precision(precision, self.device)
        self.batch_size = batch_size
        self.classes = class_names(cfg, checkpoint, str(path))
        held = {
            name
            for one in nested_dicts(cfg.get("train_dataloader") or {})
            for name in one.get("leave_out") or ()
        }
        self.taught = tuple(name for name in self.classes if name not in held)
        self.size, self.margin = _crop_settings(cfg, path)
        self.model: Any = build_network(cfg, checkpoint["state_dict"], self.device)
        self.digest = _digest(checkpoint["state_dict"], self.size, self.margin)

    def __call__(self, crops: Sequence[np.ndarray]) -> np.ndarray:
        """Return embeddings (N, D) float32 of crops that ``cut`` made, uint8 BGR (h, w, 3)."""
        found = [
            self._forward(crops[start : start + self.batch_size])
            for start in range(0, len(crops), self.batch_size)
        ]
        width = int(self.model.dimensions)
        return np.concatenate(found) if found else np.zeros((0, width), np.float32)

    def cut(self, image: np.ndarray, box: np.ndarray) -> np.ndarray:
        """Return the crop of a box x1, y1, x2, y2 as the network was trained on."""
        return cut(image, box, self.size, self.margin)

    def _forward(self, crops: Sequence[np.ndarray]) -> np.ndarray:
        pixels = torch.from_numpy(np.stack(crops).transpose(0, 3, 1, 2).copy())
        data = {"inputs": list(pixels), "data_samples": None}
        with torch.inference_mode(), autocast(self.device, self.dtype):
            inputs = self.model.data_preprocessor(data, False)["inputs"]
            points = self.model(inputs.contiguous(memory_format=torch.channels_last), mode="tensor")
        return points.float().cpu().numpy()


def _crop_settings(cfg: Config, path: Path) -> tuple[tuple[int, int], float]:
    for step in cfg.test_dataloader.dataset.pipeline:
        if step["type"] == "ResizeCrop":
            width, height = step["scale"]
            return (int(width), int(height)), float(step.get("margin", MARGIN))
    raise FishdetError(f"{path}: the test pipeline of its config has no ResizeCrop")


def _digest(state: dict[str, torch.Tensor], size: tuple[int, int], margin: float) -> str:
    """Return the SHA-256 of all that embeddings depend on; the training's head is no part."""
    digest = hashlib.sha256(json.dumps([size, margin]).encode())
    for name in sorted(state):
        if not name.startswith("head."):
            tensor = state[name].detach().cpu().contiguous()
            digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
            digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
