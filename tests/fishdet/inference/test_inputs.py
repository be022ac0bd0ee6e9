"""Finding and reading images, against mmcv's own loading and files made here."""

from __future__ import annotations

import io
import os
from pathlib import Path

import cv2
import mmcv
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fishdet.errors import FishdetError
from fishdet.inference.inputs import find_images, read_image

GRADIENT = np.dstack(
    [np.tile(np.arange(48, dtype=np.uint8) * 5, (32, 1)), np.full((32, 48), 90, np.uint8),
     np.tile(np.arange(32, dtype=np.uint8)[:, None] * 7, (1, 48))]
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.jpg", "b/a.jpg", "b/c/d.PNG", "b/notes.txt", ".hidden/x.jpg", "b/._a.jpg"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path / "in"


def encoded(image: Image.Image, kind: str = "png", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def test_folders_keep_their_structure(folder: Path) -> None:
    assert [file.name for file in find_images([folder])] == ["a.jpg", "b/a.jpg", "b/c/d.PNG"]


def test_files_of_one_name_stay_apart_and_each_comes_once(folder: Path) -> None:
    files = find_images([folder / "b" / "a.jpg", folder / "a.jpg", folder / "b"])
    assert [file.name for file in files] == ["a.jpg", "b/a.jpg", "b/c/d.PNG"]


def test_folders_far_apart_keep_short_names(tmp_path: Path) -> None:
    places = ("ship/2024/reef", "ship/2025/reef", "home/kim/pond")
    for place in places:
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "a.jpg").write_bytes(b"x")
    two = find_images([tmp_path / places[0], tmp_path / places[2] / "a.jpg"])
    assert [file.name for file in two] == ["pond/a.jpg", "reef/a.jpg"]
    three = find_images([tmp_path / place for place in places])
    assert [file.name for file in three] == ["kim/pond/a.jpg", "2024/reef/a.jpg", "2025/reef/a.jpg"]


def test_patterns_and_single_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [file.name for file in find_images([f"{folder}/**/*.jpg"])] == ["a.jpg", "b/a.jpg"]
    assert [file.name for file in find_images([f"{folder}/b*"])] == ["b/a.jpg", "b/c/d.PNG"]
    assert [file.name for file in find_images([folder / "b" / "notes.txt"])] == ["notes.txt"]
    monkeypatch.chdir(folder)
    assert [file.name for file in find_images(["b/../*.jpg"])] == ["a.jpg"]


def test_a_file_whose_name_is_a_pattern(folder: Path) -> None:
    (folder / "fish[1].jpg").write_bytes(b"x")
    assert [file.name for file in find_images([folder / "fish[1].jpg"])] == ["fish[1].jpg"]


def test_the_folder_of_results_is_no_input(folder: Path) -> None:
    assert [file.name for file in find_images([folder], skip=folder / "b")] == ["a.jpg"]


@pytest.mark.parametrize("missing", ["nowhere", "nowhere/*.jpg", "b/*.gif"])
def test_nothing_found_names_what_was_looked_for(folder: Path, missing: str) -> None:
    with pytest.raises(FishdetError) as error:
        find_images([folder, f"{folder}/{missing}"])
    assert f"{folder}/{missing}" in str(error.value)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_as_in_training(tmp_path: Path, orientation: int) -> None:
    path = tmp_path / "turned.png"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(GRADIENT[..., ::-1]).save(path, exif=exif)
    trained_on = mmcv.imread(str(path))
    assert trained_on.shape == ((32, 48, 3) if orientation < 5 else (48, 32, 3))
    with Image.open(path) as picture:
        picture.load()
    for image in (path, str(path), path.read_bytes(), picture):
        np.testing.assert_array_equal(read_image(image), trained_on)


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1", "RGB"])
def test_modes_of_pillow_equal_the_file(mode: str) -> None:
    picture = Image.fromarray(GRADIENT[..., ::-1]).convert(mode)
    np.testing.assert_array_equal(read_image(picture), read_image(encoded(picture)))


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40)


def test_heic_without_its_package(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "phone.HEIC").write_bytes(HEIC)
    assert "phone.HEIC" in [file.name for file in find_images([folder])]  # not dropped in silence
    monkeypatch.setattr("fishdet.inference.heif.has_heif", lambda: False)
    with pytest.raises(FishdetError, match=r"phone.HEIC: .*pip install pillow-heif; or save"):
        read_image(folder / "phone.HEIC")


