"""The API by its answers: pictures good and bad, limits, keys, headers."""

from __future__ import annotations

import io
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from colour_service import CLASSES, colour_finder, fake_model, picture
from fastapi.testclient import TestClient
from PIL import Image

from fishdet.service.access import digest
from fishdet.service.app import create_app
from fishdet.service.settings import Settings


def ask(client: TestClient, *contents: bytes, **options: Any) -> Any:
    return client.post("/v1/detections", files=[("images", ("x", c)) for c in contents], **options)


def rotated() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    return picture(form="JPEG", exif=exif)


def animated(form: str) -> bytes:
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "blue")]
    held = io.BytesIO()
    frames[0].save(held, form, save_all=True, append_images=frames[1:])
    return held.getvalue()


def sixteen_bit() -> bytes:
    held = io.BytesIO()
    Image.fromarray(np.full((30, 40), 60_000, np.uint16)).save(held, "PNG")
    return held.getvalue()


def test_a_fish_is_named_and_answers_keep_their_order(client: TestClient) -> None:
    body = ask(client, picture((240, 5, 5)), picture((5, 240, 5), (100, 40))).json()
    first, second = (image["detections"][0] for image in body["images"])
    assert (first["verdict"], first["species"][0]["class_name"]) == ("probably", "eel")
    assert second["species"][0]["name_ko"] == "고등어" and first["chance"] == 0.9412  # 240 / 255
    assert second["bbox"] == [25, 10, 50, 20]
    assert not body["calibrated"] and body["images"][1]["width"] == 100


@pytest.mark.parametrize(
    ("content", "width"),
    [
        (picture(size=(1, 1)), 1),
        (picture((0, 255, 255, 0), form="JPEG", mode="CMYK"), 80),
        (sixteen_bit(), 40),
        (picture((240, 5, 5, 80), mode="RGBA"), 80),
        (picture((200,), mode="L", form="JPEG"), 80),
        (rotated(), 60),
        (animated("WEBP"), 40),
    ],
    ids=["1x1", "CMYK", "16 bit", "alpha", "grey", "EXIF", "animated WebP"],
)
def test_unusual_pictures_are_read(client: TestClient, content: bytes, width: int) -> None:
    answer = ask(client, content)
    assert answer.status_code == 200, answer.text
    assert answer.json()["images"][0]["width"] == width


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "empty"),
        (b"<svg/>", 415, "not_an_image"),
        (picture(form="JPEG", size=(300, 300))[:-400], 400, "damaged"),
        (picture(size=(300, 300))[:-20], 400, "damaged"),
        (animated("GIF"), 415, "not_an_image"),
        (picture((1,), (20_000, 20_000), mode="1"), 413, "too_many_pixels"),
        (picture((1,), (9_000, 9_000), mode="1"), 413, "too_many_pixels"),
        (bytes(2**20 + 1), 413, "too_large"),
    ],
    ids=["0 bytes", "text", "cut JPEG", "cut PNG", "GIF", "bomb", "81 MP", "large"],
)
def test_bad_pictures_are_refused(
    client: TestClient, content: bytes, status: int, code: str
) -> None:
    answer = ask(client, content)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert "/" not in answer.json()["error"]["message"]


def test_too_many_pictures_and_none(client: TestClient) -> None:
    assert ask(client, *[picture()] * 9).json()["error"]["code"] == "too_many_pictures"
    assert client.post("/v1/detections").json()["error"]["code"] == "invalid"


def test_heic_is_read_where_it_can_be(client: TestClient) -> None:
    pytest.importorskip("pillow_heif", reason="pillow-heif is not installed; HEIC is not tested")
    answer = ask(client, picture(form="HEIF", size=(64, 48)))
    assert answer.json()["images"][0]["width"] == 64
    whole = picture(form="HEIF", size=(64, 48))
    assert ask(client, whole[:-20]).json()["error"]["code"] == "damaged"


