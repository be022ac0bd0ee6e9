"""The operators that mmcv compiles, on PyTorch's and torchvision's own.

Importing this package is enough: it registers a stand-in for ``mmcv._ext`` where no compiled one
can be imported, and leaves a compiled one alone. It must be imported before ``mmcv.ops`` is.

>>> import tvops
>>> import mmcv.ops            # works without a compiler
>>> tvops.active()
'torchvision'
"""

from __future__ import annotations

from tvops.registration import active, install
from tvops.roi_align import multilevel_roi_align, roi_align
from tvops.unsupported import OperatorNotSupported

__all__ = ["OperatorNotSupported", "active", "install", "multilevel_roi_align", "roi_align"]

install()
