"""A video of 500 frames with known tracks: MaxN, time in frame, tracks, and going on."""

from __future__ import annotations

import csv
import json
import re
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest
from rtsp import rtsp_server
from swimming import SIZE, ColourDetector, write_video
from swimming import frame as clip_frame

from fishdet.errors import FishdetError
from fishdet.inference.counts import Counts
from fishdet.inference.frames import Frame, FrameSource
from fishdet.inference.video import VideoOptions, watch


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("clip") / "dive.avi")


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_counts_by_hand() -> None:
    counts = Counts()
    for index, labels in enumerate([[0, 0], [0], [], [1, 0, 0]]):
        counts.add(index, index / 2, 0.5, np.array(labels, int))
    rows = list(counts.rows(("salmon", "eel"), {1: 0, 2: 0, 3: 1}))
    assert rows == [
        ["salmon", 2, 0, 0.0, 1.5, 0.75, 0.0, 1.5, 5, 2],
        ["eel", 1, 3, 1.5, 0.5, 0.25, 1.5, 1.5, 1, 1],
    ]


def test_500_frames_against_the_truth(clip: Path, tmp_path: Path) -> None:
    detector = ColourDetector()
    outcome = watch(detector, FrameSource(str(clip)), VideoOptions(tmp_path, crops=True))
    assert outcome.frames == 500 and outcome.fault is None
    salmon, eel = read_rows(tmp_path / "summary.csv")
    # Worked out from the comment at SWIMMERS: 200 and 180 frames of 1/25 s.
    assert (salmon["class_name"], salmon["max_n"], salmon["max_n_frame"]) == ("salmon", "3", "50")
    assert float(salmon["seconds_in_frame"]) == 8.0 and float(salmon["share_of_time"]) == 0.4
    assert (salmon["detections"], salmon["tracks"]) == ("350", "4")
    assert float(salmon["first_seconds"]) == 0.0 and float(salmon["last_seconds"]) == 349 / 25
    assert (eel["class_name"], eel["max_n"], eel["max_n_frame"]) == ("eel", "2", "200")
    assert float(eel["seconds_in_frame"]) == 7.2 and eel["tracks"] == "2"
    lines = [json.loads(line) for line in (tmp_path / "frames.jsonl").open(encoding="utf-8")]
    assert [len(line["fish"]) for line in lines[:100:49]] == [1, 1, 3]
    tracks = {fish["track"] for line in lines[60:90] for fish in line["fish"]}
    assert len(tracks) == 3 and "" not in tracks
    assert len(read_rows(tmp_path / "frames.csv")) == 550
    drawn = FrameSource(str(tmp_path / "annotated.mp4"))
    assert drawn.size == (160, 120) and sum(1 for _ in drawn) == 500
    names = sorted(path.parent.name for path in (tmp_path / "crops").rglob("*.jpg"))
    assert names == ["eel"] * 2 + ["salmon"] * 4
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_stopped_run_goes_on_to_the_same_files(clip: Path, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    settings = {"model": "ellipses"}
    options = VideoOptions(whole, draw=False, settings=settings)
    watch(ColourDetector(), FrameSource(str(clip)), options)
    options = VideoOptions(parts, draw=False, resume=True, settings=settings)
    with pytest.raises(KeyboardInterrupt):
        watch(ColourDetector(stop_after=200), FrameSource(str(clip)), options)
    assert [path.name for path in parts.iterdir()] == [".journal.jsonl"]
    with (parts / ".journal.jsonl").open("a") as file:
        file.write('{"bbox": [[1,')  # as a power cut leaves it
    other = VideoOptions(parts, resume=True, settings={"model": "another"})
    with pytest.raises(FishdetError, match="model was 'ellipses', now 'another'"):
        watch(ColourDetector(), FrameSource(str(clip)), other)
    again = ColourDetector()
    watch(again, FrameSource(str(clip)), options)
    assert again.shown == 300
    for name in ("frames.csv", "frames.jsonl", "summary.csv", "summary.json"):
        assert (parts / name).read_bytes() == (whole / name).read_bytes()


def test_every_tenth_frame(clip: Path, tmp_path: Path) -> None:
    source = FrameSource(str(clip), every=10)
    assert (source.fps, source.total) == (2.5, 50)
    outcome = watch(ColourDetector(), source, VideoOptions(tmp_path, draw=False))
    assert outcome.frames == 50
    salmon = outcome.rows[0]
    assert salmon[:5] == ["salmon", 3, 50, 2.0, 8.0]


def test_steady_colours(clip: Path, tmp_path: Path) -> None:
    watch(ColourDetector(), FrameSource(str(clip)), VideoOptions(tmp_path))
    reader = cv2.VideoCapture(str(tmp_path / "annotated.mp4"))
    seen = []
    for index in range(90):
        _, image = reader.read()
        if index in (10, 40, 80):
            x = 30 + index - 15  # the left side of the first salmon's box
            seen.append(image[20, max(x - 1, 0) : x + 2].astype(int).max(axis=0))
    assert np.ptp(np.array(seen), axis=0).max() < 60


def test_broken_videos(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(FishdetError, match="text.mp4: not a video"):
        FrameSource(str(tmp_path / "text.mp4"))
    with pytest.raises(FishdetError, match="--every 0"):
        FrameSource(str(clip), every=0)


def test_a_stream_over_the_network(clip: Path, tmp_path: Path) -> None:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(clip.parent)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        source = FrameSource(f"http://127.0.0.1:{server.server_port}/{clip.name}", every=5)
        assert source.live and source.total is None
        outcome = watch(ColourDetector(), source, VideoOptions(tmp_path, draw=False))
        with pytest.raises(FishdetError, match="no such camera or stream"):
            FrameSource(f"http://127.0.0.1:{server.server_port}/none.avi")
    finally:
        server.shutdown()
    assert outcome.frames == 100 and outcome.fault is None
    assert [row[:2] for row in outcome.rows] == [["salmon", 3], ["eel", 2]]
    told = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert told["source"] == "live"


def test_an_rtsp_stream_that_breaks_off_and_returns(tmp_path: Path) -> None:
    """Twice 50 frames of the clip, four times as fast, then nobody answers. The second visit begins
    at frame 50."""
    told: list[str] = []
    with rtsp_server(clip_frame, 50, visits=2, fps=100) as address:
        source = FrameSource(address, patience=1.5, tell=told.append)
        outcome = watch(ColourDetector(), source, VideoOptions(tmp_path, draw=False))
    name = address.replace("user:secret@", "")
    # FFmpeg looks at some frames before it gives the first, and may keep the last one back.
    assert 90 <= outcome.frames <= 100 and source.size == SIZE
    assert outcome.fault is not None and outcome.fault.startswith(f"{name}: the stream broke off")
    assert [one.startswith(f"{name}: broke off after") for one in told] == [True, True]
    salmon = outcome.rows[0]
    assert salmon[:2] == ["salmon", 3]
    # One fish before the break, three after it, none of them the one of before; and the second in
    # which nobody sent is nobody's time in frame.
    assert salmon[-1] == 4 and 0.85 < float(salmon[4]) < 1.1


def test_a_stream_that_may_end() -> None:
    with rtsp_server(clip_frame, 10, visits=1, fps=100) as address:
        source = FrameSource(address, patience=0)
        assert 8 <= len(list(source)) <= 10 and source.shortfall() is None


def test_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for address in (f"rtsp://me:word@127.0.0.1:{port}/reef", f"http://127.0.0.1:{port}/a.mjpg"):
        with pytest.raises(FishdetError, match="no such camera or stream") as error:
            FrameSource(address)
        assert "word" not in str(error.value)
    with pytest.raises(FishdetError, match="--reconnect -1"):
        FrameSource("7", patience=-1)
    with pytest.raises(FishdetError, match="7: no such camera"):
        FrameSource("7")


class Watched(FrameSource):
    """Knows how many of its frames somebody still holds."""

    most_alive = 0

    def __iter__(self) -> Iterator[Frame]:
        given: list[weakref.ref[np.ndarray]] = []
        for frame in super().__iter__():
            given = [one for one in given if one() is not None]
            given.append(weakref.ref(frame.image))
            self.most_alive = max(self.most_alive, len(given))
            yield frame


def test_frames_are_not_kept(clip: Path, tmp_path: Path) -> None:
    """The memory of a longer video is the slow test's."""
    source = Watched(str(clip))
    watch(ColourDetector(batch_size=4), source, VideoOptions(tmp_path, crops=True))
    assert source.most_alive <= 9  # two batches and the one that is handed over


LONG = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from swimming import ColourDetector, write_video
from fishdet.inference.frames import FrameSource
from fishdet.inference.video import VideoOptions, watch
folder, frames = Path(sys.argv[1]), int(sys.argv[2])
clip = folder / "long.avi"
if not clip.exists():
    write_video(clip, frames)
options = VideoOptions(folder / "out", crops=True, resume=True)
watch(ColourDetector(), FrameSource(str(clip)), options)
print(Path("/proc/self/status").read_text())
"""


def long_run(folder: Path, frames: int) -> subprocess.Popen[str]:
    folder.mkdir(exist_ok=True)
    support = str(Path(__file__).parents[2] / "support")
    command = [sys.executable, "-c", LONG, str(folder), str(frames), support]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def most_memory(run: subprocess.Popen[str]) -> int:
    said, _ = run.communicate(timeout=900)
    assert run.returncode == 0
    return int(re.search(r"VmHWM:\s+(\d+)", said)[1]) // 1024  # type: ignore[index]


@pytest.mark.slow
def test_ten_times_the_video_takes_no_more_memory_and_a_kill_no_frame(tmp_path: Path) -> None:
    short = most_memory(long_run(tmp_path / "short", 500))
    long = most_memory(long_run(tmp_path / "long", 5000))
    killed = long_run(tmp_path / "killed", 5000)
    journal = tmp_path / "killed" / "out" / ".journal.jsonl"
    while not journal.is_file() or len(journal.read_bytes().splitlines()) < 2500:
        assert killed.poll() is None
        time.sleep(0.2)
    killed.kill()
    killed.communicate()
    assert not (journal.parent / "summary.csv").exists()
    resumed = most_memory(long_run(tmp_path / "killed", 5000))
    print(f"{short} MiB for 500 frames, {long} MiB for 5000, {resumed} MiB after a kill half way")
    # MiB; the frames themselves are 275 MB
    assert long - short < 30 and resumed - short < 30
    for name in ("frames.csv", "frames.jsonl", "summary.csv", "summary.json"):
        whole = (tmp_path / "long" / "out" / name).read_bytes()
        assert (journal.parent / name).read_bytes() == whole
