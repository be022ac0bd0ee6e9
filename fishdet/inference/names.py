"""What each class of a model is called, as columns that detections index with their labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fish_dataset.catalogue import display_name, find


@dataclass(frozen=True)
class Names:
    """One text a class (C,); empty where the catalogue does not know.

    Attributes:
        class_name: in the language asked for.
        species_id: the catalogue's id.
        scientific_name: of the species or the wider taxon.
        name_ko: in Korean, else the class name as trained.
        name_en: in English, else the class name as trained.
    """

    class_name: np.ndarray
    species_id: np.ndarray
    scientific_name: np.ndarray
    name_ko: np.ndarray
    name_en: np.ndarray

    def of(self, labels: np.ndarray, prefix: str = "") -> dict[str, np.ndarray]:
        """Return the columns (N,) for labels (N,); texts are empty for the label -1."""
        columns = {prefix + name: column for name, column in vars(self).items()}
        empty = np.array([""])
        return {name: np.concatenate([column, empty])[labels] for name, column in columns.items()}


def names_of(classes: Sequence[str], lang: str) -> Names:
    """Return the names of classes.

    Raises:
        FishDataError: an unknown language.
    """
    known = [find(name) for name in classes]
    return Names(
        class_name=_texts(display_name(name, lang) for name in classes),
        species_id=_texts(one.id if one else "" for one in known),
        scientific_name=_texts(one.scientific_name if one else "" for one in known),
        name_ko=_texts(display_name(name, "ko") for name in classes),
        name_en=_texts(display_name(name, "en") for name in classes),
    )


def _texts(values: object) -> np.ndarray:
    return np.array(list(values), dtype=str)  # type: ignore[call-overload]
