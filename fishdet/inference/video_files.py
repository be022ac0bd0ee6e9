"""What is written of a video while it is looked at: the drawn video, a table, a line a frame."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import cv2
import numpy as np
import supervision as sv

from fishdet.errors import FishdetError

from .crops import FOLDER, crop, folder_name
from .draw import COLOURS, draw_detections, label_texts, write_picture
from .frames import Frame
from .tracking import UNTRACKED, Tracked
from .writers.rows import columns, detection_rows

CODEC = "mp4v"  # MPEG-4 part 2: the encoder that OpenCV's wheels have everywhere


@contextmanager
def drawn_video(path: Path, size: tuple[int, int], fps: float) -> Iterator[cv2.VideoWriter]:
    """A video to write BGR frames of ``size`` (width, height) to; it gets its name at the end.

    Raises:
        FishdetError: it cannot be written.
    """
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    writer = cv2.VideoWriter(str(temporary), cv2.VideoWriter.fourcc(*CODEC), fps, size)
    if not writer.isOpened():
        raise FishdetError(f"{path}: OpenCV cannot write a video of {size[0]}x{size[1]} there")
    try:
        yield writer
        writer.release()
        os.replace(temporary, path)
    except OSError as error:
        raise FishdetError(f"{path}: not written: {error.strerror or error}") from error
    finally:
        writer.release()
        temporary.unlink(missing_ok=True)


def draw_frame(frame: Frame, tracked: Tracked) -> np.ndarray:
    """Return the frame with boxes; each fish keeps its colour, fish without a number have the
    first."""
    texts = label_texts(tracked.detections)
    numbers = [f"#{one} " if one != UNTRACKED else "" for one in tracked.ids.tolist()]
    labels = [number + text for number, text in zip(numbers, texts, strict=True)]
    colours = np.where(tracked.ids == UNTRACKED, 0, tracked.ids % len(COLOURS))
    return draw_detections(frame.image, tracked.detections, labels, colours)


def write_head(table: TextIO, identified: bool = False) -> None:
    """Write the head line of the table of frames."""
    heads = ("frame", "seconds", "track", *columns(identified))
    csv.writer(table, lineterminator="\n").writerow(heads)


def write_rows(
    table: TextIO, lines: TextIO, frame: Frame, tracked: Tracked, identified: bool = False
) -> None:
    """Write a row for each fish of a frame, and one line of JSON for the frame."""
    seconds = round(frame.seconds, 3)
    names = ("track", *columns(identified))
    found = detection_rows(tracked.detections, identified)
    rows = [
        [int(number) if number != UNTRACKED else "", *row]
        for number, row in zip(tracked.ids, found, strict=True)
    ]
    csv.writer(table, lineterminator="\n").writerows([frame.index, seconds, *row] for row in rows)
    fish = [dict(zip(names, row, strict=True)) for row in rows]
    line = {"frame": frame.index, "seconds": seconds, "fish": fish}
    lines.write(json.dumps(line, ensure_ascii=False) + "\n")


class TrackCrops:
    """The best picture of each tracked fish; in memory are the scores alone."""

    def __init__(self, out: Path) -> None:
        self._folder = out / FOLDER
        self._best: dict[int, float] = {}

    def add(self, frame: Frame, tracked: Tracked) -> None:
        """Write the crops that are surer than those before."""
        found: sv.Detections = tracked.detections
        for row, number in enumerate(tracked.ids.tolist()):
            score = float(found.confidence[row])
            if number == UNTRACKED or score <= self._best.get(number, 0.0):
                continue
            self._best[number] = score
            write_picture(self._path(number), crop(frame.image, found.xyxy[row]))

    def finish(self, species: dict[int, str]) -> None:
        """Move the crops into a folder a species, by the name that each fish has at the end."""
        for number in self._best:
            target = self._folder / folder_name(species[number]) / self._path(number).name
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(self._path(number), target)

    def _path(self, number: int) -> Path:
        return self._folder / f"fish_{number:05d}.jpg"


def summary_json(
    rows: list[list[Any]], columns: tuple[str, ...], told: dict[str, Any]
) -> dict[str, Any]:
    """Return the summary of a video as plain data."""
    return {**told, "species": [dict(zip(columns, row, strict=True)) for row in rows]}
