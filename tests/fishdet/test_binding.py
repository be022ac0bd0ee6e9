"""``--data`` reaches every place that needs to know the data."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from mmdet.registry import DATASETS

from fish_dataset.errors import FishDataError
from fishdet.binding import bind, fit_batch
from fishdet.config import load_config
from fishdet.errors import FishdetError
from fishdet.training import TrainOptions, training_config

ROOT = Path(__file__).resolve().parents[2]
AQUARIUM = ("fish", "jellyfish", "penguin", "puffin", "shark", "starfish", "stingray")


def test_binds_paths_classes_heads_and_evaluators(fishdet_data: Path) -> None:
    cfg = load_config(ROOT / "configs" / "fish.py")
    bind(cfg, fishdet_data / "aquarium")
    for loader, name in (("train_dataloader", "train"), ("val_dataloader", "val")):
        dataset = cfg[loader].dataset
        assert Path(dataset.ann_file) == fishdet_data / "aquarium" / f"{name}.json"
        assert tuple(dataset.metainfo.classes) == AQUARIUM
    assert cfg.model.roi_head.bbox_head.num_classes == 7
    assert Path(cfg.val_evaluator.ann_file) == fishdet_data / "aquarium" / "val.json"
    assert cfg.train_dataloader.dataset.pipeline[2].scale == (256, 256)  # the small start
    assert cfg.img_scale == cfg.val_dataloader.dataset.pipeline[1].scale


def test_reaches_datasets_inside_wrappers(drawn_data: Path) -> None:
    """Trap 11: ``--cfg-options data_root=…`` changes a variable that nothing reads any more."""
    options = {"data_root": "elsewhere/"}
    cfg = load_config(ROOT / "configs" / "fish.py", options)
    assert cfg.train_dataloader.dataset.data_root != "elsewhere/"
    inner = cfg.train_dataloader.dataset
    cfg.train_dataloader.dataset = dict(
        type="RepeatDataset", times=2, dataset=dict(type="ClassBalancedDataset", dataset=inner)
    )
    bind(cfg, drawn_data)
    found = cfg.train_dataloader.dataset.dataset.dataset
    assert Path(found.ann_file) == drawn_data / "train.json"


def test_class_order_listed_by_a_config_stands(fishdet_data: Path) -> None:
    cfg = load_config(ROOT / "configs" / "fish.py")
    order = tuple(reversed(AQUARIUM))
    cfg.train_dataloader.dataset.metainfo = dict(classes=order)
    bind(cfg, fishdet_data / "aquarium")
    dataset = DATASETS.build(cfg.val_dataloader.dataset)
    assert tuple(dataset.metainfo["classes"]) == order
    assert dataset.annotations.classes == order


def test_val_with_another_spelling_is_refused_with_both_lists(
    tmp_path: Path, drawn_data: Path
) -> None:
    root = tmp_path / "set"
    shutil.copytree(drawn_data, root)
    val = json.loads((root / "val.json").read_text())
    val["categories"][0]["name"] = "Salmon "
    (root / "val.json").write_text(json.dumps(val))
    cfg = load_config(ROOT / "configs" / "fish.py")
    bind(cfg, root)
    with pytest.raises(FishDataError) as caught:
        DATASETS.build(cfg.val_dataloader.dataset).full_init()
    assert "salmon" in str(caught.value) and "Salmon" in str(caught.value)


def test_data_without_validation_is_refused(tmp_path: Path, drawn_data: Path) -> None:
    root = tmp_path / "set"
    shutil.copytree(drawn_data, root)
    (root / "val.json").unlink()
    with pytest.raises(FishDataError, match="validation"):
        bind(load_config(ROOT / "configs" / "fish.py"), root)


def test_length_and_size_follow_the_data(fishdet_data: Path) -> None:
    """448 pictures in batches of 4 are 112 iterations an epoch; 800 iterations are 7 of them."""
    options = {
        "auto_epochs": dict(iterations=800),
        "auto_img_scale": dict(longest=384, divisor=64),
        "train_dataloader.batch_size": 4,
    }
    cfg = load_config(ROOT / "configs" / "fish.py", options)
    bind(cfg, fishdet_data / "aquarium")
    assert cfg.train_cfg.max_epochs == 7
    assert cfg.img_scale == (384, 384)


def test_length_counts_the_pictures_of_all_processes(
    drawn_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """12 pictures: two processes with one each take as many steps as one with batches of two."""
    lengths = []
    for processes, batch in ((1, 2), (2, 1)):
        monkeypatch.setenv("WORLD_SIZE", str(processes))
        options = {"auto_epochs": dict(iterations=30), "train_dataloader.batch_size": batch}
        cfg = load_config(ROOT / "configs" / "fish.py", options)
        bind(cfg, drawn_data)
        lengths.append((cfg.train_cfg.max_epochs, cfg.param_scheduler[1].begin))
    assert lengths == [(5, 1), (5, 1)]


def test_epochs_that_are_asked_for_move_the_schedule_once(drawn_data: Path) -> None:
    """Whatever the batch: from 4 epochs, of which the line begins at 1, to 6."""
    for batch in (1, 2):
        options = TrainOptions(ROOT / "configs" / "fish.py", drawn_data, epochs=6,
                               cfg_options={"train_dataloader.batch_size": batch})  # fmt: skip
        line = training_config(options)[0].param_scheduler[1]
        assert (line.begin, line.end) == (2, 6)


def test_own_data_take_the_place_of_the_drawn(drawn_data: Path) -> None:
    """What is saved of the run neither says that it saw drawings nor draws any when tested."""
    cfg = load_config(ROOT / "configs" / "fish.py")
    assert cfg.builtin_data
    bind(cfg, drawn_data)
    assert "builtin_data" not in cfg.to_dict()
    bind(cfg, None)
    assert cfg.train_dataloader.dataset.ann_file == str(drawn_data / "train.json")


def test_the_drawn_set_by_its_folder_is_as_the_config_has_it(drawn_data: Path) -> None:
    """Neither picture size nor epochs change, as they would with other data."""
    cfg = load_config(ROOT / "configs" / "fish.py")
    cfg.builtin_data.root = str(drawn_data)
    scale, epochs = cfg.img_scale, cfg.train_cfg.max_epochs
    bind(cfg, drawn_data)
    assert (cfg.img_scale, cfg.train_cfg.max_epochs) == (scale, epochs)
    assert cfg.train_dataloader.dataset.ann_file == str(drawn_data / "train.json")


def test_a_batch_is_no_larger_than_the_data(drawn_data: Path, tmp_path: Path) -> None:
    """12 pictures; without boxes there is nothing to learn."""
    cfg = load_config(ROOT / "configs" / "fish.py", {"train_dataloader.batch_size": 100})
    bind(cfg, drawn_data)
    assert "Batches of 12 in place of 100" in fit_batch(cfg)
    assert cfg.train_dataloader.batch_size == 12
    assert fit_batch(cfg) == ""
    shutil.copytree(drawn_data, tmp_path / "set")
    train = json.loads((drawn_data / "train.json").read_text()) | {"annotations": []}
    (tmp_path / "set" / "train.json").write_text(json.dumps(train))
    cfg = load_config(ROOT / "configs" / "fish.py")
    bind(cfg, tmp_path / "set")
    with pytest.raises(FishDataError, match="no boxes in it"):
        fit_batch(cfg)


def test_a_batch_size_that_is_no_number_is_named(drawn_data: Path) -> None:
    cfg = load_config(ROOT / "configs" / "fish.py", {"train_dataloader.batch_size": "acht"})
    with pytest.raises(FishdetError, match="train_dataloader.batch_size 'acht'"):
        bind(cfg, drawn_data)


def test_config_without_data_asks_for_it() -> None:
    cfg = load_config(ROOT / "configs" / "faster_rcnn" / "faster-rcnn_r50_fpn_1x_fish.py")
    with pytest.raises(FishdetError, match="--data DIR"):
        bind(cfg, None)
