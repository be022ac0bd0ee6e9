"""The whole detector as one traceable graph: uint8 pixels in, final boxes out.

mmdet predicts image by image, with sizes as Python numbers, which a trace would freeze. Here the
same steps run on whole batches with every size taken from the tensors, so height, width and batch
stay open. The numbers are mmdet's: a test compares them.
"""

from __future__ import annotations

from .detector import Graph, graph_of

__all__ = ["Graph", "graph_of"]
