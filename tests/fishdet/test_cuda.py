"""What is chosen on a GPU, looked at without one."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from mmdet.registry import OPTIMIZERS
from mmengine.config import Config
from torch import nn

from fishdet import training
from fishdet.config import LOADERS
from fishdet.cuda import AHEAD, set_cuda
from fishdet.errors import FishdetError
from fishdet.inference import trained
from fishdet.models.compiled import compile_parts

CONFIG = Path(__file__).parents[2] / "configs/faster_rcnn/faster-rcnn_r50_fpn_1x_fish.py"


def config(**optimizer: object) -> Config:
    return Config(
        dict(
            train_dataloader=dict(num_workers=2),
            val_dataloader=dict(num_workers=0, pin_memory=False),
            test_dataloader=None,
            model=dict(data_preprocessor=dict(type="DetDataPreprocessor")),
            optim_wrapper=dict(optimizer=optimizer),
        )
    )


def test_pinned_memory_prefetch_and_a_fused_step() -> None:
    cfg = config(type="SGD", lr=0.02)
    set_cuda(cfg, LOADERS)
    assert cfg.train_dataloader == {"num_workers": 2, "pin_memory": True, "prefetch_factor": AHEAD}
    assert cfg.val_dataloader == {"num_workers": 0, "pin_memory": False}  # as the config says
    assert cfg.model.data_preprocessor.non_blocking is True
    assert cfg.optim_wrapper.optimizer.fused is True
    torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1, fused=True)  # torch knows the word


@pytest.mark.parametrize(
    "optimizer",
    [{"type": "Lion"}, {"type": "SGD", "foreach": True}, {"type": "SGD", "fused": False}],
)
def test_other_optimisers_stay(optimizer: dict) -> None:
    cfg = config(**optimizer)
    set_cuda(cfg, LOADERS)
    assert not cfg.optim_wrapper.optimizer.get("fused")


@pytest.mark.parametrize("gpu", [False, True])
def test_a_training_sets_them_where_there_is_a_gpu(gpu: bool, monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    own = training.TrainOptions(CONFIG, compile=True)
    options = dataclasses.replace(own, cfg_options={"optim_wrapper.optimizer.type": "SGD"})
    monkeypatch.setattr(training, "bind", lambda cfg, data: None)
    monkeypatch.setattr(training, "fit_batch", lambda cfg: "")
    monkeypatch.setattr(training, "resolve_pretrained", lambda model: (model, ""))
    cfg, _ = training.training_config(options)
    assert bool(cfg.optim_wrapper.optimizer.get("fused")) == gpu
    assert bool(cfg.train_dataloader.get("prefetch_factor")) == gpu
    assert cfg.train_dataloader.pin_memory == gpu
    assert [h["type"] for h in cfg.custom_hooks].count("CompileHook") == 1
    shipped, _ = training.training_config(own)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)  # the log asks which GPU it is
    weights = [nn.Parameter(torch.ones(1))]
    optimizer = OPTIMIZERS.build(dict(shipped.optim_wrapper.optimizer, params=weights))
    assert optimizer.param_groups[0]["fused"]  # with a GPU and without


class Detector(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.backbone, self.head = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 1, 1)
        self.neck = None


def test_parts_are_compiled_in_place(monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(nn.Module, "compile", lambda self, *a, **k: asked.append(self))
    model = Detector()
    names = list(model.state_dict())
    assert compile_parts(model) == "backbone compiled"
    assert asked == [model.backbone] and list(model.state_dict()) == names
    with pytest.raises(FishdetError, match="a Conv2d has neither backbone nor neck"):
        compile_parts(model.head)


def test_a_device_that_is_not_there_is_refused_with_those_that_are(monkeypatch) -> None:
    assert trained._device("cpu") == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(FishdetError, match="device 'tpu': this machine has cpu.*no usable CUDA"):
        trained._device("tpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert trained._device(None) == "cuda" and trained._device("cuda:1") == "cuda:1"
    with pytest.raises(FishdetError, match="device 'cuda:2': this machine has cpu, cuda, cuda:0"):
        trained._device("cuda:2")
