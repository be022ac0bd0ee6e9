"""Prediction side by side: stock MMDetection, torchvision, this project, its exported files.

    OMP_NUM_THREADS=2 python benchmarks/prediction.py [--sizes 480x640 800x1344] [--batches 1 8]

Faster R-CNN R50-FPN, 20 classes, the same random weights and number of proposals everywhere, from
decoded pixels of the network's size to boxes. The first contender, against which all ratios are,
is MMDetection's own model in eager fp32 with torchvision's compiled RoIAlign; of ours it has the
stand-in for mmcv's other operators alone. torchvision runs as its users run it, and with every
switch that it offers. Sampling points of RoIAlign are each one's default (torchvision: 2 a bin).
"""

from __future__ import annotations

import argparse
import copy
import functools
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from contenders import (
    ours_config,
    picture,
    stock_batch,
    stock_model,
    torchvision_batch,
    torchvision_model,
)  # fmt: skip
from side_by_side import (
    Apart,
    Failed,
    Row,
    add_common,
    chosen,
    in_turn,
    machine,
    machine_line,
    record,
)  # fmt: skip

from fishdet.cli import exit_status
from fishdet.export.graph import graph_of
from fishdet.export.write import write_model
from fishdet.inference.build import pipeline_steps
from fishdet.inference.exported import ExportedNetwork
from fishdet.inference.network import Network
from fishdet.inference.sessions import SESSIONS, OpenVinoSession
from fishdet.precision import cpu_has_bf16, cpu_has_vnni, resolve_precision

CLASSES = 20
AS_USERS = ("stock MMDetection, fp32", "torchvision, fp32")
"""Under the C library's defaults; all others keep freed memory, as ``tools/predict.py`` does."""
Named = dict[str, Callable[[], Callable[[], Any]]]
"""What builds each contender, and what that runs, by name."""
FILES = {
    "torchvision exported, ONNX Runtime, fp32": "torchvision.onnx",
    "torchvision exported, OpenVINO, fp32": "torchvision.onnx",
    "torchvision exported, OpenVINO, bf16": "torchvision.onnx",
    "fishdet exported, ONNX Runtime, fp32": "plain.onnx",
    "fishdet exported, OpenVINO, fp32": "plain.xml",
    "fishdet exported, OpenVINO, INT8": "small.xml",
    "fishdet exported, OpenVINO, bf16": "plain.xml",
}
"""Which file a contender runs."""


@dataclass(frozen=True)
class Case:
    """What all contenders are built for: (height, width), pictures of that size, exported files."""

    args: argparse.Namespace
    size: tuple[int, int]
    pictures: list[np.ndarray]
    folder: Path

    def stock(self) -> Any:
        """Return MMDetection's model, with the weights that all have."""
        return stock_model(CLASSES, self.args.proposals)


def main() -> None:
    """Run every size and batch and print the ratios."""
    args = parse_args()
    print(machine_line(machine()))
    rows: list[Row] = []
    for height, width in args.sizes:
        for batch in args.batches:
            with tempfile.TemporaryDirectory() as folder:
                made = contenders(args, (height, width), batch, Path(folder))
                size = f"{height}×{width}, batch {batch}"
                rows += in_turn(made, size, args.repeats)
            record(args.json, rows)


