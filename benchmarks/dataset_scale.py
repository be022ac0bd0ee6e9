"""A large COCO file: FishDataset against mmdet's CocoDataset, and how our tools grow with size.

    python benchmarks/dataset_scale.py [--images 100000 --boxes 1000000 --rounds 3 --parts load]

Three parts. *Load*: both read the same file, filter and are ready for the loader, in turn, each in
a process of its own that has imported all before the clock starts; FishDataset also checks every
entry and looks for every picture (the files are there, empty). Peak memory is the kernel's figure
for the process. *Workers*: what each loader process adds in memory of its own once it has touched
every item, against one that holds no data set (forked, and spawned). *Size*: reading, writing,
checking and converting a tenth of the file and all of it, in time per image.

The CPU time of the process stands beside the time on the clock, since other work on the machine
does not enter it. Memory is read from /proc, so this runs on Linux.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

SIDES = ("mmdet", "fish")
CLASSES = tuple(f"species {number}" for number in range(20))
PER_VIDEO = 50
PARTS = ("load", "workers", "size")


def main() -> None:
    """Make the files, run each part and print the ratios."""
    args = parse_args()
    if args.child:
        print(json.dumps(CHILDREN[args.child](args)))
        return
    print(f"{args.images} images, {args.boxes} boxes, {os.cpu_count()} cores, {args.rounds} rounds")
    with tempfile.TemporaryDirectory(dir=args.tmp) as folder:
        for name, share in (("tenth", 10), ("all", 1)):
            make_files(Path(folder, name), args.images // share, args.boxes // share, args.seed)
        size = Path(folder, "all", "train.json").stat().st_size
        print(f"train.json holds {size / 2**20:.1f} MiB")
        if "load" in args.parts:
            compare_loads(args, Path(folder, "all"))
        if "workers" in args.parts:
            compare_workers(args, Path(folder, "all"))
        if "size" in args.parts:
            show_growth(args, Path(folder))


def parse_args() -> argparse.Namespace:
    """Command line; ``--child`` and ``--data`` are for the processes that this one starts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--boxes", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2, help="loader processes of each kind")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="what to measure")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tmp", type=Path, help="where the files are made")
    parser.add_argument("--child", choices=tuple(CHILDREN), help=argparse.SUPPRESS)
    parser.add_argument("--side", choices=SIDES, default="fish", help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def make_files(folder: Path, images: int, boxes: int, seed: int) -> None:
    """``train.json`` and ``images/`` with empty files; boxes are spread unevenly over pictures."""
    rng = np.random.default_rng(seed)
    (folder / "images").mkdir(parents=True)
    names = [
        f"video_{row // PER_VIDEO:05d}_frame_{row % PER_VIDEO:06d}.jpg" for row in range(images)
    ]
    for name in names:
        (folder / "images" / name).touch()
    weights = rng.exponential(size=images)
    image = np.sort(rng.choice(images, boxes, p=weights / weights.sum()))
    corner = rng.uniform(0, (1600, 900), (boxes, 2)).round(2)
    side = rng.uniform(8, (320, 180), (boxes, 2)).round(2)
    label = rng.integers(1, len(CLASSES) + 1, boxes)
    with (folder / "train.json").open("w") as stream:
        stream.write('{"info": {}, "images": [')
        for row, name in enumerate(names):
            entry = {"id": row + 1, "file_name": name, "width": 1920, "height": 1080}
            stream.write(", " * (row > 0) + json.dumps(entry))
        stream.write('], "annotations": [')
        columns = zip(image.tolist(), label.tolist(), corner.tolist(), side.tolist(), strict=True)
        for row, (of, kind, (x, y), (w, h)) in enumerate(columns):
            entry = {"id": row + 1, "image_id": of + 1, "category_id": kind, "bbox": [x, y, w, h]}
            entry |= {"area": round(w * h, 2), "iscrowd": 0, "segmentation": []}
            stream.write(", " * (row > 0) + json.dumps(entry))
        kinds = [{"id": row, "name": name} for row, name in enumerate(CLASSES, 1)]
        stream.write('], "categories": ' + json.dumps(kinds) + "}")


def compare_loads(args: argparse.Namespace, data: Path) -> None:
    """Both sides in turn; ratios by the least and by the median."""
    figures: dict[str, list[dict]] = {side: [] for side in SIDES}
    for _ in range(args.rounds):
        for side in SIDES:
            figures[side].append(run_child(args, "load", side, data))
    contents = {tuple(one["content"]) for rounds in figures.values() for one in rounds}
    if len(contents) > 1:
        raise SystemExit(f"the two sides hold different content: {contents}")
    print("load              mmdet least/median     fish least/median   ratio least/median")
    for key, unit in (
        ("clock", "s"),
        ("cpu", "s"),
        ("peak", "MiB"),
        ("peak_added", "MiB"),
        ("held_added", "MiB"),
    ):
        low, middle = (
            {side: kind([one[key] for one in figures[side]]) for side in SIDES}
            for kind in (min, statistics.median)
        )
        print(
            f"{key:12} {low['mmdet']:10.2f} {middle['mmdet']:10.2f} {unit:4}"
            f"{low['fish']:10.2f} {middle['fish']:10.2f} {unit:4}"
            f"{low['fish'] / low['mmdet']:10.3f} {middle['fish'] / middle['mmdet']:8.3f}"
        )
    print("(peak: of the whole process with all imports; peak_added: above what imports left)")


def compare_workers(args: argparse.Namespace, data: Path) -> None:
    """Memory of its own (USS) and share of all (PSS) of each worker, above an idle worker's."""
    print(f"{args.workers} loader workers, MiB that the data set adds to each (median)")
    for method in ("fork", "spawn"):
        found = {side: run_child(args, f"workers-{method}", side, data) for side in SIDES}
        for key in ("uss", "pss"):
            mmdet, fish = found["mmdet"][key], found["fish"][key]
            print(f"{method:6} {key}: mmdet {mmdet:8.1f}, fish {fish:8.1f}")


def show_growth(args: argparse.Namespace, folder: Path) -> None:
    """CPU time per image of each step at a tenth and at full size."""
    found = {name: run_child(args, "steps", "fish", folder / name) for name in ("tenth", "all")}
    images = {"tenth": args.images // 10, "all": args.images}
    print(
        "microseconds of CPU per image: a tenth, all, ratio (1 is linear); peak MiB above imports"
    )
    for step, (seconds, peak) in found["all"].items():
        small, large = (
            s / images[n] * 1e6 for n, s in (("tenth", found["tenth"][step][0]), ("all", seconds))
        )
        print(f"{step:8} {small:10.1f} {large:10.1f} {large / small:8.2f} {peak:10.1f}")


def run_child(args: argparse.Namespace, child: str, side: str, data: Path) -> dict[str, Any]:
    """What the child printed in its last line."""
    command = [sys.executable, __file__, "--child", child, "--side", side, "--data", str(data)]
    command += ["--workers", str(args.workers)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{child} ({side}) failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def data_set(side: str, data: Path) -> Any:
    """Either data set, read and filtered."""
    return import_all()[side](
        ann_file=str(data / "train.json"),
        data_prefix={"img": str(data / "images")},
        metainfo={"classes": CLASSES},
        filter_cfg={"filter_empty_gt": True, "min_size": 32},
        pipeline=[],
    )


def child_load(args: argparse.Namespace) -> dict[str, Any]:
    """Time and memory of one load, and a digest of what was loaded."""
    import_all()
    with measured() as figures:
        loaded = data_set(args.side, args.data)
    every = [loaded.get_data_info(row)["instances"] for row in range(0, len(loaded), 7)]
    corners = [sum(box["bbox"]) for instances in every for box in instances]
    figures["content"] = [len(loaded), len(corners), round(sum(corners) / max(len(corners), 1), 3)]
    return figures


def child_workers(args: argparse.Namespace) -> dict[str, float]:
    """Starts workers with the data set and without, all touching all items at once."""
    method = args.child.removeprefix("workers-")
    import_all()
    loaded = data_set(args.side, args.data)
    context = multiprocessing.get_context(method)
    with_data = worker_memory(context, args.workers, loaded)
    idle = worker_memory(context, args.workers, None)
    return {key: with_data[key] - idle[key] for key in with_data}


def worker_memory(context: Any, workers: int, loaded: Any) -> dict[str, float]:
    """Median USS and PSS in MiB of ``workers`` processes that have touched every item."""
    queue, barrier = context.Queue(), context.Barrier(workers)
    processes = [
        context.Process(target=touch_all, args=(loaded, queue, barrier)) for _ in range(workers)
    ]
    for process in processes:
        process.start()
    found = [queue.get(timeout=1800) for _ in processes]
    for process in processes:
        process.join()
    return {key: statistics.median(one[key] for one in found) for key in found[0]}


def touch_all(loaded: Any, queue: Any, barrier: Any) -> None:
    """What a loader worker does in an epoch, without pictures."""
    import_all()
    for row in range(0 if loaded is None else len(loaded)):
        loaded.get_data_info(row)
    gc.collect()
    barrier.wait(1800)
    figures = rollup()
    barrier.wait(1800)
    queue.put(figures)


def child_steps(args: argparse.Namespace) -> dict[str, tuple[float, float]]:
    """CPU seconds and added peak of reading, writing, checking and converting."""
    from fish_dataset.checks.on_boxes import check_boxes, check_shapes
    from fish_dataset.checks.pictures import look_at
    from fish_dataset.checks.subject import Log, Subject
    from fish_dataset.coco import read_coco, write_coco
    from fish_dataset.formats import named
    from fish_dataset.formats.source import Options
    from fish_dataset.layout import find_splits
    from fish_dataset.reading.lenient import Reading, read_anyway

    file, pictures = args.data / "train.json", args.data / "images"
    annotations, _ = read_coco(file, image_dir=pictures)

    def check() -> None:
        reading = read_anyway(find_splits(args.data)["train"])
        assert isinstance(reading, Reading)
        facts = look_at([], 1, lambda _: None).spread(np.zeros(0, int), annotations.num_images)
        subject = Subject({"train": reading}, facts, np.zeros(annotations.num_images, bool))
        log = Log(subject)
        check_boxes(subject, log)
        check_shapes(subject, log)

    steps: dict[str, Callable[[], Any]] = {
        "read": lambda: read_coco(file, image_dir=pictures),
        "write": lambda: write_coco(annotations, args.data / "again.json"),
        "check": check,
        "convert": lambda: named("coco").read(file, Options(image_dir=pictures)),
    }
    found = {}
    for name, step in steps.items():
        with measured() as figures:
            step()
        found[name] = (figures["cpu"], figures["peak_added"])
    return found


class measured:  # noqa: N801  (a context manager that reads as a verb)
    """Clock and CPU seconds, peak and growth of memory in MiB of what runs inside."""

    def __enter__(self) -> dict[str, Any]:
        gc.collect()
        reset_peak()
        self.figures: dict[str, Any] = {}
        self.before = status()["VmRSS"]
        self.start = time.perf_counter(), time.process_time()
        return self.figures

    def __exit__(self, *_: object) -> None:
        clock, cpu = time.perf_counter() - self.start[0], time.process_time() - self.start[1]
        gc.collect()
        after = status()
        self.figures |= {"clock": clock, "cpu": cpu, "peak": after["VmHWM"]}
        self.figures |= {
            "peak_added": after["VmHWM"] - self.before,
            "held_added": after["VmRSS"] - self.before,
        }


def import_all() -> dict[str, Any]:
    """Both classes: all that either side imports, so that both start from the same."""
    from mmdet.registry import DATASETS

    from fish_dataset import FishDataset  # importing it imports mmdet.datasets, with its operators

    return {"mmdet": DATASETS.get("CocoDataset"), "fish": FishDataset}


def reset_peak() -> None:
    """Lets the kernel's peak count from here; ``getrusage`` keeps the imports' and the parent's."""
    Path("/proc/self/clear_refs").write_text("5")


def status() -> dict[str, float]:
    """VmRSS and VmHWM (its peak) of this process in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return {
        line.split(":")[0]: int(line.split()[1]) / 1024
        for line in lines
        if line.startswith(("VmRSS", "VmHWM"))
    }


def rollup() -> dict[str, float]:
    """USS (pages of no other process) and PSS (a share of each page) of this process in MiB."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]
    pages = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines}
    return {"uss": pages["Private_Clean"] + pages["Private_Dirty"], "pss": pages["Pss"]}


CHILDREN: dict[str, Callable[[argparse.Namespace], Any]] = {
    "load": child_load,
    "workers-fork": child_workers,
    "workers-spawn": child_workers,
    "steps": child_steps,
}

if __name__ == "__main__":
    main()
