"""One run of a benchmark in a process of its own: ``python -m fishdet.benchmark.worker FOLDER``.

Its stages (train, detect, score, measure) are noted in the record, so that a run that was killed
goes on where it stood; training itself goes on from its newest checkpoint.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock

from fish_dataset.coco import read_coco
from fish_dataset.errors import FishDataError
from fish_dataset.files import read_json, write_json
from fish_dataset.layout import Split
from fishdet import Detector
from fishdet.checkpoint.training.saving import BEST, LAST, noted
from fishdet.cli import exit_status
from fishdet.config import load_config
from fishdet.errors import FishdetError
from fishdet.hooks.graceful_stop import TrainingInterrupted
from fishdet.plan import measure, peak_gib
from fishdet.runner import build_runner
from fishdet.testing import TestOptions, test
from fishdet.training import TrainOptions, train, training_config

from .measure import complexity, latency, sample_images
from .runs import split_of
from .scoring import notes_on, read_run, score
from .store import (
    DONE,
    FAILED,
    INTERRUPTED,
    LOCK,
    PREDICTIONS,
    SETTINGS,
    Record,
    begin_attempt,
    end_attempt,
    keep_truth,
    read_record,
    seconds,
    write_record,
)

JOBS = "FISHDET_BENCHMARK_JOBS"  # environment variable: how many runs share the machine
STOPPED = 130  # exit status of a run that was asked to stop and can go on


def work(folder: Path) -> int:
    """Bring a run to its end and return the exit status; the record says how it went.

    Waits where another process, left behind by a benchmark that was killed, is still at it.
    """
    with FileLock(folder / LOCK):
        record = read_record(folder) or read_json(folder / SETTINGS)
        if record.get("state") == DONE:
            return 0
        begin_attempt(folder, record)
        try:
            _stages(folder, record)
        except (TrainingInterrupted, KeyboardInterrupt):
            end_attempt(folder, record, INTERRUPTED)
            return STOPPED
        except (FishdetError, FishDataError) as error:
            print(f"error: {error}", file=sys.stderr)
            end_attempt(folder, record, FAILED, str(error))
            return 2
        end_attempt(folder, record, DONE)
    return 0


def estimate(folder: Path, target: Path) -> int:
    """Measure a few training steps and write ``target``: seconds of training at most."""
    settings = read_json(folder / SETTINGS)
    cfg, _ = training_config(train_options(settings, folder / "plan"))
    found = measure(build_runner(cfg))
    target.parent.mkdir(parents=True, exist_ok=True)
    write_json(
        target,
        {"seconds": found.seconds, "step": found.step, "iterations": found.loop.max_iters},
    )
    return 0


def train_options(settings: Record, work_dir: Path) -> TrainOptions:
    """Return what ``tools/train.py`` would be told for these settings."""
    model, data = settings["model"], settings["data"]
    options = dict(model["cfg_options"])
    if data["train_images"] is not None:
        options["train_dataloader.dataset.indices"] = chosen_images(settings)
    return TrainOptions(
        config=Path(model["config"]),
        data=Path(data["path"]),
        work_dir=work_dir,
        resume="auto",
        precision=model["precision"],
        cfg_options=options or None,
        seed=settings["seed"],
        epochs=model["epochs"],
        img_scale=tuple(model["img_scale"]) if model["img_scale"] else None,
    )


def chosen_images(settings: Record) -> list[int]:
    """Return the rows of the training set that a run learns from, ascending.

    Raises:
        FishdetError: fewer images than asked for, or a config whose data set is wrapped.
    """
    model = settings["model"]
    loader = load_config(model["config"], dict(model["cfg_options"])).train_dataloader
    if loader.dataset.type != "FishDataset":
        raise FishdetError(
            f"train_images: {model['config']} wraps its training set in {loader.dataset.type}; "
            "use a config whose data set is a FishDataset"
        )
    path, wanted = Path(settings["data"]["path"]), settings["data"]["train_images"]
    total = read_coco(split_of(path, "train").ann_file, check_images=False)[0].num_images
    if wanted > total:
        raise FishdetError(f"train_images = {wanted}: {path} has {total} training images")
    return sorted(np.random.default_rng(0).permutation(total)[:wanted].tolist())


def _stages(folder: Path, record: Record) -> None:
    work_dir = folder / "work"
    split = split_of(Path(record["data"]["path"]), record["data"]["split"])
    if "checkpoint_file" not in record:
        _train(folder, record, work_dir)
    if not (folder / PREDICTIONS).is_file() or "truth" not in record:
        record["truth"] = keep_truth(folder.parent.parent, split.ann_file)
        _detect(folder, record, work_dir)
    if "scores" not in record:
        annotations, detections = read_run(folder.parent.parent, folder, record)
        record["notes"] = notes_on(annotations, detections)
        record["scores"] = score(annotations, detections)
        write_record(folder, record)
    if "cost" not in record:
        record["cost"] = _cost(record, split)
        write_record(folder, record)


def _train(folder: Path, record: Record, work_dir: Path) -> None:
    train(train_options(record, work_dir))
    wanted = LAST if record["checkpoint"] == "last" else BEST
    found = noted(work_dir, wanted)
    if found is None:
        raise FishdetError(f"{work_dir}: training left no {wanted}; see the log")
    record["checkpoint_file"] = str(found)
    seen = read_json(work_dir / "environment.json")
    record["environment"], record["train_images"] = seen, seen["data"]["train"]["images"]
    record["train_seconds"] = seconds(record) + time.time() - record["attempts"][-1]["began"]
    record["peak_gib"] = peak_gib()
    if torch.cuda.is_available():
        record["peak_gpu_gib"] = torch.cuda.max_memory_allocated() / 2**30
    write_record(folder, record)


def _detect(folder: Path, record: Record, work_dir: Path) -> None:
    model, split = record["model"], record["data"]["split"]
    evaluator = {  # of test, whatever the split: tools/test.py scores val by its settings, too
        "test_evaluator.results_file": str(folder / PREDICTIONS),
        "test_evaluator.format_only": True,
    }
    test(
        TestOptions(
            config=Path(model["config"]),
            checkpoint=record["checkpoint_file"],
            data=Path(record["data"]["path"]),
            split=split,
            work_dir=work_dir / "test",
            precision=model["precision"],
            img_scale=tuple(model["img_scale"]) if model["img_scale"] else None,
            cfg_options={**model["cfg_options"], **evaluator},
            intervals=0,
        )
    )
    write_record(folder, record)


def _cost(record: Record, split: Split) -> Record:
    precision = record["model"]["precision"] or "auto"
    detector = Detector(record["checkpoint_file"], precision=precision, runtime="named")
    images = sample_images(split, max(1, record["latency_images"]))
    found: Record = complexity(detector, images[0])
    if record["latency_images"]:
        found["latency"] = latency(lambda image: detector.predict([image]), images)
        found["latency"]["device"] = detector.device
        found["latency"]["jobs_at_once"] = int(os.environ.get(JOBS, "1"))
    return found


def main(arguments: Sequence[str]) -> int:
    """Run ``FOLDER``, or with a second argument only measure its steps into that file."""
    folder = Path(arguments[0])
    if len(arguments) == 1:
        return work(folder)
    return exit_status(lambda: estimate(folder, Path(arguments[1])))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
