"""Groups never cross, species are everywhere that they can be, and equal seeds give equal parts."""

from __future__ import annotations

import importlib.util
import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fish_dataset import Annotations, FishDataset, find_splits, read_coco, write_coco
from fish_dataset.errors import FishDataError
from fish_dataset.folder import Part, read_folder
from fish_dataset.splits.files import write_split
from fish_dataset.splits.grouping import find_groups
from fish_dataset.splits.leaks import measure_leak
from fish_dataset.splits.plan import plan_folds, plan_split
from fish_dataset.splits.pooling import pool_folder, pool_parts
from fish_dataset.splits.report import split_document
from fish_dataset.splits.rows import (
    fold_rows,
    images_per_class,
    shortfalls,
    shot_rows,
    split_rows,
)
from fish_dataset.splits.stratify import Problem, stratify

SPLIT = dict(train=0.6, val=0.2, test=0.2)


def of_species(rows: list[list[int]], **meta) -> Annotations:
    """Pictures with one box of each listed species."""
    count, boxes = len(rows), sum(map(len, rows))
    return Annotations(
        classes=tuple("abcdefgh"),
        image_ids=np.arange(1, count + 1),
        file_names=[f"{row}.jpg" for row in range(count)],
        widths=np.full(count, 64),
        heights=np.full(count, 48),
        box_ids=np.arange(1, boxes + 1),
        box_image=np.repeat(np.arange(count), list(map(len, rows))),
        bboxes=np.full((boxes, 4), 9),
        labels=[label for row in rows for label in row],
        crowd=np.zeros(boxes),
        ignore=np.zeros(boxes),
        areas=np.full(boxes, 81),
        image_meta=meta,
    )


PICTURES = st.lists(
    st.tuples(st.integers(0, 5), st.lists(st.integers(0, 7), max_size=3)), min_size=8, max_size=40
)


@given(PICTURES, st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_parts_are_a_partition_that_no_group_crosses(pictures, seed):
    groups = np.unique([group for group, _ in pictures], return_inverse=True)[1].reshape(-1)
    data = of_species([species for _, species in pictures])
    if groups.max() < 2:
        with pytest.raises(FishDataError, match="cannot make 3 parts"):
            split_rows(data, groups, SPLIT, seed)
        return
    parts = split_rows(data, groups, SPLIT, seed)
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(len(pictures)))
    held = [set(groups[rows].tolist()) for rows in parts.values()]
    assert all(held) and not held[0] & held[1] and not held[0] & held[2] and not held[1] & held[2]
    again = split_rows(data, groups, SPLIT, seed)
    assert all(np.array_equal(parts[name], again[name]) for name in parts)
    named = {(one.species, one.part) for one in shortfalls(data, groups, parts)}
    occurs = images_per_class(data)
    for label, species in enumerate(data.classes):
        for name, rows in parts.items():
            assert ((species, name) in named) == (not occurs[rows, label].any())


def _problem(rng, groups: int) -> Problem:
    counts = np.column_stack([rng.integers(1, 9, groups), rng.random((groups, 5)) < 0.4])
    counts = counts.astype(float)
    species = np.array([False] + [True] * 5) & counts.any(axis=0)
    return Problem(
        counts, np.array([0.6, 0.2, 0.2]), np.ones(6), species, np.array([1000.0, 10.0, 9.0])
    )


def test_the_deal_is_the_best_of_all():
    """Against every deal of seven groups into three parts."""
    rng = np.random.default_rng(0)
    deals = np.array(list(itertools.product(range(3), repeat=7)))
    for number in range(12):
        problem = _problem(rng, 7)
        best = min(problem.cost(deal) for deal in deals)
        assert problem.cost(stratify(problem, seed=number)) <= best + 1e-9, number


def test_the_cost_is_what_it_says():
    counts = np.array([[4.0, 1], [2, 0], [2, 1]])
    problem = Problem(
        counts,
        np.array([0.5, 0.5]),
        np.array([1.0, 2]),
        np.array([False, True]),
        np.array([7.0, 3]),
    )
    # Part 0 has half the pictures and half the species, part 1 the same.
    assert problem.cost(np.array([0, 1, 1])) == pytest.approx(0)
    # Part 1 has 2 of 8 pictures and no species: 3, and (0.25² + 2 · 0.5²) twice.
    assert problem.cost(np.array([0, 1, 0])) == pytest.approx(3 + 2 * (0.0625 + 0.5))
    assert problem.cost(np.array([0, 0, 0])) > 1e6


