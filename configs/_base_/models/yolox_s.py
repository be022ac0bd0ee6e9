"""mmdet's YOLOX-S without the batch that changes its size: a CPU builds kernels anew for each."""

from importlib import import_module

hub = import_module("mmengine.hub")  # a config may import the standard library alone
model = hub.get_config("mmdet::yolox/yolox_s_8xb8-300e_coco.py").model
model.data_preprocessor.batch_augments = None
