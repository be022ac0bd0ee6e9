"""From photos to answers with a small network: enrolment, Identifier and the tools."""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import supervision as sv
import torch

from fish_dataset.coco import read_coco
from fish_dataset.errors import FishDataError
from fish_dataset.synthesis import ensure_dataset
from fishdet import Detector, Identifier
from fishdet.binding import bind
from fishdet.checkpoint.papers import config_to_json
from fishdet.config import load_config
from fishdet.errors import FishdetError
from fishdet.identification import commands
from fishdet.identification.embedder import Embedder
from fishdet.identification.enrolment import enrol, enrol_annotations, usable_boxes
from fishdet.identification.gallery import Gallery
from fishdet.identification.options import identify_settings
from fishdet.identification.records import record_of
from fishdet.inference.inputs import ImageFile, read_image
from fishdet.inference.names import names_of
from fishdet.inference.options import ONE_FISH_IOU
from fishdet.inference.predict import OutputOptions, predict_files
from fishdet.inference.results import build_detections, from_plain, to_plain

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, drawn_data: Path) -> Path:
    """A checkpoint of an untrained network, as a training leaves it."""
    from mmdet.registry import MODELS

    cfg = load_config(ROOT / "configs/identification/embedder_effnet-lite0_arcface_fish.py")
    bind(cfg, drawn_data)
    cfg.model.backbone.weights = "none"
    torch.manual_seed(0)
    network = MODELS.build(cfg.model)
    path = tmp_path_factory.mktemp("embedder") / "epoch_1.pth"
    papers = {
        "config": config_to_json(cfg),
        "classes": list(cfg.train_dataloader.dataset.metainfo.classes),
    }
    torch.save({"state_dict": network.state_dict(), "meta": {"fishdet": papers}}, path)
    return path


@pytest.fixture(scope="module")
def embedder(model: Path) -> Embedder:
    return Embedder(model, device="cpu")


@pytest.fixture
def photos(tmp_path: Path, drawn_data: Path) -> list[str]:
    """Five fish of the drawn set as photos."""
    data, _ = read_coco(drawn_data / "train.json", check_images=False)
    largest = np.argsort(-data.areas)[:5]
    names = []
    for place, row in enumerate(largest.tolist()):
        image = cv2.imread(str(drawn_data / "images" / data.file_names[int(data.box_image[row])]))
        x, y, w, h = data.bboxes[row].astype(int).tolist()
        names.append(str(tmp_path / f"photo_{place}.png"))
        cv2.imwrite(names[-1], image[y : y + h, x : x + w])
    return names


class FixedDetector:
    """Finds what it is told to."""

    def __init__(self, *boxes: tuple[float, float, float, float]) -> None:
        self.boxes, self.catalogue_names = np.array(boxes, np.float32), names_of(("eel",), "en")
        self.classes, self.score_thr = ("eel",), 0.3
        self.options = SimpleNamespace(batch_size=2)
        self.channels = "bgr"

    def read(self, image: Any, name: str = "") -> np.ndarray:
        pixels = read_image(image, name)
        return np.ascontiguousarray(pixels[..., ::-1]) if self.channels == "rgb" else pixels

    def predict(self, images: Any) -> list[sv.Detections]:
        count = len(self.boxes)
        nothing = (np.full(count, -1), np.full(count, np.nan, np.float32))
        return [
            build_detections(
                self.catalogue_names, self.boxes.reshape(-1, 4), np.full(count, 0.9, np.float32),
                np.zeros(count, np.int64), None, nothing,
            )
            for _ in images
        ]  # fmt: skip


def test_the_digest_is_that_of_the_embedding(
    model: Path, embedder: Embedder, tmp_path: Path
) -> None:
    checkpoint = torch.load(model, weights_only=True)
    checkpoint["state_dict"]["head.centres"] += 1  # the training's classifier is no part of it
    torch.save(checkpoint, tmp_path / "same.pth")
    assert Embedder(tmp_path / "same.pth", device="cpu").digest == embedder.digest
    checkpoint["state_dict"]["project.weight"] += 1
    torch.save(checkpoint, tmp_path / "other.pth")
    assert Embedder(tmp_path / "other.pth", device="cpu").digest != embedder.digest


