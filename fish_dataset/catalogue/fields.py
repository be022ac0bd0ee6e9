"""The fields of a catalogue entry in TOML, and what each may hold."""

from __future__ import annotations

from .checks import Check, choice, day, list_of, maybe_text, positive, record, text, texts, whole
from .species import (
    RANKS,
    Closed,
    Conservation,
    Danger,
    Habitat,
    KoreaLaw,
    Season,
    Similar,
    Size,
)

WATERS = ("freshwater", "brackish", "marine")
DANGERS = ("venom", "toxin", "ciguatera", "electric", "spines", "teeth")
IUCN = ("LC", "NT", "VU", "EN", "CR", "EW", "EX", "DD", "NE")

_CLOSED = record(Closed, {"first": day, "last": day, "note": text}, "first", "last")

FIELDS: dict[str, Check] = {
    "id": text,
    "scientific_name": maybe_text,
    "rank": choice(RANKS),
    "names": record(dict, dict.fromkeys(("ko", "en", "zh", "ja", "fr", "es", "ru", "la"), texts)),
    "parent": text,
    "synonyms": texts,
    "labels": texts,
    "authority": text,
    "aphia_id": whole(1, 10**9),
    "size": record(Size, {"max_cm": positive, "common_cm": positive, "measure": text}),
    "habitat": record(
        Habitat,
        {"zone": text, "waters": list_of(choice(WATERS)), "depth_m": list_of(whole(0, 11_000))},
    ),
    "season": list_of(
        record(
            Season,
            {
                "event": text,
                "first_month": whole(1, 12),
                "last_month": whole(1, 12),
                "where": text,
            },
            "event",
            "first_month",
            "last_month",
        )
    ),
    "similar": list_of(record(Similar, {"id": text, "tell": text}, "id")),
    "danger": list_of(record(Danger, {"kind": choice(DANGERS), "note": text}, "kind")),
    "conservation": record(Conservation, {"iucn": choice(IUCN), "year": whole(1990, 2100)}, "iucn"),
    "korea_law": record(
        KoreaLaw,
        {
            "min_cm": positive,
            "measure": text,
            "min_g": positive,
            "females": text,
            "closed": list_of(_CLOSED),
            "note": text,
        },
    ),
}
