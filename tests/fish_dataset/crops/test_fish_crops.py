"""FishCrops and its sampler on drawn data."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import torch

import fishdet.registered  # noqa: F401
from fish_dataset.coco import read_coco
from fish_dataset.crops import ClassBalancedSampler, FishCrops
from fish_dataset.crops.sampler import draw
from fish_dataset.errors import FishDataError
from fish_dataset.folder import read_folder
from fish_dataset.shards.index import index_of
from fish_dataset.shards.write import write_shards

PIPELINE = [
    dict(type="LoadImageFromFile"),
    dict(type="ResizeCrop", scale=(48, 48), jitter=0.05, proposals=True, flip=0.5),
    dict(type="CropColour"),
    dict(type="PackCrop"),
]


def crops(root: Path, **options: object) -> FishCrops:
    return FishCrops(
        ann_file=str(root / "train.json"),
        data_prefix={"img": str(root / "images")},
        **{"pipeline": PIPELINE, **options},
    )


def test_one_sample_a_labelled_fish(drawn_data: Path) -> None:
    data, _ = read_coco(drawn_data / "train.json", image_dir=drawn_data / "images")
    found = crops(drawn_data)
    assert len(found) == data.num_boxes
    assert found.labels.tolist() == data.labels.tolist()
    info = found.get_data_info(2)
    assert info["box"] == pytest.approx(
        [*data.bboxes[2, :2], *(data.bboxes[2, :2] + data.bboxes[2, 2:])]
    )
    assert info["video"] == data.image_meta["video"][int(data.box_image[2])]
    sample = found[2]
    assert sample["inputs"].shape == (3, 48, 48)
    assert sample["data_samples"].gt_label.tolist() == [int(data.labels[2])]


def test_crops_come_from_shards_too(drawn_data: Path, tmp_path: Path) -> None:
    part = read_folder(drawn_data)["train"]
    size = sum(path.stat().st_size for path in (drawn_data / "images").iterdir()) // 4
    write_shards(part, "train", tmp_path / "set", size, 0, lambda done: None)
    pipeline = [dict(type="LoadImageFromFile"), dict(type="ResizeCrop"), dict(type="PackCrop")]
    near = crops(drawn_data, pipeline=pipeline)
    far = crops(tmp_path / "set", pipeline=pipeline, shards=index_of(tmp_path / "set/train.json"))
    assert not (tmp_path / "set/images").exists()
    places = {(near.get_data_info(i)["img_id"], tuple(near.get_data_info(i)["box"])): i
              for i in range(len(near))}  # fmt: skip
    for index in range(len(far)):
        info = far.get_data_info(index)
        like = near[places.pop((info["img_id"], tuple(info["box"])))]
        assert torch.equal(far[index]["inputs"], like["inputs"])
    assert not places
    pictures = {info["img_id"] for info in map(far.get_data_info, range(len(far)))}
    assert set(far.annotations.image_ids[far.image_rows].tolist()) == pictures
    assert len(far.picture_shards) == len(far) and len(set(far.picture_shards.tolist())) > 1


def test_small_and_held_out_fish_are_counted(drawn_data: Path) -> None:
    data, _ = read_coco(drawn_data / "train.json", check_images=False)
    held = data.classes[0]
    found = crops(drawn_data, min_side=20, leave_out=(held,))
    expected = (data.bboxes[:, 2:].max(1) >= 20) & (data.labels != 0)
    assert found.rows.tolist() == np.flatnonzero(expected).tolist()
    assert found.metainfo["classes"] == data.classes
    with pytest.raises(FishDataError, match="no classes of it"):
        crops(drawn_data, leave_out=("dragon",))
    with pytest.raises(FishDataError, match="makes a crop of at least"):
        crops(drawn_data, min_side=1000)


def test_rare_species_come_as_often_as_common_ones() -> None:
    labels = np.array([0] * 90 + [1] * 10)
    rows = draw(labels, 2000, 1.0, (0, 0))
    assert abs((labels[rows] == 1).mean() - 0.5) < 0.05
    natural = draw(labels, 2000, 0.0, (0, 0))
    assert abs((labels[natural] == 1).mean() - 0.1) < 0.03
    counts = np.bincount(rows, minlength=100)[90:]
    assert counts.max() - counts.min() <= 1  # in turn, none again before all others


def test_epochs_differ_and_repeat_by_seed(drawn_data: Path) -> None:
    found = crops(drawn_data)
    sampler = ClassBalancedSampler(found, seed=5)
    first = list(sampler)
    sampler.set_epoch(1)
    assert list(sampler) != first
    assert list(ClassBalancedSampler(found, seed=5)) == first
    assert len(first) == len(sampler) == len(found)
    with pytest.raises(FishDataError, match="balance"):
        ClassBalancedSampler(found, balance=2)


@pytest.mark.parametrize("name", ["aquarium", "deepfish"])
def test_real_crops(fishdet_data: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    found = crops(fishdet_data / name)
    sides = found.annotations.bboxes[found.rows, 2:].max(1)
    assert sides.min() >= 8 and len(found) > 1000
    assert found[0]["inputs"].shape == (3, 48, 48)
