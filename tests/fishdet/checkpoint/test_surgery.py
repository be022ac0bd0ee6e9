"""Averaging, comparing and looking into models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import fishdet
from fishdet.checkpoint.inspection import inspect
from fishdet.checkpoint.load import load_checkpoint
from fishdet.checkpoint.surgery import average, average_files, differences
from fishdet.errors import FishdetError


def changed(path: Path, out: Path, by: float) -> Path:
    checkpoint = torch.load(path, weights_only=False)
    for tensor in checkpoint["state_dict"].values():
        tensor += int(by) if tensor.dtype == torch.int64 else by
    torch.save(checkpoint, out)
    return out


def test_the_mean_by_hand() -> None:
    one = {
        "w": torch.tensor([1.0, 2.0]),
        "n": torch.tensor(3),
        "bn.running_var": torch.tensor([4.0]),
    }
    two = {
        "w": torch.tensor([3.0, 0.0]),
        "n": torch.tensor(9),
        "bn.running_var": torch.tensor([2.0]),
    }
    mean = average([one, two])
    assert mean["w"].tolist() == [2.0, 1.0] and mean["bn.running_var"].tolist() == [3.0]
    assert mean["n"].item() == 3 and mean["w"].dtype == torch.float32
    half = average([{"w": torch.tensor([60000.0]).half()}] * 3)["w"]
    assert half.item() == 60000 and half.dtype == torch.float16  # the sum passes fp16's end


@pytest.mark.parametrize(
    ("states", "message"),
    [
        ([{"w": torch.zeros(1)}], "at least two"),
        ([{"w": torch.zeros(1)}, {"w": torch.zeros(2)}], r"w: \(1,\) and \(2,\)"),
        ([{"w": torch.zeros(1)}, {}], "w: only in model 1"),
        ([{"w": torch.zeros(1)}] * 2 + [{"w": torch.zeros(1), "v": torch.zeros(1)}],
         "v: only in model 3"),
        ([{f"w{i}": torch.zeros(1) for i in range(30)}, {}], "10 more"),
    ],
)  # fmt: skip
def test_other_architectures_are_refused(states: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(FishdetError, match=message):
        average(states)


def test_differences_by_hand() -> None:
    one = {
        "a": torch.tensor([3.0, 4.0]),
        "b": torch.zeros(2),
        "c": torch.ones(1),
        "e": torch.ones(1),
    }
    two = {
        "a": torch.tensor([3.0, 3.0]),
        "b": torch.zeros(2),
        "c": torch.ones(2),
        "d": torch.ones(1),
    }
    found = {row.name: row for row in differences(one, two)}
    assert (found["a"].largest, found["a"].relative) == (1.0, pytest.approx(1 / 5))
    assert (found["b"].largest, found["b"].relative) == (0.0, 0.0)
    assert found["c"].note == "(1,) and (2,)" and found["c"].largest is None
    assert (found["d"].note, found["e"].note) == ("only in the second", "only in the first")
    assert differences({"z": torch.zeros(1)}, {"z": torch.ones(1)})[0].relative == float("inf")
    assert differences({"z": torch.zeros(0)}, {"z": torch.zeros(0)})[0].largest == 0


def test_an_averaged_file_detects(run_checkpoint: Path, drawn_data: Path, tmp_path: Path) -> None:
    up, down = (changed(run_checkpoint, tmp_path / f"{by}.pth", by) for by in (0.01, -0.01))
    state = average_files([up, down], tmp_path / "soup.pth")
    whole = load_checkpoint(run_checkpoint)["state_dict"]
    torch.testing.assert_close(state["backbone.conv1.weight"], whole["backbone.conv1.weight"])
    picture = next((drawn_data / "images").glob("val*"))
    options: dict[str, Any] = {"device": "cpu", "precision": "fp32", "score_thr": 0.05}
    soup = fishdet.load_model(tmp_path / "soup.pth", **options)(picture)
    original = fishdet.load_model(run_checkpoint, **options)(picture)
    np.testing.assert_allclose(soup.confidence, original.confidence, atol=1e-3)


def test_other_classes_are_refused(run_checkpoint: Path, tmp_path: Path) -> None:
    checkpoint = torch.load(run_checkpoint, weights_only=False)
    classes = checkpoint["meta"]["fishdet"]["classes"]
    checkpoint["meta"]["fishdet"]["classes"] = classes[::-1]
    torch.save(checkpoint, tmp_path / "other.pth")
    with pytest.raises(FishdetError, match="salmon, eel(.|\n)*eel, salmon"):
        average_files([run_checkpoint, tmp_path / "other.pth"], tmp_path / "soup.pth")
    with pytest.raises(FishdetError, match="name it"):
        average_files([run_checkpoint, run_checkpoint], tmp_path / "soup.safetensors")


def test_inspect_tells_the_same_of_both_forms(run_checkpoint: Path, published: Path) -> None:
    before, after = inspect(run_checkpoint), inspect(published)
    for key in ("tensors", "numbers", "parts"):
        assert before[key] == after[key]
    assert set(after["dtypes"]) == {"F32", "I64"}
    assert after["papers"]["name"] == "tiny_set" and "config" not in after["papers"]


def test_inspect_reads_no_weights(published: Path, tmp_path: Path) -> None:
    """A file whose weights are a hole of 1 TiB on disk: reading them would take hours."""
    header = b'{"w":{"dtype":"F32","shape":[274877906944],"data_offsets":[0,1099511627776]}}'
    path = tmp_path / "hole.safetensors"
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        try:
            file.truncate(8 + len(header) + 2**40)
        except OSError:
            pytest.skip("this file system holds no file of 1 TiB")
    assert inspect(path)["numbers"] == 2**38
