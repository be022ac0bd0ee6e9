"""Darwin Core, YOLO and CSV, photos' own time and place, and going on after a stop."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import pytest
import supervision as sv
from PIL import ExifTags, Image

from fishdet.errors import FishdetError
from fishdet.inference.crops import crop
from fishdet.inference.exif import Taken, read_taken
from fishdet.inference.frames import without_password
from fishdet.inference.names import names_of
from fishdet.inference.results import build_detections, from_plain, to_plain
from fishdet.inference.sources import find_sources, is_stream
from fishdet.inference.writers import ImageResult, write_format

if TYPE_CHECKING:
    from conftest import Tiny

CLASSES = ("mackerel", "no such fish")
COMMON = ["--device", "cpu", "--precision", "fp32", "--score-thr", "0.05"]


def found(calibrated: bool = False) -> sv.Detections:
    scores = np.array([0.9, 0.8, 0.7], np.float32)
    boxes = np.array([[10, 20, 30, 60], [0, 0, 50, 40], [1, 2, 3, 4]], np.float32)
    second = np.array([1, 1, -1]), np.array([0.05, 0.1, np.nan], np.float32)
    labels = np.array([0, 0, 1])
    tempered = scores / 2 if calibrated else None
    return build_detections(names_of(CLASSES, "en"), boxes, scores, labels, tempered, second)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photo of 3 July 2024, taken off Busan."""
    exif = Image.Exif()
    details, gps = exif.get_ifd(ExifTags.IFD.Exif), exif.get_ifd(ExifTags.IFD.GPSInfo)
    details[ExifTags.Base.DateTimeOriginal] = "2024:07:03 09:30:00"
    details[ExifTags.Base.OffsetTimeOriginal] = "+09:00"
    gps.update({ExifTags.GPS.GPSLatitude: (35.0, 6.0, 36.0), ExifTags.GPS.GPSLatitudeRef: "N"})
    gps.update({ExifTags.GPS.GPSLongitude: (129.0, 3.0, 0.0), ExifTags.GPS.GPSLongitudeRef: "W"})
    gps[ExifTags.GPS.GPSMapDatum] = "WGS-84"
    path = tmp_path / "dive.jpg"
    Image.new("RGB", (64, 48)).save(path, exif=exif)
    return path


def test_time_and_place_of_a_photo(photo: Path, tmp_path: Path) -> None:
    date = "2024-07-03T09:30:00+09:00"
    assert read_taken(photo) == Taken(date, 35.11, -129.05, "WGS-84")
    assert read_taken(photo, places=False) == Taken(date, withheld=True)
    Image.new("RGB", (4, 4)).save(tmp_path / "plain.jpg")
    assert read_taken(tmp_path / "plain.jpg") == Taken()


