"""From an address to a checked data folder, and nothing half-done on the way."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import os
import sys
import tarfile
import zipfile
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
from rich.console import Console

from fish_dataset.coco import read_coco
from fish_dataset.errors import FishDataError
from fish_dataset.sources import Fact, RemoteFile, Source
from fish_dataset.sources.fetching import Order, fetch

TOOL = Path(__file__).resolve().parents[3] / "tools" / "dataset" / "fetch.py"


def picture(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    return cv2.imencode(".png", pixels)[1].tobytes()


def coco(names: list[str]) -> bytes:
    images = [
        {"id": number, "file_name": name, "width": 64, "height": 48}
        for number, name in enumerate(names, start=1)
    ]
    boxes = [
        {
            "id": n,
            "image_id": n,
            "category_id": 1,
            "bbox": [4, 5, 20, 10],
            "area": 200,
            "iscrowd": 0,
        }
        for n in range(1, len(names) + 1)
    ]
    document = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "eel"}]}
    return json.dumps(document).encode()


FILES = {
    "set/images/a.png": picture(1),
    "set/images/b.png": picture(2),
    "set/train.json": coco(["a.png", "b.png"]),
}


def zipped(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


ARCHIVE = zipped(FILES)


def a_source(*files: RemoteFile, **fields) -> Source:
    facts = {
        field: Fact(f"the {field}", "https://a.org", "2026-11-25")
        for field in ("home", "licence", "citation")
    }
    facts.update(fields.pop("facts", {}))
    return Source("a-set", "A set", facts, files, **fields)


def a_file(url: str, **fields) -> RemoteFile:
    return RemoteFile(url, "set.zip", "https://a.org", "2026-11-25", **fields)


def run(source: Source, folder: Path, **fields):
    order = Order(source, folder / "out", folder / "downloads", **fields)
    return fetch(order, Console(file=io.StringIO()), backoff=0.0, timeout=5.0)


def names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir() if not entry.name.endswith(".lock")}


def test_a_set_arrives_converted_and_checked(web, page, tmp_path):
    web.pages["/set.zip"] = page(ARCHIVE)
    sha256 = hashlib.sha256(ARCHIVE).hexdigest()
    done = run(a_source(a_file(web.url("/set.zip"), sha256=sha256)), tmp_path)
    annotations, _ = read_coco(tmp_path / "out" / "train.json")
    assert (annotations.num_images, annotations.num_boxes) == (2, 2)
    assert (tmp_path / "out" / "images" / "a.png").read_bytes() == FILES["set/images/a.png"]
    origin = json.loads((tmp_path / "out" / "source.json").read_text())
    assert (origin["licence"], origin["citation"]) == ("the licence", "the citation")
    assert origin["files"] == [
        {
            "url": web.url("/set.zip"),
            "file": "set.zip",
            "size": len(ARCHIVE),
            "sha256": sha256,
            "checked": True,
        }
    ]
    assert done.report is not None and done.status == 0
    assert names(tmp_path) == {"out", "downloads"}
    assert names(tmp_path / "downloads") == {"set.zip"}


def test_a_broken_download_goes_on_at_the_second_call(web, page, tmp_path):
    web.pages["/set.zip"] = page(ARCHIVE, script=[5000, (404, {})])
    source = a_source(a_file(web.url("/set.zip")))
    with pytest.raises(FishDataError, match="5000 bytes are kept"):
        run(source, tmp_path)
    assert names(tmp_path) == {"downloads"}
    run(source, tmp_path)
    assert web.ranges_asked()[-1] == "bytes=5000-"
    assert (tmp_path / "out" / "train.json").is_file()


def test_a_wrong_checksum_makes_nothing(web, page, tmp_path):
    web.pages["/set.zip"] = page(ARCHIVE)
    with pytest.raises(FishDataError, match="wrong checksum"):
        run(a_source(a_file(web.url("/set.zip"), sha256="0" * 64)), tmp_path)
    assert names(tmp_path) == {"downloads"} and names(tmp_path / "downloads") == set()


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (zipped({**FILES, "../evil.png": b"x"}), "leads out of the folder"),
        (ARCHIVE[:-3000], "damaged or cut short"),
        (b"<!DOCTYPE html><html>Please log in", "web page"),
        (zipped({"readme.md": b"hello"}), "none of the known formats"),
    ],
)
def test_a_bad_archive_makes_nothing(web, page, tmp_path, content, match):
    web.pages["/set.zip"] = page(content)
    with pytest.raises(FishDataError, match=match):
        run(a_source(a_file(web.url("/set.zip"))), tmp_path)
    assert names(tmp_path) == {"downloads"}
    assert not (tmp_path.parent / "evil.png").exists()


def yolo(line: str = "0 0.5 0.5 0.25 0.5") -> dict[str, bytes]:
    return {
        "export/data.yaml": b"train: images/train\nnames: [eel]\n",
        "export/images/train/a.png": picture(1),
        "export/labels/train/a.txt": f"{line}\n".encode(),
    }


def test_an_archive_in_another_format_than_the_table_says(tmp_path):
    archive = tmp_path / "mine.zip"
    archive.write_bytes(zipped(yolo()))
    done = run(a_source(manual="ask them", format="coco"), tmp_path / "out", given=(archive,))
    assert done.conversion.format.name == "yolo"
    assert done.conversion.account["source"] == str(archive)
    assert done.conversion.account["boxes"] == {"in": 1, "out": 1}
    assert done.status == 0


def test_errors_name_the_path_in_the_archive(tmp_path):
    archive = tmp_path / "mine.zip"
    archive.write_bytes(zipped({"set/labels.json": b'{"shapes": []}', "set/b.json": b""}))
    with pytest.raises(FishDataError, match="none of the known formats") as caught:
        run(a_source(manual="ask them"), tmp_path / "out", given=(archive,))
    assert str(caught.value).startswith("mine.zip/set: ") and ".fetch-" not in str(caught.value)
    assert "b.json: the file is empty" in str(caught.value)
    assert "--format NAME" in str(caught.value)


def test_lost_boxes_show_in_the_status(tmp_path):
    archive = tmp_path / "mine.zip"
    archive.write_bytes(zipped(yolo("0 0.5 0.5 0.25 0.5\n0 0.5")))
    done = run(a_source(manual="ask them"), tmp_path / "out", given=(archive,))
    assert done.status == 1
    rows = (tmp_path / "out/out/losses.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 2 and ".fetch-" not in rows[1] and "line 2" in rows[1]


def test_archives_and_folders_that_the_user_has(tmp_path):
    by_hand = a_source(manual="ask them")
    archive = tmp_path / "mine.zip"
    archive.write_bytes(ARCHIVE)
    run(by_hand, tmp_path / "1", given=(archive,))
    images, labels = tmp_path / "images.zip", tmp_path / "labels.tar.gz"
    images.write_bytes(zipped({k: v for k, v in FILES.items() if k.endswith(".png")}))
    with tarfile.open(labels, "w:gz") as opened:
        info = tarfile.TarInfo("labels.json")
        info.size = len(FILES["set/train.json"])
        opened.addfile(info, io.BytesIO(FILES["set/train.json"]))
    run(by_hand, tmp_path / "2", given=(images, labels))
    folder = tmp_path / "folder"
    zipfile.ZipFile(archive).extractall(folder)
    before = {path: os.stat(path).st_mtime_ns for path in folder.rglob("*")}
    run(by_hand, tmp_path / "3", given=(folder / "set",))
    assert {path: os.stat(path).st_mtime_ns for path in folder.rglob("*")} == before
    for number in "123":
        annotations, _ = read_coco(tmp_path / number / "out" / "train.json")
        assert (annotations.num_images, annotations.num_boxes) == (2, 2)
        assert names(tmp_path / number) == {"out"}


def test_raw_stops_after_unpacking(web, page, tmp_path):
    web.pages["/set.zip"] = page(ARCHIVE)
    done = run(a_source(a_file(web.url("/set.zip"))), tmp_path, raw=True)
    assert names(tmp_path / "out") == {"images", "train.json", "source.json"}
    assert done.conversion is None and done.report is None


def test_orders_that_make_no_sense_ask_nobody(web, page, tmp_path):
    web.pages["/set.zip"] = page(ARCHIVE)
    source = a_source(a_file(web.url("/set.zip")))
    with pytest.raises(FishDataError, match="cannot be downloaded by a program: ask them.*home"):
        run(a_source(manual="ask them"), tmp_path)
    with pytest.raises(FishDataError, match="--from .*none.zip: no such file"):
        run(source, tmp_path, given=(tmp_path / "none.zip",))
    with pytest.raises(FishDataError, match="one folder, or"):
        run(source, tmp_path, given=(tmp_path, tmp_path))
    with pytest.raises(FishDataError, match="do not go with a-set"):
        run(source, tmp_path, concept="eel")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precious").write_text("")
    with pytest.raises(FishDataError, match="holds files already"):
        run(source, tmp_path)
    assert web.seen == [] and names(tmp_path) == {"out"}


def api(web, page, records: object) -> Source:
    web.pages["/api/images/query/concept/Sebastes%20sp"] = page(json.dumps(records).encode())
    return a_source(facts={"query": Fact(web.url("/api"), "https://a.org", "2026-11-25")})


def record(web, uuid: str, **fields) -> dict:
    box = {"concept": "Sebastes", "x": 4, "y": 5, "width": 20, "height": 10}
    url = web.url(f"/pictures/{uuid}.png")
    return {"uuid": uuid, "url": url, "width": 64, "height": 48, "boundingBoxes": [box], **fields}


def test_fathomnet_by_concept(web, page, tmp_path):
    content = picture(3)
    records = [
        record(web, "u1", sha256=hashlib.sha256(content).hexdigest()),
        record(web, "u2"),
        record(web, "gone"),
        record(web, "u3", sha256="0" * 64),
        record(web, "../evil"),
        record(web, "u4", url="file:///etc/passwd.png"),
        "nonsense",
    ]
    for uuid in ("u1", "u2", "u3"):
        web.pages[f"/pictures/{uuid}.png"] = page(content)
    done = run(api(web, page, records), tmp_path, concept="Sebastes sp", format="fathomnet")
    assert len(done.faults) == 5
    assert [part for part in ("404", "wrong checksum", "without uuid", "only http", "nonsense")
            if not any(part in fault for fault in done.faults)] == []  # fmt: skip
    annotations, _ = read_coco(tmp_path / "out" / "train.json")
    assert (annotations.num_images, annotations.num_boxes) == (2, 2)
    assert annotations.classes == ("Sebastes",)
    web.seen.clear()
    run(api(web, page, records), tmp_path / "again", concept="Sebastes sp", limit=1)
    assert len([path for path, _ in web.seen if path.startswith("/pictures")]) == 1


@pytest.mark.parametrize(
    ("records", "match"),
    [([], "has no picture of"), ({"error": 1}, "has no picture of"), ([1], "no picture could be")],
)
def test_fathomnet_without_an_answer(web, page, tmp_path, records, match):
    with pytest.raises(FishDataError, match=match):
        run(api(web, page, records), tmp_path, concept="Sebastes sp")
    with pytest.raises(FishDataError, match="add --concept"):
        run(api(web, page, records), tmp_path)


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("fetch_tool", TOOL)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    return module


def test_the_licence_is_shown_and_asked_for_first(tool, capsys, tmp_path, monkeypatch):
    archive = tmp_path / "mine.zip"
    archive.write_bytes(ARCHIVE)
    command = ["kakadu", "--out", str(tmp_path / "out"), "--from", str(archive)]
    with pytest.raises(FishDataError, match="--accept-license"):
        tool.run(tool.parse_arguments(command))
    assert "CC BY 4.0" in capsys.readouterr().out
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: "n")
    with pytest.raises(FishDataError, match="was not accepted"):
        tool.run(tool.parse_arguments(command))
    assert names(tmp_path) == {"mine.zip"}
    assert tool.run(tool.parse_arguments([*command, "--yes"])) == 0
    assert (tmp_path / "out" / "train.json").is_file()


def test_listing_needs_no_network(tool, capsys):
    assert tool.run(tool.parse_arguments(["--list"])) == 0
    assert tool.run(tool.parse_arguments(["deepfish"])) == 0
    out = capsys.readouterr().out
    assert "kakadu" in out and "8acabb8a314f" in out


def test_a_real_set_comes_out_as_it_went_in(web, page, tmp_path, fishdet_data):
    source = fishdet_data / "aquarium_yolo"
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        archive.add(source, "aquarium")
    web.pages["/set.tgz"] = page(stream.getvalue(), script=[100_000, 200_000])
    done = run(a_source(a_file(web.url("/set.tgz"))), tmp_path)
    labels = source.rglob("labels/*.txt")
    boxes = sum(len(path.read_text().splitlines()) for path in labels)
    images = len([path for path in source.rglob("*.jpg")])
    assert done.conversion is not None
    assert done.conversion.account["boxes"]["out"] == boxes > 0
    assert done.conversion.account["images"]["out"] == images == 24