def test_a_species_that_can_be_is_everywhere():
    """Three groups hold the rare species; the rest of the pictures would balance without them."""
    rows = [[0]] * 27 + [[0, 1], [1], [1, 2]]
    groups = np.arange(30)
    parts = split_rows(of_species(rows), groups, SPLIT)
    occurs = images_per_class(of_species(rows))
    assert all(occurs[part, 1].sum() == 1 for part in parts.values())
    assert occurs[parts["train"], 2].any()  # a species of one group is trained
    assert [len(part) for part in parts.values()] == [18, 6, 6]


def test_deepfish_by_site_against_a_count_by_hand(fishdet_data):
    pool = pool_folder(fishdet_data / "deepfish")
    plan = plan_split(pool, by=["site"], ratios=[0.7, 0.3])
    sites = list(pool.part.annotations.image_meta["site"])
    train, val = ({sites[row] for row in plan.parts[name]} for name in ("train", "val"))
    assert not train & val and len(train | val) == 9
    at_one_site = {"Amniataba caudivittatus", "Epinephelus", "Lutjanus russellii"}
    assert {(one.species, one.part) for one in plan.missing} == {(s, "val") for s in at_one_site}


def test_a_random_split_leaks_where_one_by_site_does_not(fishdet_data):
    """DeepFish's two published splits, counted here from the JSON by sets."""
    folder = fishdet_data / "deepfish"
    shares = {}
    for suffix in ("", "_random"):
        sides = [json.loads((folder / f"{s}{suffix}.json").read_text()) for s in ("train", "val")]
        train, val = ([(i["video"], i["file_name"]) for i in side["images"]] for side in sides)
        videos = {video for video, _ in train}
        expected = sum(video in videos for video, _ in val)
        parts = {
            name: Part(read_coco(folder / f"{name}{suffix}.json", check_images=False)[0], folder)
            for name in ("train", "val")
        }
        pool = pool_parts(parts)
        data = pool.part.annotations
        groups = find_groups(data, ["video"]).index
        leak = measure_leak(data.file_names, groups, pool.splits["train"], pool.splits["val"])
        assert (leak.pictures, leak.same_group) == (len(val), expected)
        shares[suffix] = (leak.same_group / leak.pictures, leak.neighbour / leak.pictures)
    assert shares[""] == (0, 0)
    assert shares["_random"][0] == 1 and shares["_random"][1] > 0.5


def test_neighbours_and_look_alikes_are_counted():
    data = replace(
        of_species([[0]] * 6),
        file_names=[f"a_{n}.jpg" for n in (1, 2, 3, 7)] + ["b_3.jpg", "c.jpg"],
    )
    train, held = np.array([0, 3]), np.array([1, 2, 4, 5])
    pairs = np.array([[3, 5], [1, 2]])
    leak = measure_leak(data.file_names, np.array([0, 0, 1, 1, 2, 2]), train, held, pairs)
    # a_2 follows a_1; a_3 and a_7 are further apart than usual; c looks like a_7, a_2 like a_3.
    assert (leak.pictures, leak.same_group, leak.neighbour, leak.alike) == (4, 2, 1, 1)
    assert "1 of 4 (25.0 %) look nearly like" in leak.words()


@pytest.mark.parametrize(
    ("ratios", "message"),
    [([0.5, -0.1], "positive numbers"), ([0.5], "two or three"), ([1, float("nan")], "positive")],
)
def test_ratios_that_are_none_are_refused(ratios, message):
    pool = pool_parts({"train": Part(of_species([[0]] * 6), Path("."))})
    with pytest.raises(FishDataError, match=message):
        plan_split(pool, by=["image"], ratios=ratios)


