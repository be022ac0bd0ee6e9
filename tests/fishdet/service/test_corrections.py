"""Corrections are stored after consent, without EXIF, and can be deleted for good."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from colour_service import SHA, fake_model, picture
from fastapi.testclient import TestClient
from PIL import Image

from fishdet.errors import FishdetError
from fishdet.service.app import create_app
from fishdet.service.feedback import FeedbackStore
from fishdet.service.settings import Settings

CONSENT = "picture-and-boxes-for-training-v1"


def give(client: TestClient, content: bytes, **changes: Any) -> Any:
    box = {"bbox": [1, 2, 30, 20], "species": "고등어", "origin": "renamed"}
    data = {"consent": CONSENT, "model": SHA, "least_chance": 0.4, "boxes": [box]} | changes
    return client.post(
        "/v1/feedback", files={"image": ("x", content)}, data={"data": json.dumps(data)}
    )


def test_what_was_given_is_kept_and_forgotten(client: TestClient, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    given = give(client, picture(form="JPEG", exif=exif))
    assert given.status_code == 201
    store = FeedbackStore(tmp_path / "corrections.sqlite", create=False)
    (entry,) = store.entries()
    assert (entry.width, entry.height, entry.model, entry.least_chance) == (80, 60, SHA, 0.4)
    assert entry.boxes[0]["species"] == "고등어" and b"SecretCamera" not in entry.picture
    assert cv2.imdecode(np.frombuffer(entry.picture, np.uint8), 1).shape == (60, 80, 3)
    address, token = f"/v1/feedback/{given.json()['id']}", given.json()["delete_token"]
    assert client.delete(address, headers={"X-Delete-Token": "guess"}).status_code == 404
    assert len(store) == 1
    assert client.delete(address, headers={"X-Delete-Token": token}).status_code == 204
    assert len(store) == 0
    kept = [path.read_bytes() for path in tmp_path.glob("corrections.sqlite*")]
    assert not any(entry.picture[:200] in content for content in kept)
    store.close()


def test_the_least_certain_come_first(client: TestClient, tmp_path: Path) -> None:
    for chance in (0.9, 0.1, 0.5):
        give(client, picture(), least_chance=chance)
    store = FeedbackStore(tmp_path / "corrections.sqlite", create=False)
    assert [entry.least_chance for entry in store.entries()] == [0.1, 0.5, 0.9]
    store.close()


@pytest.mark.parametrize(
    "changes",
    [
        {"consent": ""},
        {"model": "x"},
        {"boxes": [{"bbox": [70, 2, 30, 20], "species": "eel", "origin": "moved"}]},
        {"boxes": [{"bbox": [1, 2, 0, 20], "species": "eel", "origin": "moved"}]},
        {"boxes": [{"bbox": [1, 2, 9, 20], "species": "", "origin": "moved"}]},
    ],
    ids=["no consent", "no model", "outside", "no size", "no species"],
)
def test_what_is_not_right_is_refused(client: TestClient, changes: dict[str, Any]) -> None:
    assert give(client, picture(), **changes).json()["error"]["code"] == "invalid"


def test_a_service_without_a_file_takes_none() -> None:
    with TestClient(create_app(fake_model(), Settings(rate=0))) as client:
        assert give(client, picture()).json()["error"]["code"] == "no_feedback"


def test_a_file_of_another_kind_is_named(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("no database " * 200)
    with pytest.raises(FishdetError, match="notes.txt"):
        FeedbackStore(file)
