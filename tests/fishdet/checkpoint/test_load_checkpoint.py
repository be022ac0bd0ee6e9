"""Checkpoints: real ones of mmengine are read, and nothing in any file is executed."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging.history_buffer import HistoryBuffer
from mmengine.model import BaseModel
from mmengine.runner import Runner

from fishdet.checkpoint import classes_of, config_of, load_checkpoint, load_state
from fishdet.errors import FishdetError


class OneLayer(BaseModel):
    """A model that trains in an instant."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(3, 1)

    def forward(self, inputs: torch.Tensor, mode: str = "tensor") -> Any:
        out = self.layer(inputs)
        return {"loss": out.square().mean()} if mode == "loss" else out


class Vectors(torch.utils.data.Dataset):  # type: ignore[type-arg]
    """Four vectors with the names that mmengine stores."""

    metainfo = {"classes": ("eel", "salmon"), "palette": [(1, 2, 3), (4, 5, 6)]}

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return {"inputs": torch.full((3,), float(index))}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What mmengine writes after a run with momentum, EMA and two schedulers."""
    work_dir = tmp_path_factory.mktemp("run")
    loader = {"sampler": {"type": "DefaultSampler", "shuffle": True}, "batch_size": 2}
    loader |= {"num_workers": 0, "collate_fn": {"type": "default_collate"}}
    Runner(
        model=OneLayer(),
        work_dir=str(work_dir),
        train_dataloader={"dataset": Vectors()} | loader,
        train_cfg={"by_epoch": True, "max_epochs": 2},
        optim_wrapper={"optimizer": {"type": "AdamW", "lr": 0.1}},
        param_scheduler=[
            {"type": "LinearLR", "start_factor": 0.1, "begin": 0, "end": 3, "by_epoch": False},
            {"type": "CosineAnnealingLR", "T_max": 2, "by_epoch": True},
            {"type": "MultiStepLR", "milestones": [1], "by_epoch": True},
        ],
        default_hooks={"logger": {"type": "LoggerHook", "interval": 1}},
        custom_hooks=[{"type": "EMAHook"}],
        default_scope="mmengine",
        experiment_name=f"read-{work_dir.name}",
    ).train()
    return work_dir / "epoch_2.pth"


def saved(path: Path, value: Any, **options: Any) -> Path:
    torch.save(value, path, **options)
    return path


def test_a_checkpoint_of_mmengine_is_read_whole(trained: Path) -> None:
    checkpoint = load_checkpoint(trained)
    full = torch.load(trained, weights_only=False)
    assert set(checkpoint) == set(full) > {"meta", "state_dict", "message_hub", "optimizer"}
    torch.testing.assert_close(checkpoint["state_dict"], full["state_dict"])
    assert checkpoint["param_schedulers"] == full["param_schedulers"]
    scalars = checkpoint["message_hub"]["log_scalars"]
    loss = scalars["train/loss"]
    assert isinstance(loss, HistoryBuffer)
    assert loss.mean() == full["message_hub"]["log_scalars"]["train/loss"].mean()
    assert loss.statistics("current") == loss.current()
    assert classes_of(checkpoint) == ("eel", "salmon")
    assert config_of(checkpoint) is None  # meta.cfg is Python text, and is not run


def test_numpy_values_of_all_kinds_are_read(tmp_path: Path) -> None:
    values = [
        np.float64(1.5),
        np.int32(7),
        np.bool_(True),
        np.arange(6, dtype=np.uint8).reshape(2, 3),
    ]
    path = saved(tmp_path / "m.pth", {"state_dict": {}, "values": values})
    for found, value in zip(load_checkpoint(path)["values"], values, strict=True):
        np.testing.assert_array_equal(found, value)
        assert np.asarray(found).dtype == np.asarray(value).dtype


class Malicious:
    """Runs a call when it is unpickled."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.call


