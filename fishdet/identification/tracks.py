"""One answer for each fish of a video, from all the frames that it was seen in."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fishdet.inference.tracking import UNTRACKED, Tracked

from .answers import Answer, answer
from .columns import columns_of, no_claim
from .gallery import Gallery

POINT = "identified_point"
"""Column of detections: the embedding (N, D) of each, zeros where its box is below 8 pixels."""


@dataclass
class _Fish:
    sum: np.ndarray
    first: float
    last: float
    frames: int = 0


class TrackNames:
    """Pools the embeddings of each tracked fish, weighted by the detections' scores.

    In memory is one sum a fish, however long the video.

    Args:
        gallery: of known species.
        confidence: least probability of a claim.
        lang: of the names.
    """

    def __init__(self, gallery: Gallery, confidence: float, lang: str = "en") -> None:
        self._gallery, self._confidence, self._lang = gallery, confidence, lang
        self._fish: dict[int, _Fish] = {}

    def update(self, tracked: Tracked, seconds: float) -> Tracked:
        """Return the fish of the next frame, each with what all its frames so far say.

        Fish without a number keep what this frame says of them.

        Args:
            tracked: detections of ``Identifier.predict``, with their numbers.
            seconds: time of the frame.
        """
        rows = np.flatnonzero(tracked.ids != UNTRACKED)
        found = tracked.detections
        for row in rows.tolist():
            point = found.data[POINT][row]
            fish = self._fish.setdefault(
                int(tracked.ids[row]), _Fish(np.zeros(len(point)), seconds, seconds)
            )
            fish.sum += float(found.confidence[row]) * point.astype(np.float64)
            fish.last, fish.frames = seconds, fish.frames + 1
        if len(rows) == 0:
            return tracked
        pooled = columns_of(self._answers(tracked.ids[rows].tolist()), self._lang)
        data = dict(found.data)
        for name, values in pooled.items():
            column = data[name].astype(np.result_type(data[name], values))
            column[rows] = values
            data[name] = column
        named = replace(found, data=data)
        return replace(tracked, detections=named)

    def rows(self) -> list[list[object]]:
        """Return number, first and last second, frames, and ``IDENTIFIED`` of each fish."""
        columns = columns_of(self._answers(list(self._fish)), self._lang)
        rows = []
        for place, (number, fish) in enumerate(self._fish.items()):
            values = [column[place].item() for column in columns.values()]
            rounded = [round(v, 5) if isinstance(v, float) else v for v in values]
            times = (round(fish.first, 3), round(fish.last, 3))
            rows.append([number, *times, fish.frames, *rounded])
        return rows

    def _answers(self, numbers: list[int]) -> list[Answer]:
        if not numbers:
            return []
        sums = np.stack([self._fish[number].sum for number in numbers])
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        points = (sums / np.maximum(lengths, 1e-9)).astype(np.float32)
        said = answer(self._gallery, points, self._confidence)
        return [
            one if length > 0 else no_claim(one.similarity)
            for one, length in zip(said, lengths[:, 0].tolist(), strict=True)
        ]