def test_a_failing_network_costs_only_its_own_picture() -> None:
    def fails(images: Any) -> Any:
        if any(image.shape[0] == 13 for image in images):
            raise RuntimeError("/secret/path")
        return colour_finder(images)

    app = create_app(fake_model(fails), Settings(rate=0))
    with TestClient(app, raise_server_exceptions=False) as client:
        with ThreadPoolExecutor(8) as pool:
            sizes = [(9, 13), *[(9, 12)] * 7]
            answers = list(pool.map(lambda size: ask(client, picture(size=size)), sizes))
        assert [answer.status_code for answer in answers] == [500, *[200] * 7]
        assert "secret" not in answers[0].text
        assert client.get("/healthz").status_code == 200


def test_a_full_service_says_when_to_come_again() -> None:
    free, began = threading.Event(), threading.Event()

    def slow(images: Any) -> Any:
        began.set()
        free.wait(20)
        return colour_finder(images)

    settings = Settings(rate=0, queue_images=2, max_images=2)
    with TestClient(create_app(fake_model(slow), settings)) as client:
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(ask, client, picture(), picture())
            began.wait(20)
            refused, ready = ask(client, picture()), client.get("/readyz")
            free.set()
            assert first.result().status_code == 200
        assert (refused.status_code, ready.status_code) == (503, 503)
        assert int(refused.headers["retry-after"]) > 0
        assert client.get("/readyz").status_code == 200


def test_an_answer_that_takes_too_long_ends() -> None:
    def slow(images: Any) -> Any:
        time.sleep(0.6)
        return colour_finder(images)

    with TestClient(create_app(fake_model(slow), Settings(rate=0, timeout_s=0.2))) as client:
        assert ask(client, picture()).status_code == 504


def test_many_at_once_do_not_mix_up_answers(client: TestClient) -> None:
    colours = [tuple(240 if c == n % 3 else 5 for c in range(3)) for n in range(60)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda colour: ask(client, picture(colour)), colours))
    for n, answer in enumerate(answers):
        named = answer.json()["images"][0]["detections"][0]["species"][0]["class_name"]
        assert named == CLASSES[n % 3]


def test_keys_and_rate() -> None:
    key = "k" * 20
    settings = Settings(rate=6, api_keys=frozenset([digest(key)]))
    with TestClient(create_app(fake_model(), settings)) as client:
        assert ask(client, picture()).status_code == 401
        assert ask(client, picture(), headers={"X-API-Key": key}).status_code == 200
        late = ask(client, picture(), headers={"X-API-Key": key})
        assert late.status_code == 429 and int(late.headers["retry-after"]) <= 11


def test_headers_of_security_and_no_cors(client: TestClient) -> None:
    page = client.get("/v1/model", headers={"Origin": "https://elsewhere.example"})
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in page.headers
    assert client.get("/nothing").json()["error"]["code"] == "not_found"


def test_species_cards_name_their_sources(client: TestClient) -> None:
    card = client.get("/v1/species/scomber-japonicus").json()
    assert card["name_ko"] == "고등어" and card["known_to_model"]
    assert all(source["url"].startswith("http") for source in card["sources"])
    assert client.get("/v1/species/unicorn").status_code == 404
    assert len(client.get("/v1/species?known=true").json()["species"]) == 3
    assert len(client.get("/v1/species").json()["species"]) > 100


def test_metrics_count_what_was_answered(client: TestClient) -> None:
    ask(client, picture())
    text = client.get("/metrics").text
    counted = 'fishdet_requests_total{method="POST",route="/v1/detections",status="200"} 1.0'
    assert counted in text
    assert 'fishdet_fish_total{verdict="probably"} 1.0' in text
    assert "fishdet_batch_images_count 1.0" in text
    worked = next(line for line in text.splitlines() if line.startswith("fishdet_network_seconds_"))
    assert 0 < float(worked.split()[1]) < 10
