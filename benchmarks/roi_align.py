"""Speed of tvops' RoIAlign against torchvision's kernel, side by side on the CPU.

Both pool the same RoIs from the same four channels-last levels, in turn in one process; the ratio
is that of the medians. Run with ``OMP_NUM_THREADS`` set to the cores that a training would have.

    OMP_NUM_THREADS=2 python benchmarks/roi_align.py [--dtype bfloat16] [--sampling-ratio 0]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torchvision
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tvops.roi_align import multilevel_roi_align  # noqa: E402

STRIDES = (4, 8, 16, 32)
FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "amx_tile")


def main() -> None:
    """Print the CPU's flags, both times and their ratio, forward and with backward."""
    args = parse_args()
    torch.manual_seed(0)
    feats = feature_maps(args.images, args.channels, getattr(torch, args.dtype))
    rois, levels = random_rois(args.images, args.rois)
    print(
        f"torch {torch.__version__}, torchvision {torchvision.__version__}, "
        f"{torch.get_num_threads()} threads, CPU: {cpu_capability()}"
    )
    print(
        f"{args.rois} RoIs, {args.channels} channels, {args.images} images 480x640, 7x7 bins, "
        f"sampling ratio {args.sampling_ratio}, {args.dtype}"
    )
    ours, theirs = (
        lambda: pool_ours(feats, rois, levels, args.sampling_ratio),
        lambda: pool_torchvision(feats, rois, levels, args.sampling_ratio),
    )
    print(f"largest difference {(ours().float() - theirs().float()).abs().max():.2g}")
    with torch.no_grad():
        report("forward", ours, theirs, args.repeats)
    grad = torch.randn_like(ours())
    report(
        "forward + backward",
        lambda: ours().backward(grad),
        lambda: theirs().backward(grad),
        args.repeats,
    )


def parse_args() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rois", type=int, default=1000)
    parser.add_argument("--channels", type=int, default=256)
    parser.add_argument("--images", type=int, default=1)
    parser.add_argument("--sampling-ratio", type=int, default=2)
    parser.add_argument("--dtype", choices=("float32", "bfloat16", "float16"), default="float32")
    parser.add_argument("--repeats", type=int, default=9)
    return parser.parse_args()


def cpu_capability() -> str:
    """What PyTorch uses of the CPU, and the instruction sets that matter here."""
    info = Path("/proc/cpuinfo")
    words = set(info.read_text().split()) if info.exists() else set()
    found = [flag for flag in FLAGS if flag in words]
    return f"{torch.backends.cpu.get_cpu_capability()} ({' '.join(found) or 'flags unknown'})"


def feature_maps(images: int, channels: int, dtype: torch.dtype) -> list[Tensor]:
    """One channels-last map a level that asks for its gradient."""
    return [
        torch.randn(images, channels, 480 // stride, 640 // stride)
        .to(dtype, memory_format=torch.channels_last)
        .requires_grad_()
        for stride in STRIDES
    ]


def random_rois(images: int, count: int) -> tuple[Tensor, Tensor]:
    """RoIs (R, 5) with sides of 16 to 400 pixels, and FPN's level (R,) for each."""
    centre = torch.rand(count, 2) * torch.tensor([640.0, 480.0])
    side = torch.exp(torch.empty(count, 2).uniform_(2.77, 5.99))
    corners = torch.cat([centre - side / 2, centre + side / 2], dim=1).clamp(min=0)
    corners = corners.minimum(torch.tensor([640.0, 480.0, 640.0, 480.0]))
    size = (corners[:, 2:] - corners[:, :2]).prod(dim=1).sqrt()
    levels = torch.log2(size / 56 + 1e-6).floor().clamp(0, 3).long()
    image = torch.randint(images, (count, 1)).float()
    return torch.cat([image, corners], dim=1), levels


def pool_ours(feats: list[Tensor], rois: Tensor, levels: Tensor, ratio: int) -> Tensor:
    """All levels at once."""
    return multilevel_roi_align(feats, rois, levels, 7, STRIDES, ratio, True)


def pool_torchvision(feats: list[Tensor], rois: Tensor, levels: Tensor, ratio: int) -> Tensor:
    """Level by level, as mmdet does it; in float32 on the CPU, which takes no bf16."""
    output = torch.zeros(len(rois), feats[0].size(1), 7, 7)
    for level, (feat, stride) in enumerate(zip(feats, STRIDES, strict=True)):
        chosen = levels == level
        output[chosen] = torchvision.ops.roi_align(
            feat.float(), rois[chosen], 7, 1 / stride, ratio, True
        )
    return output.to(feats[0].dtype)


def report(
    name: str, ours: Callable[[], object], theirs: Callable[[], object], repeats: int
) -> None:
    """Time both in turn and print the medians and their ratio."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats + 1):
        for run, taken in zip((ours, theirs), times, strict=True):
            start = time.perf_counter()
            run()
            taken.append(time.perf_counter() - start)
    mine, other = (statistics.median(taken[1:]) * 1e3 for taken in times)
    print(f"{name}: tvops {mine:.0f} ms, torchvision {other:.0f} ms, ratio {other / mine:.1f}")


if __name__ == "__main__":
    main()
