from __future__ import annotations

import copy
import hashlib
import pickle

import numpy as np
import pytest
import torch
from mmdet.datasets import AspectRatioBatchSampler, CocoDataset
from mmdet.registry import DATASETS
from mmengine.dataset import (
    ClassBalancedDataset,
    ConcatDataset,
    DefaultSampler,
    RepeatDataset,
    pseudo_collate,
)

import fish_dataset.dataset as module
from fish_dataset import FishDataError, FishDataset
from fish_dataset.palette import palette

PIPELINE = [
    {"type": "LoadImageFromFile"},
    {"type": "LoadAnnotations", "with_bbox": True},
    {"type": "Resize", "scale": (128, 96), "keep_ratio": True},
    {"type": "RandomFlip", "prob": 1.0},
    {
        "type": "PackDetInputs",
        "meta_keys": (
            "img_id",
            "img_path",
            "ori_shape",
            "img_shape",
            "scale_factor",
            "flip",
            "flip_direction",
            "site",
            "video",
        ),
    },
]


@pytest.fixture
def root(document, write, draw, tmp_path):
    document["images"][0].update(site="reef", video="dive", frame=4)
    document["annotations"][2]["iscrowd"] = 1
    write(document)
    draw(tmp_path / "images", ["a.png", "b.png", "c.png"])
    return tmp_path


def build(root, **options) -> FishDataset:
    return DATASETS.build(
        {
            "type": "FishDataset",
            "data_root": str(root),
            "ann_file": "train.json",
            "data_prefix": {"img": "images/"},
            **options,
        }
    )


