"""Class heads for other species, and what a training takes from a checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS
from torchvision.models import get_model

from fishdet.binding import bind
from fishdet.checkpoint.training.heads import fit_head
from fishdet.checkpoint.training.starting import starting_weights
from fishdet.config import load_config
from fishdet.errors import FishdetError
from fishdet.runner import build_runner, local_file

HEAD = "roi_head.bbox_head."


def two_stage(classes: int) -> dict[str, torch.Tensor]:
    """Row r of each layer holds r, so that rows can be told apart."""
    return {
        "backbone.conv1.weight": torch.ones(2, 2),
        f"{HEAD}fc_cls.weight": torch.arange(classes + 1.0)[:, None],
        f"{HEAD}fc_cls.bias": torch.arange(classes + 1.0),
        f"{HEAD}fc_reg.weight": torch.arange(4.0 * classes)[:, None],
        f"{HEAD}fc_reg.bias": torch.arange(4.0 * classes),
    }


def test_rows_of_shared_species_move_to_their_places() -> None:
    """Olive flounder is Paralichthys olivaceus, 넙치; the catalogue knows."""
    fitted = fit_head(
        two_stage(3), ["cod", "넙치", "shark"], ["Shark", "sunfish", "Paralichthys olivaceus"]
    )
    assert fitted.state[f"{HEAD}fc_cls.bias"].tolist() == [2, 0, 1, 3]
    assert fitted.state[f"{HEAD}fc_reg.bias"].tolist() == [8, 9, 10, 11, 0, 0, 0, 0, 4, 5, 6, 7]
    assert fitted.kept == {"Shark": "shark", "Paralichthys olivaceus": "넙치"}
    assert (fitted.new, fitted.dropped) == (("sunfish",), ("cod",))
    assert torch.equal(fitted.state["backbone.conv1.weight"], torch.ones(2, 2))
    assert "2 species keep their weights (Shark (was shark)" in fitted.report()


def test_new_species_start_as_the_new_model_does() -> None:
    initial = {f"{HEAD}fc_cls.bias": torch.full((3,), 9.0)}
    fitted = fit_head(two_stage(1), ["cod"], ["eel", "cod"], initial)
    assert fitted.state[f"{HEAD}fc_cls.bias"].tolist() == [9, 0, 1]


def test_one_regression_for_all_classes_stays() -> None:
    state = {f"{HEAD}fc_reg.bias": torch.arange(4.0), f"{HEAD}fc_cls.bias": torch.arange(4.0)}
    fitted = fit_head(state, ["a", "b", "c"], ["c"])
    assert fitted.state[f"{HEAD}fc_reg.bias"].tolist() == [0, 1, 2, 3]
    assert fitted.state[f"{HEAD}fc_cls.bias"].tolist() == [2, 3]


def test_one_stage_heads_keep_classes_within_each_anchor() -> None:
    state = {
        "bbox_head.retina_cls.bias": torch.arange(6.0),
        "bbox_head.retina_reg.bias": torch.arange(12.0),
    }
    fitted = fit_head(state, ["a", "b"], ["b", "x", "a"])
    assert fitted.state["bbox_head.retina_cls.bias"].tolist() == [1, 0, 0, 3, 0, 2, 5, 0, 4]
    assert fitted.layers == ("bbox_head.retina_cls.bias",)


def test_coco_of_torchvision_starts_a_fish_model() -> None:
    coco = get_model("fasterrcnn_resnet50_fpn", weights=None, weights_backbone=None, num_classes=91)
    config = "configs/faster_rcnn/faster-rcnn_r50_fpn_coco-pretrained_1x_fish.py"
    cfg = load_config(Path(__file__).resolve().parents[4] / config)
    cfg.model.roi_head.bbox_head.num_classes = 2
    model = MODELS.build(cfg.model)
    own = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state, notes = starting_weights({"state_dict": coco.state_dict()}, own, ["bird", "eel"])
    assert {n: t.shape for n, t in state.items()} == {n: t.shape for n, t in own.items()}
    scores = state[f"{HEAD}fc_cls.weight"]
    assert torch.equal(scores[0], coco.roi_heads.box_predictor.cls_score.weight[16])  # bird
    assert torch.equal(scores[1], own[f"{HEAD}fc_cls.weight"][1])
    assert torch.equal(scores[2], coco.roi_heads.box_predictor.cls_score.weight[0])
    assert torch.equal(state["backbone.conv1.weight"], coco.backbone.body.conv1.weight)
    assert "torchvision's" in notes[0] and "1 species keep" in notes[1]


def test_a_training_loads_other_species(
    tiny_config: Path, drawn_data: Path, run_checkpoint: Path, tmp_path: Path
) -> None:
    """The checkpoint's last class gets another name and place."""
    checkpoint = torch.load(run_checkpoint, weights_only=False)
    names = list(checkpoint["meta"]["fishdet"]["classes"])
    cfg = load_config(tiny_config)
    bind(cfg, drawn_data)
    old = ["unknown thing", *names[:-1]]
    checkpoint["meta"]["fishdet"]["classes"] = checkpoint["meta"]["dataset_meta"]["classes"] = old
    torch.save(checkpoint, tmp_path / "other.pth")
    cfg.work_dir, cfg.load_from = str(tmp_path / "run"), str(tmp_path / "other.pth")
    runner = build_runner(cfg)
    before = runner.model.roi_head.bbox_head.fc_cls.weight[len(names) - 1].clone()
    runner.load_checkpoint(cfg.load_from)
    rows, old_rows = (
        runner.model.roi_head.bbox_head.fc_cls.weight,
        checkpoint["state_dict"][f"{HEAD}fc_cls.weight"],
    )
    assert torch.equal(rows[0], old_rows[1])
    assert torch.equal(rows[-1], old_rows[-1])
    assert torch.equal(rows[len(names) - 1], before)
    assert (
        f"{len(names) - 1} species keep their weights"
        in next((tmp_path / "run").rglob("*.log")).read_text()
    )


def test_torchvision_s_names_lead_to_the_folder_of_weights(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "fasterrcnn_resnet50_fpn_coco-258fb6c6.pth"
    file.write_bytes(b"x")
    monkeypatch.setenv("FISHDET_WEIGHTS", str(tmp_path))
    assert local_file("torchvision://fasterrcnn_resnet50_fpn") == file
    with pytest.raises(FishdetError, match="no weights of this name"):
        local_file("torchvision://fasterrcnn_resnet51")
