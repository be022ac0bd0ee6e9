"""mmdet's FCOS R50-FPN with its later tricks, on torchvision's ResNet-50 in place of Caffe's.

Centre sampling, boxes in units of the stride, centredness beside the boxes, GIoU. Caffe's weights
lie on a host that is often out of reach.
"""

from importlib import import_module

hub = import_module("mmengine.hub")  # a config may import the standard library alone
model = hub.get_config(
    "mmdet::fcos/fcos_r50-caffe_fpn_gn-head-center-normbbox-centeronreg-giou_1x_coco.py"
).model
model.data_preprocessor.update(
    mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True
)
model.backbone.update(
    norm_cfg=dict(type="BN", requires_grad=True),
    style="pytorch",
    init_cfg=dict(type="Pretrained", checkpoint="torchvision://resnet50"),
)
