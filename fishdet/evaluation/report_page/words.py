"""What the pages say, in two languages; the texts stand in ``words.toml``."""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib.resources import files

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def word(key: str, lang: str, **values: object) -> str:
    """The text of ``key`` in ``lang`` ('en' or 'ko') with ``values`` put in.

    Raises:
        KeyError: there is no such text.
    """
    text = _texts()[key][lang]
    return text.format(**values) if values else text


@lru_cache(maxsize=1)
def _texts() -> dict[str, dict[str, str]]:
    source = files("fishdet.evaluation.report_page") / "words.toml"
    return tomllib.loads(source.read_text(encoding="utf-8"))
