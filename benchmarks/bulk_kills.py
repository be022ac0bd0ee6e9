"""Very many small pictures through Ray with two ``kill -9`` on the way; and Ray against a loop.

    OMP_NUM_THREADS=1 python benchmarks/bulk_kills.py [--pictures 20000] [--folder DIR]

Draws the pictures (64 × 48 px), and gives them to ``tools/predict.py --engine ray`` with a small
detector of random weights. At 30 % of the rows a worker is killed, at 70 % the run with all its
processes; the same command with ``--resume`` goes on. Then counts rows, pictures and doubles, and
compares each row's fish with what one loop without Ray finds. Last, the speed of that loop (one
process with all cores) and of Ray over the same pictures. Exit status 1 if a row is lost, doubled
or different.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))
SMALL = """
pipeline[1]['scale'] = (64, 64)
model['test_cfg']['rpn'] = dict(nms_pre=60, max_per_img=30)
test_dataloader['dataset']['pipeline'] = pipeline
"""
BATCH, CHUNK = 16, 100
LOOP = """
import json, os, sys, time
from pathlib import Path
import torch
from fishdet.inference.bulk.parts import write_part
from fishdet.inference.bulk.work import Worker
settings, folder, out, count, chunk, threads = sys.argv[1:]
torch.set_num_threads(int(threads))
paths = sorted(map(str, Path(folder).iterdir()))[: int(count)]
worker = Worker(json.loads(Path(settings).read_text()))
size, times = int(chunk), []
for start in range(0, len(paths), size):
    write_part(Path(out), worker(paths[start : start + size]))
    times.append((time.perf_counter(), time.process_time()))
print(json.dumps({"pictures": len(paths) - size, "seconds": times[-1][0] - times[0][0],
                  "cpu": times[-1][1] - times[0][1]}))
