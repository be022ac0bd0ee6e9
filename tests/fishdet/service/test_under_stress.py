"""The service behind a real socket: clients that leave, dawdle or flood, and an orderly end."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from colour_service import CLASSES, SHA, colour_finder, fake_model, picture
from fastapi import FastAPI
from fastapi.testclient import TestClient
from running_service import running

from fishdet.inference.boxes import Boxes
from fishdet.service.app import create_app
from fishdet.service.serving import listen, serve
from fishdet.service.settings import Settings

COLOURS = ((240, 5, 5), (5, 240, 5), (5, 5, 240))


def inside(app: FastAPI) -> int:
    return int(app.state.service.gate.images)


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def request(content: bytes, length: int | None = None) -> bytes:
    """A POST of one picture as bytes on the wire."""
    head = b'--x\r\nContent-Disposition: form-data; name="images"; filename="x"\r\n\r\n'
    body = head + content + b"\r\n--x--\r\n"
    lines = (
        "POST /v1/detections HTTP/1.1",
        "Host: here",
        "Content-Type: multipart/form-data; boundary=x",
        f"Content-Length: {length or len(body)}",
    )
    return "\r\n".join([*lines, "", ""]).encode() + body


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def read_all(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def test_a_client_that_goes_away_costs_the_network_nothing() -> None:
    free, seen = threading.Event(), []

    def slow(images: Sequence[np.ndarray]) -> list[Boxes]:
        seen.extend(image.shape[1] for image in images)
        assert free.wait(20)
        return colour_finder(images)

    app = create_app(fake_model(slow), Settings(rate=0, batch_size=1))
    with running(app) as port, ThreadPoolExecutor(1) as pool:
        address = f"http://127.0.0.1:{port}/v1/detections"
        first = pool.submit(
            httpx.post, address, files={"images": picture(size=(41, 9))}, timeout=30
        )
        until(lambda: seen == [41])
        gone = connect(port)
        gone.sendall(request(picture(size=(42, 9))))
        until(lambda: inside(app) == 2)
        gone.close()
        until(lambda: inside(app) == 1)  # its place is free while the network still works
        free.set()
        assert first.result().status_code == 200
        assert httpx.post(address, files={"images": picture(size=(43, 9))}).status_code == 200
        assert seen == [41, 43]
        assert inside(app) == 0
        assert 'status="499"} 1.0' in httpx.get(f"http://127.0.0.1:{port}/metrics").text


def test_a_client_that_goes_away_in_the_middle_of_sending(capfd: Any) -> None:
    app = create_app(fake_model(), Settings(rate=0))
    with running(app) as port:
        for _ in range(20):
            gone = connect(port)
            gone.sendall(request(picture(), length=10_000_000))
            gone.close()
        assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
        assert inside(app) == 0
    assert "Traceback" not in capfd.readouterr().err


def test_a_request_that_does_not_arrive_ends() -> None:
    with running(create_app(fake_model(), Settings(rate=0, timeout_s=0.3))) as port:
        dawdling = connect(port)
        dawdling.sendall(request(picture(), length=10_000))
        answer = read_all(dawdling)  # ends, so the connection is closed as well
    assert answer.startswith(b"HTTP/1.1 408") and b'"too_slow"' in answer


def test_a_body_without_an_end_is_cut_off() -> None:
    """200 MB in pieces, with no length told before: little of it is taken."""
    with running(create_app(fake_model(), Settings(rate=0, max_bytes=2**20))) as port:
        endless = connect(port)
        endless.sendall(
            b"POST /v1/detections HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
        )
        piece, sent = b"10000\r\n" + bytes(0x10000) + b"\r\n", 0
        try:
            while sent < 200 * 2**20:
                endless.sendall(piece)
                sent += len(piece)
        except OSError:
            pass
        assert sent < 50 * 2**20  # what the system's own buffers hold comes on top of 1 MiB
        told = httpx.post(f"http://127.0.0.1:{port}/v1/detections", content=bytes(200 * 2**20),
                          timeout=30)  # fmt: skip
        assert told.status_code == 413


def test_five_hundred_at_once_are_answered_or_told_to_wait() -> None:
    app = create_app(fake_model(), Settings(rate=0))
    asked = [request(picture(colour)) for colour in COLOURS]

    async def ask(port: int, n: int) -> tuple[int, bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(asked[n % 3].replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        assert b"503" not in head[:12] or b"retry-after" in head
        return int(head.split()[1]), body

    async def flood(port: int) -> list[tuple[int, bytes]]:
        return await asyncio.gather(*(ask(port, n) for n in range(500)))

    with running(app) as port, ThreadPoolExecutor(1) as pool:
        answers = pool.submit(lambda: asyncio.run(flood(port))).result(120)
        assert inside(app) == 0 and httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
    assert {status for status, _ in answers} <= {200, 503}
    good = [n for n, (status, _) in enumerate(answers) if status == 200]
    assert len(good) >= 32  # as many as there are places
    for n in good:
        fish = json.loads(answers[n][1])["images"][0]["detections"][0]
        assert fish["species"][0]["class_name"] == CLASSES[n % 3]


def test_a_thousand_fish(tmp_path: Path) -> None:
    def school(images: Sequence[np.ndarray]) -> list[Boxes]:
        corner = np.arange(1000, dtype=np.float32)[:, None] % 90
        xyxy = np.hstack([corner, corner, corner + 9, corner + 9])
        scores = np.full((1000, 3), 0.1, np.float32)
        scores[:, 1] = 0.8
        found = Boxes(xyxy, scores[:, 1], np.ones(1000, np.int64), scores)
        return [found for _ in images]

    settings = Settings(rate=0, feedback=tmp_path / "corrections.sqlite")
    with TestClient(create_app(fake_model(school), settings)) as client:
        shot = picture(size=(100, 100))
        fish = client.post("/v1/detections", files={"images": shot}).json()["images"][0]
        assert len(fish["detections"]) == 1000
        boxes = [{"bbox": one["bbox"], "species": "eel", "origin": "model"}
                 for one in fish["detections"]]  # fmt: skip
        consent = "picture-and-boxes-for-training-v1"
        data = {"consent": consent, "model": SHA, "least_chance": 0.8, "boxes": boxes}
        given = client.post("/v1/feedback", files={"image": shot}, data={"data": json.dumps(data)})
        assert given.status_code == 201


def test_sigterm_answers_open_requests_first(tmp_path: Path) -> None:
    began = tmp_path / "began"

    def slow(images: Sequence[np.ndarray]) -> list[Boxes]:
        if images[0].shape[1] == 80:  # not the picture of the warm-up
            began.touch()
            time.sleep(0.7)
        return colour_finder(images)

    with listen("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    service = multiprocessing.get_context("fork").Process(
        target=serve, args=(fake_model(slow), Settings(rate=0), "127.0.0.1", port)
    )
    service.start()
    try:
        address = f"http://127.0.0.1:{port}"
        until(lambda: answers(address + "/healthz"))
        with ThreadPoolExecutor(1) as pool:
            open_one = pool.submit(
                httpx.post, address + "/v1/detections", files={"images": picture()}, timeout=30
            )
            until(began.exists)
            assert service.pid is not None
            os.kill(service.pid, signal.SIGTERM)
            assert open_one.result().status_code == 200
        service.join(20)
        # Uvicorn raises the signal again when all is done, for whoever started the process.
        assert service.exitcode in (0, -signal.SIGTERM)
        assert not answers(address + "/healthz")
    finally:
        service.kill()


def answers(address: str) -> bool:
    try:
        return httpx.get(address).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.slow
def test_memory_does_not_grow_with_requests() -> None:
    app = create_app(fake_model(), Settings(rate=0))
    shot = picture(size=(1000, 1000))
    with TestClient(app) as client:

        def ask(times: int) -> int:
            for _ in range(times):
                assert client.post("/v1/detections", files={"images": shot}).status_code == 200
            text = Path("/proc/self/status").read_text()
            return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) // 1024  # type: ignore[index]

        before = ask(30)
        assert ask(60) - before < 30  # MiB; a leak of the pixels alone would be 180
