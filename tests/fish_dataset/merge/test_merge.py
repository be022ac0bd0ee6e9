"""Classes are merged by what they mean, no box goes missing, and ignored regions punish nobody."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.dataset import Compose

from fish_dataset import Annotations, FishDataset, find_splits
from fish_dataset.errors import FishDataError
from fish_dataset.folder import Part, read_folder, write_folder
from fish_dataset.merge.class_identity import identify, is_wider
from fish_dataset.merge.class_map import map_classes
from fish_dataset.merge.merging import merge_sets
from fish_dataset.merge.report import merge_document, merge_lines
from fish_dataset.merge.set_names import name_sets
from fishdet.evaluation import Detections, evaluate

MACKEREL = ("고등어", "Mackerel", "Scomber japonicus")


def part(classes, rows, folder=Path("/nowhere"), prefix="p") -> Part:
    """Pictures of 64 × 48 with a box of 20 × 10 for each listed label, side by side."""
    boxes = [
        (row, place, label) for row, labels in enumerate(rows) for place, label in enumerate(labels)
    ]
    data = Annotations(
        classes=tuple(classes),
        image_ids=np.arange(1, len(rows) + 1) * 7,
        file_names=[f"{prefix}{row}.png" for row in range(len(rows))],
        widths=np.full(len(rows), 64),
        heights=np.full(len(rows), 48),
        box_ids=np.arange(1, len(boxes) + 1) * 3,
        box_image=[row for row, _, _ in boxes],
        bboxes=np.array([[22 * place, 5, 20, 10] for _, place, _ in boxes]).reshape(-1, 4),
        labels=[label for _, _, label in boxes],
        crowd=np.zeros(len(boxes)),
        ignore=np.zeros(len(boxes)),
        areas=np.full(len(boxes), 200),
    )
    return Part(data, folder)


@pytest.fixture
def no_files(monkeypatch):
    """Parts without pictures on disk: nothing is compared."""
    monkeypatch.setattr("fish_dataset.merge.merging.equal_files", lambda paths: [])


def test_names_of_one_species_are_one_class_in_any_language():
    mapped = map_classes({name: [name, "salmon"] for name in MACKEREL})
    assert mapped.classes == ("고등어", "salmon")
    assert all(mapped.labels(name).tolist() == [0, 1] for name in MACKEREL)


@pytest.mark.parametrize(
    ("style", "expected"), [("first", "Mackerel"), ("ko", "고등어"), ("scientific", MACKEREL[2])]
)
def test_names_are_shown_as_asked_for(style, expected):
    sets = {"a": ["Mackerel", "Blob 7"], "b": ["고등어", "blob-7"]}
    assert map_classes(sets, names=style).classes == (expected, "Blob 7")


def test_names_that_the_catalogue_does_not_know_are_one_by_spelling():
    mapped = map_classes({"a": ["Blob 7", "Eel-ish thing"], "b": ["blob_7", "eelish  thing", "x"]})
    assert mapped.classes == ("Blob 7", "Eel-ish thing", "x")
    assert mapped.labels("b").tolist() == [0, 1, 2]


def test_wider_names_are_known_by_lineage():
    def wider(one, other):
        return is_wider(identify(one), identify(other))

    assert wider("fish", "고등어") and wider("물고기", "shark") and wider("Sparidae", "참돔")
    assert not wider("고등어", "fish") and not wider("fish", "물고기")
    assert not wider("fish", "penguin") and not wider("fish", "diver")
    assert wider("fish", "Nemipterus furcosus") and wider("Epinephelus", "Epinephelus malabaricus")
    assert not wider("Epinephelus", "Epinephelusx")


@pytest.mark.parametrize(
    ("policy", "classes", "ignored"),
    [
        ("ignore", ("mackerel", "penguin"), [True, False]),
        ("generic", ("mackerel", "Fish", "penguin"), [False, False]),
        ("keep", ("mackerel", "Fish", "penguin"), [False, False]),
    ],
)
def test_a_wider_class_follows_the_policy(policy, classes, ignored):
    mapped = map_classes({"a": ["mackerel"], "b": ["Fish", "penguin"]}, unknown=policy)
    assert mapped.classes == classes
    assert mapped.ignored("b").tolist() == ignored
    assert not mapped.ignored("a").any()


def test_family_and_fish_become_one_generic_class():
    sets = {"a": ["mackerel", "eel"], "b": ["Scombridae"], "c": ["fish"]}
    mapped = map_classes(sets, unknown="generic")
    assert mapped.classes == ("mackerel", "eel", "fish")
    assert mapped.labels("b").tolist() == mapped.labels("c").tolist() == [2]


def test_a_set_that_tells_fish_and_shark_apart_means_the_other_fish():
    sets = {"a": ["fish", "shark"], "b": ["shark", "jellyfish"]}
    assert map_classes(sets).classes == ("fish", "shark", "jellyfish")
    sets["b"].append("mackerel")  # now its fish may be mackerel
    assert map_classes(sets).ignored("a").tolist() == [True, False]


def test_what_a_set_does_not_label_is_listed():
    mapped = map_classes({"a": ["mackerel", "penguin"], "b": ["fish", "jellyfish"]})
    assert mapped.not_labelled("a") == ["jellyfish"]
    assert mapped.not_labelled("b") == ["penguin"]  # mackerel are among its ignored fish


def test_unknown_options_are_refused():
    with pytest.raises(FishDataError, match="unknown 'drop'"):
        map_classes({"a": ["x"]}, unknown="drop")
    with pytest.raises(FishDataError, match="names 'de'"):
        map_classes({"a": ["x"]}, names="de")
    with pytest.raises(FishDataError, match="at least two"):
        merge_sets({"a": {"train": part(["x"], [[0]])}})


NAMES = st.lists(
    st.sampled_from([*MACKEREL, "fish", "shark", "eel", "Sparidae", "참돔", "Blob", "penguin"]),
    min_size=1,
    max_size=5,
    unique=True,
)
ROWS = st.lists(st.lists(st.integers(0, 4), max_size=3), min_size=1, max_size=4)


@given(
    st.lists(st.tuples(NAMES, ROWS, ROWS), min_size=2, max_size=4),
    st.sampled_from(["ignore", "generic", "keep"]),
)
@settings(max_examples=60, deadline=None)
def test_boxes_in_are_boxes_out(sets, policy):
    """Counted from the inputs by plain loops; the account of the report is checked by itself."""

    def fitting(names, rows):
        return [[label % len(names) for label in labels] for labels in rows]

    given_sets = {
        f"set{i}": {
            "train": part(names, fitting(names, one)),
            "val": part(names, fitting(names, two)),
        }
        for i, (names, one, two) in enumerate(sets)
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fish_dataset.merge.merging.equal_files", lambda paths: [])
        merged = merge_sets(given_sets, unknown=policy)
    document = merge_document(merged)
    boxes = sum(len(labels) for _, one, two in sets for labels in [*one, *two])
    assert document["boxes"]["boxes_in"] == boxes
    written = [p.annotations for p in merged.parts.values()]
    assert sum(data.num_boxes for data in written) == boxes
    assert sum(int(data.ignore.sum()) for data in written) == document["boxes"]["boxes_ignored"]
    assert len({data.classes for data in written}) == 1
    for data in written:
        assert data.image_ids.tolist() == list(range(1, data.num_images + 1))
        assert data.box_ids.tolist() == list(range(1, data.num_boxes + 1))
        assert np.array_equal(data.crowd, data.ignore)
        assert [name.split("/")[0] for name in data.file_names] == list(data.image_meta["source"])


def test_splits_of_other_class_order_are_not_permuted(no_files):
    sets = {
        "a": {
            "train": part(["eel", "mackerel"], [[0], [1]]),
            "val": part(["mackerel", "eel"], [[0, 1]]),
        },
        "b": {"train": part(["고등어"], [[0]]), "test": part(["고등어"], [[0]])},
    }
    merged = merge_sets(sets)
    assert list(merged.parts) == ["train", "val", "test"]
    assert merged.class_map.classes == ("eel", "mackerel")
    labels = {name: p.annotations.labels.tolist() for name, p in merged.parts.items()}
    assert labels == {"train": [0, 1, 1], "val": [1, 0], "test": [1]}


@pytest.fixture
def folders(tmp_path, draw) -> dict[str, Path]:
    """'species' (mackerel, eel) and 'coarse' (fish, jellyfish), two pictures each in train, one in
    val; the val picture of 'coarse' is, byte for byte, the first training picture of 'species'."""
    made = {}
    for name, classes in (("species", ["mackerel", "eel"]), ("coarse", ["fish", "jellyfish"])):
        pictures = draw(tmp_path / f"{name} pictures", ["p0.png", "p1.png", "v0.png"])
        for number, file in enumerate(sorted(pictures.iterdir())):
            with file.open("ab") as stream:  # trailing bytes, to make the pictures differ
                stream.write(name.encode() + bytes([number]))
        made[name] = tmp_path / name
        sides = {
            "train": part(classes, [[0, 1], [0]], pictures),
            "val": part(classes, [[0, 0]], pictures, prefix="v"),
        }
        write_folder(made[name], sides)
    first = made["species"] / "images" / "p0.png"
    (made["coarse"] / "images" / "v0.png").write_bytes(first.read_bytes())
    return made


def _sets(folders):
    return {name: read_folder(folder) for name, folder in folders.items()}


def test_equal_pictures_are_told_and_dropped_on_request(folders):
    merged = merge_sets(_sets(folders))
    assert [[(p.set_name, p.split, p.file_name) for p in group] for group in merged.repeats] == [
        [("species", "train", "p0.png"), ("coarse", "val", "v0.png")]
    ]
    assert merged.parts["val"].annotations.num_images == 2
    lines = " ".join(merge_lines(merge_document(merged)))
    assert "species/p0.png = coarse/v0.png" in lines and "1 of them are in two splits" in lines

    dropped = merge_sets(_sets(folders), duplicates="drop")
    assert list(dropped.parts["val"].annotations.file_names) == ["species/v0.png"]
    boxes = merge_document(dropped)["boxes"]
    assert boxes == {"boxes_in": 10, "boxes_out": 6, "boxes_ignored": 2, "boxes_left_out": 2}


@pytest.fixture
def merged_folder(folders, tmp_path) -> Path:
    out = tmp_path / "merged"
    merged = merge_sets(_sets(folders))
    write_folder(out, merged.parts, documents={"merge.json": merge_document(merged)})
    return out


def test_a_merged_folder_reads_back_with_its_sources(merged_folder, folders):
    parts = read_folder(merged_folder)
    train = parts["train"].annotations
    assert train.classes == ("mackerel", "eel", "jellyfish")
    assert list(train.image_meta["source"]) == ["species", "species", "coarse", "coarse"]
    copied = merged_folder / "images" / "coarse" / "p1.png"
    assert copied.read_bytes() == (folders["coarse"] / "images" / "p1.png").read_bytes()
    assert train.ignore.tolist() == train.crowd.tolist() == [False] * 3 + [True, False, True]


def test_ignored_boxes_reach_the_detector_as_ignored(merged_folder):
    """Through FishDataset and mmdet's pipeline: no target, and known as a region.

    What the detector makes of it is in tests/fishdet/models/test_assigner.py.
    """
    split = find_splits(merged_folder)["train"]
    pipeline = [
        {"type": "LoadImageFromFile"},
        {"type": "LoadAnnotations", "with_bbox": True},
        {"type": "PackDetInputs", "meta_keys": ("img_id",)},
    ]
    data = FishDataset(ann_file=str(split.ann_file), data_prefix={"img": str(split.image_dir)})
    sample = Compose(pipeline)(data.get_data_info(2))["data_samples"]
    assert sample.gt_instances.labels.tolist() == [2]
    assert sample.ignored_instances.bboxes.tensor.tolist() == [[0, 5, 20, 15]]


def test_ignored_boxes_are_no_false_alarms(merged_folder):
    """A detector that finds every fish, and calls the coarse set's fish by any name, is perfect."""
    data = read_folder(merged_folder)["train"].annotations
    corners = data.bboxes.copy()
    corners[:, 2:] += corners[:, :2]
    any_name = np.where(data.ignore, [1] * data.num_boxes, data.labels)
    scores = np.where(data.ignore, 0.9, 0.5)  # the unlabelled ones first, to do most harm
    found = Detections(data.box_image.copy(), corners, scores, any_name.astype(np.int64))
    assert evaluate(data, found).totals["bbox_mAP"] == 1.0
    nothing = np.zeros(data.num_boxes)
    counted = replace(data, crowd=nothing, ignore=nothing)
    assert evaluate(counted, found).totals["bbox_mAP"] < 0.9