def test_folds_cover_everything_once():
    data = of_species([[n % 3] for n in range(31)])
    folds = fold_rows(data, np.arange(31) // 2, 4, seed=5)
    assert sorted(np.concatenate(folds).tolist()) == list(range(31))
    assert max(map(len, folds)) - min(map(len, folds)) <= 2
    assert images_per_class(data)[folds[0]][:, :3].any(axis=0).all()
    with pytest.raises(FishDataError, match="at least 2"):
        fold_rows(data, np.arange(31), 1)


@given(PICTURES, st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_few_shot_subsets_are_nested_and_no_larger_than_needed(pictures, seed):
    data = of_species([species for _, species in pictures])
    occurs = images_per_class(data)
    if not occurs.any():
        with pytest.raises(FishDataError, match="no picture has a box"):
            shot_rows(data, [1], seed)
        return
    subsets = shot_rows(data, [5, 1, 2], seed)
    assert list(subsets) == [1, 2, 5]
    assert set(subsets[1]) <= set(subsets[2]) <= set(subsets[5])
    for count, rows in subsets.items():
        wanted = np.minimum(count, occurs.sum(axis=0))
        assert (occurs[rows].sum(axis=0) >= wanted).all()
        assert len(rows) <= wanted.sum()


def test_ignored_boxes_make_no_species_present():
    data = of_species([[0], [1], [0]])
    data = replace(data, ignore=[False, True, False])
    assert images_per_class(data).any(axis=0).tolist()[:2] == [True, False]


@pytest.fixture
def folder(tmp_path, write, draw) -> Path:
    """train and val of 8 and 4 pictures in two videos each, ``0.png`` in both for two pictures."""

    def document(names, first):
        return {
            "images": [
                {
                    "id": i,
                    "file_name": n,
                    "width": 64,
                    "height": 48,
                    "video": f"v{(first + i) // 2}",
                }
                for i, n in enumerate(names, 1)
            ],
            "annotations": [
                {"id": i, "image_id": i, "category_id": i % 2 + 1, "bbox": [4, 4, 20, 20]}
                for i in range(1, len(names) + 1)
            ],
            "categories": [{"id": 1, "name": "eel"}, {"id": 2, "name": "salmon"}],
        }

    for split, names, first in (("train", range(8), 0), ("valid", [0, 20, 21, 22], 20)):
        files = [f"{n}.png" for n in names]
        write(document(files, first), f"data/{split}/_annotations.coco.json")
        draw(tmp_path / "data" / split, files)
    return tmp_path / "data"


def test_splits_are_pooled_and_equal_names_told_apart(folder):
    pool = pool_folder(folder)
    names = list(pool.part.annotations.file_names)
    assert len(set(names)) == 12 and {"train/0.png", "val/0.png"} <= set(names)
    assert "the splits train (8), val (4) were pooled first" in pool.notes[0]
    assert "1 file names stood in two splits" in pool.notes[1]


def test_a_picture_of_two_splits_is_kept_once(folder):
    parts = read_folder(folder)
    pool = pool_parts({"train": parts["train"], "val": parts["train"]})
    assert pool.part.annotations.num_images == 8
    assert "8 pictures stood in two splits" in " ".join(pool.notes)


def test_classes_that_differ_in_case_between_splits_are_refused(folder):
    parts = read_folder(folder)
    other = replace(parts["val"].annotations, classes=("Eel", "salmon"))
    with pytest.raises(FishDataError, match="'eel' and 'Eel'"):
        pool_parts(parts | {"val": Part(other, parts["val"].image_dir)})


def _bytes(part: Part) -> list[bytes]:
    names = part.annotations.file_names
    return sorted((part.image_dir / name).read_bytes() for name in names)


def test_a_written_split_holds_every_picture_and_box(folder, tmp_path):
    plan = plan_split(pool_folder(folder), ratios=[0.5, 0.25, 0.25], shots=[1, 2])
    write_split(tmp_path / "out", plan, split_document(plan))
    back = read_folder(tmp_path / "out")
    assert list(back) == ["train", "val", "test"]
    before = read_folder(folder)
    assert sorted(sum(map(_bytes, back.values()), [])) == sorted(
        sum(map(_bytes, before.values()), [])
    )
    assert sum(part.annotations.num_boxes for part in back.values()) == 12
    report = json.loads((tmp_path / "out" / "split.json").read_text())
    assert report["parts"]["train"]["images"] == back["train"].annotations.num_images
    few = read_folder(tmp_path / "out" / "shots_1")
    assert few["val"].annotations.equals(back["val"].annotations)
    assert 1 <= few["train"].annotations.num_images <= 2
    split = find_splits(tmp_path / "out" / "shots_2")["train"]
    dataset = FishDataset(ann_file=str(split.ann_file), data_prefix={"img": str(split.image_dir)})
    assert dataset.annotations.classes == ("eel", "salmon")


def test_written_folds_are_data_folders(folder, tmp_path):
    plan = plan_folds(pool_folder(folder), 3)
    write_split(tmp_path / "out", plan, split_document(plan), images="hardlink")
    held = []
    for number in (1, 2, 3):
        parts = read_folder(tmp_path / "out" / f"fold_{number}")
        assert sum(part.annotations.num_images for part in parts.values()) == 12
        held += list(parts["val"].annotations.file_names)
    assert len(held) == len(set(held)) == 12


def test_annotations_alone_link_to_the_pictures(drawn_data, tmp_path):
    plan = plan_split(pool_folder(drawn_data), by=["image"], keep_test=False)
    write_split(tmp_path / "out", plan, split_document(plan), annotations_only=True)
    parts = read_folder(tmp_path / "out")
    assert sum(part.annotations.num_images for part in parts.values()) == 18
    assert (tmp_path / "out" / "images").is_symlink()


def test_annotations_alone_of_several_folders_are_refused(folder, tmp_path):
    plan = plan_split(pool_folder(folder), ratios=[0.5, 0.5])
    with pytest.raises(FishDataError, match="--images symlink"):
        write_split(tmp_path / "out", plan, {}, annotations_only=True)
    assert not (tmp_path / "out").exists()


def test_a_picture_lost_on_the_way_leaves_nothing_behind(folder, tmp_path):
    plan = plan_split(pool_folder(folder), ratios=[0.5, 0.5])
    (folder / "train" / "3.png").unlink()
    with pytest.raises(FishDataError, match="3.png.*was not written"):
        write_split(tmp_path / "out", plan, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def test_a_kept_test_split_stays_and_its_leak_is_told(folder, draw):
    parts = read_folder(folder)
    of_train = parts["train"].annotations.image_meta["video"][0]
    names = ["50.png", "51.png", "52.png", "53.png"]
    test = replace(
        parts["val"].annotations,
        image_meta={"video": [of_train, "x", "y", "z"]},
        file_names=names,
    )
    draw(folder / "test", names)
    write_coco(test, folder / "test" / "_annotations.coco.json")
    pool = pool_folder(folder)
    plan = plan_split(pool, keep_test=True)
    assert np.array_equal(plan.parts["test"], pool.splits["test"])
    assert sum(map(len, plan.parts.values())) == 16
    assert "share a group with the kept test split" in " ".join(plan.notes)
    with pytest.raises(FishDataError, match="two, of train and val"):
        plan_split(pool, keep_test=True, ratios=[0.7, 0.2, 0.1])
    folds = plan_folds(pool, 3, keep_test=True)
    assert np.array_equal(folds.parts["test"], pool.splits["test"])


@pytest.fixture(scope="module")
def tool():
    path = Path(__file__).resolve().parents[3] / "tools" / "dataset" / "split.py"
    spec = importlib.util.spec_from_file_location("split_tool", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tool_shows_and_writes(tool, folder, tmp_path, capsys):
    tool.run(tool.parse_arguments([str(folder), "--ratios", "0.5", "0.5", "--look"]))
    shown = capsys.readouterr().out
    assert "groups by video" in shown and "random split" in shown and "look nearly like" in shown
    tool.run(tool.parse_arguments([str(folder), str(tmp_path / "out"), "--folds", "2"]))
    assert (tmp_path / "out" / "fold_2" / "val.json").is_file()
    with pytest.raises(FishDataError, match="--folds goes with neither"):
        tool.run(tool.parse_arguments([str(folder), "--folds", "2", "--shots", "1"]))
