"""The gallery's word on each fish, and a correction that is enrolled at once and forgotten."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from colour_service import SHA, colour_finder, fake_model, picture
from fastapi.testclient import TestClient

from fishdet.errors import FishdetError
from fishdet.identification.gallery import Gallery, Photo
from fishdet.identification.gallery_file import read_gallery, write_gallery
from fishdet.identification.records import record_of
from fishdet.inference.boxes import Boxes
from fishdet.service.app import create_app
from fishdet.service.naming import NamedBoxes, Namer
from fishdet.service.settings import Settings

CONSENT = "picture-and-boxes-for-training-v1"


class ColourEmbedder:
    """A crop is its mean colour, at length 1."""

    digest = "colours"

    def cut(self, image: np.ndarray, box: np.ndarray) -> np.ndarray:
        left, top, right, bottom = np.asarray(box).round().astype(int).tolist()
        return np.ascontiguousarray(image[top:bottom, left:right])

    def __call__(self, crops: Sequence[np.ndarray]) -> np.ndarray:
        means = np.array([crop.mean((0, 1)) for crop in crops], np.float32).reshape(-1, 3)
        return means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    gallery = Gallery("colours", embeddings=np.zeros((0, 3), np.float32))
    for name, bgr in (("eel", (0, 0, 1)), ("mackerel", (0, 1, 0))):
        point = np.array([bgr], np.float32)
        gallery = gallery.add(record_of(name), point, [Photo(f"{name}.jpg", name)])
    write_gallery(tmp_path / "g.safetensors", gallery)
    return tmp_path / "g.safetensors"


def client_of(path: Path, enrol: bool) -> TestClient:
    namer = Namer(ColourEmbedder(), path)  # type: ignore[arg-type]

    def find(images: Sequence[np.ndarray]) -> list:
        return namer.name(images, colour_finder(images))

    settings = Settings(rate=0, feedback=path.parent / "c.sqlite", enrol=enrol)
    return TestClient(create_app(replace(fake_model(find), namer=namer), settings))


def ask(client: TestClient, colour: tuple[int, int, int]) -> dict:
    answer = client.post("/v1/detections", files={"images": ("x", picture(colour))}).json()
    return answer["images"][0]["detections"][0]["identified"]


def give(client: TestClient, species: str, origin: str = "renamed") -> dict:
    box = {"bbox": [10, 10, 40, 30], "species": species, "origin": origin}
    data = {"consent": CONSENT, "model": SHA, "least_chance": 0.4, "boxes": [box]}
    files = {"image": ("x", picture((5, 5, 240)))}
    given = client.post("/v1/feedback", files=files, data={"data": json.dumps(data)})
    assert given.status_code == 201
    return given.json()


def test_cards_carry_rank_name_and_candidates(path: Path) -> None:
    with client_of(path, enrol=False) as client:
        one = ask(client, (240, 5, 5))
        assert (one["rank"], one["name_en"], one["known"]) == ("species", "eel", True)
        first = one["candidates"][0]
        assert (first["id"], first["name_en"], first["name_ko"]) == (one["id"], "eel", "장어")
        assert one["name_ko"] == "장어" and one["chance"] > 0.9
        assert give(client, "연어")["enrolled"] == 0  # the operator did not ask for it
    assert len(read_gallery(path).photos) == 2


def test_a_correction_is_enrolled_at_once_and_forgotten_with_it(path: Path) -> None:
    with client_of(path, enrol=True) as client:
        before = ask(client, (5, 5, 240))
        assert before["candidates"][0]["chance"] < 0.9
        given = give(client, "연어")
        assert given["enrolled"] == 1
        after = ask(client, (5, 5, 240))
        assert after["rank"] == "species" and after["id"] == record_of("연어").id
        assert len(read_gallery(path).species) == 3  # on disk too
        assert give(client, "fish")["enrolled"] == give(client, "no such thing")["enrolled"] == 0
        assert give(client, "연어", "model")["enrolled"] == 0  # what the model said is no news
        headers = {"X-Delete-Token": given["delete_token"]}
        assert client.delete(f"/v1/feedback/{given['id']}", headers=headers).status_code == 204
        assert ask(client, (5, 5, 240)) == before
    assert len(read_gallery(path).species) == 2


def test_what_was_enrolled_beside_the_service_stays(path: Path) -> None:
    with client_of(path, enrol=True) as client:
        point = np.array([[1, 1, 0]], np.float32) / np.float32(np.sqrt(2))
        beside = read_gallery(path).add(record_of("대구"), point, [Photo("cod.jpg", "cod")])
        write_gallery(path, beside)
        assert give(client, "연어")["enrolled"] == 1
        assert {photo.source for photo in read_gallery(path).photos} > {"cod.jpg", "eel.jpg"}
        assert ask(client, (5, 240, 240))["name_ko"] == "대구"


def test_an_emptied_gallery_claims_nothing(path: Path) -> None:
    namer = Namer(ColourEmbedder(), path)  # type: ignore[arg-type]
    for name in ("eel", "mackerel"):
        namer.forget(f"{name}.jpg")
    assert not read_gallery(path).photos
    (found,) = colour_finder([np.full((40, 60, 3), (0, 0, 250), np.uint8)])
    (named,) = namer.name([np.full((40, 60, 3), (0, 0, 250), np.uint8)], [found])
    assert named is found


def test_nothing_is_claimed_of_a_box_that_is_too_small(path: Path) -> None:
    image = np.full((60, 80, 3), (0, 0, 250), np.uint8)
    boxes = Boxes(
        np.array([[1, 1, 6, 5], [10, 10, 50, 40]], np.float32), np.ones(2, np.float32),
        np.zeros(2, np.int64), np.ones((2, 1), np.float32),
    )  # fmt: skip
    namer = Namer(ColourEmbedder(), path)  # type: ignore[arg-type]
    (named,) = namer.name([image], [boxes])
    assert isinstance(named, NamedBoxes)
    assert [one.rank for one in named.said] == ["fish", "species"]
    assert not named.said[0].known and not named.said[0].candidates


def test_mistakes_of_the_operator(path: Path) -> None:
    with pytest.raises(FishdetError, match="--enrol-corrections needs --feedback"):
        Settings(enrol=True)
    other = ColourEmbedder()
    other.digest = "others"
    with pytest.raises(FishdetError, match="network"):
        Namer(other, path)  # type: ignore[arg-type]
    write_gallery(path, Gallery("colours"))
    with pytest.raises(FishdetError, match="empty"):
        Namer(ColourEmbedder(), path)  # type: ignore[arg-type]
