"""mmdet's GFL R50-FPN; only the model of its file, as data and schedule are ours."""

from importlib import import_module

hub = import_module("mmengine.hub")  # a config may import the standard library alone
model = hub.get_config("mmdet::gfl/gfl_r50_fpn_1x_coco.py").model