def parse_args() -> argparse.Namespace:
    """Parse the sizes and which contenders run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_common(parser)
    parser.add_argument("--sizes", nargs="+", type=size_of, default=[(480, 640), (800, 1344)])
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 8])
    parser.add_argument("--proposals", type=int, default=1000)
    parser.add_argument("--compile", action="store_true", help="torch.compile too (minutes)")
    parser.add_argument("--bf16", action="store_true", help="also where the CPU has no bf16")
    args = parser.parse_args()
    if args.quick:
        args.sizes, args.batches, args.repeats = [(128, 160)], [1], 2
    return args


def size_of(text: str) -> tuple[int, int]:
    """Parse HEIGHTxWIDTH."""
    height, _, width = text.partition("x")
    if not (height.isdigit() and width.isdigit() and int(height) and int(width)):
        raise argparse.ArgumentTypeError(f"{text!r} is no HEIGHTxWIDTH in pixels, such as 480x640")
    return int(height), int(width)


def contenders(
    args: argparse.Namespace, size: tuple[int, int], batch: int, folder: Path
) -> dict[str, Callable[[], Any]]:
    """Build all of them on the same weights, each in a process of its own."""
    built: dict[str, Callable[[], Any]] = {}
    case = _case(args, size, batch, folder)
    for name in chosen(_named(case), args.only):
        try:
            if name in FILES and not (folder / FILES[name]).is_file():
                write_apart(args, size, batch, folder, FILES[name])
            keeps = name not in AS_USERS
            built[name] = Apart(alone, args, size, batch, folder, name, keeps_memory=keeps)
        except Failed as error:  # a runtime that is missing is a row, and no end
            built[name] = _failing(str(error))
    return built


def alone(
    args: argparse.Namespace, size: tuple[int, int], batch: int, folder: Path, name: str
) -> Callable[[], Any]:
    """Build one, whose file is written."""
    run = _named(_case(args, size, batch, folder))[name]()

    def without_gradients() -> None:
        with torch.inference_mode():
            run()

    return without_gradients


def write_apart(
    args: argparse.Namespace, size: tuple[int, int], batch: int, folder: Path, file: str
) -> None:
    """Export one of the ``FILES`` in a process that ends: what runs it needs less memory."""
    Apart(_writing, args, size, batch, folder, file, keeps_memory=False).close()


def _writing(
    args: argparse.Namespace, size: tuple[int, int], batch: int, folder: Path, file: str
) -> Callable[[], Any]:
    case = _case(args, size, batch, folder)
    if file == "torchvision.onnx":
        _write_torchvision(case, case.folder / file)
    else:
        _write_ours(case, file)
    return lambda: None


def _write_ours(case: Case, file: str) -> None:
    cfg = ours_config(CLASSES, case.args.proposals, *case.size)
    network = Network(
        cfg, case.stock().state_dict(), "benchmark", device="cpu", dtype=torch.float32,
        classes=CLASSES, batch_size=len(case.pictures), plain=True,
    )  # fmt: skip
    graph = graph_of(network.model, pipeline_steps(cfg, "benchmark"))
    with torch.no_grad():
        if file == "small.xml":
            _write_int8(graph, case.pictures, case.folder / file)
        else:
            kind = "onnx" if file.endswith(".onnx") else "openvino"
            write_model(graph, {}, case.folder / file, kind)


def _case(args: argparse.Namespace, size: tuple[int, int], batch: int, folder: Path) -> Case:
    return Case(args, size, [picture(*size, seed) for seed in range(batch)], folder)


def _named(case: Case) -> Named:
    def stock() -> Callable[[], Any]:
        model, packed = case.stock(), stock_batch(case.pictures)
        return lambda: model.test_step(copy.copy(packed))

    return {
        "stock MMDetection, fp32": stock,
        **_torchvision(case),
        **_torchvision_exported(case),
        **_ours(case),
        **_exported(case),
    }


def _failing(words: str) -> Callable[[], Any]:
    def fail() -> None:
        raise RuntimeError(words)

    return fail


def _bf16(args: argparse.Namespace) -> bool:
    return cpu_has_bf16() or bool(args.bf16)


def _torchvision(case: Case) -> Named:
    args, images = case.args, torchvision_batch(case.pictures)
    has_bf16 = _bf16(args)

    def plain() -> Any:
        return torchvision_model(case.stock(), CLASSES, case.size, args.proposals)

    def switched(bf16: bool, compiled: bool) -> Callable[[], Any]:
        model = plain().to(memory_format=torch.channels_last)
        if compiled:
            model.backbone = torch.compile(model.backbone)

        def run() -> Any:
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                return model([i.contiguous(memory_format=torch.contiguous_format) for i in images])

        return run

    def as_users() -> Callable[[], Any]:
        model = plain()
        return lambda: model(images)

    named = {
        "torchvision, fp32": as_users,
        "torchvision, channels_last": lambda: switched(False, False),
    }
    if has_bf16:
        named["torchvision, bf16, channels_last"] = lambda: switched(True, False)
    if args.compile:
        named["torchvision, channels_last, torch.compile"] = lambda: switched(has_bf16, True)
    return named


def _torchvision_exported(case: Case) -> Named:
    path, feeds = str(case.folder / "torchvision.onnx"), _torchvision_feeds(case)

    def onnx() -> Callable[[], Any]:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
        return lambda: session.run(None, feeds)

    def openvino(precision: str) -> Callable[[], Any]:
        import openvino

        hints = {
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": precision,
        }
        compiled = openvino.Core().compile_model(path, "CPU", hints)
        return lambda: compiled(feeds)

    named: Named = {
        "torchvision exported, ONNX Runtime, fp32": onnx,
        "torchvision exported, OpenVINO, fp32": lambda: openvino("f32"),
    }
    if _bf16(case.args):
        named["torchvision exported, OpenVINO, bf16"] = lambda: openvino("bf16")
    return named


def _torchvision_feeds(case: Case) -> dict[str, np.ndarray]:
    images = torchvision_batch(case.pictures)
    return {f"image{k}": image.numpy() for k, image in enumerate(images)}


def _write_torchvision(case: Case, path: Path) -> None:
    """torchvision's own way to ONNX: a trace of the list of pictures, sizes fixed."""
    model = torchvision_model(case.stock(), CLASSES, case.size, case.args.proposals)
    feeds = _torchvision_feeds(case)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model, (torchvision_batch(case.pictures),), str(path), input_names=list(feeds),
            opset_version=18, dynamo=False,
        )  # fmt: skip


