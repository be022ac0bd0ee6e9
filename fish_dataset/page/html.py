"""Blocks to one HTML file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from fish_dataset.errors import FishDataError
from fish_dataset.files import write_atomic
from fish_dataset.page.blocks import Badge, Cell, Section, Table

_LONG = 32
"""Letters of a cell from which it is a sentence, whose column is not squeezed to its words."""


def render(
    path: str | os.PathLike,
    title: str,
    sections: Sequence[Section],
    *,
    facts: Sequence[tuple[str, Cell]] = (),
    intro: str = "",
    lang: str = "en",
) -> None:
    """Write a report page; see the package for what it can hold.

    Args:
        path: The HTML file, replaced if it is there. Its folder must exist.
        title: Heading of the page.
        sections: In the order of the page.
        facts: Names and values that stand large at the top.
        intro: Paragraphs under the heading, with an empty line between them.
        lang: Language of the page, as HTML names it ('en', 'ko').

    Raises:
        FishDataError: the file cannot be written.
    """
    target = Path(path)
    text = (
        _template()
        .render(title=title, sections=sections, facts=facts, intro=intro, lang=lang)
        .encode("utf-8", "replace")
    )  # a lone surrogate in a name is no UTF-8
    try:
        write_atomic(target, lambda temporary: _write(temporary, text))
    except OSError as error:
        raise FishDataError(f"{target}: cannot be written: {error.strerror or error}") from error


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def page_environment(package: str, folder: str) -> Environment:
    """Return the jinja environment of pages whose templates lie in a folder of a package: every
    text is escaped, a name that a template misspells is an error."""
    return Environment(
        loader=PackageLoader(package, folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = page_environment("fish_dataset.page", ".")
    environment.filters["cell"] = _cell_text
    environment.tests["numeric"] = _is_number
    environment.tests["sentence"] = _is_sentence
    environment.tests["badge"] = lambda value: isinstance(value, Badge)
    environment.globals["numeric_columns"] = _numeric_columns
    environment.globals["kind"] = lambda block: type(block).__name__
    return environment.get_template("page.html")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_sentence(value: object) -> bool:
    return isinstance(value, str) and len(value) > _LONG


def _numeric_columns(table: Table) -> set[int]:
    """Columns that hold numbers, apart from dashes."""
    found = set()
    for column in range(len(table.columns)):
        values = [row[column] for row in table.rows if row[column] is not None]
        if values and all(map(_is_number, values)):
            found.add(column)
    return found


def _cell_text(value: Cell) -> str:
    if value is None or value == "":
        return "–"
    if _is_number(value):
        return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return str(value)
