"""``/v1/trace``: a page with a policy of its own, made while nothing else uses the network."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from colour_service import colour_finder, fake_model, picture
from fastapi.testclient import TestClient

from fishdet.service.access import digest
from fishdet.service.app import create_app
from fishdet.service.settings import Settings
from fishdet.service.worker import Worker
from fishdet.trace import content_security_policy


def test_a_picture_becomes_a_page(client: TestClient) -> None:
    shot = {"image": picture(size=(123, 80))}
    page = client.post("/v1/trace", files=shot, data={"lang": "ko"})
    assert page.status_code == 200 and "123 px" in page.text and "lang=ko" in page.text
    assert page.headers["content-security-policy"] == content_security_policy()
    assert client.post("/v1/trace", files={"image": b"no"}).status_code == 415
    assert client.post("/v1/trace", files=shot, data={"lang": "xx"}).status_code == 422


def test_a_model_without_stages_says_so() -> None:
    app = create_app(replace(fake_model(), trace=None), Settings(rate=0))
    with TestClient(app) as client:
        assert not client.get("/v1/model").json()["trace"]
        answer = client.post("/v1/trace", files={"image": picture()})
        assert answer.json()["error"]["code"] == "no_trace"


def test_keys_come_by_header_or_field() -> None:
    key = "k" * 20
    settings = Settings(rate=0, api_keys=frozenset([digest(key)]))
    with TestClient(create_app(fake_model(), settings)) as client:
        shot = {"image": picture()}
        assert client.post("/v1/trace", files=shot).status_code == 401
        assert client.post("/v1/trace", files=shot, data={"key": key}).status_code == 200
        assert client.post("/v1/trace", files=shot, headers={"X-API-Key": key}).status_code == 200


def test_traces_do_not_crowd_out_detections() -> None:
    free, began = threading.Event(), threading.Event()

    def slow(image: np.ndarray, lang: str) -> str:
        began.set()
        assert free.wait(20)
        return ""

    app = create_app(replace(fake_model(), trace=slow), Settings(rate=0))
    with TestClient(app) as client, ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(client.post, "/v1/trace", files={"image": picture()}) for _ in "ab"]
        began.wait(20)
        while app.state.service.traces.images < 2:
            pass
        assert client.post("/v1/trace", files={"image": picture()}).status_code == 503
        found = pool.submit(client.post, "/v1/detections", files={"images": picture()})
        free.set()
        assert [one.result().status_code for one in asked] == [200, 200]
        assert found.result().status_code == 200


def test_a_call_runs_between_batches_and_in_its_turn() -> None:
    done: list[object] = []
    free = threading.Event()

    def find(images: list[np.ndarray]) -> list[object]:
        assert free.wait(20)
        done.append([int(image[0, 0, 0]) for image in images])
        return colour_finder(images)

    worker: Worker = Worker(find, 4)
    worker.start()
    shots = [np.full((4, 4, 3), n, np.uint8) for n in range(4)]
    jobs = [worker.submit(shots[0])]
    while not jobs[0].running():
        pass
    jobs += [worker.submit(shots[1]), worker.submit(shots[2])]
    jobs.append(worker.call(lambda: done.append("call")))
    jobs.append(worker.submit(shots[3]))
    free.set()
    for job in jobs:
        job.result(20)
    worker.stop()
    assert done == [[0], [1, 2], "call", [3]]
