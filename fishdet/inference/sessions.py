"""The runtimes that open exported models, each behind the same two things: papers and ``run``."""

from __future__ import annotations

import importlib
import json
import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np

from fish_dataset.cores import usable_cores
from fishdet.errors import FishdetError

from .openvino_winograd import use_winograd

KEY = "fishdet"
OPENVINO = {"INFERENCE_PRECISION_HINT": "f32"}
"""Without this bf16 and fp16 are chosen where the CPU has them, and scores move."""


class Session(Protocol):
    """An open model.

    Attributes:
        papers: the text under the key ``fishdet``; None where there is none.
        runtime: its name and version.
    """

    papers: str | None
    runtime: str

    def run(self, images: np.ndarray) -> Sequence[np.ndarray]:
        """Return the outputs of uint8 pictures (B, H, W, 3), each with B rows."""


def onnx_options(ort: Any) -> Any:
    """Return the session options of ONNX Runtime: errors alone are told."""
    options = ort.SessionOptions()
    options.log_severity_level = 3
    return options


def compile_openvino(path: Path, settings: Mapping[str, Any]) -> tuple[Any, Any, int]:
    """Compile an ``.xml`` file for the CPU.

    Args:
        path: the file.
        settings: OpenVINO's own; those of ``OPENVINO`` let convolutions be rewritten
            (:mod:`fishdet.inference.openvino_winograd`).

    Returns:
        The model, the compiled one, and how many convolutions of it run by Winograd's algorithm.
    """
    import openvino

    core = openvino.Core()
    model = core.read_model(str(path))
    in_full = settings.get("INFERENCE_PRECISION_HINT") == "f32"
    threads = int(settings.get("INFERENCE_NUM_THREADS", usable_cores()))
    rewritten = use_winograd(model, threads) if in_full else 0
    return model, core.compile_model(model, "CPU", dict(settings)), rewritten


class OnnxSession:
    """An ``.onnx`` file in ONNX Runtime.

    Raises:
        FishdetError: the runtime is missing, the device is not there, the file cannot be read.
    """

    def __init__(self, path: Path, device: str) -> None:
        ort = _runtime("onnxruntime", path)
        options = onnx_options(ort)
        providers = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
        wanted = providers.get(device.split(":")[0])
        if wanted not in ort.get_available_providers():
            raise FishdetError(
                f"device {device!r}: onnxruntime here runs on "
                f"{', '.join(ort.get_available_providers())}; use --device cpu or install "
                "onnxruntime-gpu"
            )
        with _naming(path):
            self._session = ort.InferenceSession(str(path), options, providers=[wanted])
        self.papers = self._session.get_modelmeta().custom_metadata_map.get(KEY)
        self.runtime = f"onnxruntime {ort.__version__}"

    def run(self, images: np.ndarray) -> Sequence[np.ndarray]:
        """See ``Session``."""
        with _naming_images(images):
            return self._session.run(None, {"images": images})


class OpenVinoSession:
    """An ``.xml`` file, with its ``.bin`` beside it, in OpenVINO.

    Args:
        hints: OpenVINO's own settings.

    Raises:
        FishdetError: the runtime is missing, the device is not there, the file cannot be read.
    """

    def __init__(
        self, path: Path, device: str, hints: Mapping[str, str] = MappingProxyType(OPENVINO)
    ) -> None:
        openvino = _runtime("openvino", path)
        if device != "cpu":
            raise FishdetError(f"device {device!r}: OpenVINO models run on the CPU; use cpu")
        if not path.with_suffix(".bin").is_file():
            raise FishdetError(f"{path.with_suffix('.bin')}: missing; its weights belong beside it")
        with _naming(path):
            model, self._model, rewritten = compile_openvino(path, hints)
        self.papers = (
            str(model.get_rt_info([KEY]).astype(str)) if model.has_rt_info([KEY]) else None
        )
        self.runtime = f"openvino {openvino.__version__.split('-')[0]}"
        if rewritten:
            self.runtime += f", {rewritten} convolutions by Winograd"

    def run(self, images: np.ndarray) -> Sequence[np.ndarray]:
        """See ``Session``."""
        with _naming_images(images):
            result = self._model(images)
            return [result[port] for port in self._model.outputs]


class TorchScriptSession:
    """A ``.torchscript`` file, in PyTorch alone."""

    def __init__(self, path: Path, device: str) -> None:
        torch = _runtime("torch", path)
        importlib.import_module("torchvision")  # registers nms and roi_align
        extra = {KEY: ""}
        with _naming(path), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # TorchScript is no longer PyTorch's own
            self._module = torch.jit.load(str(path), map_location=device, _extra_files=extra)
        text: Any = extra[KEY]
        self.papers = (text.decode() if isinstance(text, bytes) else text) or None
        self.runtime = f"torch {torch.__version__}"
        self._torch, self._device = torch, device

    def run(self, images: np.ndarray) -> Sequence[np.ndarray]:
        """See ``Session``."""
        with self._torch.inference_mode(), _naming_images(images):
            outputs = self._module(self._torch.from_numpy(images).to(self._device))
        return [part.cpu().numpy() for part in outputs]


SESSIONS: dict[str, Callable[[Path, str], Session]] = {
    ".onnx": OnnxSession,
    ".xml": OpenVinoSession,
    ".torchscript": TorchScriptSession,
}
RUNTIMES = {".onnx": "onnxruntime", ".xml": "openvino", ".torchscript": "torch"}
"""The package that opens a file of each kind."""


def papers_of(path: Path) -> dict[str, Any] | None:
    """Return the papers of an exported file; None where they cannot be read.

    Those of an OpenVINO model stand in its text, so that the model is not opened for them.
    """
    try:
        text = (
            _text_in_xml(path)
            if path.suffix == ".xml"
            else SESSIONS[path.suffix](path, "cpu").papers
        )
        papers = json.loads(text or "null")
    except (FishdetError, OSError, ValueError, ElementTree.ParseError):
        return None
    return papers if isinstance(papers, dict) else None


def _text_in_xml(path: Path) -> str | None:
    """The text that ``set_rt_info`` of OpenVINO wrote, read to its place alone."""
    for _, element in ElementTree.iterparse(path):
        if element.tag == KEY:
            return element.get("value")
        if element.tag == "layer":
            element.clear()
    return None


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Turn whatever a runtime raises on a broken file into one line that names it."""
    try:
        yield
    except Exception as error:
        raise FishdetError(
            f"{path}: cannot be opened ({_first(error)}); it is damaged, or of a runtime of "
            "another version: export the model again"
        ) from error


@contextmanager
def _naming_images(images: np.ndarray) -> Iterator[None]:
    """The same for pictures that a graph cannot take."""
    try:
        yield
    except Exception as error:
        height, width = images.shape[1:3]
        raise FishdetError(
            f"a picture of {width}x{height} pixels does not pass the model ({_first(error)}); "
            "one so small or so narrow shows no fish: leave it out"
        ) from error


def _runtime(name: str, path: Path) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise FishdetError(
            f"{path}: needs {name}, which is not installed: pip install {name}"
        ) from error


def _first(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:200]
