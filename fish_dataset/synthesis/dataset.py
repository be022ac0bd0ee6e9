"""The built-in data set: pictures and COCO annotations drawn from a seed, no download."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_all_start_methods, get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from fish_dataset.cores import usable_cores
from fish_dataset.errors import FishDataError
from fish_dataset.files import file_sha256
from fish_dataset.progress import counted, silent

from .folder import (
    CATALOGUE_FILE,
    SPEC_FILE,
    SPLITS,
    Spec,
    check_replaceable,
    image_name,
    is_whole,
    locked,
    replacing,
)  # fmt: skip
from .invented import catalogue_toml
from .scene import Scene, draw_in
from .setting import build_setting

GROUP = 4  # pictures of one scene group: the same place, other fish
QUALITY = 92
Record = dict[str, Any]


def image_seeds(spec: Spec, split: str, index: int) -> np.random.SeedSequence:
    """The seeds of one picture; train and val share none."""
    return np.random.SeedSequence([spec.seed, SPLITS.index(split), index])


def group_seeds(spec: Spec, split: str, group: int) -> np.random.SeedSequence:
    """The seeds of the place that a scene group shares."""
    return np.random.SeedSequence([spec.seed, SPLITS.index(split), group], spawn_key=(1,))


def _annotations(scene: Scene, first: int) -> list[Record]:
    areas = scene.masks.sum((1, 2)).tolist()
    rows = zip(scene.labels.tolist(), scene.bboxes.tolist(), areas, strict=True)
    return [
        {"category_id": first + label + 1, "bbox": bbox, "area": area, "iscrowd": 0}
        for label, bbox, area in rows
    ]


def _draw_group(
    folder: Path, spec: Spec, task: tuple[str, int]
) -> list[tuple[Record, list[Record]]]:
    """Draw and write the pictures of one scene group; their COCO records, ids still to come."""
    split, group = task
    setting = build_setting(group_seeds(spec, split, group), spec.size)
    video = f"scene_{_tasks(spec).index(task) + 1:06d}"
    records = []
    for index in range(group * GROUP, min((group + 1) * GROUP, spec.images(split))):
        cast, first = spec.shown(split, index)
        scene = draw_in(setting, image_seeds(spec, split, index), spec.size, cast)
        name = image_name(split, index)
        _, data = cv2.imencode(".jpg", scene.image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        (folder / name).write_bytes(data.tobytes())
        image = {"file_name": name, "width": spec.size, "height": spec.size, "video": video,
                 "site": setting.water.site, "frame": index % GROUP}  # fmt: skip
        records.append((image, _annotations(scene, first)))
    return records


def _tasks(spec: Spec) -> list[tuple[str, int]]:
    return [(split, group) for split in SPLITS for group in range(-(-spec.images(split) // GROUP))]


def _start_worker() -> None:
    """In a worker: one thread each, and Ctrl-C is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)