def _ours(case: Case) -> Named:
    args, pictures = case.args, case.pictures

    def build(precision: str, proposals: int, plain: bool = False) -> Callable[[], Any]:
        network = Network(
            ours_config(CLASSES, proposals, *case.size), case.stock().state_dict(), "benchmark",
            device="cpu", dtype=resolve_precision(precision, "cpu"), classes=CLASSES,
            batch_size=len(pictures), plain=plain,
        )  # fmt: skip
        return lambda: network(pictures)

    few = min(300, args.proposals)
    named = {
        "fishdet, fp32": lambda: build("fp32", args.proposals),
        "fishdet, fp32, layers as trained": lambda: build("fp32", args.proposals, plain=True),
        f"fishdet, fp32, {few} proposals": lambda: build("fp32", few),
    }
    if _bf16(args):
        named["fishdet, bf16"] = lambda: build("bf16", args.proposals)
        named[f"fishdet, bf16, {few} proposals"] = lambda: build("bf16", few)
    return named


def _exported(case: Case) -> Named:
    def opened(file: str, **hints: str) -> Callable[[], Any]:
        path = case.folder / file
        session = (
            OpenVinoSession(path, "cpu", hints) if hints else SESSIONS[path.suffix](path, "cpu")
        )
        network = ExportedNetwork(session, CLASSES, len(case.pictures))
        return lambda: network(case.pictures)

    named: Named = {}
    for name, file in FILES.items():
        half = name.endswith("bf16")
        if name.startswith("fishdet") and (_bf16(case.args) or not half):
            hints = {"INFERENCE_PRECISION_HINT": "bf16"} if half else {}
            named[name] = functools.partial(opened, file, **hints)
    return named


def _write_int8(graph: Any, pictures: list[np.ndarray], path: Path) -> None:
    import logging

    import nncf

    logging.getLogger("nncf").setLevel(logging.ERROR)
    from fishdet.export.convolved import convolve_maps
    from fishdet.export.layers import EXACT
    from fishdet.export.write import openvino_model, write_openvino

    model = openvino_model(graph)
    if not cpu_has_vnni():
        convolve_maps(model)
    scope = nncf.IgnoredScope(patterns=list(EXACT), validate=False)
    data = nncf.Dataset([p[None] for p in pictures[:1]])
    write_openvino(nncf.quantize(model, data, ignored_scope=scope, subset_size=1), "{}", path)


if __name__ == "__main__":
    sys.exit(exit_status(main))
