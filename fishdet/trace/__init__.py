"""The pipeline made visible: one picture through a Faster R-CNN with every stage kept.

    from fishdet import Detector
    from fishdet.trace import record, trace_page, way_back

    detector = Detector("work_dirs/fish")
    trace = record(detector, "reef.jpg")        # tensors of every stage
    way_back(trace, 0)                          # the surest fish: proposal, anchor, level
    html = trace_page(detector, "reef.jpg", "ko")

``features`` catches what the layers put out, ``proposals`` and ``regions`` repeat the steps in
between with their rows kept, ``record`` puts them together and compares the ends with the model's
own. ``files`` writes plain data and arrays; ``data``, ``stages`` and ``render`` make the page.
"""

from __future__ import annotations

from fishdet.inference.detector import Detector
from fishdet.inference.inputs import ImageLike

from .record import Trace, record
from .render import content_security_policy, render
from .way_back import way_back

__all__ = ["Trace", "content_security_policy", "record", "render", "trace_page", "way_back"]


def trace_page(detector: Detector, image: ImageLike, lang: str = "en") -> str:
    """Return the page of one picture, self-contained HTML with scripts of its own.

    A server sends ``content_security_policy()`` as its header.

    Raises:
        FishdetError: the model is no Faster R-CNN with FPN, or the image is not readable.
    """
    return render(record(detector, image), detector, lang)