@contextmanager
def _single_threaded() -> Iterator[None]:
    """OpenCV on one thread: its idle threads, copied into a forked process, would hang there."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


@contextmanager
def _results(folder: Path, spec: Spec, workers: int) -> Iterator[Iterable[tuple[tuple, list]]]:
    """An iterable of (task, records) as the tasks finish, in any order."""
    tasks, draw = _tasks(spec), partial(_draw_group, folder, spec)
    if workers == 1:
        yield ((task, draw(task)) for task in tasks)
        return
    # A forked worker starts at once; a spawned one imports mmdet first.
    method = "fork" if "fork" in get_all_start_methods() else "spawn"
    with _single_threaded():
        pool = ProcessPoolExecutor(workers, get_context(method), _start_worker)
        try:
            pending: dict[Future, tuple] = {pool.submit(draw, task): task for task in tasks}
            yield ((pending[future], future.result()) for future in as_completed(pending))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _coco(records: Iterable[tuple[Record, list[Record]]], spec: Spec) -> dict[str, Any]:
    images: list[Record] = []
    boxes: list[Record] = []
    for image, found in records:
        images.append({"id": len(images) + 1, **image})
        for box in found:
            boxes.append({"id": len(boxes) + 1, "image_id": len(images), **box})
    return {
        "info": {"description": "Drawn underwater scenes", **spec.record()},
        "images": images,
        "annotations": boxes,
        "categories": [
            {"id": index + 1, "name": name, "supercategory": "fish"}
            for index, name in enumerate(spec.classes)
        ],
    }


def _write(work: Path, spec: Spec, workers: int, progress: bool) -> None:
    """Draw the whole set into the folder ``work``."""
    groups: dict[tuple, list] = {}
    total = spec.images("train") + spec.val
    report = counted(total, "drawing the built-in pictures") if progress else silent()
    with _results(work / "images", spec, workers) as results, report as advance:
        for task, records in results:
            groups[task] = records
            advance(len(records))
    for split in SPLITS:
        ordered = (pair for task in _tasks(spec) if task[0] == split for pair in groups[task])
        text = json.dumps(_coco(ordered, spec), separators=(",", ":"))
        (work / f"{split}.json").write_text(text, encoding="utf-8")
    if spec.cast == "invented":
        (work / CATALOGUE_FILE).write_text(catalogue_toml(spec.pairs), encoding="utf-8")
    digests = {f"{split}.json": file_sha256(work / f"{split}.json") for split in SPLITS}
    record = json.dumps({**spec.record(), "digests": digests}, indent=2)
    (work / SPEC_FILE).write_text(record + "\n", encoding="utf-8")


def _worker_count(workers: int | None, spec: Spec) -> int:
    if workers is not None and workers < 1:
        raise FishDataError(f"drawn data set: workers={workers!r} is not a number from 1")
    if workers is None:
        workers = usable_cores()
    return max(1, min(workers, len(_tasks(spec))))


def ensure_dataset(
    root: str | os.PathLike[str],
    *,
    seed: int = 0,
    train: int = 1500,
    val: int = 300,
    size: int = 256,
    cast: str = "builtin",
    further: int = 0,
    pairs: int = 0,
    workers: int | None = None,
    progress: bool = True,
) -> Path:
    """``root`` holding the drawn set (train.json, val.json, images/, spec.json); drawn if need be.

    Equal arguments give equal bytes, whatever the number of ``workers`` (None: one a core).
    ``size`` is the side of the square pictures in pixels. ``cast`` is 'builtin', seven Korean food
    fish, or 'invented', 28 species that do not exist, in look-alike pairs; their ranks are then in
    ``root/catalogue.toml``, for FISHDET_CATALOGUE. ``further`` training pictures of ``pairs``
    further pairs of invented species follow the others, which stay what they were. A whole set of
    the same spec is kept as it is, one of another spec or with files missing is replaced. The set
    appears in one move, so
    an interruption leaves nothing half done; of several processes one draws, the others wait.

    Raises FishDataError where ``root`` holds anything else, or can't be written.
    """
    spec, root = Spec(seed, train, val, size, cast, further, pairs), Path(os.path.abspath(root))
    count = _worker_count(workers, spec)
    total = spec.images("train") + val
    try:
        if is_whole(root, spec):
            return root
        with locked(root):
            if is_whole(root, spec):
                return root
            check_replaceable(root)
            with replacing(root) as work:
                _write(work, spec, count, progress)
    except OSError as error:
        where = error.filename or root
        raise FishDataError(
            f"{root}: the drawn data set could not be written: {error.strerror or error} "
            f"({where}). It needs about {total * (size / 256) ** 2 * 0.02 + 5:.0f} MB; "
            "free some space, or choose a folder that you may write to."
        ) from error
    except BrokenProcessPool as error:
        raise FishDataError(
            f"{root}: a process that was drawing the data set was ended from outside, perhaps for "
            "want of memory. Start again with fewer workers."
        ) from error
    return root
