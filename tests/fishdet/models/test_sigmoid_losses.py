"""Sigmoid classifiers against values by hand, the papers' formulas and torchvision."""

from __future__ import annotations

import json
import logging
import math
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from torchvision.ops import sigmoid_focal_loss

from fish_dataset.coco import read_coco
from fishdet.config import load_config, set_num_classes
from fishdet.errors import FishdetError
from fishdet.hooks.image_shares import ImageSharesHook
from fishdet.models.sigmoid_losses import EqualizationLoss, SpeciesFocalLoss

ROOT = Path(__file__).resolve().parents[3]
LEAF = "configs/faster_rcnn/faster-rcnn_r50_fpn_{}_1x_fish.py"
LN2 = math.log(2)


def eql(shares: list[float], rare: float = 0.05) -> EqualizationLoss:
    loss = EqualizationLoss(len(shares), rare=rare)
    loss.image_shares.copy_(torch.tensor(shares))
    return loss


def test_equalization_by_hand() -> None:
    """Every logit 0, so ln 2 each; the second of three species is rare."""
    loss, logits = eql([0.5, 0.01, 0.2]), torch.zeros(3, 3)
    labels = torch.tensor([0, 1, 3])  # a common fish: 2 terms; a rare one: 3; background: 3
    assert loss(logits, labels).item() == pytest.approx(8 * LN2 / 3)
    assert loss(logits, labels, avg_factor=2.0).item() == pytest.approx(8 * LN2 / 2)
    weight = torch.tensor([1.0, 0.0, 0.5])
    assert loss(logits, labels, weight).item() == pytest.approx((2 + 1.5) * LN2 / 3)
    assert loss(logits, labels, reduction_override="none")[0].tolist() == pytest.approx(
        [LN2, 0.0, LN2]
    )
    assert loss(torch.zeros(0, 3), torch.zeros(0, dtype=torch.long)).item() == 0


def test_equalization_is_the_papers_formula() -> None:
    """-sum over j of w_j log p̂_j, w_j = 1 - E(r) T(f_j) (1 - y_j), one number at a time."""
    noise = torch.Generator().manual_seed(0)
    logits = torch.randn(40, 5, generator=noise, dtype=torch.float64) * 3
    labels = torch.randint(0, 6, (40,), generator=noise)
    shares = [0.3, 0.04999, 0.05, 0.0, 0.9]
    total = 0.0
    for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
        for j, logit in enumerate(row):
            y = float(label == j)
            chance = 1 / (1 + math.exp(-logit))
            w = 1 - (label != 5) * (shares[j] < 0.05) * (1 - y)
            total -= w * math.log(chance if y else 1 - chance)
    assert eql(shares)(logits, labels).item() == pytest.approx(total / 40, rel=1e-12)


def test_other_fish_do_not_move_a_rare_species() -> None:
    logits = torch.zeros(2, 2, requires_grad=True)
    eql([0.9, 0.01])(logits, torch.tensor([0, 2])).backward()
    assert logits.grad is not None
    assert logits.grad[0].tolist() == [-0.25, 0.0]  # fish of the common species
    assert logits.grad[1].tolist() == [0.25, 0.25]  # background


def test_focal_is_torchvisions() -> None:
    noise = torch.Generator().manual_seed(0)
    logits, labels = torch.randn(30, 4, generator=noise), torch.randint(0, 5, (30,))
    target = torch.nn.functional.one_hot(labels, 5)[:, :4].float()
    wanted = sigmoid_focal_loss(logits, target, alpha=0.3, gamma=1.5, reduction="sum") / 30
    found = SpeciesFocalLoss(4, gamma=1.5, alpha=0.3)(logits, labels)
    assert found.item() == pytest.approx(wanted.item(), rel=1e-5)


@pytest.mark.parametrize("kind", ["eql", "focal", "eqlv2"])
def test_each_species_is_found_where_its_logit_is_high(kind: str) -> None:
    """The last one too, and each with its own box."""
    cfg = load_config(ROOT / LEAF.format(kind))
    set_num_classes(cfg, 3)
    head = MODELS.build(cfg.model.roi_head.bbox_head)
    head.init_weights()
    columns = 4 if kind == "eqlv2" else 3
    assert head.fc_cls.out_features == columns
    if kind != "eqlv2":
        assert head.fc_cls.bias.sigmoid().tolist() == pytest.approx([0.01] * 3)
    logits = torch.full((3, columns), -6.0)
    logits[range(3), range(3)] = 6.0
    rois = torch.tensor([[0.0, 10 * i, 0, 10 * i + 8, 8] for i in range(3)])
    found = head._predict_by_feat_single(
        rois, logits, torch.zeros(3, 12), dict(img_shape=(64, 64)), rescale=False,
        rcnn_test_cfg=ConfigDict(cfg.model.test_cfg.rcnn),
    )  # fmt: skip
    assert isinstance(found, InstanceData)
    order = found.labels.argsort()
    assert found.labels[order].tolist() == [0, 1, 2]
    assert torch.allclose(found.bboxes[order], rois[:, 1:])
    assert (found.scores > 0.98).all()
    labels = torch.tensor([0, 2, 3])
    assert head.loss_cls.get_accuracy(logits, labels)["acc_classes"].item() == 50.0
    assert torch.isfinite(head.loss_cls(logits, labels, torch.ones(3), avg_factor=3.0))


def test_shares_are_counted_a_picture_once(
    drawn_data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    annotations, _ = read_coco(drawn_data / "train.json", check_images=False)
    document = json.loads((drawn_data / "train.json").read_text())
    kinds = sorted(c["id"] for c in document["categories"])
    seen = [
        {a["image_id"] for a in document["annotations"] if a["category_id"] == k} for k in kinds
    ]
    loss = EqualizationLoss(len(kinds), rare=0.3)
    inner = SimpleNamespace(annotations=annotations)
    runner = SimpleNamespace(
        train_dataloader=SimpleNamespace(dataset=SimpleNamespace(dataset=inner)),
        model=torch.nn.Sequential(loss),
        logger=logging.getLogger("shares"),
    )
    with caplog.at_level("INFO"):
        ImageSharesHook().before_train(runner)
    assert loss.image_shares.tolist() == pytest.approx([len(s) / 12 for s in seen])
    rare = sorted(annotations.classes[i] for i, s in enumerate(seen) if len(s) / 12 < 0.3)
    assert f"Rare: {', '.join(rare)}." in caplog.text
    assert "image_shares" not in loss.state_dict()


def test_mistakes_are_named() -> None:
    with pytest.raises(FishdetError, match="rare = 3: a share"):
        EqualizationLoss(4, rare=3)
    with pytest.raises(FishdetError, match="num_classes 4, and its head has 5"):
        EqualizationLoss(4).get_cls_channels(5)
