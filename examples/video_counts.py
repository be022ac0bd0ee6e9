"""A video → MaxN and time in frame of each species, and the video with numbered fish.

python examples/video_counts.py work_dirs/fish dive.mp4 counts/
"""

from __future__ import annotations

import sys
from pathlib import Path

from fishdet import Detector
from fishdet.inference.frames import FrameSource
from fishdet.inference.video import VideoOptions, watch


def main(model: str, video: str, out: str, every: str = "1") -> None:
    """Print a line for each species; the files are below ``out``."""
    source = FrameSource(video, every=int(every))
    outcome = watch(Detector(model), source, VideoOptions(Path(out)))
    for name, max_n, frame, _, seconds, *_ in outcome.rows:
        print(f"{name}: MaxN {max_n} in frame {frame}, {seconds} s in frame")
    print(f"{outcome.frames} frames; see {out}/annotated.mp4 and {out}/summary.csv")


if __name__ == "__main__":
    main(*sys.argv[1:])