"""


def main() -> int:
    """Draw, kill, count, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=20_000)
    parser.add_argument("--compared", type=int, help="pictures for the speed (a tenth of them)")
    parser.add_argument("--folder", type=Path, help="work there, and keep what is written")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = args.folder or Path(name)
        photos = folder / "photos"
        draw(photos, args.pictures)
        model = small_model(folder)
        wrong = survive(model, photos, folder / "out", args.pictures)
        wrong += compare(model, photos, folder, args.compared or args.pictures // 10)
    return 1 if wrong else 0


def draw(folder: Path, count: int) -> None:
    """Write ``count`` pictures, no two alike."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    for number in range(len(list(folder.iterdir())), count):
        picture = np.full((48, 64, 3), random.integers(0, 90, 3), np.uint8)
        for _ in range(3):
            centre, axes = random.integers(8, 56, 2), random.integers(4, 16, 2)
            colour = random.integers(60, 255, 3)
            angle = float(random.integers(180))
            cv2.ellipse(picture, centre.tolist(), axes.tolist(), angle, 0, 360, colour.tolist(), -1)
        cv2.imwrite(str(folder / f"{number:06d}.jpg"), picture)


def small_model(folder: Path) -> Path:
    """Save a small detector and return its checkpoint."""
    from small_rcnn import save_small_rcnn

    return save_small_rcnn(folder, extra=SMALL)


def command(model: Path, photos: Path, out: Path) -> list[str]:
    """Return the command line of a run on Ray."""
    return [
        sys.executable, str(ROOT / "tools" / "predict.py"), str(model), str(photos), "--out",
        str(out), "--engine", "ray", "--chunk", str(CHUNK), "--workers", "2", "--batch-size",
        str(BATCH), "--resume",
    ]  # fmt: skip


def survive(model: Path, photos: Path, out: Path, count: int) -> int:
    """Kill twice on the way and count; return how much is wrong."""
    began, parts = time.perf_counter(), out / "pictures"
    first = subprocess.Popen(command(model, photos, out), start_new_session=True, env=environment())
    until(lambda: done(parts) >= 0.3 * count, first)
    killed, at = kill_worker(first.pid), done(parts)
    print(f"kill -9 of worker {killed} after {at} rows", flush=True)
    until(lambda: done(parts) >= 0.7 * count, first)
    tree = [first.pid, *descendants(first.pid)]
    for process in tree:
        os.kill(process, signal.SIGKILL)
    first.wait()
    kept = done(parts)
    print(f"kill -9 of the run, {len(tree)} processes, after {kept} rows", flush=True)
    status = subprocess.run(command(model, photos, out), env=environment()).returncode
    seconds = time.perf_counter() - began
    rows = pq.read_table(parts).to_pylist()
    distinct = {row["address"] for row in rows}
    asked = {str(path) for path in photos.iterdir()}
    errors = sum(row["error"] is not None for row in rows)
    summary = json.loads((out / "summary.json").read_text())
    print(f"exit status {status}; {len(rows)} rows of {len(distinct)} pictures, {count} asked for, "
          f"{len(rows) - len(distinct)} doubles, {errors} errors; the second run looked at "
          f"{summary['looked_at']}; {seconds:.0f} s in all", flush=True)  # fmt: skip
    again = summary["looked_at"] != count - kept
    return status + (distinct != asked) + len(rows) - len(distinct) + errors + again


def compare(model: Path, photos: Path, folder: Path, count: int) -> int:
    """Measure the loop and Ray over the same pictures; return how many rows differ from Ray's."""
    some = folder / "some"
    some.mkdir(exist_ok=True)
    for path in sorted(photos.iterdir())[:count]:
        if not (some / path.name).exists():
            os.link(path, some / path.name)
    cores, speeds = os.cpu_count() or 1, {}
    for threads in (1, cores):
        out = folder / f"loop_{threads}"
        settings = folder / "out" / "settings.json"  # of the detector, as Ray's workers had it
        arguments = [str(settings), str(photos), str(out), str(count), str(CHUNK)]
        found = subprocess.run([sys.executable, "-c", LOOP, *arguments, str(threads)], check=True,
                               env=environment(), capture_output=True, text=True)  # fmt: skip
        loop = json.loads(found.stdout.splitlines()[-1])
        speeds[threads] = loop["pictures"] / loop["seconds"]
        print(f"loop, {threads} threads: {speeds[threads]:.1f} pictures/s, "
              f"{1e3 * loop['cpu'] / loop['pictures']:.1f} ms of CPU a picture; "
              f"load {os.getloadavg()[0]:.1f}", flush=True)  # fmt: skip
    subprocess.run(command(model, some, folder / "ray"), check=True, env=environment(),
                   stdout=subprocess.DEVNULL)  # fmt: skip
    ray = json.loads((folder / "ray" / "summary.json").read_text())["pictures_per_hour"] / 3600
    print(f"Ray, 2 workers of a thread: {ray:.1f} pictures/s, {ray / max(speeds.values()):.2f} of "
          f"the loop's; load {os.getloadavg()[0]:.1f}", flush=True)  # fmt: skip
    expected = fish_by_name(folder / "loop_1" / "pictures")
    found_by_ray = fish_by_name(folder / "out" / "pictures")
    different = sum(not alike(found_by_ray[name], fish) for name, fish in expected.items())
    total = sum(len(fish) for fish in expected.values())
    print(f"rows that differ from the loop's: {different} of {len(expected)} ({total} fish)")
    return different


def fish_by_name(parts: Path) -> dict[str, list[Any]]:
    """Return the fish of each picture by its file's name."""
    rows = pq.read_table(parts).to_pylist()
    return {Path(row["address"]).name: row["fish"] or [] for row in rows}


def alike(one: list[Any], other: list[Any]) -> bool:
    """Whether the same fish are at the same places: to 0.5 px and 0.001 of the score."""
    if [fish["class_name"] for fish in one] != [fish["class_name"] for fish in other]:
        return False
    names, limits = ("x1", "y1", "x2", "y2", "score"), (0.5, 0.5, 0.5, 0.5, 1e-3)
    table = [np.array([[fish[n] for n in names] for fish in each]) for each in (one, other)]
    return not one or bool((np.abs(table[0] - table[1]) <= limits).all())


def environment() -> dict[str, str]:
    """Return the environment of the processes."""
    paths = f"{ROOT}:{os.environ.get('PYTHONPATH', '')}"
    return {**os.environ, "PYTHONPATH": paths, "PYTHONWARNINGS": "ignore"}


def done(parts: Path) -> int:
    """Return the rows that are written."""
    return sum(pq.read_metadata(path).num_rows for path in parts.glob("part-*.parquet"))


def until(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Wait; a run that ends before is a mistake of this script's sizes."""
    while not condition():
        if process.poll() is not None:
            raise SystemExit(f"the run ended with status {process.returncode} before its fault")
        time.sleep(0.1)


def descendants(process: int) -> list[int]:
    """Return the numbers of a process's children, and of theirs."""
    listed = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [one for child in map(int, listed) for one in (child, *descendants(child))]


def kill_worker(driver: int) -> int:
    """Kill a worker of a driver's Ray that holds a detector; return its number."""
    for process in descendants(driver):
        if "MapWorker" in Path(f"/proc/{process}/cmdline").read_text():
            os.kill(process, signal.SIGKILL)
            return process
    raise SystemExit("no worker of Ray's is there")


if __name__ == "__main__":
    sys.exit(main())