def test_embeddings_do_not_depend_on_the_batch(embedder: Embedder) -> None:
    rng = np.random.default_rng(0)
    crops = [rng.integers(0, 255, (96, 96, 3)).astype(np.uint8) for _ in range(3)]
    together = embedder(crops)
    apart = np.concatenate([embedder([crop]) for crop in crops])
    assert together == pytest.approx(apart, abs=1e-5)
    assert embedder([]).shape == (0, 128)


def test_all_photos_or_none(embedder: Embedder, photos: list[str], tmp_path: Path) -> None:
    empty = Gallery(embedder.digest, embeddings=np.zeros((0, 128), np.float32))
    eel = record_of("eel")
    pairs = [(name, Path(name)) for name in photos]
    done = enrol(empty, embedder, eel, pairs)
    assert (done.added, done.known, len(done.gallery.photos)) == (5, 0, 5)
    assert enrol(done.gallery, embedder, eel, pairs).known == 5
    one = enrol(empty, embedder, eel, pairs[:1])
    assert "1 photo:" in one.notes[0]
    twice = enrol(done.gallery, embedder, record_of("mackerel"), pairs[1:2])
    assert any("1 of its photos stands in the gallery as eel too" in note for note in twice.notes)
    assert not any("eel" in note for note in done.notes)
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    tiny = tmp_path / "tiny.png"
    cv2.imwrite(str(tiny), np.zeros((5, 7, 3), np.uint8))
    with pytest.raises(FishdetError, match="nothing was enrolled: 2 of 4") as error:
        enrol(empty, embedder, eel, [*pairs[:2], ("broken", broken), ("tiny.png", tiny)])
    assert "broken" in str(error.value) and "7 pixels long" in str(error.value)


@pytest.mark.parametrize(
    ("boxes", "said"),
    [((), "no fish found"), (((0, 0, 20, 20), (20, 0, 40, 20)), "2 fish found")],
)
def test_a_photo_shows_one_fish(
    embedder: Embedder, photos: list[str], boxes: tuple, said: str
) -> None:
    empty = Gallery(embedder.digest, embeddings=np.zeros((0, 128), np.float32))
    with pytest.raises(FishdetError, match=said):
        enrol(empty, embedder, record_of("eel"), [("a", photos[0])], FixedDetector(*boxes))


