"""FathomNet's JSON in the form of fathomnet-py's AImageDTO."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fish_dataset import formats
from fish_dataset.errors import FishDataError
from fish_dataset.formats import fathomnet
from fish_dataset.formats.source import Converted, Options

Draw = Callable[..., Path]

UUID = "2f9d8a6e-0001"


def box(**fields: Any) -> dict[str, Any]:
    return {
        "uuid": "b-1",
        "userDefinedKey": None,
        "concept": "Sebastes",
        "altConcept": None,
        "groupOf": False,
        "occluded": False,
        "x": 10,
        "y": 20,
        "width": 100,
        "height": 50,
        "rejected": False,
        "verified": True,
    } | fields


def image(**fields: Any) -> dict[str, Any]:
    return {
        "id": 7,
        "uuid": UUID,
        "url": "https://fathomnet.org/static/m3/framegrabs/Ventana/2000/04_14_03_20.png",
        "width": 640,
        "height": 480,
        "depthMeters": 503.2,
        "boundingBoxes": [box()],
    } | fields


@pytest.fixture
def folder(tmp_path: Path, draw: Draw) -> Path:
    draw(tmp_path / "images", [f"{UUID}.png", "04_14_03_21.jpg"], size=(640, 480))
    return tmp_path


def read(folder: Path, document: object, **options: Any) -> Converted:
    (folder / "fathomnet.json").write_text(json.dumps(document))
    return fathomnet.read(folder, Options(**options))


def test_list_of_images(folder: Path) -> None:
    second = image(
        uuid="another",
        url="https://x.org/a/04_14_03_21.jpg?size=full",
        boundingBoxes=[box(concept="Aurelia aurita", x=1.5, groupOf=True), box()],
    )
    converted = read(folder, [image(), second])
    part = converted.parts["train"].annotations
    assert part.bboxes.tolist() == [[10, 20, 100, 50], [1.5, 20, 100, 50], [10, 20, 100, 50]]
    assert [part.classes[label] for label in part.labels] == [
        "Sebastes",
        "Aurelia aurita",
        "Sebastes",
    ]
    assert list(part.file_names) == [f"{UUID}.png", "04_14_03_21.jpg"]
    assert list(part.image_meta["source_id"]) == [UUID, "another"]
    assert part.crowd.tolist() == [False, True, False]
    assert (converted.boxes_in, converted.losses) == (3, {})


@pytest.mark.parametrize("wrap", [lambda i: i, lambda i: [i], lambda i: {"images": [i]}])
def test_one_image_however_wrapped(folder: Path, wrap: Callable[[dict], object]) -> None:
    assert read(folder, wrap(image())).boxes_out == 1


def test_images_without_boxes_are_kept(folder: Path) -> None:
    bare = image(uuid="b", url="04_14_03_21.jpg", boundingBoxes=None)
    converted = read(folder, [image(), bare])
    assert (converted.images_out, converted.boxes_out) == (2, 1)


def test_resized_picture(folder: Path) -> None:
    converted = read(folder, [image(width=1280, height=960)])
    assert converted.parts["train"].annotations.bboxes.tolist() == [[5, 10, 50, 25]]
    converted = read(folder, [image(width=1920, height=1080)], class_names=("Sebastes",))
    assert converted.losses["picture of another shape than its record says"].count == 1


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"rejected": True}, "box that FathomNet's experts rejected"),
        ({"x": None}, "box without x, y, width and height as numbers"),
        ({"width": "100"}, "box without x, y, width and height as numbers"),
        ({"concept": None}, "class without a usable name"),
        ({"concept": "\ud800"}, "class without a usable name"),
        ({"width": 0}, "box of no width or height"),
        ({"height": -4}, "box of negative width or height"),
        ({"x": 5000}, "box outside its picture"),
        ({"x": float("nan")}, "box holds NaN or infinity"),
        ({"x": 10**400}, "box holds NaN or infinity"),
    ],
)
def test_faults_are_listed(folder: Path, fields: dict[str, Any], reason: str) -> None:
    converted = read(folder, [image(boundingBoxes=[box(), box(**fields)])])
    assert (converted.boxes_in, converted.boxes_out) == (2, 1)
    assert {name: loss.count for name, loss in converted.losses.items()} == {reason: 1}
    assert "box 2" in next(iter(converted.losses.values())).examples[0]


def test_missing_pictures(folder: Path) -> None:
    converted = read(folder, [image(), image(uuid="gone", url="https://x.org/gone.png")])
    assert converted.losses["picture not found (or several of that name)"].examples == [
        "image: gone.png"
    ]
    with pytest.raises(FishDataError, match="none of its 1 pictures"):
        read(folder, [image(uuid="gone", url=None)])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no JSON"),
        ('[{"uuid": "a", "boundingBoxes": [', "was cut short"),
        ("[]", "no list of images"),
        ('{"a": 1}', "no list of images"),
        ("[" * 100_000, "is no JSON"),
    ],
)
def test_bad_files(folder: Path, text: str, message: str) -> None:
    path = folder / "fathomnet.json"
    path.write_text(text)
    with pytest.raises(FishDataError, match=message):
        fathomnet.read(path, Options())


def test_recognise(folder: Path) -> None:
    assert fathomnet.recognise(folder) is None
    coco = {"images": [], "annotations": [{"category_id": 1, "concept": "x"}]}
    (folder / "coco.json").write_text(json.dumps(coco))
    assert fathomnet.recognise(folder) is None
    (folder / "coco.json").unlink()
    (folder / "fathomnet.json").write_text(json.dumps([image()]))
    assert formats.recognise(folder)[0].name == "fathomnet"
    assert "boundingBoxes" in (fathomnet.recognise(folder) or "")


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.just(f"{UUID}.png"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(list(box()) + list(image())), inner, max_size=6)
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(VALUES, st.dictionaries(st.sampled_from(list(image())), VALUES, max_size=4))
def test_only_our_error_comes_out(document: object, fields: dict[str, object]) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / f"{UUID}.png").write_bytes(b"no picture")
        (root / "f.json").write_text(json.dumps([image(**fields), document]))
        fathomnet.recognise(root)
        try:
            fathomnet.read(root, Options())
        except FishDataError as error:
            assert str(error)
