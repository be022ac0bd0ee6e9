"""mmdet's RTMDet-tiny with ordinary BatchNorm: SyncBN asks for several GPUs.

At most 3,000 boxes a level go into NMS in place of 30,000, of score 0.01 on in place of 0.001.
"""

from importlib import import_module

hub = import_module("mmengine.hub")  # a config may import the standard library alone
model = hub.get_config("mmdet::rtmdet/rtmdet_tiny_8xb32-300e_coco.py").model
model.backbone.norm_cfg = model.neck.norm_cfg = model.bbox_head.norm_cfg = dict(type="BN")
model.data_preprocessor.pad_size_divisor = 32
model.test_cfg.update(nms_pre=3000, score_thr=0.01)
