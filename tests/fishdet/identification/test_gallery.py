"""Galleries: arithmetic by hand, files, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fishdet.errors import FishdetError
from fishdet.identification.gallery import Fitted, Gallery, Photo
from fishdet.identification.gallery_file import read_gallery, write_gallery
from fishdet.identification.likeness import SHARPNESS, blocks_of, likeness
from fishdet.identification.records import SpeciesRecord, matching, record_of


def points(*angles: float) -> np.ndarray:
    return np.stack([[np.cos(a), np.sin(a)] for a in angles]).astype(np.float32)


def photos(*names: str) -> list[Photo]:
    return [Photo(name, name, "CC0-1.0") for name in names]


def two_species() -> Gallery:
    empty = Gallery("net", embeddings=np.zeros((0, 2), np.float32))
    grown = empty.add(record_of("고등어"), points(0.0, 0.1), photos("a", "b"))
    return grown.add(record_of("eel"), points(1.5), photos("c"))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(0, 1000))
def test_likeness_is_that_of_the_weighed_mean(counts: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(len(counts)), counts)
    gallery, queries = (
        values / np.linalg.norm(values, axis=1, keepdims=True)
        for values in (rng.normal(size=(n, 4)).astype(np.float32) for n in (len(owner), 35))
    )
    found = likeness(queries, blocks_of(gallery, owner), 3.0)
    for row, query in enumerate(queries):
        for one in range(len(counts)):
            photos = gallery[owner == one]
            middle = (np.exp(3.0 * photos @ query)[:, None] * photos).sum(0)
            expected = query @ middle / np.linalg.norm(middle)
            assert found[row, one] == pytest.approx(expected, abs=1e-5)


def test_a_species_of_few_photos_stands_beside_one_of_many() -> None:
    rng = np.random.default_rng(0)
    centres = np.eye(2, 16, dtype=np.float32)
    centres[1, 0] = 0.7  # look-alikes
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)

    def fish(one: int, count: int) -> np.ndarray:
        near = centres[one] + rng.normal(0, 0.25, (count, 16)).astype(np.float32)
        return near / np.linalg.norm(near, axis=1, keepdims=True)

    gallery = np.concatenate([fish(0, 100), fish(1, 5)])
    blocks = blocks_of(gallery, np.repeat([0, 1], [100, 5]))
    taken = likeness(fish(1, 200), blocks)
    assert (taken[:, 1] > taken[:, 0]).mean() > 0.8
    # the mean of the five nearest photos would give most of them to the species of many
    cosines = fish(1, 200) @ gallery.T
    nearest = np.sort(cosines[:, :100], axis=1)[:, -5:].mean(1)
    assert (cosines[:, 100:].mean(1) > nearest).mean() < 0.3


def test_similarities_by_hand() -> None:
    found = two_species().similarities(points(0.0))
    share = 1 / (1 + np.exp(SHARPNESS * (np.cos(0.1) - 1)))  # of the photo at 0.0
    middle = share * points(0.0)[0] + (1 - share) * points(0.1)[0]
    assert found[0] == pytest.approx([middle[0] / np.hypot(*middle), np.cos(1.5)], abs=1e-6)
    with pytest.raises(FishdetError, match="enrol its photos anew"):
        two_species().similarities(np.zeros((1, 3), np.float32))


def test_adding_removing_and_merging() -> None:
    gallery = two_species()
    again = gallery.add(record_of("mackerel"), points(0.0, 0.2), photos("a", "d"))
    assert again.counts.tolist() == [3, 1]  # 'a' was there, and 고등어 is mackerel
    assert again.remove(record_of("eel").id).counts.tolist() == [3]
    with pytest.raises(FishdetError, match="has no species 'shark'"):
        gallery.remove("shark")
    other = Gallery("net", embeddings=np.zeros((0, 2), np.float32))
    other = other.add(record_of("eel"), points(1.4, 1.5), photos("e", "c"))
    assert gallery.merge(other).counts.tolist() == [2, 2]
    with pytest.raises(FishdetError, match="two networks"):
        gallery.merge(Gallery("another"))
    emptied = gallery.remove(gallery.species[0].id).remove(gallery.species[1].id)
    with pytest.raises(FishdetError, match="gallery is empty"):
        emptied.similarities(points(0.0))


def test_a_file_keeps_everything(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "g.safetensors"
    gallery = two_species().calibrated(Fitted(0.05, {"species": 0.5}, 0.1, {"crops": 3}))
    write_gallery(path, gallery)
    back = read_gallery(path, "net")
    assert back.species == gallery.species and back.photos == gallery.photos
    assert back.fitted == gallery.fitted
    assert np.array_equal(back.embeddings, gallery.embeddings)
    assert [entry.name for entry in path.parent.iterdir()] == ["g.safetensors"]
    write_gallery(path, Gallery("net", embeddings=np.zeros((0, 2), np.float32)))
    assert read_gallery(path).species == ()


def test_what_is_no_gallery_of_this_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "g.safetensors"
    with pytest.raises(FishdetError, match="enrol NAME PHOTOS"):
        read_gallery(path)
    write_gallery(path, two_species())
    with pytest.raises(FishdetError, match="another embedding network"):
        read_gallery(path, "other")
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(FishdetError, match="damaged"):
        read_gallery(path)


def test_names_in_any_language_and_own_ones() -> None:
    mackerel = record_of("고등어")
    assert mackerel.scientific_name == "Scomber japonicus" and mackerel.at("genus")[1] == "Scomber"
    assert mackerel.at("family")[0] == "scombridae"
    with pytest.raises(FishdetError, match="고등어"):
        record_of("고둥어")  # one letter off: proposed, not taken
    with pytest.raises(FishdetError, match="--own"):
        record_of("zyzzyx")
    own = record_of("my wrasse 1", own=True, parent="scombridae")
    assert own.id == "own-my-wrasse-1" and own.at("family")[0] == "scombridae"
    with pytest.raises(FishdetError, match="--parent"):
        record_of("my wrasse 1", own=True, parent="zyzzyx")
    assert matching("Scomber japonicus", [own, mackerel]) == 1
    assert matching("shark", [own, mackerel]) is None
    assert SpeciesRecord("a", "b").at("family") == ("", "")
