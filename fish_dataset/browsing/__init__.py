"""Contact sheets of a data set, as it is and as training sees it."""

from __future__ import annotations

from .browse import Wanted, browse

__all__ = ["Wanted", "browse"]
