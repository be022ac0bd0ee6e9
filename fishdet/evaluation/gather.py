"""From the results of an evaluation loop to columns: each image once, in file order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from mmengine.dist import gather_object
from mmengine.logging import MMLogger

from fish_dataset.annotations import Annotations

from ..errors import FishdetError
from .detections import Detections


@dataclass(frozen=True)
class ImageResult:
    """What is kept of one image: arrays on the host, picklable between processes."""

    img_id: int
    bboxes: np.ndarray  # (n, 4) xyxy
    scores: np.ndarray  # (n,)
    labels: np.ndarray  # (n,)


def gather_results(own: list[ImageResult]) -> list[ImageResult]:
    """Return the results of all processes, in the first; a collective call.

    No file goes between them, so the processes need no shared folder.
    """
    parts = gather_object(own)
    return [result for part in parts or [] for result in part]


def match_images(
    annotations: Annotations,
    results: list[ImageResult],
    source: str,
) -> tuple[Annotations, Detections]:
    """Return the annotations of the images seen and the detections on their rows.

    An image that came more than once (distributed samplers pad their last batch) counts once;
    images that did not come are left out and their number is logged.

    Args:
        annotations: all images that may come.
        results: of one evaluation loop, in any order.
        source: names the annotations in messages.

    Raises:
        FishdetError: no results, image ids that ``annotations`` does not hold, or detections that
            cannot be scored (see :meth:`Detections.check`).
    """
    if not results:
        raise FishdetError(
            f"evaluation of {source}: no image reached the evaluator; "
            "is the data set of the evaluation empty?"
        )
    row_of = {key: row for row, key in enumerate(annotations.image_ids.tolist())}
    unknown = sorted({r.img_id for r in results if r.img_id not in row_of})
    if unknown:
        raise FishdetError(
            f"evaluation of {source}: {len(unknown)} predicted images are not in it, image ids "
            f"{unknown[:5]}; data loader and evaluator must read the same annotation file"
        )
    first: dict[int, ImageResult] = {}
    for result in results:
        first.setdefault(row_of[result.img_id], result)
    rows = np.array(sorted(first), dtype=np.int64)
    _report_unseen(len(rows), annotations.num_images, source)
    seen = annotations if len(rows) == annotations.num_images else annotations.select_images(rows)
    detections = Detections.from_images(
        (new_row, first[row].bboxes, first[row].scores, first[row].labels)
        for new_row, row in enumerate(rows.tolist())
    )
    detections.check(seen.num_images, len(seen.classes))
    return seen, detections


def _report_unseen(seen: int, total: int, source: str) -> None:
    if seen < total:
        MMLogger.get_current_instance().warning(
            f"{total - seen} of {total} images of {source} did not reach the "
            f"evaluator and are left out; the scores are those of {seen} images."
        )
