"""The frames of one fish are one answer, in the tables of a video too."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import supervision as sv
from swimming import ColourDetector, write_video

from fishdet.identification.answers import answer
from fishdet.identification.columns import columns_of
from fishdet.identification.gallery import Fitted, Gallery, Photo
from fishdet.identification.records import record_of
from fishdet.identification.tracks import POINT, TrackNames
from fishdet.inference.frames import FrameSource
from fishdet.inference.tracking import Tracked
from fishdet.inference.video import VideoOptions, watch


def gallery() -> Gallery:
    found = Gallery("net", embeddings=np.zeros((0, 2), np.float32))
    for name, point in (("eel", [1, 0]), ("mackerel", [0, 1])):
        found = found.add(record_of(name), np.array([point], np.float32), [Photo(name, name)])
    return found.calibrated(Fitted(0.05))


def at(*angles: float) -> np.ndarray:
    return np.stack([[np.cos(a), np.sin(a)] for a in angles]).astype(np.float32)


def frame(points: np.ndarray, ids: list[int], scores: list[float]) -> Tracked:
    boxes = np.array([[10 * n, 0, 10 * n + 9, 9] for n in range(len(ids))], np.float32)
    data = {**columns_of(answer(gallery(), points)), POINT: points}
    found = sv.Detections(
        boxes, confidence=np.array(scores), class_id=np.zeros(len(ids), int), data=data
    )
    return Tracked(found, np.array(ids, np.int64))


def test_frames_of_a_fish_are_weighed_by_their_scores() -> None:
    names = TrackNames(gallery(), 0.8)
    first = names.update(frame(at(1.5, 0.1), [1, -1], [0.2, 0.9]), 0.0)
    assert first.detections.data["identified_name"].tolist() == ["mackerel", "eel"]
    second = names.update(frame(at(0.0, 1.5), [1, -1], [0.9, 0.9]), 0.5)
    # the surer view weighs more; what has no number yet keeps its own answer
    assert second.detections.data["identified_name"].tolist() == ["eel", "mackerel"]
    ((number, begin, end, frames, *told),) = names.rows()
    assert (number, begin, end, frames, told[0]) == (1, 0.0, 0.5, 2, "species")
    angle = np.arctan2(0.2 * np.sin(1.5), 0.9 + 0.2 * np.cos(1.5))
    assert told[6] == pytest.approx(np.cos(angle), abs=1e-4)


def test_a_fish_that_was_always_too_small_gets_no_claim() -> None:
    names = TrackNames(gallery(), 0.8)
    names.update(frame(np.zeros((1, 2), np.float32), [1], [0.9]), 0.0)
    assert names.rows()[0][4:6] == ["fish", "fish"]
    names.update(frame(at(0.0), [1], [0.9]), 1.0)
    assert names.rows()[0][6] == "eel"


class Named(ColourDetector):
    """Names a fish by its colour, and now and then wrongly."""

    def track_names(self) -> TrackNames:
        return TrackNames(gallery(), 0.8)

    def predict(self, images: list[np.ndarray]) -> list[sv.Detections]:
        found = super().predict(images)
        for one in found:
            angle = 1.5 * one.class_id
            angle[: self.shown % 3 == 0] = 0.9
            points = at(*angle) if len(one) else np.zeros((0, 2), np.float32)
            one.data |= {**columns_of(answer(gallery(), points)), POINT: points}
        return found


def test_a_video_has_a_row_for_each_fish(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "dive.avi", 130)
    options = VideoOptions(tmp_path / "whole", draw=False, settings={"gallery": "g"})
    watch(Named(), FrameSource(str(clip)), options)
    with (tmp_path / "whole" / "tracks.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["identified_name"] for row in rows] == ["eel"] * 3 + ["mackerel"]
    with pytest.raises(KeyboardInterrupt):
        parts = replace(options, out=tmp_path / "parts", resume=True)
        watch(Named(stop_after=60), FrameSource(str(clip)), parts)
    watch(Named(), FrameSource(str(clip)), parts)
    for name in ("tracks.csv", "frames.csv"):
        whole, again = (tmp_path / folder / name for folder in ("whole", "parts"))
        assert whole.read_text() == again.read_text()
