"""Where the time of an exported model goes, by kind of operator: each runtime counts its own."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from fishdet.inference.sessions import OPENVINO, compile_openvino, onnx_options

Operators = list[tuple[str, float, int]]
"""(kind, seconds of its own, calls), the dearest first."""


def operator_times(path: Path, images: Sequence[np.ndarray]) -> Operators | None:
    """Run a file on pictures one by one, counted, after a run that is not.

    Args:
        path: what ``tools/export.py`` wrote.
        images: uint8 BGR (H, W, 3).

    Returns:
        The operators; None of a TorchScript file, which PyTorch's profiler sees.
    """
    counters: dict[str, Callable[[Path, Sequence[np.ndarray]], Operators]] = {
        ".xml": _openvino,
        ".onnx": _onnx,
    }
    count = counters.get(path.suffix)
    return None if count is None else count(path, images)


def _openvino(path: Path, images: Sequence[np.ndarray]) -> Operators:
    _, compiled, _ = compile_openvino(path, {**OPENVINO, "PERF_COUNT": True})
    request = compiled.create_infer_request()
    seconds, calls = Counter[str](), Counter[str]()
    request.infer({0: images[0][None]})
    for image in images:
        request.infer({0: image[None]})
        for node in request.get_profiling_info():
            taken = node.real_time.total_seconds()
            if taken > 0:
                kind = f"{node.node_type} ({node.exec_type})"
                seconds[kind] += taken
                calls[kind] += 1
    return [(kind, taken, calls[kind]) for kind, taken in seconds.most_common()]


def _onnx(path: Path, images: Sequence[np.ndarray]) -> Operators:
    import onnxruntime

    with TemporaryDirectory() as folder:
        options = onnx_options(onnxruntime)
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder) / "run")
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        for image in [images[0], *images]:
            session.run(None, {"images": image[None]})
        events = json.loads(Path(session.end_profiling()).read_text())
    runs = sorted((e for e in events if e["name"] == "model_run"), key=lambda e: float(e["ts"]))
    began = runs[1]["ts"]
    seconds, calls = Counter[str](), Counter[str]()
    for event in events:
        kind = event.get("args", {}).get("op_name")
        if event.get("cat") == "Node" and kind and event["ts"] >= began:
            seconds[kind] += event["dur"] / 1e6
            calls[kind] += event["name"].endswith("kernel_time")
    return [(kind, taken, calls[kind]) for kind, taken in seconds.most_common()]
