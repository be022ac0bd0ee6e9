"""mmdet's Deformable DETR R50; only the model of its file, as data and schedule are ours."""

from importlib import import_module

hub = import_module("mmengine.hub")  # a config may import the standard library alone
model = hub.get_config("mmdet::deformable_detr/deformable-detr_r50_16xb2-50e_coco.py").model
