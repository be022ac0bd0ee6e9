"""Which operators a prediction's time goes to, in PyTorch and in the exported files.

    OMP_NUM_THREADS=2 python benchmarks/operators.py [--size 480x640] [--proposals 1000]

The networks and files of ``benchmarks/prediction.py``, one picture. The profilers take time of
their own: the shares tell more than the milliseconds.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from contenders import picture
from prediction import alone, size_of, write_apart
from side_by_side import Failed, add_common, machine, machine_line, record
from torch.profiler import ProfilerActivity, profile

from fishdet.allocator import keep_freed_memory
from fishdet.analysis.profile.exported import Operators, operator_times

FILES = {
    "ONNX Runtime, fp32": "plain.onnx",
    "OpenVINO, fp32": "plain.xml",
    "OpenVINO, INT8": "small.xml",
}
OURS = "fishdet, fp32"
SHOWN = 7


def main() -> None:
    """Count, print and record."""
    args = parse_args()
    print(machine_line(machine()))
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as name, torch.inference_mode():
        folder, images = Path(name), [picture(*args.size)] * args.repeats
        ours = alone(args, args.size, 1, folder, OURS)
        found = {f"PyTorch: {OURS}": in_torch(ours, args.repeats)}
        for title, file in FILES.items():
            try:
                write_apart(args, args.size, 1, folder, file)
            except Failed as error:  # a runtime that is missing
                print(f"{title}: {error}")
                continue
            found[title] = operator_times(folder / file, images) or []
    lines = [table(title, rows, args.repeats) for title, rows in found.items()]
    print("\n\n".join(lines))
    record(args.json, [], lines=lines)


def parse_args() -> argparse.Namespace:
    """Parse the size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_common(parser)
    parser.add_argument("--size", type=size_of, default=(480, 640))
    parser.add_argument("--proposals", type=int, default=1000)
    args = parser.parse_args()
    if args.quick:
        args.size, args.repeats = (128, 160), 1
    args.compile, args.bf16 = False, False
    return args


def in_torch(run: Callable[[], Any], repeats: int) -> Operators:
    """Return what PyTorch's profiler counts, after a run that is not counted."""
    run()
    with profile(activities=[ProfilerActivity.CPU], acc_events=True) as profiler:
        for _ in range(repeats):
            run()
    rows = [(e.key, e.self_cpu_time_total / 1e6, e.count) for e in profiler.key_averages()]
    return sorted(rows, key=lambda row: -row[1])


def table(title: str, rows: Operators, repeats: int) -> str:
    """Return the dearest operators of one picture as Markdown."""
    whole = sum(seconds for _, seconds, _ in rows)
    lines = [f"| {title} | ms | share | calls |", "|---|---|---|---|"]
    shown = [*rows[:SHOWN], ("all others", sum(r[1] for r in rows[SHOWN:]), 0)]
    for name, seconds, calls in shown:
        times = f"{seconds / repeats * 1e3:.0f} | {seconds / whole:.0%}"
        lines.append(f"| {name} | {times} | {calls // repeats or ''} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