@pytest.fixture
def logged(monkeypatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(module, "print_log", lambda message, **_: lines.append(message))
    return lines


def test_data_info(root):
    dataset = build(root)
    assert dataset.get_data_info(0) == {
        "img_path": str(root / "images" / "a.png"),
        "img_id": 1,
        "height": 48,
        "width": 64,
        "instances": [
            {"bbox": [4, 5, 24, 15], "bbox_label": 0, "ignore_flag": 0},
            {"bbox": [40, 20, 60, 40], "bbox_label": 1, "ignore_flag": 1},
        ],
        "sample_idx": 0,
        "site": "reef",
        "video": "dive",
        "frame": "4",
    }
    assert dataset.get_data_info(-1)["sample_idx"] == 2
    assert dataset.get_cat_ids(0) == [0, 1]
    with pytest.raises(IndexError):
        dataset.get_data_info(3)
    assert [info["img_id"] for info in dataset.load_data_list()] == [1, 2, 3]


def test_classes_palette_and_digest(root):
    dataset = build(root)
    assert dataset.metainfo["classes"] == dataset.annotations.classes == ("eel", "salmon")
    assert dataset.metainfo["palette"] == palette(2)
    assert dataset.digest == hashlib.sha256((root / "train.json").read_bytes()).hexdigest()
    given = build(root, metainfo={"classes": ["salmon", "eel"], "palette": [(1, 2, 3), (4, 5, 6)]})
    assert given.metainfo["classes"] == ("salmon", "eel")
    assert given.metainfo["palette"] == [(1, 2, 3), (4, 5, 6)]
    assert given.get_cat_ids(0) == [1, 0]


def test_palette_is_stable_and_distinct():
    colours = palette(60)
    assert len(set(colours)) == 60
    assert palette(7) == colours[:7]
    assert all(0 <= part <= 255 for colour in colours for part in colour)


def test_the_pipeline_of_mmdet_works(root):
    sample = build(root, pipeline=PIPELINE)[0]
    data = sample["data_samples"]
    assert sample["inputs"].shape == (3, 96, 128)
    boxes = data.gt_instances.bboxes
    boxes = boxes if isinstance(boxes, torch.Tensor) else boxes.tensor
    assert boxes.tolist() == [[128 - 48, 10, 128 - 8, 30]]  # twice the size, flipped; crowd apart
    assert data.gt_instances.labels.tolist() == [0]
    assert data.ignored_instances.labels.tolist() == [1]
    assert (data.site, data.video, data.img_id) == ("reef", "dive", 1)


def test_a_spawned_worker_reads_it(root):
    dataset = build(root, pipeline=PIPELINE)
    loader = torch.utils.data.DataLoader(
        dataset,
        batch_size=2,
        num_workers=1,
        multiprocessing_context="spawn",
        collate_fn=pseudo_collate,
    )
    ids = [sample.img_id for batch in loader for sample in batch["data_samples"]]
    assert ids == [1, 2, 3]


def test_it_pickles_small(root):
    dataset = build(root)
    again = pickle.loads(pickle.dumps(dataset))
    assert again.annotations.equals(dataset.annotations)
    assert again.get_data_info(1) == dataset.get_data_info(1)


def test_empty_images_are_kept_unless_left_out(root, logged):
    assert len(build(root)) == 3
    assert len(build(root, filter_cfg={"filter_empty_gt": False})) == 3
    logged.clear()
    dataset = build(root, filter_cfg={"filter_empty_gt": True})
    assert [dataset.get_data_info(i)["img_id"] for i in range(len(dataset))] == [1, 2]
    assert sum("left out: 1 image without boxes" in line for line in logged) == 1
    assert dataset.annotations.num_images == 3
    assert len(build(root, filter_cfg={"filter_empty_gt": True}, test_mode=True)) == 3


def test_small_images_are_left_out_on_request(document, write, root, logged):
    document["images"][0].update(width=200, height=100)
    write(document)
    dataset = build(root, filter_cfg={"min_size": 60})
    assert [dataset.get_data_info(i)["img_id"] for i in range(len(dataset))] == [1]
    assert any("2 images under 60 pixels" in line for line in logged)


def test_nothing_left_and_unknown_filters_are_errors(root):
    with pytest.raises(FishDataError, match="none of its 3 images is left"):
        build(root, filter_cfg={"min_size": 1000})
    with pytest.raises(FishDataError, match="filter_empty'"):
        build(root, filter_cfg={"filter_empty": True})
    with pytest.raises(FishDataError, match="proposal_file"):
        build(root, proposal_file="p.pkl")


def test_repairs_are_logged_once_with_their_count(document, write, root, logged):
    for box in document["annotations"]:
        box.pop("area")
    write(document)
    dataset = build(root)
    dataset.full_init()
    assert sum("3 × area-computed" in line for line in logged) == 1
    assert sum("3 of 3 images, 3 boxes, 2 classes: eel, salmon" in line for line in logged) == 1


def test_subsets(root):
    dataset = build(root)
    for indices, ids in [(2, [1, 2]), (-1, [3]), ([2, 0], [3, 1]), (0, [])]:
        part = dataset.get_subset(indices)
        assert [part.get_data_info(i)["img_id"] for i in range(len(part))] == ids
        assert part.annotations is dataset.annotations
    assert len(dataset) == 3
    dataset.get_subset_([1])
    assert dataset.get_data_info(0)["img_id"] == 2
    assert len(build(root, indices=2)) == 2
    assert copy.deepcopy(dataset).annotations is dataset.annotations


def test_lazy_data_sets_know_their_classes(root):
    dataset = build(root, lazy_init=True)
    assert dataset.metainfo["classes"] == ("eel", "salmon")
    assert not hasattr(dataset, "annotations")
    assert len(dataset) == 3


def test_wrappers_and_samplers(root):
    dataset = build(root)
    assert len(RepeatDataset(dataset, 3)) == 9
    assert len(ConcatDataset([dataset, build(root)])) == 6
    balanced = ClassBalancedDataset(dataset, oversample_thr=0.5)
    assert balanced.metainfo["classes"] == ("eel", "salmon")
    sampler = AspectRatioBatchSampler(DefaultSampler(dataset, shuffle=False), batch_size=2)
    assert list(sampler) == [[0, 1], [2]]


def test_a_picture_gone_after_loading_is_named(root):
    dataset = build(root, pipeline=PIPELINE)
    (root / "images" / "a.png").unlink()
    with pytest.raises(FishDataError, match=r"images/a\.png: the picture is gone"):
        dataset[0]
    ignoring = [{"type": "LoadImageFromFile", "ignore_empty": True}, *PIPELINE[1:]]
    dataset = build(root, pipeline=ignoring, check_images=False)
    with pytest.raises(FishDataError, match="the picture is gone"):
        dataset[0]


def test_a_picture_that_is_none_is_named(root):
    (root / "images" / "b.png").write_bytes(b"<html>404</html>")
    with pytest.raises(FishDataError, match=r"images/b\.png: cannot be decoded"):
        build(root, pipeline=PIPELINE)[1]


def test_other_errors_of_a_pipeline_are_left_alone(root):
    def broken(results):
        raise ValueError("a transform's own fault")

    with pytest.raises(ValueError, match="own fault"):
        build(root, pipeline=[broken])[0]


def test_a_transform_may_give_up_an_image(root):
    def only_the_second(results):
        return results if results["img_id"] == 2 else None

    assert build(root, pipeline=[only_the_second])[0]["img_id"] == 2


def test_same_truth_as_mmdet_on_real_data(fishdet_data):
    root = fishdet_data / "aquarium"
    ours = build(root)
    theirs = CocoDataset(
        data_root=str(root),
        ann_file="train.json",
        data_prefix={"img": "images/"},
        metainfo={"classes": ours.metainfo["classes"]},
    )
    assert len(ours) == len(theirs) == 448
    dropped = 0
    for index in range(len(ours)):
        a, b = ours.get_data_info(index), theirs.get_data_info(index)
        for key in ("img_path", "img_id", "height", "width"):
            assert a[key] == b[key]
        # CocoDataset drops what is under one pixel; count it, compare the rest.
        kept = [box for box in a["instances"] if _sides(box).min() >= 1]
        dropped += len(a["instances"]) - len(kept)
        assert [box["bbox_label"] for box in kept] == [box["bbox_label"] for box in b["instances"]]
        mine = np.array([box["bbox"] for box in kept]).reshape(-1, 4)
        other = np.array([box["bbox"] for box in b["instances"]]).reshape(-1, 4)
        assert mine == pytest.approx(other, abs=1e-4)
    assert dropped == 1


def _sides(box: dict) -> np.ndarray:
    x1, y1, x2, y2 = box["bbox"]
    return np.array([x2 - x1, y2 - y1])
