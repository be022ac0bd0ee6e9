"""Tell the model from the pictures on a command line where the model may be left out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fishdet.checkpoint.finding import holds_checkpoint
from fishdet.checkpoint.index.entries import NAME
from fishdet.checkpoint.index.fetch import SCHEMES, SUFFIXES
from fishdet.errors import FishdetError

from .exported import SUFFIXES as EXPORTED
from .inputs import SUFFIXES as IMAGE_SUFFIXES
from .sources import VIDEO_SUFFIXES


def split_model(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """Return the model, or None where only pictures are named, and the pictures.

    Raises:
        FishdetError: a model and no pictures; a folder of weights that is no work dir.
    """
    first, rest = arguments[0], list(arguments[1:])
    model = is_model(first)
    if model and not rest:
        raise FishdetError(f"{first} is a model; name pictures to look at behind it")
    if model or (rest and could_be_model(first)):
        return first, rest
    _refuse_stray_weights(Path(first))
    return None, [first, *rest]


def _refuse_stray_weights(folder: Path) -> None:
    weights = sorted(path.name for path in folder.glob("*") if _is_weights(path))
    pictures = IMAGE_SUFFIXES | VIDEO_SUFFIXES
    if weights and not any(path.suffix.lower() in pictures for path in folder.rglob("*")):
        more = f" and {len(weights) - 3} more" if len(weights) > 3 else ""
        raise FishdetError(
            f"{folder}: no work dir, and no pictures lie in it; it holds {', '.join(weights[:3])}"
            f"{more}: name the file that is the model"
        )


def _is_weights(path: Path) -> bool:
    suffix = path.suffix.lower()
    if suffix == ".xml":  # annotations are named so, too
        return path.with_suffix(".bin").is_file()
    return suffix in (*SUFFIXES, *EXPORTED)


def is_model(text: str) -> bool:
    """Whether a text is an address, a file of weights, or a folder that holds some."""
    path = Path(text)
    return (
        text.startswith(SCHEMES)
        or path.suffix.lower() in (*SUFFIXES, *EXPORTED)
        or holds_checkpoint(path)
    )


def could_be_model(text: str) -> bool:
    """Whether a text is a word that is no file and no picture's name: a name of an index."""
    path = Path(text)
    picture = path.suffix.lower() in IMAGE_SUFFIXES | VIDEO_SUFFIXES
    camera = text.isdigit()
    return NAME.fullmatch(text) is not None and not (picture or camera or path.exists())
