"""Pictures in tar files: the same pictures, dealt evenly, near or far, and said what is missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from types import SimpleNamespace

import cv2
import fsspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.config import Config

from fish_dataset.dataset import FishDataset
from fish_dataset.errors import FishDataError
from fish_dataset.folder import read_folder
from fish_dataset.layout import find_splits
from fish_dataset.shards.address import member_address, parse_address
from fish_dataset.shards.index import index_of, read_index
from fish_dataset.shards.order import ShardSampler, shard_order
from fish_dataset.shards.storage import TarBackend, make_room
from fish_dataset.shards.write import write_shards
from fishdet.binding import bind, bind_folder
from fishdet.config import load_config

ROOT = Path(__file__).resolve().parents[3]
LOAD = [{"type": "LoadImageFromFile"}, {"type": "LoadAnnotations", "with_bbox": True}]


@pytest.fixture(scope="module")
def sharded(tmp_path_factory: pytest.TempPathFactory, drawn_data: Path) -> Path:
    """The drawn set in shards of about four pictures."""
    out = tmp_path_factory.mktemp("shards") / "set"
    size = sum(path.stat().st_size for path in (drawn_data / "images").iterdir()) // 18 * 4
    for name, part in read_folder(drawn_data).items():
        write_shards(part, name, out, size, 0, lambda done: None)
    return out


def dataset(folder: Path, **options: object) -> FishDataset:
    prefix = {"img": str(folder / "images")}
    path = str(folder / "train.json")
    return FishDataset(ann_file=path, data_prefix=prefix, pipeline=LOAD, **options)


def test_a_sharded_set_gives_the_pictures_and_boxes_of_its_folder(
    drawn_data: Path, sharded: Path
) -> None:
    plain = dataset(drawn_data)
    other = dataset(sharded, shards=index_of(sharded / "train.json"))
    assert not (sharded / "images").exists() and len(plain) == len(other) == 12
    by_id = {plain[i]["img_id"]: plain[i] for i in range(12)}
    for index in range(12):
        got = other[index]
        expected = by_id[got["img_id"]]
        assert np.array_equal(got["img"], expected["img"])
        assert np.array_equal(got["gt_bboxes"].numpy(), expected["gt_bboxes"].numpy())
        assert got["gt_bboxes_labels"].tolist() == expected["gt_bboxes_labels"].tolist()
    assert len(set(other.picture_shards.tolist())) >= 3


def test_the_shards_are_tar_files_as_webdataset_groups_them(sharded: Path) -> None:
    shards = sorted((sharded / "shards").glob("train-*.tar"))
    keys: list[str] = []
    for path in shards:
        with tarfile.open(path) as tar:
            members = tar.getmembers()
            for picture, text in zip(members[::2], members[1::2], strict=True):
                assert picture.name.split(".") == [text.name.split(".")[0], "jpg"]
                content = tar.extractfile(picture).read()  # type: ignore[union-attr]
                sample = json.loads(tar.extractfile(text).read())  # type: ignore[union-attr]
                image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
                assert image.shape[:2] == (sample["height"], sample["width"])
                assert len(sample["xywh"]) == len(sample["class_names"])
                keys.append(picture.name)
    assert len(set(keys)) == 12


def test_data_binds_a_sharded_folder(sharded: Path) -> None:
    cfg = Config.fromfile(str(ROOT / "configs" / "fish.py"))
    bind_folder(cfg, sharded)
    assert cfg.train_dataloader.sampler.type == "ShardSampler"
    assert cfg.val_dataloader.sampler.type == "DefaultSampler"
    assert cfg.val_dataloader.dataset.shards.endswith("val.shards.npz")


def test_the_length_of_a_training_follows_the_shards(sharded: Path) -> None:
    """12 pictures in batches of two; none lies in a folder of pictures."""
    options = {"auto_epochs": dict(iterations=12), "train_dataloader.batch_size": 2}
    cfg = load_config(ROOT / "configs" / "fish.py", options)
    bind(cfg, sharded)
    assert cfg.train_cfg.max_epochs == 2


class Sharded(list):
    """As much of a data set as its sampler asks for."""

    picture_shards = property(np.asarray)


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=8), window=st.integers(1, 4),
    world=st.integers(1, 5), epoch=st.integers(0, 3), round_up=st.booleans(),
)  # fmt: skip
def test_processes_get_equally_many_and_all_pictures(
    sizes: list[int], window: int, world: int, epoch: int, round_up: bool
) -> None:
    shards = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    shards = shards[np.random.default_rng(1).permutation(len(shards))]
    parts: list[list[int]] = []
    for rank in range(world):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("mmengine.dataset.sampler.get_dist_info", lambda rank=rank: (rank, world))
            sampler = ShardSampler(Sharded(shards), seed=7, round_up=round_up, window=window)
        sampler.set_epoch(epoch)
        parts.append(list(sampler))
        assert list(sampler) == parts[-1], "the same again: that is how a run resumes"
        assert len(sampler) == len(parts[-1])
    assert set().union(*parts) == set(range(len(shards)))
    if round_up:
        assert {len(part) for part in parts} == {-(-len(shards) // world)}
    else:
        assert sum(map(len, parts)) == len(shards), "each once"


def test_only_a_window_of_shards_is_read_at_a_time() -> None:
    shards = np.arange(1000, dtype=np.int32) % 20
    order = shard_order(shards, 4, (3, 0))
    assert sorted(order.tolist()) == list(range(1000))
    for start in range(0, 1000, 200):
        assert len(set(shards[order[start : start + 200]].tolist())) == 4
    assert not np.array_equal(order, shard_order(shards, 4, (3, 1)))


@given(
    shard=st.sampled_from(["/a/b c.tar", "s3://bucket/x!y@1.tar", "memory://t/ä.tar"]),
    offset=st.integers(0, 2**40), size=st.integers(0, 2**31), name=st.text(min_size=1, max_size=20),
)  # fmt: skip
def test_addresses_go_there_and_back(shard: str, offset: int, size: int, name: str) -> None:
    address = member_address(shard, offset, size, name)
    assert parse_address(address) == (shard, offset, size, name)
    assert address.count("://") == 1, "mmengine takes the prefix apart there"


def far_shard(name: str, content: bytes) -> str:
    address = f"memory://shards/{name}"
    with fsspec.open(address, "wb") as stream:
        stream.write(content)
    return address


def test_far_shards_are_read_by_range_or_through_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard = far_shard("one.tar", b"0123456789")
    address = member_address(shard, 3, 4, "eel.jpg")
    monkeypatch.delenv("FISHDET_SHARD_CACHE", raising=False)
    assert TarBackend().get(address) == b"3456"
    monkeypatch.setenv("FISHDET_SHARD_CACHE", str(tmp_path))
    assert TarBackend().get(address) == b"3456"
    fsspec.filesystem("memory").rm(shard)
    reader = TarBackend()
    assert reader.get(address) == b"3456", "the copy serves"
    (copy,) = tmp_path.glob("*.tar")
    kept = copy.rename(tmp_path / "kept")
    assert reader.get(address) == b"3456", "who has it open reads on where it made room for another"
    kept.rename(copy)
    with pytest.raises(FishDataError, match="eel.jpg: its shard memory://.*gone.tar"):
        TarBackend().get(member_address("memory://shards/gone.tar", 0, 4, "eel.jpg"))
    with pytest.raises(FishDataError, match="ends before byte 12"):
        TarBackend().get(member_address(shard, 8, 4, "eel.jpg"))


def test_the_cache_keeps_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for age, name in enumerate(("new.tar", "old.tar", "oldest.tar")):
        (tmp_path / name).write_bytes(bytes(1000))
        os.utime(tmp_path / name, (time.time() - 10 * age,) * 2)
    monkeypatch.setenv("FISHDET_SHARD_CACHE_GB", "2e-6")
    make_room(tmp_path, tmp_path / "oldest.tar")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.tar", "oldest.tar"]


def test_what_is_wrong_is_named(sharded: Path, tmp_path: Path) -> None:
    with pytest.raises(FishDataError, match="no index of shards.*shard.py"):
        read_index(tmp_path / "none.npz")
    whole = index_of(sharded / "train.json").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FishDataError, match="cut.npz: no index of shards"):
        read_index(tmp_path / "cut.npz")
    index = read_index(index_of(sharded / "train.json"))
    short = SimpleNamespace(**vars(index))
    few = type(index)(index.image_ids[:-1], index.shards[:-1], index.offsets[:-1],
                      index.sizes[:-1], index.names, str(sharded))  # fmt: skip
    few.save(tmp_path / "few.npz")
    with pytest.raises(FishDataError, match="1 pictures stand in no shard, the first '.*jpg'"):
        dataset(sharded, shards=tmp_path / "few.npz", shard_base=str(sharded)).full_init()
    broken = tmp_path / "shards"
    broken.mkdir()
    for name in short.names:
        (broken / Path(name).name).write_bytes(bytes((sharded / name).stat().st_size))
    data = dataset(sharded, shards=index_of(sharded / "train.json"), shard_base=str(tmp_path))
    with pytest.raises(FishDataError, match=r"train_\d+.jpg in .*tar: cannot be decoded"):
        data[0]


def test_the_tool_writes_a_folder_or_nothing(drawn_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "tools/dataset/shard.py", str(drawn_data), str(out)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    assert "train: 12 pictures" in done.stdout and index_of(out / "val.json").is_file()
    assert set(find_splits(out)) == {"train", "val"}
    assert read_index(index_of(out / "train.json")).base == str(out)
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=env)
    assert again.returncode == 2 and "holds files already" in again.stderr
