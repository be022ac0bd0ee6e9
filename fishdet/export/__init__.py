"""Detectors as one file that needs neither PyTorch nor mmdet: ONNX, OpenVINO, TorchScript.

``graph`` holds the network from pixels to final boxes, ``papers`` what travels with it, ``write``
the formats, ``quantise`` INT8 (``quantiser``, ``layers``, ``search``, ``likeness``: which layers
stay in FP32), ``run`` what stands behind ``tools/export.py``. What reads the files is
``fishdet.inference.exported``, which imports none of this.
"""
