"""TimmBackbone: weights that classify, levels, freezing, and the errors of a wrong config."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import skimage.io
import skimage.transform
import timm
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from safetensors.torch import save_file
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

import fishdet.registered  # noqa: F401  (registers TimmBackbone)
from fishdet.errors import FishdetError
from fishdet.models import lite_weights
from fishdet.models.timm_backbone import TimmBackbone, check_neck

LITE0 = "tf_efficientnet_lite0"
ROOT = Path(__file__).resolve().parents[3]
LITE0_CONFIG = ROOT / "configs/_base_/models/faster-rcnn_effnet-lite0_fpn.py"
CATS = range(281, 286)  # ImageNet's domestic cats
CUP_OR_COFFEE = {504, 967, 968}  # coffee mug, espresso, cup


def whole(model_name: str) -> nn.Module:
    if lite_weights.installed_file(model_name) is None:
        pytest.skip(f"{lite_weights.PACKAGES[model_name]} is not installed")
    model = timm.create_model(model_name)
    model.load_state_dict(lite_weights.timm_state(model_name))
    return model.eval()


@pytest.fixture(scope="module")
def classifier() -> nn.Module:
    return whole(LITE0)


def photo(name: str) -> torch.Tensor:
    """A photo of scikit-image's wheel as the classifier wants it: (1, 3, 224, 224)."""
    folder = Path(skimage.__file__).parent / "data"
    image = skimage.io.imread(folder / name)
    side = min(image.shape[:2])
    top, left = ((length - side) // 2 for length in image.shape[:2])
    crop = image[top : top + side, left : left + side]
    small = skimage.transform.resize(crop, (224, 224), anti_aliasing=True, preserve_range=True)
    tensor = torch.from_numpy(np.ascontiguousarray(small)).float().permute(2, 0, 1)[None]
    return (tensor - 127) / 128


@pytest.mark.parametrize("model_name", lite_weights.PACKAGES)
@pytest.mark.parametrize(
    ("name", "classes"), [("chelsea.png", CATS), ("coffee.png", CUP_OR_COFFEE)]
)
def test_installed_weights_classify_a_photo(model_name, name, classes) -> None:
    with torch.no_grad():
        best = whole(model_name)(photo(name))[0].topk(5).indices.tolist()
    assert set(best) & set(classes), best


def test_norms_in_another_order_would_not_classify(classifier) -> None:
    """Shapes cannot tell a block's first two norms apart; the photo can."""
    state = dict(classifier.state_dict())
    firsts = [key for key in state if re.fullmatch(r"blocks\.[1-6]\.\d\.bn1\..*", key)]
    swapped = dict(state)
    for first in firsts:
        second = first.replace("bn1", "bn2")
        assert state[first].shape == state[second].shape
        swapped[first], swapped[second] = state[second], state[first]
    broken = timm.create_model(LITE0).eval()
    broken.load_state_dict(swapped)
    with torch.no_grad():
        best = broken(photo("chelsea.png"))[0].topk(5).indices.tolist()
    assert not set(best) & set(CATS)


def test_maps_are_the_classifiers_own_stages(classifier) -> None:
    backbone = TimmBackbone(LITE0, weights="package")
    backbone.init_weights()
    backbone.eval()
    seen: dict[str, torch.Tensor] = {}
    for stage in (1, 2, 4, 6):
        classifier.blocks[stage].register_forward_hook(
            lambda _m, _i, output, stage=stage: seen.__setitem__(stage, output)
        )
    image = photo("chelsea.png")
    with torch.no_grad():
        maps = backbone(image)
        classifier(image)
    assert backbone.channels == [24, 40, 112, 320] and backbone.strides == [4, 8, 16, 32]
    for feature, (_, expected), channels in zip(maps, seen.items(), backbone.channels, strict=True):
        torch.testing.assert_close(feature, expected)
        assert feature.shape[1] == channels


def test_package_weights_are_read_by_init_weights_only() -> None:
    backbone = TimmBackbone(LITE0, weights="package")
    before = backbone.net.conv_stem.weight.detach().clone()
    backbone.init_weights()
    assert not torch.equal(backbone.net.conv_stem.weight, before)
    with torch.no_grad():
        backbone.net.conv_stem.weight.zero_()
    backbone.init_weights()
    assert not backbone.net.conv_stem.weight.any()  # a second call leaves the weights alone


@pytest.mark.parametrize(("frozen", "blocks"), [(-1, 0), (0, 1), (1, 2), (4, 7)])
def test_frozen_stages_of_lite0(frozen: int, blocks: int) -> None:
    backbone = TimmBackbone(LITE0, frozen_stages=frozen).train()
    trained = {name for name, value in backbone.net.named_parameters() if value.requires_grad}
    expected = {
        name
        for name, _ in backbone.net.named_parameters()
        if (name.startswith("blocks.") and int(name.split(".")[1]) >= blocks) or frozen < 0
    }
    assert trained == expected
    for i, block in enumerate(backbone.net.blocks):
        assert all(module.training == (i >= blocks) for module in block.modules())
    assert backbone.net.bn1.training == (frozen < 0)
    backbone.eval()
    assert not any(module.training for module in backbone.modules())


@pytest.mark.parametrize(
    ("name", "first_trained"),
    [("resnet18", "layer2"), ("convnext_atto", "stages_2"), ("test_vit", None)],
)
def test_frozen_stages_of_other_networks(name: str, first_trained: str | None) -> None:
    levels = (0, 1) if name == "test_vit" else (0, 1, 2, 3)
    backbone = TimmBackbone(name, out_indices=levels, frozen_stages=1)
    trained = [key for key, value in backbone.net.named_parameters() if value.requires_grad]
    frozen = [key for key, value in backbone.net.named_parameters() if not value.requires_grad]
    assert frozen
    if first_trained is not None:
        assert trained[0].startswith(first_trained)
        assert not any(key.startswith(first_trained) for key in frozen)


def test_norm_eval_keeps_statistics_and_trains_the_weights() -> None:
    backbone = TimmBackbone("resnet18", norm_eval=True, norm_eps=1e-3).train()
    norms = [module for module in backbone.modules() if isinstance(module, _BatchNorm)]
    before = [norm.running_mean.clone() for norm in norms]
    backbone(torch.rand(2, 3, 64, 64))[-1].sum().backward()
    assert all(
        torch.equal(norm.running_mean, mean) for norm, mean in zip(norms, before, strict=True)
    )
    assert all(norm.weight.grad is not None and norm.eps == 1e-3 for norm in norms)


@pytest.mark.parametrize("name", [LITE0, "resnet18"])
def test_gradient_checkpointing_gives_the_same_gradients(name: str) -> None:
    images = torch.rand(2, 3, 64, 64)
    gradients = []
    for with_cp in (False, True):
        torch.manual_seed(0)
        backbone = TimmBackbone(name, with_cp=with_cp, norm_eval=True, frozen_stages=1).train()
        sum(level.square().mean() for level in backbone(images)).backward()
        gradients.append([p.grad for p in backbone.parameters() if p.requires_grad])
    for plain, checkpointed in zip(*gradients, strict=True):
        torch.testing.assert_close(plain, checkpointed)


def test_channels_last_networks_are_turned() -> None:
    backbone = TimmBackbone(
        "swin_tiny_patch4_window7_224",
        out_indices=(0, 1),
        timm_options=dict(img_size=64, window_size=2),
    )
    shapes = [tuple(level.shape) for level in backbone(torch.rand(1, 3, 64, 64))]
    assert shapes == [(1, 96, 16, 16), (1, 192, 8, 8)]


def test_weights_from_a_file_of_flattened_and_whole_networks(tmp_path: Path) -> None:
    whole = timm.create_model("convnext_atto", num_classes=7)
    path = tmp_path / "convnext_atto.safetensors"
    save_file(whole.state_dict(), path)
    backbone = TimmBackbone("convnext_atto", out_indices=(0, 1, 2, 3), weights=str(path))
    backbone.init_weights()
    own = {name.replace(".", "_"): value for name, value in backbone.net.state_dict().items()}
    given = {name.replace(".", "_"): value for name, value in whole.state_dict().items()}
    assert own.keys() <= given.keys()
    assert all(torch.equal(value, given[name]) for name, value in own.items())


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "resnet18.pth"
    torch.save(timm.create_model("resnet18").state_dict(), path)
    with pytest.raises(FishdetError, match=r"resnet18\.pth.*another network.*missing"):
        TimmBackbone("resnet34", weights=str(path)).init_weights()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(model_name="resnet5O"), "no network 'resnet5O'; near it: .*resnet50"),
        (dict(model_name="resnet18", out_indices=(1, 9)), r"out_indices=\(1, 9\)"),
        (dict(model_name="resnet18", frozen_stages=9), "frozen_stages=9.*levels 0 to 4"),
        (dict(model_name="resnet18", weights="package"), "weights='package' are those of"),
        (dict(model_name="resnet18", weights="imagenet"), "'none', 'package', 'timm' nor a file"),
        (dict(model_name="resnet18", timm_options=dict(colour=1)), "resnet18.*colour"),
    ],
)
def test_a_wrong_config_is_told(options: dict, message: str) -> None:
    with pytest.raises(FishdetError, match=message):
        TimmBackbone(**options)


def test_lite0_detector_has_a_fitting_neck_and_a_wrong_one_is_told() -> None:
    model = Config.fromfile(str(LITE0_CONFIG)).model
    detector = MODELS.build(model)
    check_neck(detector)
    assert detector.backbone.strides == [4, 8, 16, 32]
    detector.neck.in_channels = [64, 128, 256, 512]
    with pytest.raises(FishdetError, match=r"set model\.neck\.in_channels=\[24, 40, 112, 320\]"):
        check_neck(detector)


def test_another_packages_tensors_are_refused() -> None:
    shapes = {"a.weight": torch.Size([2, 3]), "a.bias": torch.Size([2])}
    good = {"x": torch.ones(2, 3), "y": torch.zeros(2)}
    assert list(lite_weights.rename(good, shapes, "file", LITE0)) == list(shapes)
    with pytest.raises(FishdetError, match=r"x has shape \(3, 2\), but a\.weight"):
        lite_weights.rename({**good, "x": torch.ones(3, 2)}, shapes, "file", LITE0)
    with pytest.raises(FishdetError, match="holds 1 tensors"):
        lite_weights.rename({"x": torch.ones(2, 3)}, shapes, "file", LITE0)
