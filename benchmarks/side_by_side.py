"""What the benchmarks of speed share: contenders in turn, their processes, tables, records."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import signal
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from fishdet.allocator import keep_freed_memory
from fishdet.analysis.profile.clock import peak_of_process
from fishdet.environment import git_commit, hardware, package_version
from fishdet.errors import FishdetError

FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
PRELOADED = ["fishdet.registered", "mmdet.models", "torchvision.models.detection"]
"""What takes seconds to import, once for all processes where they can be forked."""
PACKAGES = ("torch", "torchvision", "onedl-mmdetection", "onnxruntime", "openvino", "nncf")


@dataclass(frozen=True)
class Row:
    """One contender at one size.

    Attributes:
        name: of the contender.
        size: what was run, such as "480×640, batch 1".
        seconds: of each timed run.
        ratio: median of its time over that of the first contender in the same round.
        peak_mib: memory that the process held at most while it ran; 0 where unknown.
        note: why it did not run.
    """

    name: str
    size: str
    seconds: list[float]
    ratio: float | None
    peak_mib: float
    note: str = ""


class Failed(FishdetError, RuntimeError):
    """A contender could not be built, or failed when it ran."""


class Apart:
    """A contender in a process of its own, as its users run it: heap and peak are its own.

    The process waits in between. Keeping freed memory (``fishdet.allocator``) cannot be undone:
    glibc's thresholds follow what is freed until one is set.

    Args:
        build: a function of a module; what it returns is run there.
        args: of ``build``.
        keeps_memory: whether freed memory is kept, as ``tools/predict.py`` and ``train.py`` do;
            otherwise the C library's defaults hold.

    Attributes:
        peak: bytes that the process held at most since it was last asked.

    Raises:
        Failed: it could not be built; when called, it failed.
    """

    def __init__(
        self, build: Callable[..., Callable[[], Any]], *args: Any, keeps_memory: bool
    ) -> None:
        context = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
        multiprocessing.set_forkserver_preload(PRELOADED)
        self._pipe, theirs = context.Pipe()
        serve = (theirs, build, args, keeps_memory)
        self._process = context.Process(target=_serve, args=serve, daemon=True)
        self._process.start()
        theirs.close()
        self.peak = 0
        self._answer()

    def __call__(self, times: int = 1) -> float:
        """Run it so many times, wait, and return the seconds."""
        self._pipe.send(times)
        return self._answer()

    def close(self) -> None:
        """End the process."""
        if self._process.is_alive():
            self._pipe.send(0)
        self._process.join()

    def _answer(self) -> float:
        try:
            fine, value = self._pipe.recv()
        except EOFError:
            raise Failed("its process ended: is there memory enough?") from None
        if not fine:
            raise Failed(value)
        seconds, self.peak = value
        return float(seconds)


def _serve(
    pipe: Any, build: Callable[..., Callable[[], Any]], args: tuple[Any, ...], keeps_memory: bool
) -> None:
    """Build and run as often as asked; answer with whether it went well, seconds and the peak."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the other process is told, and ends this one
    try:
        if keeps_memory:
            keep_freed_memory()
        run = build(*args)
        pipe.send((True, (0.0, peak_of_process())))
        while times := pipe.recv():
            peak_of_process()
            began = time.perf_counter()
            for _ in range(times):
                run()
            pipe.send((True, (time.perf_counter() - began, peak_of_process())))
    except (EOFError, BrokenPipeError):  # the other process is gone
        return
    except Exception as error:  # whatever it is, the other process tells it
        pipe.send((False, str(error) or type(error).__name__))


def in_turn(
    contenders: Mapping[str, Callable[[], Any]], size: str, repeats: int, warm_up: int = 1
) -> list[Row]:
    """Run the contenders in turn, round by round, and return a row for each.

    The ratio is the median over rounds of the quotient within a round: what else the machine does
    meets neighbours alike. Memory is that of the process that a contender runs in. A contender that
    fails is a row that says why; the first must not fail. Those that run apart run once untimed in
    each turn, and end.
    """
    times: dict[str, list[float]] = {name: [] for name in contenders}
    peaks, notes = dict.fromkeys(contenders, 0.0), dict.fromkeys(contenders, "")
    for turn in range(warm_up + repeats):
        for name, run in contenders.items():
            if notes[name]:
                continue
            peak_of_process()
            try:
                seconds = _timed(run)
            except (RuntimeError, ValueError, NotImplementedError) as error:
                notes[name] = f"fails: {str(error).splitlines()[0][:100]}"
                continue
            if turn >= warm_up:
                times[name].append(seconds)
            held = run.peak if isinstance(run, Apart) else peak_of_process()
            peaks[name] = max(peaks[name], held / 2**20)
    for run in contenders.values():
        if isinstance(run, Apart):
            run.close()
    first = times[next(iter(contenders))]
    rows = []
    for name, seconds in times.items():
        pairs = [own / other for own, other in zip(seconds, first, strict=False)]
        ratio = statistics.median(pairs) if pairs and not notes[name] else None
        rows.append(Row(name, size, seconds, ratio, peaks[name], notes[name]))
        print(_line(rows[-1]), flush=True)
    return rows


