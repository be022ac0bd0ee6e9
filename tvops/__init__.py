"""The operators that mmcv compiles, on PyTorch's and torchvision's own.

Importing this package is enough, and cheap: from then on ``mmcv._ext`` is found, as a stand-in
where no compiled one can be imported. It must be imported before ``mmcv.ops`` is.

>>> import tvops
>>> import mmcv.ops            # works without a compiler
>>> tvops.active()
'torchvision'
"""

from __future__ import annotations

from tvops.registration import active, install
from tvops.unsupported import OperatorNotSupported

__all__ = ["OperatorNotSupported", "active", "install"]

install()
