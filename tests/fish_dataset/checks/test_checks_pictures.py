"""What one picture file tells, against pictures damaged and turned on purpose."""

from __future__ import annotations

import hashlib
import io

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fish_dataset.checks.pictures import difference_hash, lacks_end, look, look_at


def photo(width: int = 96, height: int = 64, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    small = random.integers(0, 255, (6, 8, 3), dtype=np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def encoded(pixels: np.ndarray, suffix: str = ".jpg") -> bytes:
    return cv2.imencode(suffix, pixels)[1].tobytes()


def with_exif(pixels: np.ndarray, orientation: int, kind: str = "JPEG") -> bytes:
    image = Image.fromarray(pixels[..., ::-1])
    exif = image.getexif()
    exif[0x0112] = orientation
    stream = io.BytesIO()
    image.save(stream, kind, exif=exif)
    return stream.getvalue()


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".tif", ".webp"])
def test_a_sound_picture(tmp_path, suffix):
    data = encoded(photo(), suffix)
    path = tmp_path / f"a{suffix}"
    path.write_bytes(data)
    seen = look(path)
    assert (seen.fault, seen.width, seen.height, seen.orientation) == ("", 96, 64, 1)
    assert seen.digest == hashlib.sha256(data).digest() and not seen.blank


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.995])
def test_a_cut_file_is_found(tmp_path, suffix, share):
    data = encoded(photo(400, 300), suffix)
    path = tmp_path / f"a{suffix}"
    path.write_bytes(data[: int(len(data) * share)])
    assert look(path).fault


def test_a_tail_of_zeros_is_found_even_after_a_thumbnail(tmp_path):
    """OpenCV reads such a file without an error; the thumbnail's end marker must not hide it."""
    whole, thumbnail = encoded(photo(400, 300)), encoded(photo(32, 24))
    segment = b"Exif\x00\x00" + thumbnail
    data = whole[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + whole[2:]
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    assert look(path).fault == ""
    path.write_bytes(data[: -len(data) // 3] + bytes(len(data) // 3))
    assert cv2.imread(str(path)) is not None
    assert "cut short" in look(path).fault


def test_bytes_after_the_end_are_fine(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(encoded(photo()) + b"maker's notes" * 9)
    assert look(path).fault == ""


def test_files_that_are_no_picture(tmp_path):
    (tmp_path / "page.jpg").write_text("<html>404</html>")
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "folder.jpg").mkdir()
    facts = look_at([tmp_path / n for n in ("page.jpg", "empty.jpg", "folder.jpg", "gone.jpg")])
    assert sorted(facts.faults) == [0, 1, 2, 3] and not facts.readable.any()
    assert facts.faults[1] == "the file is empty"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_turns_are_those_of_opencv(tmp_path, orientation, kind):
    path = tmp_path / f"a.{kind.lower()}"
    path.write_bytes(with_exif(photo(), orientation, kind))
    facts = look_at([path])
    wide, high = facts.turned_sizes()
    assert cv2.imread(str(path)).shape[:2] == (high[0], wide[0])


def test_a_damaged_exif_block_turns_nothing(tmp_path):
    data = bytearray(with_exif(photo(), 6))
    place = data.index(b"Exif")
    data[place + 6 : place + 20] = b"\xff" * 14
    path = tmp_path / "a.jpg"
    path.write_bytes(bytes(data))
    assert (look(path).fault, look(path).orientation) == ("", 1)


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_only_a_single_shade_is_blank(tmp_path, depth):
    top = np.iinfo(depth).max
    grey = (photo()[..., 0].astype(np.float64) / 255 * top).astype(depth)
    cv2.imwrite(str(tmp_path / "photo.png"), grey)
    cv2.imwrite(str(tmp_path / "flat.png"), np.full((40, 50), top // 3, depth))
    assert not look(tmp_path / "photo.png").blank
    assert look(tmp_path / "flat.png").blank


def test_the_hash_is_that_of_its_definition():
    grey = photo(9, 9)[..., 1]
    row = column = 0
    for y in range(8):
        for x in range(8):
            row = row << 1 | int(grey[y, x + 1] > grey[y, x])
            column = column << 1 | int(grey[y + 1, x] > grey[y, x])
    assert difference_hash(grey) == (row, column)


def test_threads_give_the_same_as_one(tmp_path):
    paths = []
    for seed in range(150):
        paths.append(tmp_path / f"{seed}.png")
        paths[-1].write_bytes(encoded(photo(20, 16, seed), ".png"))
    done: list[int] = []
    one, many = look_at(paths, 1, done.append), look_at(paths, 3)
    assert sum(done) == 150
    assert np.array_equal(one.hashes, many.hashes) and np.array_equal(one.digests, many.digests)


SAMPLES = [encoded(photo(40, 30), suffix) for suffix in (".jpg", ".png", ".tif", ".webp", ".bmp")]


@settings(max_examples=150, deadline=None)
@given(
    sample=st.sampled_from(SAMPLES),
    edits=st.lists(st.tuples(st.integers(0, 10**6), st.binary(min_size=1, max_size=4)), max_size=6),
    length=st.integers(0, 10**6),
)
def test_damage_never_raises(tmp_path_factory, sample, edits, length):
    data = bytearray(sample)
    for place, value in edits:
        place %= len(data)
        data[place : place + len(value)] = value
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(bytes(data[: length % (2 * len(data))]))
    seen = look(path)
    assert bool(seen.fault) == (seen.width == 0)


@given(st.binary(max_size=60))
def test_any_bytes_can_be_asked_for_their_end(data):
    assert lacks_end(data) in (True, False)
    assert not lacks_end(b"P6" + data)