def test_a_picture_too_large_for_pillow_has_no_time(
    photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """20,000 x 20,000 pixels are looked at, and must not end the run at their EXIF."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1)
    assert read_taken(photo) == Taken()


@pytest.mark.parametrize("calibrated", [False, True])
def test_plain_data_and_back(calibrated: bool) -> None:
    before = found(calibrated)
    after = from_plain(to_plain(before), names_of(CLASSES, "en"))
    np.testing.assert_array_equal(after.xyxy, before.xyxy)
    np.testing.assert_array_equal(after.confidence, before.confidence)
    assert after.metadata == before.metadata
    for name, column in before.data.items():
        np.testing.assert_array_equal(after.data[name], column)


def test_occurrences(tmp_path: Path) -> None:
    taken = Taken("2024-07-03", 35.11, 129.05, "WGS-84")
    result = ImageResult("a/b.jpg", 100, 80, found(), taken, "ab" * 32)
    path = write_format("dwc", tmp_path, [result], {"model": "m.safetensors"})
    one, other = rows(path)
    expected = {
        "basisOfRecord": "MachineObservation", "occurrenceStatus": "present",
        "individualCount": "2", "scientificName": "Scomber japonicus", "taxonRank": "species",
        "identifiedBy": "m.safetensors", "identificationVerificationStatus": "unverified",
        "eventDate": "2024-07-03", "decimalLatitude": "35.11", "decimalLongitude": "129.05",
        "geodeticDatum": "WGS-84", "associatedMedia": "a/b.jpg",
    }  # fmt: skip
    assert {name: one[name] for name in expected} == expected
    assert (other["scientificName"], other["verbatimIdentification"]) == ("", "no such fish")
    assert one["occurrenceID"] != other["occurrenceID"]
    first = path.read_bytes()
    write_format("dwc", tmp_path, [result], {"model": "m.safetensors"})
    assert path.read_bytes() == first


def test_yolo_and_csv(tmp_path: Path) -> None:
    results = [ImageResult("b.jpg", 100, 80, found()), ImageResult("b.png", 100, 80, found()[:0])]
    write_format("yolo", tmp_path, results, {"classes": CLASSES})
    lines = (tmp_path / "yolo" / "labels" / "b.txt").read_text().splitlines()
    assert lines[0] == "0 0.20000000 0.50000000 0.20000000 0.50000000" and len(lines) == 3
    assert (tmp_path / "yolo" / "labels" / "b.png.txt").read_text() == ""
    write_format("csv", tmp_path, results, {})
    table = rows(tmp_path / "detections.csv")
    assert [row["runner_up_score"] for row in table] == ["0.05", "0.1", ""]
    assert (table[0]["image"], table[0]["score"], table[0]["calibrated"]) == ("b.jpg", "0.9", "")


def test_a_crop_stays_on_the_picture() -> None:
    image = np.zeros((80, 100, 3), np.uint8)
    assert crop(image, np.array([10, 20, 30, 60])).shape == (48, 24, 3)
    assert crop(image, np.array([90, 70, 140, 99])).shape == (13, 15, 3)
    assert crop(image, np.array([100, 80, 100, 80])).size > 0


def test_lists_cameras_and_streams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "deep/b.mp4", "deep/notes.md"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(b"x")
    Path("list.txt").write_text("# pictures\na.jpg\n\ndeep\n")
    sources = find_sources(["list.txt", "0", "rtsp://pier.invalid/1"])
    assert [file.name for file in sources.images] == ["a.jpg"]
    assert [file.name for file in sources.videos] == ["deep/b.mp4"]
    assert sources.streams == ["0", "rtsp://pier.invalid/1"]
    Path("list.txt").write_text("a.jpg\nb.jpg\n")
    with pytest.raises(FishdetError, match=r"list.txt, line 2: b.jpg: there is no such file"):
        find_sources(["list.txt"])
    Path("7").write_bytes(b"x")
    assert not is_stream("7") and is_stream("8")


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    path = Path(__file__).resolve().parents[3] / "tools" / "predict.py"
    spec = importlib.util.spec_from_file_location("predict_formats_tool", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_stopped_run_over_pictures_goes_on(
    tool: ModuleType, tiny: Tiny, pictures: list[Path], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    common = [*COMMON, "--format", "csv,dwc,yolo", "--sheet"]
    inputs = [str(tiny.path), *map(str, pictures)]
    assert tool.main([*inputs, "--out", str(tmp_path / "whole"), *common]) == 0
    from fishdet.inference import predict

    seen: list[str] = []

    def failing(image: Path, name: str = "") -> np.ndarray:
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(str(image))
        return original(image, name)

    original = predict.read_image
    monkeypatch.setattr(predict, "read_image", failing)
    again = [*inputs, "--out", str(tmp_path / "parts"), *common]
    assert tool.main(again) == 130
    monkeypatch.setattr(predict, "read_image", lambda image: seen.append(image) or original(image))
    assert tool.main([*again, "--score-thr", "0.5", "--resume"]) == 2
    assert tool.main([*again, "--resume"]) == 0
    assert len(seen) == 3
    for name in ("detections.csv", "occurrences.csv", "contact_sheet_001.jpg"):
        parts, whole = (tmp_path / folder / name for folder in ("parts", "whole"))
        assert parts.read_bytes() == whole.read_bytes()


def test_places_are_left_out_when_asked(
    tool: ModuleType, tiny: Tiny, pictures: list[Path], photo: Path, tmp_path: Path
) -> None:
    shot = tmp_path / "shot.jpg"
    with Image.open(pictures[0]) as picture, Image.open(photo) as taken:
        picture.convert("RGB").save(shot, exif=taken.getexif())
    asked = [str(tiny.path), str(shot), *COMMON, "--format", "dwc"]
    assert tool.main([*asked, "--out", str(tmp_path / "with")]) == 0
    assert tool.main([*asked, "--out", str(tmp_path / "without"), "--no-places"]) == 0
    told, hidden = (rows(tmp_path / name / "occurrences.csv")[0] for name in ("with", "without"))
    assert (told["decimalLatitude"], told["decimalLongitude"]) == ("35.11", "-129.05")
    assert told["eventDate"] == hidden["eventDate"] == "2024-07-03T09:30:00+09:00"
    assert not told["informationWithheld"] and hidden["informationWithheld"]
    assert not hidden["decimalLatitude"] and not hidden["decimalLongitude"]
    assert "35.11" not in "".join(hidden.values())


def test_a_broken_video_is_skipped(
    tool: ModuleType, tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from swimming import write_video

    (tmp_path / "in").mkdir()
    write_video(tmp_path / "in" / "good.avi", frames=3)
    (tmp_path / "in" / "bad.mp4").write_bytes(b"no video")
    arguments = [str(tiny.path), str(tmp_path / "in"), "--out", str(tmp_path / "out"), *COMMON]
    assert tool.main(arguments) == 1
    said = capsys.readouterr()
    assert "bad.mp4: not a video" in said.err and "3 frames" in said.out
    names = sorted(path.name for path in (tmp_path / "out" / "good.avi").iterdir())
    assert names == [
        "annotated.mp4", "frames.csv", "frames.jsonl", "summary.csv", "summary.json"
    ]  # fmt: skip


def test_a_run_that_stops_in_a_later_video_goes_on_there(
    tool: ModuleType, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from swimming import write_video

    from fishdet.inference import Detector

    (tmp_path / "in").mkdir()
    for name in ("a.avi", "b.avi"):
        write_video(tmp_path / "in" / name, frames=3)
    arguments = [str(tiny.path), str(tmp_path / "in"), "--out", str(tmp_path / "out"), *COMMON]
    looks, limit, original = [], [4], Detector.predict

    def counted(self: Detector, images: list[np.ndarray]) -> list[sv.Detections]:
        if len(looks) == limit[0]:
            raise KeyboardInterrupt
        looks.append(len(images))
        return original(self, images)

    monkeypatch.setattr(Detector, "predict", counted)
    assert tool.main([*arguments, "--no-video"]) == 130
    limit[0] = 99
    assert tool.main([*arguments, "--no-video", "--resume"]) == 0
    assert len(looks) == 6
    assert not list((tmp_path / "out").rglob(".*"))


def test_a_password_is_not_told() -> None:
    address = "rtsp://diver:secret@pier.invalid:554/cam@1"
    assert without_password(address) == "rtsp://pier.invalid:554/cam@1"
    assert without_password("dive@noon.mp4") == "dive@noon.mp4"