def test_what_was_enrolled_is_found_again(
    embedder: Embedder, drawn_data: Path, tmp_path: Path
) -> None:
    data, _ = read_coco(drawn_data / "train.json", check_images=False)
    empty = Gallery(embedder.digest, embeddings=np.zeros((0, 128), np.float32))
    rows = usable_boxes(data)
    gallery = enrol_annotations(empty, embedder, data, drawn_data / "images", rows)
    assert len(gallery.photos) == len(rows)
    row = int(np.argmax(data.areas))
    image = cv2.imread(str(drawn_data / "images" / data.file_names[int(data.box_image[row])]))
    x, y, w, h = data.bboxes[row].tolist()
    detector = FixedDetector((x, y, x + w, y + h), (0, 0, 5, 5))
    identifier = Identifier(detector, embedder, gallery, lang="ko")
    found = identifier(image)
    wanted = record_of(data.classes[int(data.labels[row])])
    assert wanted.id in found.data["identified_candidates"][0]
    assert found.data["identified_rank"][1] == "fish" and not found.data["identified_known"][1]
    back = from_plain(json.loads(json.dumps(to_plain(found))), detector.catalogue_names)
    for name, column in found.data.items():
        assert np.array_equal(back.data[name], column) or column.dtype.kind == "f"
    assert identifier.predict([]) == [] and identifier([]) == []
    streamed = list(identifier(image for _ in range(3)))
    assert {one.data["identified_id"][0] for one in streamed} == {found.data["identified_id"][0]}
    assert len(streamed) == 3
    detector.channels = "rgb"
    turned = identifier(np.ascontiguousarray(image[..., ::-1]))
    assert np.array_equal(turned.data["identified_point"], found.data["identified_point"])
    detector.channels = "bgr"
    pair = identifier.predict([image, image])
    assert [one.data["identified_point"].shape for one in pair] == [(2, 128)] * 2
    assert not pair[0].data["identified_point"][1].any()  # too small to be told
    assert identifier.together([image, image]).candidates
    with pytest.raises(FishdetError, match="nothing to identify"):
        identifier.of_crops([])
    with pytest.raises(FishdetError, match="gallery is empty"):
        Identifier(detector, embedder, empty)
    with pytest.raises(FishdetError, match="another embedding network"):
        Identifier(detector, embedder, Gallery("other"))
    with pytest.raises(FishdetError, match="confidence"):
        Identifier(detector, embedder, gallery, confidence=0)
    # and the files of tools/predict.py carry it
    cv2.imwrite(str(tmp_path / "a.png"), image)
    out = OutputOptions(tmp_path / "out", ("coco", "csv"), settings={"gallery": "g"})
    predict_files(identifier, [[ImageFile(tmp_path / "a.png", "a.png")]], out)
    boxes = json.loads((tmp_path / "out/predictions.json").read_text())["annotations"]
    assert boxes[0]["identified_candidates"] == found.data["identified_candidates"][0]
    with (tmp_path / "out/detections.csv").open(encoding="utf-8") as file:
        assert next(csv.DictReader(file))["identified_rank"] == found.data["identified_rank"][0]


def test_commands_on_a_gallery_file(
    model: Path, photos: list[str], drawn_data: Path, tmp_path: Path
) -> None:
    gallery = tmp_path / "g.safetensors"

    def options(name: str, **more: Any) -> commands.EnrolOptions:
        return commands.EnrolOptions(name, photos, gallery, str(model), licence="CC0-1.0", **more)

    with pytest.raises(FishdetError, match="did you mean"):
        commands.enrol_photos(options("고둥어"))
    assert not gallery.exists()
    assert "5 photos enrolled" in commands.enrol_photos(options("고등어"))[0]
    commands.enrol_photos(options("my fish", own=True))
    rows = commands.rows(gallery)
    assert [row[3] for row in rows] == ["5", "5"] and rows[0][4] == "CC0-1.0"
    commands.export_species(gallery, tmp_path / "one.safetensors", ["my fish"])
    assert "removed with its 5 photos" in commands.remove_species(gallery, "my fish")[0]
    assert "5 photos added" in commands.merge_galleries(gallery, [tmp_path / "one.safetensors"])[0]
    commands.export_species(gallery, tmp_path / "all.csv")
    assert len((tmp_path / "all.csv").read_text().splitlines()) == 11
    for wrong in (
        lambda: commands.remove_species(gallery, "shark"),
        lambda: commands.export_species(gallery, tmp_path / "all.txt"),
        lambda: commands.export_species(gallery, tmp_path / "a.csv", ["shark"]),
        lambda: commands.enrol_data(drawn_data, gallery, str(model), without=["dragon"]),
        lambda: commands.test_data(drawn_data, str(model), new=["dragon"]),
        lambda: commands.fit_gallery(drawn_data, tmp_path / "none.safetensors", str(model)),
    ):
        with pytest.raises(FishdetError):
            wrong()


