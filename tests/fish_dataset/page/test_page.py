"""The report page: whole in itself, safe for hostile text, the same for the same values."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import matplotlib
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

matplotlib.use("Agg")
from matplotlib.figure import Figure as MatplotlibFigure

from fish_dataset import FishDataError
from fish_dataset.page import Badge, Figure, Grid, Picture, Section, Table, Text, render

VOID = {"meta", "img", "br", "link"}


class Page(HTMLParser):
    """Tags, attributes and text of a page; raises where tags do not close in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return "\n".join(self.texts)


SECOND = "a title longer than the words that are tried, since a caption like it is left out"


def everything(word: str) -> list[Section]:
    pixels = np.zeros((4, 6, 3), np.uint8)
    table = Table((word, "n"), [(word, 1234567), (Badge(word, "error"), None)], word)
    folded = Table(("a",), [(1.5,)], word, folded=True)
    svg = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><path d='M0 0'/></svg>"
    return [
        Section(word, [Text(f"{word}\n\nsecond"), table, folded], Badge(word, "good")),
        Section(SECOND, [Figure.from_svg(svg, word), Grid([Picture.of(pixels, word, word)], word)]),
    ]


def written(path, word: str, **more) -> Page:
    render(path, word, everything(word), facts=[(word, 5)], intro=word, **more)
    return Page(path.read_text(encoding="utf-8"))


HOSTILE = "</style><script>alert(1)</script><img src=x onerror=alert(1)>\"' & {{ 7 * 7 }} </td>"


@pytest.mark.parametrize("word", ["고등어 Mackerel", HOSTILE])
def test_text_comes_back_as_it_was(tmp_path, word):
    page = written(tmp_path / "page.html", word)
    # title, heading, intro, fact, nav, section and its badge, text, caption, head, cell, badge,
    # folded caption, figure, grid, picture's name and note
    assert page.texts.count(word) >= 15
    tags = [tag for tag, _ in page.tags]
    assert "script" not in tags
    assert not any(key.startswith("on") for _, attributes in page.tags for key in attributes)


@given(word=st.text(min_size=1, max_size=40))
@example(word="\n\n")
@example(word="one\n\ntwo")
def test_any_text_keeps_the_page_whole(tmp_path_factory, word):
    plain = re.sub(r"[^\n]", "x", word)  # empty lines part paragraphs
    page = written(tmp_path_factory.getbasetemp() / "any.html", word)
    assert [tag for tag, _ in page.tags] == [
        tag for tag, _ in written(tmp_path_factory.getbasetemp() / "plain.html", plain).tags
    ]


def test_nothing_is_loaded_from_outside(tmp_path):
    page = written(tmp_path / "page.html", "x")
    for _, attributes in page.tags:
        for key in ("src", "href", "data", "action"):
            value = attributes.get(key, "#")
            assert value.startswith(("#", "data:image/"))
    assert "url(" not in (tmp_path / "page.html").read_text()
    policy = next(a["content"] for _, a in page.tags if "http-equiv" in a)
    assert "default-src 'none'" in policy and "script" not in policy


def test_numbers_dashes_and_language(tmp_path):
    page = written(tmp_path / "page.html", "x", lang="ko")
    assert ("html", {"lang": "ko"}) in page.tags
    assert "1\u202f234\u202f567" in page.text and "1.5" in page.text and "–" in page.text
    assert ("th", {"scope": "col", "class": "n"}) in page.tags


def test_links_lead_to_sections(tmp_path):
    page = written(tmp_path / "page.html", "x")
    ids = {a["id"] for _, a in page.tags if "id" in a}
    links = {a["href"][1:] for tag, a in page.tags if tag == "a"}
    assert links <= ids and {"s1", "s2", "top"} <= ids


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="row 1 has 1 cells under 2"):
        Table(("a", "b"), [(1, 2), (1,)])


def test_drawings_are_the_same_bytes_each_time():
    def draw() -> Figure:
        figure = MatplotlibFigure()
        figure.subplots().plot([1, 3, 2])
        return Figure.from_matplotlib(figure, "curve")

    assert draw() == draw() and draw().uri.startswith("data:image/svg+xml;base64,")


def test_only_wide_drawings_keep_their_width_on_a_phone(tmp_path):
    drawn = [MatplotlibFigure(figsize=(width, 3)) for width in (4.6, 8)]
    blocks = [Figure.from_matplotlib(figure, f"drawing {k}") for k, figure in enumerate(drawn)]
    render(tmp_path / "page.html", "x", [Section("drawing 1", blocks)])
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert [part.split('"')[0] for part in text.split('figure class="')[1:]] == [
        "drawing",
        "drawing wide",
    ]
    assert "<figcaption>drawing 0<" in text and "<figcaption>drawing 1<" not in text


def test_a_page_that_cannot_be_written(tmp_path):
    with pytest.raises(FishDataError, match="cannot be written"):
        render(tmp_path / "none" / "page.html", "x", [])
    assert list(tmp_path.iterdir()) == []