def test_heic_with_its_package(tmp_path: Path) -> None:
    pytest.importorskip("pillow_heif", reason="pillow-heif is not installed; HEIC is not tested")
    from fishdet.inference import heif

    heif.allow_heif()
    upright = Image.fromarray(GRADIENT[..., ::-1]).resize((96, 64))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    content = encoded(upright, "HEIF", quality=95, exif=exif.tobytes())
    assert heif.is_heif(content)
    turned = read_image(content).astype(int)
    expected = np.asarray(upright.transpose(Image.Transpose.ROTATE_270))[..., ::-1].astype(int)
    assert turned.shape == expected.shape
    assert np.abs(turned - expected).mean() < 4
    for broken in (content[: len(content) // 2], HEIC):
        with pytest.raises(FishdetError, match="x.heic: the HEIC is cut short or damaged"):
            read_image(broken, "x.heic")


def test_16_bits_keep_the_upper_byte() -> None:
    values = np.linspace(0, 65535, 32 * 48, dtype=np.uint16).reshape(32, 48)
    _, content = cv2.imencode(".png", values)
    expected = np.repeat((values >> 8).astype(np.uint8)[..., None], 3, axis=2)
    picture = Image.open(io.BytesIO(content.tobytes()))
    for image in (content.tobytes(), picture, values):
        np.testing.assert_allclose(read_image(image).astype(int), expected, atol=1)


def test_cmyk_jpeg_has_the_colours_of_pillow() -> None:
    content = encoded(Image.fromarray(GRADIENT[..., ::-1]).convert("CMYK"), "jpeg", quality=95)
    image = read_image(content)
    assert image.shape == GRADIENT.shape
    assert np.abs(image.astype(int) - GRADIENT).mean() < 12


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 3), (5, 7, 4), (1, 1, 3)])
def test_arrays(shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    image = read_image(array)
    assert image.shape == (*shape[:2], 3)
    np.testing.assert_array_equal(image[..., 0], array.reshape(*shape[:2], -1)[..., 0])


@pytest.mark.parametrize(
    "array",
    [np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8), np.zeros((4, 4, 2), np.uint8),
     np.zeros(4, np.uint8), np.zeros((2, 4, 4, 3), np.uint8)],
)  # fmt: skip
def test_arrays_that_are_no_image(array: np.ndarray) -> None:
    with pytest.raises(FishdetError, match="image 3 of shape .*type"):
        read_image(array, "image 3")


def test_a_jpeg_that_is_cut_short_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = encoded(Image.fromarray(np.tile(GRADIENT, (8, 8, 1))), "jpeg")
    path = tmp_path / "short.jpg"
    path.write_bytes(content[: len(content) // 2])
    for most in (Image.MAX_IMAGE_PIXELS, 1):  # also one that Pillow would not open at all
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", most)
        with pytest.raises(FishdetError, match="short.jpg.*cut short"):
            read_image(path)


def test_a_jpeg_with_something_behind_it_is_read() -> None:
    content = encoded(Image.fromarray(GRADIENT), "jpeg")
    np.testing.assert_array_equal(read_image(content + b"trailer"), read_image(content))


@pytest.mark.parametrize("content", [b"", b"not an image", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"])
def test_files_that_are_no_image(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.png"
    path.write_bytes(content)
    with pytest.raises(FishdetError, match="odd.png"):
        read_image(path)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 400), st.binary(max_size=40))
def test_damaged_files_are_read_or_refused(cut: int, noise: bytes) -> None:
    content = encoded(Image.fromarray(GRADIENT), "jpeg")
    try:
        image = read_image(content[:cut] + noise + content[cut + len(noise) :])
    except FishdetError:
        return
    assert image.dtype == np.uint8 and image.ndim == 3


def test_unreadable_paths_and_things(tmp_path: Path) -> None:
    with pytest.raises(FishdetError, match="gone.jpg: No such file"):
        read_image(tmp_path / "gone.jpg")
    with pytest.raises(FishdetError, match="directory"):
        read_image(tmp_path)
    with pytest.raises(FishdetError, match="not float"):
        read_image(1.5)  # type: ignore[arg-type]
    with pytest.raises(FishdetError, match="floating-point"):
        read_image(Image.new("F", (4, 4)))
    assert os.listdir(tmp_path) == []