def test_mistakes_of_an_enrolment_change_no_gallery(
    model: Path, photos: list[str], drawn_data: Path, tmp_path: Path
) -> None:
    gallery = tmp_path / "g.safetensors"
    classes = read_coco(drawn_data / "train.json", check_images=False)[0].classes

    def enrolled(name: str, **more: Any) -> list[str]:
        return commands.enrol_photos(
            commands.EnrolOptions(name, photos, gallery, str(model), **more)
        )

    def labelled(**more: Any) -> list[str]:
        return commands.enrol_data(drawn_data, gallery, str(model), **more)

    for said, wrong in (
        ("has no name", lambda: enrolled(" ", own=True)),
        ("--parent is of a species of your own", lambda: enrolled("eel", parent="Labridae")),
        ("--parent 'Labridaee' .* in FISHDET_CATALOGUE$",
         lambda: enrolled("my fish", own=True, parent="Labridaee")),
        ("--most 0: give 1", lambda: labelled(most=0)),
        ("has no fish of 8 pixels", lambda: labelled(without=classes)),
        ("has no class dragon; it has", lambda: labelled(without=["dragon"])),
        ("--shots 0: give 1", lambda: commands.test_data(drawn_data, str(model), shots=0)),
    ):  # fmt: skip
        with pytest.raises(FishdetError, match=said):
            wrong()
    assert not gallery.exists()


def test_strangers_are_looked_for_before_the_work(
    model: Path, photos: list[str], drawn_data: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    gallery = tmp_path / "g.safetensors"
    commands.enrol_photos(commands.EnrolOptions("eel", photos, gallery, str(model)))
    monkeypatch.setattr("fishdet.identification.study.embed", lambda *_, **__: pytest.fail("work"))
    nowhere = tmp_path / "none"
    with pytest.raises(FishDataError, match="no such data folder"):
        commands.fit_gallery(drawn_data, gallery, str(model), strangers=nowhere)
    with pytest.raises(FishDataError, match="no such data folder"):
        commands.test_data(drawn_data, str(model), strangers=nowhere)


def test_a_fish_found_as_two_species_is_one_fish(
    model: Path, photos: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def detector(path: str, **options: Any) -> FixedDetector:
        asked.update(options)
        return FixedDetector((0, 0, 20, 20))

    monkeypatch.setattr("fishdet.inference.detector.Detector", detector)
    options = commands.EnrolOptions("eel", photos, tmp_path / "g.safetensors", str(model), "d.pth")
    assert "5 photos enrolled" in commands.enrol_photos(options)[0]
    assert asked["agnostic_nms"] == ONE_FISH_IOU


def test_a_run_goes_on_with_the_same_gallery_only(tmp_path: Path) -> None:
    gallery = tmp_path / "g.safetensors"
    options = argparse.Namespace(identify="m", gallery=gallery, confidence=0.8)
    gallery.write_bytes(b"five species")
    before = identify_settings(options)
    assert identify_settings(options) == before
    gallery.write_bytes(b"six species")
    assert identify_settings(options) != before
    assert identify_settings(argparse.Namespace(identify=None)) == {}


def test_fit_and_test_on_a_data_set(model: Path, tmp_path: Path) -> None:
    drawn_data = tmp_path / "set"
    ensure_dataset(drawn_data, seed=1, train=12, val=24, size=96, workers=1, progress=False)
    gallery = tmp_path / "g.safetensors"
    held = "eel"
    commands.enrol_data(drawn_data, gallery, str(model), without=[held])
    assert held not in [row[1].lower() for row in commands.rows(gallery)]
    lines = commands.fit_gallery(drawn_data, gallery, str(model))
    assert "temperature" in lines[0]
    report = commands.test_data(drawn_data, str(model), new=[held], shots=1)
    assert 0 <= report["open"]["auroc"]["low"] <= report["open"]["auroc"]["high"] <= 1
    assert report["few_photos"]["top1"]["value"] == pytest.approx(1)  # the only new species


def run_tool(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "tools" / "species.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120)


def test_it_is_no_detector(model: Path) -> None:
    with pytest.raises(FishdetError, match="is a FishEmbedder, no detector.*--identify"):
        Detector(model)


def test_a_mistake_is_one_line(tmp_path: Path) -> None:
    done = run_tool("list", "--gallery", str(tmp_path / "none.safetensors"))
    assert done.returncode == 2 and done.stderr.startswith("error: gallery")
    assert len(done.stderr.splitlines()) == 1