def test_sets_are_named_by_their_folders(tmp_path):
    for folder in ("a/data", "b/data", "reef 2"):
        (tmp_path / folder).mkdir(parents=True)
    paths = [str(tmp_path / folder) for folder in ("a/data", "b/data", "reef 2")]
    assert list(name_sets(paths)) == ["data", "b-data", "reef-2"]
    assert list(name_sets([f"x={paths[0]}", paths[1]])) == ["x", "data"]
    for wrong, message in (
        ([paths[0], paths[0]], "given twice"),
        ([f"x={paths[0]}", f"x={paths[1]}"], "'x' is taken"),
        ([f"..={paths[0]}"], "is no name"),
    ):
        with pytest.raises(FishDataError, match=message):
            name_sets(wrong)


@pytest.fixture(scope="module")
def tool():
    path = Path(__file__).resolve().parents[3] / "tools" / "dataset" / "merge.py"
    spec = importlib.util.spec_from_file_location("merge_tool", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tool_writes_a_folder_and_its_account(tool, folders, tmp_path, capsys):
    out = tmp_path / "out"
    tool.run(tool.parse_arguments([*map(str, folders.values()), str(out), "--names", "ko"]))
    shown = capsys.readouterr().out
    assert "'fish' is ignored: wider than 고등어" in shown
    report = json.loads((out / "merge.json").read_text())
    assert report["classes"][0] == "고등어" and report["boxes"]["boxes_in"] == 10
    assert read_folder(out)["train"].annotations.classes == tuple(report["classes"])
    with pytest.raises(FishDataError, match="holds files already"):
        tool.run(tool.parse_arguments([*map(str, folders.values()), str(out)]))


def test_real_sets_merge_without_losing_a_box(fishdet_data):
    """Counts from the JSON files themselves."""
    sets = {name: read_folder(fishdet_data / name) for name in ("deepfish", "aquarium")}
    document = merge_document(merge_sets(sets))
    counts = {"boxes": 0, "fish": 0}
    for name in sets:
        for split in ("train", "val"):
            data = json.loads((fishdet_data / name / f"{split}.json").read_text())
            spelled = {c["id"]: c["name"] for c in data["categories"]}
            counts["boxes"] += len(data["annotations"])
            counts["fish"] += sum(spelled[a["category_id"]] == "fish" for a in data["annotations"])
    assert document["boxes"]["boxes_in"] == counts["boxes"]
    assert document["boxes"]["boxes_ignored"] == counts["fish"] > 0
    assert document["boxes"]["boxes_left_out"] == 0
    assert len(document["classes"]) == 12