def touch(path: str) -> None:
    Path(path).touch()


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("place", ["state_dict", "meta", "alone"])
def test_pickled_code_is_not_run(tmp_path: Path, place: str, legacy: bool) -> None:
    marker = tmp_path / "executed"
    evil = Malicious(touch, str(marker))
    value = evil if place == "alone" else {"state_dict": {}, place: {"x": evil}}
    path = saved(tmp_path / "m.pth", value, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(FishdetError) as error:
        load_checkpoint(path)
    assert not marker.exists()
    assert str(path) in str(error.value)
    assert "touch" in str(error.value) and "never unpickled" in str(error.value)
    torch.load(path, weights_only=False)
    assert marker.exists()  # the file does run its code where it is allowed to


def test_plain_pickles_are_not_run(tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    path = tmp_path / "m.pkl"
    path.write_bytes(pickle.dumps(Malicious(touch, str(marker)), protocol=2))
    with pytest.raises(FishdetError, match="never unpickled"):
        load_checkpoint(path)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("owner", "name"),
    [(HistoryBuffer, "__init__"), (HistoryBuffer, "update"), (np.ndarray, "tofile"), (dict, "get")],
)
def test_getattr_reaches_nothing_but_the_history(tmp_path: Path, owner: type, name: str) -> None:
    path = saved(tmp_path / "m.pth", {"state_dict": {}, "x": Malicious(getattr, owner, name)})
    with pytest.raises(FishdetError, match="never unpickled"):
        load_checkpoint(path)


def test_the_list_of_types_does_not_stay_open(trained: Path) -> None:
    before = set(map(str, torch.serialization.get_safe_globals()))
    load_checkpoint(trained)
    assert set(map(str, torch.serialization.get_safe_globals())) == before


@pytest.mark.parametrize("kept", [1, 100, 1000, -200, -1])
def test_files_that_are_cut_short(trained: Path, tmp_path: Path, kept: int) -> None:
    path = tmp_path / "short.pth"
    path.write_bytes(trained.read_bytes()[:kept])
    with pytest.raises(FishdetError, match="short.pth"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "is empty"), (b"hello", "no checkpoint"), (b"\x89PNG\r\n\x1a\n" * 9, "no checkpoint"),
     (b"PK\x03\x04 not a zip", "no checkpoint"), (json.dumps({"a": 1}).encode(), "no checkpoint")],
)  # fmt: skip
def test_files_that_are_no_checkpoint(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "odd.pth"
    path.write_bytes(content)
    with pytest.raises(FishdetError, match=f"odd.pth.*{message}"):
        load_checkpoint(path)


@pytest.mark.parametrize("value", [[1, 2], {"weights": 1}, {"state_dict": 3}, torch.zeros(2)])
def test_data_that_is_no_checkpoint(tmp_path: Path, value: Any) -> None:
    with pytest.raises(FishdetError, match="m.pth.*no 'state_dict'"):
        load_checkpoint(saved(tmp_path / "m.pth", value))


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(FishdetError, match="gone.pth: no such"):
        load_checkpoint(tmp_path / "gone.pth")
    with pytest.raises(FishdetError, match="is a folder"):
        load_checkpoint(tmp_path)


def test_the_config_is_data() -> None:
    text = json.dumps({"model": {"type": "X", "size": {"$tuple": [1, 2]}}})
    cfg = config_of({"meta": {"fishdet": {"config": text, "classes": ["a"]}}})
    assert isinstance(cfg, Config)
    assert cfg.model.size == (1, 2)
    assert classes_of({"meta": {"fishdet": {"classes": ["a", "b"]}}}) == ("a", "b")
    assert classes_of({"state_dict": {}}) is None


@pytest.mark.parametrize("text", ["{", "[1]", "3", 7])
def test_a_config_that_is_no_object(text: Any) -> None:
    with pytest.raises(FishdetError, match="meta.fishdet.config"):
        config_of({"meta": {"fishdet": {"config": text}}})


def test_weights_that_do_not_fit_are_listed_with_counts() -> None:
    model = torch.nn.Sequential(*(torch.nn.Linear(2, 2) for _ in range(15)))
    state = {f"other.{number}": torch.zeros(1) for number in range(3)}
    state["0.weight"] = torch.zeros(5, 2)
    state["0.bias"] = torch.zeros(2)
    before = model[0].bias.clone()
    with pytest.raises(FishdetError) as error:
        load_state(model, state)
    message = str(error.value)
    assert "28 missing in the checkpoint" in message and "… and 8 more" in message
    assert "3 unknown to the model" in message and "other.2" in message
    assert re.search(
        r"1 of another shape:\s+0.weight: \(5, 2\) in the checkpoint, \(2, 2\) here", message
    )
    assert torch.equal(model[0].bias, before)


def test_weights_that_fit_are_loaded() -> None:
    one, other = torch.nn.Linear(2, 3), torch.nn.Linear(2, 3)
    load_state(other, one.state_dict())
    assert torch.equal(one.weight, other.weight)


@pytest.mark.parametrize("trust_pickle", [False, True])
def test_a_flipped_byte_of_a_checkpoint_is_named(tmp_path: Path, trust_pickle: bool) -> None:
    """Bare ``torch.load`` reads it without a word."""
    path = tmp_path / "model.pth"
    torch.save({"state_dict": {"w": torch.zeros(1000)}}, path)
    content = bytearray(path.read_bytes())
    content[content.index(bytes(4000)) + 2000] ^= 1
    path.write_bytes(content)
    assert torch.load(path, weights_only=True)["state_dict"]["w"].any()
    with pytest.raises(FishdetError, match=r"model.pth: damaged: the check sum of its entry '.+'"):
        load_checkpoint(path, trust_pickle)


def test_a_file_of_old_pytorch_is_read(tmp_path: Path) -> None:
    """It is no zip and has no check sums."""
    path = tmp_path / "old.pth"
    weights = {"w": torch.arange(3.0)}
    torch.save({"state_dict": weights}, path, _use_new_zipfile_serialization=False)
    assert torch.equal(load_checkpoint(path)["state_dict"]["w"], weights["w"])
