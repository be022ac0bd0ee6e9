"""A graph as a file of each format, whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from fish_dataset.files import write_atomic
from fishdet.errors import FishdetError
from fishdet.inference.sessions import KEY

from .graph import Graph

OPSET = 18
EXAMPLE = (2, 96, 128)  # pictures, height, width of the trace; all three stay open


def write_model(graph: Graph, papers: Mapping[str, Any], path: Path, kind: str) -> None:
    """Write ``path`` (and ``.bin`` beside an OpenVINO model).

    Args:
        graph: the detector.
        papers: JSON data.
        path: with the suffix of the format.
        kind: 'onnx', 'openvino' or 'torchscript'.

    Raises:
        FishdetError: a package is missing, or the network holds an operation that the format has
            not.
    """
    text = json.dumps(papers, ensure_ascii=False, sort_keys=True)
    WRITERS[kind](graph, text, path)


def onnx_model(graph: Graph) -> Any:
    """Return the graph as an ONNX model without papers.

    Raises:
        FishdetError: see ``write_model``.
    """
    onnx = require_package("onnx")
    names = list(graph.outputs)
    axes = {"images": {0: "batch", 1: "height", 2: "width"}}
    axes |= {name: {0: "batch", 1: "boxes"} for name in names}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = Path(folder) / "model.onnx"
        with _naming_operations("ONNX"):
            # The exporter by torch.export asks for a graph without data-dependent sizes.
            torch.onnx.export(
                graph, (_example(),), str(file), input_names=["images"], output_names=names,
                dynamic_axes=axes, opset_version=OPSET, dynamo=False,
            )  # fmt: skip
        return onnx.load(str(file))


def write_onnx(model: Any, text: str, path: Path) -> None:
    """Write an ONNX model with its papers."""
    onnx = require_package("onnx")
    del model.metadata_props[:]
    model.producer_name = "fishdet"
    onnx.helper.set_model_props(model, {KEY: text})
    write_atomic(path, lambda temporary: onnx.save(model, str(temporary)))


def openvino_model(graph: Graph) -> Any:
    """Return the graph as an OpenVINO model without papers.

    Raises:
        FishdetError: see ``write_model``.
    """
    openvino = require_package("openvino")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        write_onnx(onnx_model(graph), "{}", file)
        with _naming_operations("OpenVINO"):
            return openvino.convert_model(str(file))


def write_openvino(model: Any, text: str, path: Path) -> None:
    """Write an OpenVINO model, ``.xml`` and ``.bin``, with its papers.

    Where it is ended between the two, there is no ``.xml``: never one beside the weights of
    another export.
    """
    openvino = require_package("openvino")
    model.set_rt_info(text, [KEY])
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".export-") as folder:
        whole = Path(folder) / path.name
        openvino.save_model(model, str(whole), compress_to_fp16=False)
        path.unlink(missing_ok=True)
        os.replace(whole.with_suffix(".bin"), path.with_suffix(".bin"))
        os.replace(whole, path)


def write_torchscript(graph: Graph, text: str, path: Path) -> None:
    """Write a traced module with its papers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with torch.inference_mode(), _naming_operations("TorchScript"):
            traced = torch.jit.trace(graph, (_example(),), check_trace=False)
        write_atomic(
            path,
            lambda file: torch.jit.save(traced, str(file), _extra_files={KEY: text.encode()}),
        )


WRITERS: dict[str, Callable[[Graph, str, Path], None]] = {
    "onnx": lambda graph, text, path: write_onnx(onnx_model(graph), text, path),
    "openvino": lambda graph, text, path: write_openvino(openvino_model(graph), text, path),
    "torchscript": write_torchscript,
}


def require_package(name: str) -> Any:
    """Import a package of the extra ``[export]``.

    Raises:
        FishdetError: it is not installed.
    """
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise FishdetError(
            f"export needs {name}, which is not installed: pip install -e '.[export]'"
        ) from error


def _example() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (*EXAMPLE, 3), generator=generator, dtype=torch.uint8)


@contextmanager
def _naming_operations(name: str) -> Iterator[None]:
    """Turn what a converter raises into one line."""
    try:
        yield
    except FishdetError:
        raise
    except Exception as error:
        lines = str(error).splitlines() or [type(error).__name__]
        raise FishdetError(f"export: the network does not become {name}: {lines[0]}") from error
