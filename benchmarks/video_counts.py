"""tools/predict.py on a video whose fish are known: MaxN, time in frame, tracks and memory.

    python benchmarks/video_counts.py MODEL [--frames 500] [--every 1] [--out FOLDER]

Draws a dive of 500 frames with six fish (``drawn_dive``), runs ``tools/predict.py`` on it, counts
again from ``frames.csv`` in a few lines of its own, and compares the tool's summary with that count
(they must be equal) and with the truth (they differ by what the model gets wrong). MODEL must know
the drawn species. Exit status 1 where the summary is not what its own frames say.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from drawn_dive import FPS, FRAMES, Truth, write_dive

ROOT = Path(__file__).resolve().parents[1]
SAME_FISH_IOU = 0.5
SHOWN = (50, 150, 220, 300, 420)  # frames on the sheet to look at


def main() -> None:
    """Draw, look, count twice, compare."""
    args = parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = args.out or Path(folder)
        out.mkdir(parents=True, exist_ok=True)
        truth = write_dive(out / "dive.mp4", args.frames)
        seconds, peak = look(args, out)
        found = out / "found" / "dive.mp4"
        told = {row["class_name"]: row for row in read(found / "summary.csv")}
        rows = read(found / "frames.csv")
        report({i: truth[i] for i in range(0, len(truth), args.every)}, told, rows, args.every)
        looked = f"{-(-args.frames // args.every)} of {args.frames} frames"
        print(f"{looked} in {seconds:.0f} s, most memory {peak} MiB")
        if args.out:
            write_sheet(found / "annotated.mp4", out / "sheet.jpg", args.every)
        if not agrees(told, rows, args.every):
            raise SystemExit("the summary is not what frames.csv says")


def parse_args() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a checkpoint or published model that knows the drawn fish")
    parser.add_argument("--frames", type=int, default=FRAMES)
    parser.add_argument("--every", type=int, default=1, help="look at each Nth frame")
    parser.add_argument("--score-thr", default="0.5")
    parser.add_argument("--out", type=Path, help="keep the videos and tables here")
    return parser.parse_args()


def look(args: argparse.Namespace, out: Path) -> tuple[float, int]:
    """Run the tool; return its seconds and most memory in MiB (Linux)."""
    command = [sys.executable, "tools/predict.py", str(Path(args.model).resolve()),
               str((out / "dive.mp4").resolve()), "--out", str((out / "found").resolve()),
               "--score-thr", args.score_thr, "--batch-size", "4",
               "--every", str(args.every)]  # fmt: skip
    began = time.monotonic()
    running = subprocess.Popen(command, cwd=ROOT)
    peak = 0
    while running.poll() is None:
        peak = max(peak, most_memory(running.pid))
        time.sleep(0.2)
    if running.returncode:
        raise SystemExit(f"tools/predict.py ended with {running.returncode}")
    return time.monotonic() - began, peak


def most_memory(pid: int) -> int:
    """Return the most memory that a process has held so far, in MiB; 0 where it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")), 0)


def read(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table."""
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def count(frames: Iterable[list[str]]) -> dict[str, tuple[int, int]]:
    """Return MaxN and the number of frames with at least one, by species."""
    most: Counter[str] = Counter()
    present: Counter[str] = Counter()
    for names in frames:
        for name, number in Counter(names).items():
            most[name], present[name] = max(most[name], number), present[name] + 1
    return {name: (most[name], present[name]) for name in most}


def by_frame(rows: list[dict[str, str]]) -> dict[int, list[dict[str, str]]]:
    """Return the rows of frames.csv by frame."""
    frames: dict[int, list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        frames[int(row["frame"])].append(row)
    return frames


def agrees(told: dict[str, dict[str, str]], rows: list[dict[str, str]], every: int) -> bool:
    """Whether the summary is what its frames say."""
    again = count([row["class_name"] for row in frame] for frame in by_frame(rows).values())
    tool = {
        name: (int(row["max_n"]), round(float(row["seconds_in_frame"]) * FPS / every))
        for name, row in told.items()
    }
    return again == tool


def report(
    truth: dict[int, Truth],
    told: dict[str, dict[str, str]],
    rows: list[dict[str, str]],
    every: int,
) -> None:
    """Print truth and tool side by side, and how boxes and tracks fit the swimmers."""
    true = count(one.species for one in truth.values())
    print("species: MaxN true / told, seconds in frame true / told")
    for name in sorted({*true, *told}):
        most, present = true.get(name, (0, 0))
        row = told.get(name, {"max_n": "0", "seconds_in_frame": "0"})
        print(f"  {name}: {most} / {row['max_n']}, "
              f"{present * every / FPS:.2f} / {float(row['seconds_in_frame']):.2f}")  # fmt: skip
    tracks, hits, false = follow(truth, by_frame(rows))
    fish = sum(len(one.bboxes) for one in truth.values())
    print(f"fish in frames: {fish}, found (IoU 0.5) {hits}, boxes on none {false}")
    for number, numbers in sorted(tracks.items()):
        print(f"  swimmer {number}: tracks {dict(numbers.most_common())} (track: frames)")


def follow(
    truth: dict[int, Truth], frames: dict[int, list[dict[str, str]]]
) -> tuple[dict[int, Counter[str]], int, int]:
    """Return the tracks of each swimmer with their frames, and boxes on a fish and on none."""
    tracks: dict[int, Counter[str]] = defaultdict(Counter)
    hits = false = 0
    for index, one in truth.items():
        boxes: list[Any] = [corners(row) for row in frames.get(index, [])]
        left = set(range(len(boxes)))
        for bbox, swimmer in zip(one.bboxes, one.swimmers, strict=True):
            best = max(left, key=lambda at: iou(boxes[at], bbox), default=None)
            if best is None or iou(boxes[best], bbox) < SAME_FISH_IOU:
                continue
            left.remove(best)
            hits += 1
            tracks[swimmer][frames[index][best]["track"] or "none yet"] += 1
        false += len(left)
    return tracks, hits, false


def corners(row: dict[str, str]) -> tuple[float, float, float, float]:
    """Return a row's box as xywh."""
    x1, y1, x2, y2 = (float(row[name]) for name in ("x1", "y1", "x2", "y2"))
    return x1, y1, x2 - x1, y2 - y1


def iou(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Return the overlap of two boxes xywh."""
    wide = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    high = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    both = max(wide, 0) * max(high, 0)
    return both / (one[2] * one[3] + other[2] * other[3] - both)


def write_sheet(video: Path, path: Path, every: int) -> None:
    """Write some frames of the annotated video side by side."""
    reader, shown, index = cv2.VideoCapture(str(video)), [], 0
    while True:
        good, image = reader.read()
        if not good:
            break
        if index * every in SHOWN:
            shown.append(image)
        index += 1
    if shown:
        cv2.imwrite(str(path), np.hstack(shown))


if __name__ == "__main__":
    main()
