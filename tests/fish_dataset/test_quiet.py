from __future__ import annotations

import os
import subprocess
import sys

import cv2
import numpy as np

from fish_dataset.quiet import quiet_decoders

NOISE = """
import os, sys
from fish_dataset.quiet import quiet_decoders
print("before", file=sys.stderr)
with quiet_decoders():
    os.write(2, b"Corrupt JPEG data\\n")
    print("within 고등어", file=sys.stderr)
os.write(2, b"after\\n")
print("at the end", file=sys.stderr)
"""


def test_only_what_libraries_write_is_silent():
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-c", NOISE], capture_output=True, env=environment, check=True
    )
    words = done.stderr.decode().split("\n")
    assert words == ["before", "within 고등어", "after", "at the end", ""]


def test_stderr_is_as_before_after_an_error(capfd):
    ours = sys.stderr
    try:
        with quiet_decoders():
            os.write(2, b"unheard")
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    os.write(2, b"heard")
    assert sys.stderr is ours
    assert capfd.readouterr().err == "heard"


def test_a_cut_picture_makes_no_noise(tmp_path, capfd):
    scene = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
    cut = cv2.imencode(".jpg", scene)[1].tobytes()[:9000]
    (tmp_path / "cut.jpg").write_bytes(cut)
    cv2.imread(str(tmp_path / "cut.jpg"))
    assert "JPEG" in capfd.readouterr().err  # else this test says nothing
    with quiet_decoders():
        assert cv2.imread(str(tmp_path / "cut.jpg")) is not None
    assert capfd.readouterr().err == ""
