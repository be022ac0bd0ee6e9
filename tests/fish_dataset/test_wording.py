from __future__ import annotations

from fish_dataset.wording import number_of


def test_one_is_no_plural():
    assert [number_of(n, "picture") for n in (0, 1, 2)] == ["0 pictures", "1 picture", "2 pictures"]
    assert number_of(1, "box", "boxes") == "1 box" and number_of(3, "box", "boxes") == "3 boxes"
