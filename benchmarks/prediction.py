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
    Row,
    add_common,
    chosen,
    in_turn,
    machine,
    machine_line,
    record,
)  # fmt: skip

from fishdet.allocator import keep_freed_memory
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
"""Run apart, under the C library's defaults; ``tools/predict.py`` and ``train.py`` change them."""
Named = dict[str, Callable[[], Callable[[], Any]]]
"""What builds each contender, and what that runs, by name."""


@dataclass(frozen=True)
class Case:
    """What all contenders are built for: weights, (height, width) and pictures of that size."""

    args: argparse.Namespace
    stock: Any
    size: tuple[int, int]
    pictures: list[np.ndarray]
    folder: Path


def main() -> None:
    """Run every size and batch and print the ratios."""
    args = parse_args()
    print(machine_line(machine()))
    keep_freed_memory()
    rows: list[Row] = []
    for height, width in args.sizes:
        for batch in args.batches:
            with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
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
    """Build all of them on the same weights."""
    built: dict[str, Callable[[], Any]] = {}
    for name, build in chosen(_named(args, size, batch, folder), args.only).items():
        try:
            apart = name in AS_USERS
            built[name] = Apart(alone, args, size, batch, name) if apart else build()
        except Exception as error:  # a runtime that is missing is a row, and no end
            built[name] = _failing(str(error))
    return built


def alone(
    args: argparse.Namespace, size: tuple[int, int], batch: int, name: str
) -> Callable[[], Any]:
    """Build one that needs no file, in a process of its own."""
    run = _named(args, size, batch, Path())[name]()

    def without_gradients() -> None:
        with torch.inference_mode():
            run()

    return without_gradients


def _named(args: argparse.Namespace, size: tuple[int, int], batch: int, folder: Path) -> Named:
    stock = stock_model(CLASSES, args.proposals)
    pictures = [picture(*size, seed) for seed in range(batch)]
    packed = stock_batch(pictures)
    case = Case(args, stock, size, pictures, folder)
    return {
        "stock MMDetection, fp32": lambda: lambda: stock.test_step(copy.copy(packed)),
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
        return torchvision_model(case.stock, CLASSES, case.size, args.proposals)

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
    """torchvision's own way to ONNX: a trace of the list of pictures, sizes fixed."""
    path = case.folder / "torchvision.onnx"
    images = torchvision_batch(case.pictures)
    feeds = {f"image{k}": image.numpy() for k, image in enumerate(images)}

    def written() -> str:
        if not path.is_file():
            model = torchvision_model(case.stock, CLASSES, case.size, case.args.proposals)
            with torch.inference_mode(False), torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                traced = [torch.from_numpy(values.copy()) for values in feeds.values()]
                torch.onnx.export(
                    model, (traced,), str(path), input_names=list(feeds), opset_version=18,
                    dynamo=False,
                )  # fmt: skip
        return str(path)

    def onnx() -> Callable[[], Any]:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        session = onnxruntime.InferenceSession(written(), options, ["CPUExecutionProvider"])
        return lambda: session.run(None, feeds)

    def openvino(precision: str) -> Callable[[], Any]:
        import openvino

        hints = {
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": precision,
        }
        compiled = openvino.Core().compile_model(written(), "CPU", hints)
        return lambda: compiled(feeds)

    named: Named = {
        "torchvision exported, ONNX Runtime, fp32": onnx,
        "torchvision exported, OpenVINO, fp32": lambda: openvino("f32"),
    }
    if _bf16(case.args):
        named["torchvision exported, OpenVINO, bf16"] = lambda: openvino("bf16")
    return named


def _ours(case: Case) -> Named:
    args, pictures = case.args, case.pictures

    def build(precision: str, proposals: int, plain: bool = False) -> Callable[[], Any]:
        network = Network(
            ours_config(CLASSES, proposals, *case.size), case.stock.state_dict(), "benchmark",
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
    pictures, folder = case.pictures, case.folder
    graphs: list[Any] = []

    def graph() -> Any:
        if not graphs:
            cfg = ours_config(CLASSES, case.args.proposals, *case.size)
            network = Network(
                cfg, case.stock.state_dict(), "benchmark", device="cpu", dtype=torch.float32,
                classes=CLASSES, batch_size=len(pictures), plain=True,
            )  # fmt: skip
            graphs.append(graph_of(network.model, pipeline_steps(cfg, "benchmark")))
        return graphs[0]

    def opened(path: Path, **hints: str) -> Callable[[], Any]:
        session = (
            OpenVinoSession(path, "cpu", hints) if hints else SESSIONS[path.suffix](path, "cpu")
        )
        network = ExportedNetwork(session, CLASSES, len(pictures))
        return lambda: network(pictures)

    def plain(kind: str, suffix: str, **hints: str) -> Callable[[], Any]:
        path = folder / f"plain{suffix}"
        with torch.inference_mode(False), torch.no_grad():
            write_model(graph(), {}, path, kind)
        return opened(path, **hints)

    def int8() -> Callable[[], Any]:
        import logging

        import nncf

        logging.getLogger("nncf").setLevel(logging.ERROR)
        from fishdet.export.convolved import convolve_maps
        from fishdet.export.layers import EXACT
        from fishdet.export.write import openvino_model, write_openvino

        with torch.inference_mode(False), torch.no_grad():
            model = openvino_model(graph())
            if not cpu_has_vnni():
                convolve_maps(model)
            scope = nncf.IgnoredScope(patterns=list(EXACT), validate=False)
            data = nncf.Dataset([p[None] for p in pictures[:1]])
            small = nncf.quantize(model, data, ignored_scope=scope, subset_size=1)
        path = folder / "small.xml"
        write_openvino(small, "{}", path)
        return opened(path)

    named: Named = {
        "fishdet exported, ONNX Runtime, fp32": lambda: plain("onnx", ".onnx"),
        "fishdet exported, OpenVINO, fp32": lambda: plain("openvino", ".xml"),
        "fishdet exported, OpenVINO, INT8": int8,
    }
    if _bf16(case.args):
        named["fishdet exported, OpenVINO, bf16"] = lambda: plain(
            "openvino", ".xml", INFERENCE_PRECISION_HINT="bf16"
        )
    return named


if __name__ == "__main__":
    sys.exit(exit_status(main))
