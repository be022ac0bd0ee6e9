"""Detector families from mmdet's own configs, shrunk: a training step and a prediction on the CPU.

They run as mmdet ships them but for their width and depth, so what they ask of mmcv's operators is
what the full ones ask.
"""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

import tvops  # noqa: F401

SIZE = 96
CLASSES = 3


@pytest.fixture(autouse=True)
def as_in_a_run():
    """mmdet's registries for names without a prefix, and the epoch, which TOOD's loss asks for."""
    from mmengine import MessageHub
    from mmengine.registry import DefaultScope

    MessageHub.get_instance(__name__).update_info("epoch", 0)
    with DefaultScope.overwrite_default_scope("mmdet"):
        yield
    del MessageHub._instance_dict[__name__]


def narrow(model):
    """ResNet-50 with an eighth of its channels; what the neck takes follows."""
    model.backbone.base_channels = 8
    model.neck.in_channels = [channels // 8 for channels in model.neck.in_channels]


def shrink_rtmdet(model):
    model.backbone.update(widen_factor=0.125)
    model.neck.update(in_channels=[32, 64, 128], out_channels=32, num_csp_blocks=1)
    model.bbox_head.update(in_channels=32, feat_channels=32)


def shrink_dino(model):
    narrow(model)
    model.num_queries = model.test_cfg.max_per_img = 20
    model.encoder.num_layers = 1
    model.decoder.num_layers = 2
    for part in (model.encoder, model.decoder):
        part.layer_cfg.ffn_cfg.feedforward_channels = 64


def shrink_groie(model):
    """Its extractor convolves every RoI on every level, so few RoIs."""
    narrow(model)
    model.neck.out_channels = model.rpn_head.in_channels = model.rpn_head.feat_channels = 32
    extractor = model.roi_head.bbox_roi_extractor
    extractor.out_channels = model.roi_head.bbox_head.in_channels = 32
    extractor.pre_cfg.update(in_channels=32, out_channels=32)
    extractor.post_cfg.in_channels = 32
    model.train_cfg.rcnn.sampler.num = model.test_cfg.rpn.max_per_img = 16


def narrow_deformable(model):
    """As narrow, and the convolutions are deformable as the config says."""
    narrow(model)
    assert model.backbone.dcn.type in ("DCN", "DCNv2")


FAMILIES = {
    "faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py": narrow,
    "retinanet/retinanet_r50_fpn_1x_coco.py": narrow,
    "tood/tood_r50_fpn_1x_coco.py": narrow,
    "dcnv2/faster-rcnn_r50-mdconv-c3-c5_fpn_1x_coco.py": narrow_deformable,
    "dino/dino-4scale_r50_8xb2-12e_coco.py": shrink_dino,
    "cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco.py": narrow,
    "fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py": narrow,
    "atss/atss_r50_fpn_1x_coco.py": narrow,
    "rtmdet/rtmdet_tiny_8xb32-300e_coco.py": shrink_rtmdet,
    "dcn/faster-rcnn_r50-dconv-c3-c5_fpn_1x_coco.py": narrow_deformable,
    "groie/faste-rcnn_r50_fpn_groie_1x_coco.py": shrink_groie,
}
UNDER_AUTOCAST = [
    "faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py",
    "tood/tood_r50_fpn_1x_coco.py",
    "dcnv2/faster-rcnn_r50-mdconv-c3-c5_fpn_1x_coco.py",
    "dino/dino-4scale_r50_8xb2-12e_coco.py",
]


def adapt(node) -> None:
    """No downloaded weights, few classes, BatchNorm of one process, thin fully connected layers."""
    if isinstance(node, (list, tuple)):
        for item in node:
            adapt(item)
    elif isinstance(node, dict):
        for key in node:
            if key == "init_cfg":
                node[key] = None
            elif key == "num_classes":
                node[key] = CLASSES
            elif key == "fc_out_channels":
                node[key] = 64
            elif key == "type" and node[key] == "SyncBN":
                node[key] = "BN"
            else:
                adapt(node[key])


def build(path: str, shrink):
    import mmdet
    from mmdet.registry import MODELS
    from mmdet.utils import register_all_modules
    from mmengine.config import Config

    register_all_modules(init_default_scope=False)
    config = Config.fromfile(Path(mmdet.__file__).parent / ".mim" / "configs" / path)
    shrink(config.model)
    adapt(config.model)
    torch.manual_seed(0)
    model = MODELS.build(config.model)
    model.init_weights()  # DETR's level embeddings are memory as it was found before this
    return model


def batch(model):
    """Two noise images with two boxes each, through the model's own preprocessor."""
    from mmdet.structures import DetDataSample
    from mmengine.structures import InstanceData

    samples = []
    for first in (0, 1):
        sample = DetDataSample(
            metainfo=dict(
                img_shape=(SIZE, SIZE),
                ori_shape=(SIZE, SIZE),
                scale_factor=(1.0, 1.0),
                batch_input_shape=(SIZE, SIZE),
                pad_shape=(SIZE, SIZE),
                img_id=first,
            )
        )
        sample.gt_instances = InstanceData(
            bboxes=torch.tensor([[8.0, 10.0, 60.0, 50.0], [30.0, 40.0, 90.0, 88.0]]),
            labels=torch.tensor([first, CLASSES - 1]),
        )
        sample.ignored_instances = InstanceData(bboxes=torch.zeros(0, 4), labels=torch.zeros(0))
        samples.append(sample)
    images = [torch.randint(0, 256, (3, SIZE, SIZE), dtype=torch.uint8) for _ in samples]
    return dict(inputs=images, data_samples=samples)


def step_and_predict(path: str, autocast: bool) -> None:
    model = build(path, FAMILIES[path])
    model.train()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        data = model.data_preprocessor(batch(model), training=True)
        losses = model.loss(data["inputs"], data["data_samples"])
        total, _ = model.parse_losses(losses)
    total.backward()
    assert math.isfinite(total.item())
    assert total.item() > 0
    used = [p.grad for p in model.backbone.parameters() if p.grad is not None]
    assert used
    assert all(grad.isfinite().all() for grad in used)
    assert any(grad.abs().sum() > 0 for grad in used)

    model.eval()
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        data = model.data_preprocessor(batch(model), training=False)
        results = model.predict(data["inputs"], data["data_samples"], rescale=True)
    for result in results:
        found = result.pred_instances
        assert found.bboxes.shape == (len(found.scores), 4)
        assert found.bboxes.isfinite().all()
        assert set(found.labels.tolist()) <= set(range(CLASSES))


@pytest.mark.parametrize("path", FAMILIES)
def test_trains_a_step_and_predicts(path):
    step_and_predict(path, autocast=False)


@pytest.mark.parametrize("path", UNDER_AUTOCAST)
def test_trains_a_step_and_predicts_under_bf16_autocast(path):
    step_and_predict(path, autocast=True)
