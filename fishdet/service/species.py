"""Species cards: an entry of the catalogue as JSON, each fact with its sources."""

from __future__ import annotations

from dataclasses import asdict

from pydantic import BaseModel, Field

from fish_dataset.catalogue import Species, all_species, catalogue, find, lineage, search

SEARCH = 12


class SpeciesName(BaseModel):
    """A species in a list."""

    id: str
    scientific_name: str
    rank: str
    name_ko: str
    name_en: str
    known_to_model: bool


class SpeciesList(BaseModel):
    """Entries of the catalogue."""

    species: list[SpeciesName]


class SimilarSpecies(BaseModel):
    """A species that it is taken for; ``tell``: what tells the described one from it."""

    id: str
    scientific_name: str
    name_ko: str
    name_en: str
    tell: str


class SourceText(BaseModel):
    """Where facts were read, and on which day."""

    title: str
    url: str
    accessed: str
    fields: list[str] = Field(description="what was read there")


class SpeciesCard(SpeciesName):
    """All that the catalogue holds; an empty field is 'not known here', never 'has none'."""

    names: dict[str, list[str]]
    lineage: list[str] = Field(description="scientific names of the wider groups, narrow first")
    size: dict[str, float | str | None] | None
    habitat: dict[str, str | list[str] | list[int]] | None
    season: list[dict[str, str | int]]
    danger: list[dict[str, str]]
    conservation: dict[str, str | int | None] | None
    korea_law: dict[str, object] | None
    similar: list[SimilarSpecies]
    sources: list[SourceText]


def species_list(known: frozenset[str], only_known: bool) -> SpeciesList:
    """Return the catalogue, species of the model first."""
    entries = [one for one in all_species() if one.id in known or not only_known]
    entries.sort(key=lambda one: one.id not in known)
    return SpeciesList(species=[SpeciesName.model_validate(_name(one, known)) for one in entries])


def species_search(text: str, known: frozenset[str], only_known: bool) -> SpeciesList:
    """Return the entries that ``text`` may mean, the likeliest first."""
    entries = [match.species for match in search(text, at_most=SEARCH)]
    chosen = [one for one in entries if one.id in known or not only_known]
    return SpeciesList(species=[SpeciesName.model_validate(_name(one, known)) for one in chosen])


def species_card(id_: str, known: frozenset[str]) -> SpeciesCard | None:
    """Return the card of an entry, by its id; None where there is none."""
    one = catalogue().by_id.get(id_)
    if one is None:
        return None
    facts = {name: value for name, value in asdict(one).items() if name in SpeciesCard.model_fields}
    return SpeciesCard.model_validate(
        facts
        | _name(one, known)
        | {"lineage": [wider.scientific_name or wider.id for wider in lineage(one)]}
        | {"similar": _similar(one), "sources": _sources(one)}
    )


def known_ids(classes: tuple[str, ...]) -> frozenset[str]:
    """Return the ids of the classes that the catalogue has."""
    return frozenset(one.id for one in map(find, classes) if one is not None)


def _name(one: Species, known: frozenset[str]) -> dict[str, str | bool]:
    return {
        "id": one.id,
        "scientific_name": one.scientific_name,
        "rank": one.rank,
        "name_ko": next(iter(one.names.get("ko", ())), ""),
        "name_en": next(iter(one.names.get("en", ())), ""),
        "known_to_model": one.id in known,
    }


def _similar(one: Species) -> list[SimilarSpecies]:
    by_id = catalogue().by_id
    named = [(_name(by_id[similar.id], frozenset()), similar.tell) for similar in one.similar]
    return [
        SimilarSpecies(**{key: str(name[key]) for key in ("id", "scientific_name", "name_ko",
                                                         "name_en")}, tell=tell)
        for name, tell in named
    ]  # fmt: skip


def _sources(one: Species) -> list[SourceText]:
    texts: dict[str, SourceText] = {}
    for name, sources in one.sources.items():
        for source in sources:
            text = SourceText(
                title=source.title, url=source.url, accessed=source.accessed, fields=[]
            )
            texts.setdefault(source.key, text).fields.append(name)
    return list(texts.values())
