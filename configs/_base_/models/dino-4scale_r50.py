"""mmdet's DINO R50 with four scales; only the model of its file, as data and schedule are ours."""

from importlib import import_module

hub = import_module("mmengine.hub")  # a config may import the standard library alone
model = hub.get_config("mmdet::dino/dino-4scale_r50_8xb2-12e_coco.py").model
