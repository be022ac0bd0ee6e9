"""A small RTSP server for tests: Motion JPEG over RTP in the connection itself.

RTSP 1.0 (RFC 2326, chapters 10 and 10.12) and RTP payload for JPEG (RFC 2435), as little of both
as a client needs that reads one video track over TCP.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import cv2
import numpy as np

PIECE, CLOCK = 1400, 90_000


@contextmanager
def rtsp_server(
    frame: Callable[[int], np.ndarray], frames: int, visits: int, fps: float = 25
) -> Iterator[str]:
    """Serve ``frames`` frames to each of ``visits`` clients, one after the other, and break off.

    Args:
        frame: from the number of a frame, which goes on from client to client, to uint8 BGR.
        frames: for each client.
        visits: clients; after them nobody answers.
        fps: frames a second.
    """
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listening:
            for visit in range(visits):
                connection, _ = listening.accept()
                with connection:
                    _play(connection, frame, range(visit * frames, (visit + 1) * frames), fps)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"rtsp://user:secret@127.0.0.1:{listening.getsockname()[1]}/reef"


def _play(
    connection: socket.socket, frame: Callable[[int], np.ndarray], numbers: range, fps: float
) -> None:
    """Answer one client until it plays, then send the frames and hang up."""
    file = connection.makefile("rb")
    while True:
        lines = list(iter(lambda: file.readline().strip().decode(), ""))
        if not lines:
            return
        method = lines[0].split()[0]
        sequence = next(line for line in lines if line.lower().startswith("cseq"))
        connection.sendall(_answer(method, sequence))
        if method == "PLAY":
            break
    try:
        for count, number in enumerate(numbers):
            for packet in _packets(frame(number), count, round(count * CLOCK / fps)):
                connection.sendall(b"$\0" + struct.pack("!H", len(packet)) + packet)
            time.sleep(1 / fps)
    except OSError:
        pass  # the client has gone


def _answer(method: str, sequence: str) -> bytes:
    body, more = "", []
    if method == "OPTIONS":
        more = ["Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN"]
    elif method == "DESCRIBE":
        body = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=reef\r\nt=0 0\r\n" \
               "m=video 0 RTP/AVP 26\r\na=control:track1\r\n"  # fmt: skip
        more = ["Content-Type: application/sdp", f"Content-Length: {len(body)}"]
    elif method == "SETUP":
        more = ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Session: 1"]
    else:
        more = ["Session: 1"]
    return ("\r\n".join(["RTSP/1.0 200 OK", sequence, *more]) + "\r\n\r\n" + body).encode()


def _packets(image: np.ndarray, count: int, stamp: int) -> Iterator[bytes]:
    """RTP packets of a frame: its quantisation tables in the first, its scan in pieces."""
    _, coded = cv2.imencode(".jpg", image)
    tables, scan = _parts(coded.tobytes())
    height, width = image.shape[:2]
    pieces = range(0, len(scan), PIECE)
    for at in pieces:
        last = at == pieces[-1]
        sequence = (count * 64 + at // PIECE) & 0xFFFF
        head = struct.pack("!BBHII", 0x80, 26 | last << 7, sequence, stamp & 0xFFFFFFFF, 7)
        jpeg = struct.pack("!IBBBB", at, 1, 255, width // 8, height // 8)  # type 1: 4:2:0
        quantisation = struct.pack("!BBH", 0, 0, len(tables)) + tables if at == 0 else b""
        yield head + jpeg + quantisation + scan[at : at + PIECE]


def _parts(jpeg: bytes) -> tuple[bytes, bytes]:
    """The quantisation tables (64 bytes each) and the scan of a baseline JPEG."""
    tables, at = b"", 2
    while True:
        marker, length = struct.unpack("!HH", jpeg[at : at + 4])
        segment = jpeg[at + 4 : at + 2 + length]
        if marker == 0xFFDB:
            tables += b"".join(segment[one + 1 : one + 65] for one in range(0, len(segment), 65))
        at += 2 + length
        if marker == 0xFFDA:
            return tables, jpeg[at : jpeg.rindex(b"\xff\xd9")]
