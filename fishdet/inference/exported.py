"""Models that tools/export.py wrote, run without PyTorch and mmdet.

The file holds the whole detector: uint8 pixels go in, final boxes come out
(``fishdet.export.graph`` says in which form). Its papers, JSON under the key ``fishdet``, tell
what the labels mean.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fishdet.errors import FishdetError

from .boxes import Boxes
from .calibration import calibration_from, thresholds_from
from .opened import Opened
from .runner_up import from_other_labels
from .sessions import SESSIONS, Session

FORMAT = 1
SUFFIXES = tuple(SESSIONS)


class ExportedNetwork:
    """Runs pictures of one size as batches.

    Args:
        session: the open file.
        classes: how many there are.
        batch_size: pictures at once, at most.
        precision: of the file, 'fp32' or 'int8'.

    Attributes:
        engine: what runs it, in words.
    """

    def __init__(
        self, session: Session, classes: int, batch_size: int, precision: str = "fp32"
    ) -> None:
        self.session, self.classes, self.batch_size = session, classes, batch_size
        self.engine = f"{session.runtime}, {precision}"

    def limit_proposals(self, number: int) -> None:
        """Refuse: the number is a part of the file.

        Raises:
            FishdetError: always.
        """
        raise FishdetError(
            f"proposals {number}: an exported model has its number fixed; export the model anew "
            "with --proposals"
        )

    def __call__(self, images: Sequence[np.ndarray]) -> list[Boxes]:
        """Return the boxes of each image, uint8 BGR (H, W, 3)."""
        alike: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for index, image in enumerate(images):
            alike[image.shape].append(index)
        found: dict[int, Boxes] = {}
        for indices in alike.values():
            for start in range(0, len(indices), self.batch_size):
                batch = indices[start : start + self.batch_size]
                found.update(zip(batch, self._run([images[i] for i in batch]), strict=True))
        return [found[index] for index in range(len(images))]

    def _run(self, images: Sequence[np.ndarray]) -> list[Boxes]:
        outputs = self.session.run(np.stack(images))
        return [self._boxes([part[row] for part in outputs]) for row in range(len(images))]

    def _boxes(self, parts: Sequence[np.ndarray]) -> Boxes:
        kept = parts[1] > 0  # rows that fill up have -1
        xyxy, scores = (np.ascontiguousarray(part[kept], np.float32) for part in parts[:2])
        labels = parts[2][kept].astype(np.int64)
        if len(parts) > 3:
            return Boxes(xyxy, scores, labels, parts[3][kept].astype(np.float32))
        return Boxes(xyxy, scores, labels, from_other_labels(xyxy, scores, labels, self.classes))


def open_exported(
    path: Path, config: object, device: str | None, precision: str, batch_size: int
) -> Opened:
    """Open an exported model; see ``Detector`` for the arguments.

    Raises:
        FishdetError: no such file, the runtime is missing, a file that is broken, not ours or of
            another version, or a setting that an exported model does not have.
    """
    if config is not None:
        raise FishdetError(f"{path}: an exported model carries its config; leave --config out")
    if not path.is_file():
        raise FishdetError(f"{path}: no such file; tools/export.py writes exported models")
    session = SESSIONS[path.suffix](path, device or "cpu")
    papers = parsed_papers(session.papers, path)
    own = papers.get("precision")
    if precision not in ("auto", own):
        raise FishdetError(f"--precision {precision}: {path} was exported in {own}; leave it out")
    classes = tuple(entry["name"] for entry in papers["classes"])
    stored = papers.get("calibration") or {}
    calibrated = stored.get("temperature") is not None
    calibration = calibration_from(stored, str(path)) if calibrated else None
    thresholds = thresholds_from(papers, str(path), classes)
    network = ExportedNetwork(session, len(classes), batch_size, str(own))
    drawn = papers.get("drawn_only") is True
    return Opened(network, classes, calibration, thresholds, device or "cpu", drawn_only=drawn)


def parsed_papers(text: str | None, path: Path) -> dict[str, Any]:
    """Return the papers of an exported model.

    Raises:
        FishdetError: there are none, they are unreadable, or of another version.
    """
    if text is None:
        raise FishdetError(f"{path}: no papers of fishdet in it; tools/export.py writes such files")
    try:
        papers = json.loads(text)
    except ValueError as error:
        raise FishdetError(f"{path}: its papers are no JSON: {error}; export it again") from error
    version = papers.get("export_format") if isinstance(papers, Mapping) else None
    if version != FORMAT:
        raise FishdetError(
            f"{path}: export format {version!r}, this fishdet reads {FORMAT}: export the model "
            "again, or install the fishdet that wrote it"
        )
    names = papers.get("classes")
    if not isinstance(names, list) or not all(
        isinstance(entry, Mapping) and isinstance(entry.get("name"), str) for entry in names
    ):
        raise FishdetError(f"{path}: its papers name no classes; export the model again")
    return dict(papers)