def _timed(run: Callable[[], Any]) -> float:
    if isinstance(run, Apart):
        run()  # caches, and memory that was given back, went to others while it waited
        return run()
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def _line(row: Row) -> str:
    if row.ratio is None:
        return f"  {row.size:<24} {row.name:<44} {row.note}"
    middle = statistics.median(row.seconds)
    return (
        f"  {row.size:<24} {row.name:<44} {middle:8.4f} s  ratio {row.ratio:.2f}  "
        f"peak {row.peak_mib:.0f} MiB"
    )


def machine() -> dict[str, Any]:
    """Return what the figures hang on: processor, its instructions, threads, versions, commit."""
    info = Path("/proc/cpuinfo")
    words = set(info.read_text(errors="replace").split()) if info.is_file() else set()
    return {
        **hardware(),
        "instructions": [flag for flag in FLAGS if flag in words],
        "versions": {name: package_version(name) for name in PACKAGES},
        "commit": git_commit(),
        "command": " ".join(["python", *map(_shown, sys.argv)]),
    }


def _shown(argument: str) -> str:
    """An argument without the folders of this machine."""
    path = Path(argument)
    return f"benchmarks/{path.name}" if path.suffix == ".py" else path.name or argument


def machine_line(facts: Mapping[str, Any]) -> str:
    """Return the machine in a line."""
    versions = ", ".join(f"{name} {v}" for name, v in facts["versions"].items() if v)
    return (
        f"{facts['cpu']}, {facts['threads']} threads, {' '.join(facts['instructions'])}; "
        f"{versions}; commit {(facts['commit'] or 'unknown')[:9]}"
    )


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add the flags that every benchmark of speed has."""
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it works")
    parser.add_argument("--repeats", type=int, default=5, help="timed rounds")
    parser.add_argument("--json", type=Path, help="file for the record that run_all.py reads")
    parser.add_argument("--only", nargs="+", metavar="WORD",
                        help="contenders whose name has one of these, and the first")  # fmt: skip


def chosen(contenders: dict[str, Any], words: Sequence[str] | None) -> dict[str, Any]:
    """Return the first contender and those that ``--only`` names."""
    first = next(iter(contenders))
    return {
        name: value
        for name, value in contenders.items()
        if not words or name == first or any(word.lower() in name.lower() for word in words)
    }


def record(path: Path | None, rows: Sequence[Row], **more: Any) -> None:
    """Write rows and machine as JSON."""
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    value = {"machine": machine(), "rows": [asdict(row) for row in rows], **more}
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows (as dicts) as Markdown: contenders down, sizes across, ratio (seconds)."""
    sizes = list(dict.fromkeys(row["size"] for row in rows))
    names = list(dict.fromkeys(row["name"] for row in rows))
    cells = {(row["name"], row["size"]): _cell(row) for row in rows}
    peaks = {name: max(row["peak_mib"] for row in rows if row["name"] == name) for name in names}
    lines = ["| | " + " | ".join(sizes) + " | peak, MiB |", "|---|" + "---|" * (len(sizes) + 1)]
    for name in names:
        middle = " | ".join(cells.get((name, size), "–") for size in sizes)
        lines.append(f"| {name} | {middle} | {peaks[name]:.0f} |")
    return "\n".join(lines)


def _cell(row: Mapping[str, Any]) -> str:
    if row["ratio"] is None:
        return row["note"] or "–"
    return f"{row['ratio']:.2f} ({statistics.median(row['seconds']):.2f} s)"


def randomise(model: Any, seed: int = 0) -> None:
    """Give an mmdet R-CNN BatchNorm statistics, and heads whose scores spread."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, part in model.named_modules():
            if isinstance(part, torch.nn.BatchNorm2d):
                part.running_mean = torch.randn(part.num_features) / 10
                part.running_var = torch.rand(part.num_features) * 1.5 + 0.5
                part.weight.uniform_(0.5, 1.2)
            for end, spread in {
                "rpn_cls": 0.05,
                "rpn_reg": 0.02,
                "fc_cls": 0.3,
                "fc_reg": 0.3,
            }.items():
                if name.endswith(end):
                    part.weight.normal_(0, spread)
