"""Quantised versions of one model: made by NNCF, opened, and their layers ranked."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import supervision as sv

from fish_dataset.progress import counted
from fishdet.inference.detector import Detector
from fishdet.precision import cpu_has_vnni

from .convolved import convolve_maps
from .graph import Graph
from .layers import EXACT, Layer, layers_of
from .likeness import damage
from .search import Ranked, rank
from .write import onnx_model, openvino_model, require_package, write_onnx, write_openvino

FORMATS: dict[str, tuple[Callable[[Graph], Any], Callable[[Any, str, Path], None]]] = {
    "onnx": (onnx_model, write_onnx),
    "openvino": (openvino_model, write_openvino),
}
"""Of each format that has INT8: what makes a model of a graph, and what writes it."""

RANKING = 16
"""Pictures of train on which layers are ranked; each attempt calibrates and detects on them."""


@dataclass
class Quantiser:
    """Makes and opens quantised versions of one model.

    Args:
        plain: the model in FP32; one of OpenVINO is rewritten for a CPU without VNNI
            (:mod:`.convolved`).
        format: 'onnx' or 'openvino'.
        papers: of the model in FP32, as JSON.
        folder: for files in between.
    """

    plain: Any
    format: str
    papers: str
    folder: Path
    layers: list[Layer] = field(init=False)

    def __post_init__(self) -> None:
        if self.format == "openvino" and not cpu_has_vnni():
            convolve_maps(self.plain)
        self.layers = layers_of(self.plain)

    def quantised(
        self,
        kept: Sequence[Layer],
        pictures: Sequence[np.ndarray],
        told: TextIO | None = None,
    ) -> Any:
        """Return the model in INT8 with the layers ``kept`` in FP32.

        Args:
            pictures: uint8 BGR; the ranges of activations come from them.
            told: where NNCF's progress goes; None: nowhere.
        """
        with _errors_alone():
            nncf = require_package("nncf")
        names = [name for layer in kept for name in layer.operations]
        scope = nncf.IgnoredScope(names=names, patterns=list(EXACT), validate=False)
        dataset = nncf.Dataset(pictures, lambda image: _input(image, self.format))
        with _errors_alone(), redirect_stdout(told or io.StringIO()):
            return nncf.quantize(
                self.plain, dataset, ignored_scope=scope, subset_size=len(pictures)
            )

    def opened(self, model: Any) -> Detector:
        """Return a detector of a model, every score that it has."""
        path = self.folder / f"model{'.onnx' if self.format == 'onnx' else '.xml'}"
        FORMATS[self.format][1](model, self.papers, path)
        return Detector(path, score_thr=0.0)

    def ranked(
        self, pictures: Sequence[np.ndarray], tries: int, before: Sequence[sv.Detections]
    ) -> list[Ranked[Layer]]:
        """Return the layers in groups, those that move detections the most first.

        Args:
            pictures: to calibrate on and to detect on.
            tries: how many versions to make.
            before: detections of the model in FP32 on the pictures.
        """

        def alone(group: tuple[Layer, ...]) -> float:
            rest = [layer for layer in self.layers if layer not in group]
            detector = self.opened(self.quantised(rest, pictures))
            return damage(before, [detector(picture) for picture in pictures])

        with counted(tries, "ranking layers") as done:
            return rank(self.layers, alone, tries, done)


@contextmanager
def _errors_alone() -> Iterator[None]:
    """NNCF's advice on each attempt left out, and PyTorch's, which it imports, on CUDA."""
    loggers = [logging.getLogger(name) for name in ("nncf", "torch.utils.cpp_extension")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _input(image: np.ndarray, kind: str) -> Any:
    return {"images": image[None]} if kind == "onnx" else image[None]
