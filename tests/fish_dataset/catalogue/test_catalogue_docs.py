"""The counts that docs/catalogue.md states are those that the command prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from fish_dataset.catalogue import all_species
from fish_dataset.catalogue.__main__ import main
from fish_dataset.catalogue.gaps import count_named

PAGE = Path(__file__).parents[3] / "docs" / "catalogue.md"


def test_the_page_states_the_counts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FISHDET_CATALOGUE", raising=False)
    assert main(["--gaps"]) == 0
    printed = capsys.readouterr().out
    page = PAGE.read_text(encoding="utf-8")
    assert f"```text\n{printed}```" in page, (
        "put what `python -m fish_dataset.catalogue --gaps` prints into docs/catalogue.md"
    )


def test_named_families_are_counted_one_by_one() -> None:
    families = [one for one in all_species() if one.rank == "family"]
    named = [one for one in families if one.names.get("ko")]
    assert count_named(all_species(), "family", "ko") == (len(named), len(families))
