"""What fewer proposals cost and save, measured on a validation split."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fish_dataset.coco import read_coco
from fish_dataset.layout import find_splits
from fish_dataset.progress import track
from fishdet.checkpoint.loading import resolve
from fishdet.errors import FishdetError
from fishdet.evaluation import Detections, evaluate
from fishdet.inference.detector import Detector

NUMBERS = (1000, 500, 300, 200, 100, 50)
DROP = 0.003
"""AP, of 1, that the fast preset may lose."""


@dataclass(frozen=True)
class ProposalRow:
    """AP (of 1) and the median time of a picture at a number of proposals."""

    number: int
    ap: float
    milliseconds: float


def measure_proposals(
    model: str,
    data: Path,
    numbers: Sequence[int] | None = None,
    config: Path | None = None,
    device: str | None = None,
    trust_pickle: bool = False,
) -> list[ProposalRow]:
    """Run a detector over val once for each number: as trained, then the largest first.

    Args:
        model: checkpoint, work dir, or published model by file or name.
        data: folder of the data set.
        numbers: to try beside the trained one; None: what of ``NUMBERS`` is less.
        config: only where the checkpoint has none of its own.
        device: see ``Detector``.
        trust_pickle: see ``Detector``.

    Raises:
        FishdetError, FishDataError: data without val or of other classes, a detector without
            proposals, a picture that cannot be read.
    """
    splits = find_splits(data)
    if "val" not in splits:
        raise FishdetError(f"--data {data}: needs a val split; it has {', '.join(splits)}")
    split = splits["val"]
    detector = Detector(
        resolve(model), config=config, device=device, score_thr=0.0, trust_pickle=trust_pickle,
        runtime="named",
    )  # fmt: skip
    trained = getattr(detector.network, "proposals", None)
    if not trained:
        raise FishdetError(
            f"{model}: its number of proposals cannot be changed (an exported file, or a detector "
            "without a second stage); give a trained two-stage detector"
        )
    if numbers is None:
        numbers = [number for number in NUMBERS if number < trained]
    truth, _ = read_coco(split.ann_file, classes=detector.classes, image_dir=split.image_dir)
    files = [split.image_dir / name for name in truth.file_names]
    rows = []
    for number in dict.fromkeys([trained, *sorted(numbers, reverse=True)]):
        detector.network.limit_proposals(number)
        parts, times = [], []
        for row, file in enumerate(track(files, len(files), f"{number} proposals")):
            image = detector.read(file)
            began = time.perf_counter()
            (found,) = detector.predict([image])
            times.append(time.perf_counter() - began)
            parts.append((row, found.xyxy, found.confidence, found.class_id))
        score = evaluate(truth, Detections.from_images(parts)).totals["bbox_mAP"]
        rows.append(ProposalRow(number, score, statistics.median(times) * 1e3))
    return rows


def fewest(rows: Sequence[ProposalRow], drop: float) -> ProposalRow:
    """Return the fewest proposals that lose at most ``drop`` of the AP of the first row."""
    return min((row for row in rows if rows[0].ap - row.ap <= drop), key=lambda row: row.number)
