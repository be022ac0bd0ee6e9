"""Config files and the settings that flags change in them."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from fishdet import precision
from fishdet.checkpoint.papers import config_from_json, config_to_json
from fishdet.cli import add_run_arguments
from fishdet.config import load_config, merge_options, set_epochs, set_img_scale, set_precision
from fishdet.errors import FishdetError


def test_missing_config_is_named(tmp_path: Path) -> None:
    with pytest.raises(FishdetError, match="nowhere.py: no such file"):
        load_config(tmp_path / "nowhere.py")


def test_config_with_a_syntax_error_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("model = dict(")
    with pytest.raises(FishdetError, match="broken.py cannot be read"):
        load_config(path)


@pytest.mark.parametrize("text", ["x = undefined", "custom_imports = dict(imports=['no.such'])"])
def test_config_that_python_cannot_run_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.py"
    path.write_text(text)
    with pytest.raises(FishdetError, match=r"broken\.py cannot be read"):
        load_config(path)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--cfg-options", "nonsense"], "nonsense: write each as key=value"),
        (["--img-scale", "-5", "0"], "'-5' is no whole number from 32 on"),
        (["--img-scale", "16", "16"], "'16' is no whole number from 32 on"),
    ],
)
def test_values_of_flags_are_checked(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser()
    add_run_arguments(parser)
    with pytest.raises(SystemExit) as left:
        parser.parse_args(["config.py", *words])
    assert left.value.code == 2 and said in capsys.readouterr().err


def test_missing_base_is_named(tmp_path: Path) -> None:
    path = tmp_path / "orphan.py"
    path.write_text("_base_ = './gone.py'")
    with pytest.raises(FishdetError, match="gone.py"):
        load_config(path)


def test_option_through_a_number_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "small.py"
    path.write_text("lr = 1.0")
    with pytest.raises(FishdetError, match="lr.deep"):
        load_config(path, {"lr.deep.er": 2})


def test_epochs_move_the_schedule() -> None:
    cfg = Config(
        dict(
            train_cfg=dict(max_epochs=12),
            param_scheduler=[
                dict(type="LinearLR", by_epoch=False, begin=0, end=500),
                dict(type="MultiStepLR", by_epoch=True, begin=0, end=12, milestones=[8, 11]),
                dict(type="CosineAnnealingLR", by_epoch=True, begin=0, end=12, T_max=12),
            ],
        )
    )
    set_epochs(cfg, 24)
    warmup, steps, cosine = cfg.param_scheduler
    assert warmup.end == 500
    assert (steps.end, steps.milestones) == (24, [16, 22])
    assert (cosine.end, cosine.T_max) == (24, 24)


def test_img_scale_reaches_wrapped_datasets() -> None:
    inner = dict(pipeline=[dict(type="Resize", scale=(1, 1)), dict(type="RandomFlip", prob=0.5)])
    cfg = Config(dict(train_dataloader=dict(dataset=dict(type="RepeatDataset", dataset=inner))))
    set_img_scale(cfg, (640, 480))
    resize, flip = cfg.train_dataloader.dataset.dataset.pipeline
    assert resize.scale == (640, 480)
    assert "scale" not in flip


def test_small_start_keeps_its_proportion() -> None:
    """128 of 192 is two thirds; of 640 that is 427, and 416 in steps of 32."""
    late = [dict(type="Resize", scale=(192, 192))]
    cfg = Config(
        dict(
            img_scale=(192, 192),
            train_cfg=dict(max_epochs=3),
            train_dataloader=dict(pipeline=[dict(type="Resize", scale=(128, 128))]),
            custom_hooks=[dict(type="PipelineSwitchHook", switch_epoch=2, switch_pipeline=late)],
        )
    )
    set_img_scale(cfg, (640, 640))
    assert cfg.train_dataloader.pipeline[0].scale == (416, 416)
    assert cfg.custom_hooks[0].switch_pipeline[0].scale == (640, 640)
    for epochs, switch in ((9, 6), (2, 1), (1, 0)):  # whatever the length, it ends at full size
        set_epochs(cfg, epochs)
        assert cfg.custom_hooks[0].switch_epoch == switch


@pytest.mark.parametrize(
    ("has", "wanted", "dtype"),
    [
        (True, "auto", torch.bfloat16),
        (False, "auto", torch.float32),
        (True, "fp32", torch.float32),
        (False, "bf16", torch.bfloat16),
    ],
)
def test_cpu_precision_follows_the_instructions(
    monkeypatch: pytest.MonkeyPatch, has: bool, wanted: str, dtype: torch.dtype
) -> None:
    monkeypatch.setattr(precision, "cpu_has_bf16", lambda: has)
    assert precision.resolve_precision(wanted, "cpu") is dtype
    told = precision.describe_choice(wanted, dtype, "cpu")
    assert ("fp32 takes a fraction of the time" in told) == (not has and wanted == "bf16")


def test_precision_is_written_into_optimizer_and_loops() -> None:
    cfg = Config(dict(optim_wrapper=dict(type="OptimWrapper"), val_cfg=dict(), test_cfg=dict()))
    set_precision(cfg, "bf16", "cpu")
    assert cfg.optim_wrapper.type == "CpuAmpOptimWrapper"
    assert (cfg.precision, cfg.val_cfg.fp16, cfg.test_cfg.fp16) == ("bf16", True, True)
    set_precision(cfg, "fp32", "cpu")
    assert (cfg.optim_wrapper.type, cfg.val_cfg.fp16) == ("OptimWrapper", False)
    set_precision(cfg, "fp16", "cuda")
    assert (cfg.optim_wrapper.type, cfg.optim_wrapper.dtype) == ("AmpOptimWrapper", "float16")


def test_unknown_precision_lists_the_known() -> None:
    with pytest.raises(FishdetError, match="'fp8' is unknown; choose one of auto, fp32"):
        precision.resolve_precision("fp8", "cpu")


def test_config_survives_json_with_its_tuples() -> None:
    cfg = Config(dict(a=(1, 2), b=[(3, 4), dict(scale=(5, 6))], c=None, d="x"))
    text = config_to_json(cfg)
    json.loads(text)
    assert config_from_json(text).to_dict() == cfg.to_dict()


def test_a_slip_in_the_first_word_of_an_option_is_named() -> None:
    cfg = Config(dict(model=dict(type="A"), train_dataloader=dict(batch_size=2)))
    with pytest.raises(FishdetError, match="modle.type.*did you mean 'model'"):
        merge_options(cfg, {"modle.type": "B"})
    merge_options(cfg, {"model.type": "B", "quite_new.key": 1})
    assert (cfg.model.type, cfg.quite_new.key) == ("B", 1)
