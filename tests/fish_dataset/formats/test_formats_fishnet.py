"""FishNet's text files, in the form of those in its repository."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fish_dataset import formats
from fish_dataset.errors import FishDataError
from fish_dataset.formats import fishnet
from fish_dataset.formats.source import Options

Draw = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path, draw: Draw) -> Path:
    """Four pictures of two families; the last one has no text file."""
    root = tmp_path / "Images"
    names = ["Acanthuridae/0016.jpg", "Acanthuridae/0057.jpg", "Sparidae/ce23.jpg"]
    draw(root, [*names, "Sparidae/none.jpg"], size=(500, 400))
    (root / "Acanthuridae/0016.txt").write_text(
        "Acanthuridae 12 113 74 210 \nAcanthuridae 441 230 489 326 \n"
    )
    (root / "Acanthuridae/0057.txt").write_text("")
    (root / "Sparidae/ce23.txt").write_text("Sparidae 1.5 2 100 200")
    (tmp_path / "README.txt").write_text("FishNet, a data set of fish\n")
    return tmp_path


def test_documented_form(folder: Path) -> None:
    converted = fishnet.read(folder, Options())
    part = converted.parts["train"].annotations
    assert part.bboxes.tolist() == [
        [12, 113, 62, 97],
        [441, 230, 48, 96],
        [1.5, 2, 98.5, 198],
    ]
    assert part.classes == ("Acanthuridae", "Sparidae")
    assert part.labels.tolist() == [0, 0, 1]
    assert [name.rpartition("/")[2] for name in part.file_names] == [
        "0016.jpg",
        "0057.jpg",
        "ce23.jpg",
    ]
    assert "1 × text file is empty: a picture without fish" in converted.notes
    assert "1 × picture has no text file and is left out" in converted.notes
    lines = [line for path in folder.rglob("*/*.txt") for line in path.read_text().splitlines()]
    assert converted.boxes_in == converted.boxes_out == len(lines) == 3


def test_splits_from_the_tables_of_names(folder: Path) -> None:
    (folder / "anns").mkdir()
    head = ",species,image,Family\n"
    (folder / "anns/train_full_meta_new.csv").write_text(f"{head}1,,0016.jpg,Acanthuridae\n")
    (folder / "anns/test.csv").write_text(f"{head}1,,ce23.jpg,Sparidae\n")
    parts = fishnet.read(folder, Options()).parts
    assert {split: part.annotations.num_boxes for split, part in parts.items()} == {
        "train": 2,
        "test": 1,
    }


def test_pictures_elsewhere(folder: Path, tmp_path: Path) -> None:
    texts = tmp_path / "boxes"
    for path in sorted(folder.rglob("*/*.txt")):
        texts.mkdir(exist_ok=True)
        path.rename(texts / path.name)
    converted = fishnet.read(texts, Options(image_dir=folder / "Images"))
    assert (converted.boxes_out, converted.images_out) == (3, 3)


def test_bad_lines_are_listed(folder: Path) -> None:
    path = folder / "Images/Sparidae/ce23.txt"
    path.write_text("Sparidae 1 2 100 200\nSparidae 1 2 100\nSparidae 9 2 3 200\n")
    converted = fishnet.read(folder, Options())
    assert (converted.boxes_in, converted.boxes_out) == (5, 3)
    first = {reason: loss.examples[0] for reason, loss in converted.losses.items()}
    assert first["line that is not '<family> x1 y1 x2 y2'"].startswith(
        "Images/Sparidae/ce23.txt, line 2: "
    )
    assert "ce23.txt, line 3" in first["box of negative width or height"]


def test_text_without_its_picture(folder: Path) -> None:
    (folder / "Images/Sparidae/gone.txt").write_text("Sparidae 1 2 3 4\n")
    converted = fishnet.read(folder, Options())
    assert converted.losses["picture not found (or several of that name)"].count == 1


def test_labels_of_another_format(folder: Path) -> None:
    for path in folder.rglob("*/*.txt"):
        path.write_text("0 0.5 0.5 0.1 0.1\n1 0.2 0.2 0.1 0.1\n")  # YOLO
    assert fishnet.recognise(folder) is None
    with pytest.raises(FishDataError, match="not FishNet: 6 of 6 lines"):
        fishnet.read(folder, Options())


def test_recognise(folder: Path, tmp_path: Path) -> None:
    assert formats.recognise(folder)[0].name == "fishnet"
    assert "0016.txt" in (fishnet.recognise(folder) or "")
    assert fishnet.recognise(folder / "README.txt") is None
    with pytest.raises(FishDataError, match="pass the folder"):
        fishnet.read(folder / "Images/Sparidae/ce23.txt", Options())


LINES = st.lists(
    st.sampled_from(
        ["Acanthuridae", "12", "-3", "nan", "1e400", "\0", "魚", "0x1f", "a:b", "\u2028"]
    ),
    max_size=7,
).map(" ".join)


@settings(max_examples=100, deadline=None)
@given(st.lists(LINES | st.text(max_size=20), max_size=6), st.binary(max_size=6))
def test_only_our_error_comes_out(lines: list[str], tail: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "a.jpg").write_bytes(b"no picture")
        (root / "a.txt").write_bytes("\n".join(lines).encode(errors="replace") + tail)
        fishnet.recognise(root)
        try:
            fishnet.read(root, Options())
        except FishDataError as error:
            assert str(error)
