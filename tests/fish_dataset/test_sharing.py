"""Spawned processes map one file of columns; none of them gets a copy."""

from __future__ import annotations

import gc
import io
import multiprocessing
import os
import pickle
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import numpy as np
import pytest

from fish_dataset import sharing
from fish_dataset.annotations import Annotations
from fish_dataset.strings import Strings


def made(images: int, boxes: int) -> Annotations:
    rng = np.random.default_rng(0)
    return Annotations(
        classes=("eel", "연어"),
        image_ids=np.arange(1, images + 1),
        file_names=Strings.of(f"사진{row}.jpg" for row in range(images)),
        widths=np.full(images, 64),
        heights=np.full(images, 48),
        box_ids=np.arange(1, boxes + 1),
        box_image=np.sort(rng.integers(0, max(images, 1), boxes)),
        bboxes=rng.uniform(0, 9, (boxes, 4)),
        labels=rng.integers(0, 2, boxes),
        crowd=rng.random(boxes) < 0.5,
        ignore=np.zeros(boxes, bool),
        areas=rng.uniform(1, 9, boxes),
        image_meta={"site": Strings.of(["reef", ""] * (images // 2) + ["x"] * (images % 2))},
    )


def sent(annotations: Annotations) -> tuple[bytes, Annotations]:
    """As a spawned process gets them."""
    stream = io.BytesIO()
    ForkingPickler(stream).dump(annotations)
    return stream.getvalue(), pickle.loads(stream.getvalue())


@pytest.mark.parametrize(("images", "boxes"), [(5, 40), (1, 0), (0, 0)])
def test_columns_arrive_whole_and_unchangeable(images, boxes):
    annotations = made(images, boxes)
    _, received = sent(annotations)
    assert received.equals(annotations)
    assert not received.bboxes.flags.writeable
    assert received.select_images(slice(None)).equals(annotations)


def test_a_pickle_for_a_process_holds_no_column_and_one_for_a_file_does():
    annotations = made(100, 10_000)
    data, received = sent(annotations)
    assert len(data) < 3000
    assert len(pickle.dumps(annotations)) > annotations.bboxes.nbytes
    assert pickle.loads(pickle.dumps(annotations)).equals(received)


def test_all_processes_share_one_file_which_goes_with_the_annotations():
    annotations = made(5, 40)
    path = sharing.share(annotations).path
    assert sharing.share(annotations).path == path
    assert os.stat(path).st_mode & 0o077 == 0
    _, received = sent(annotations)
    base = received.bboxes
    while not isinstance(base, np.memmap):
        base = base.base
    assert Path(base.filename) == Path(path)
    del annotations
    gc.collect()
    assert not Path(path).exists()
    assert received.bboxes.shape == (40, 4)  # what is mapped stays


def test_without_room_for_the_file_a_copy_is_sent(monkeypatch, tmp_path):
    annotations = made(5, 40)
    monkeypatch.setattr(sharing.tempfile, "tempdir", str(tmp_path / "none"))
    data, received = sent(annotations)
    assert received.equals(annotations)
    assert len(data) > annotations.bboxes.nbytes


def add_up(annotations: Annotations, queue: multiprocessing.Queue) -> None:
    queue.put((float(annotations.bboxes.sum()), annotations.file_names[-1]))


def test_a_forked_process_leaves_the_file():
    annotations = made(5, 40)
    path = sharing.share(annotations).path
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    process = context.Process(target=add_up, args=(annotations, queue))
    process.start()
    assert queue.get(timeout=60) == (float(annotations.bboxes.sum()), "사진4.jpg")
    process.join()
    assert Path(path).exists()
