"""What picture names tell of their origin: the same clip, or shots taken one after the other.

The rule, learned on the whole list of names:

1. Leading split folders (``train/``), the ending and Roboflow's suffix
   (``_jpg.rf.<32 hex digits>``) are dropped.
2. The last number is the counter; what stands before it, without a word for "frame" and without
   separators, is the stem: ``7117_Caranx_f000263`` → ``7117_Caranx``, 263;
   ``IMG_8581_MOV-2`` → ``IMG_8581_MOV``, 2. A stem is a clip: its pictures belong together.
3. A stem that says nothing – empty, a camera's own (``IMG``, ``DSC``, ``GOPR``, …), or one that
   every picture shares – is no clip. Its pictures belong together while they follow one another,
   which is when a counter is at most the stem's most frequent step (1 for a camera's shots) above
   the one before.
4. A name without a number belongs to itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

_ROBOFLOW = re.compile(
    r"(?:[_.](?:jpe?g|png|bmp|tiff?|webp))+\.rf\.[0-9a-z]{16,64}$", re.IGNORECASE
)
_ENDING = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}$")
_SPLIT_FOLDER = re.compile(r"^(?:(?:images?|train|valid|val|test|training|validation)/)+")
_COUNTER = re.compile(
    r"^(?P<stem>.*?)(?:(?:^|(?<=[/\s_.\-]))(?:frames?|frm|fr|f|img|image|pic))?"
    r"[\s_.\-]*\(?(?P<number>\d{1,18})\)?$",
    re.IGNORECASE | re.DOTALL,
)
_CAMERA = re.compile(
    r"(?:^|/)(?:|img|image|dscn?|dscf|dsc0|mvi|gopr|gp|gh|gx|dji|pxl|p|pict?|photo|picture|shot|"
    r"capture|snapshot|screenshot|still|frame)$",
    re.IGNORECASE,
)


def split_name(name: str) -> tuple[str, int | None]:
    """The stem and the counter of a picture's name (steps 1 and 2); None where it has no number."""
    base = _ENDING.sub("", _ROBOFLOW.sub("", _ENDING.sub("", name)))
    base = _SPLIT_FOLDER.sub("", base)
    match = _COUNTER.match(base)
    if match is None:
        return base, None
    return match["stem"].rstrip(" _.-"), int(match["number"])


def says_nothing(stem: str) -> bool:
    """Whether a stem is empty or a camera's own, so that it names no clip."""
    return _CAMERA.search(stem) is not None


def name_keys(names: Iterable[str]) -> list[str]:
    """A key for each picture: equal keys belong together by the rule above.

    Args:
        names: N file names with forward slashes.

    Returns:
        N keys: the stem of a clip, ``stem 12…19`` for shots in a row, or the whole name.
    """
    parts = [split_name(name) for name in names]
    stems = {stem for stem, number in parts if number is not None}
    only = stems if len(stems) == 1 and all(number is not None for _, number in parts) else set()
    runs = {
        stem: _runs([number for other, number in parts if other == stem and number is not None])
        for stem in stems
        if says_nothing(stem) or stem in only
    }
    return [_key(stem, number, runs) for stem, number in parts]


def _key(stem: str, number: int | None, runs: dict[str, dict[int, str]]) -> str:
    if number is None or stem not in runs:
        return stem
    return f"{stem} {runs[stem][number]}".strip()


def usual_step(numbers: Iterable[int]) -> int:
    """The most frequent gap between counters, the smallest of those equally frequent; at least 1.

    The smallest, so that a list without a rhythm is not one run.
    """
    ordered = sorted(set(numbers))
    gaps = [after - before for before, after in zip(ordered, ordered[1:], strict=False)]
    return min(_modes(gaps)) if gaps else 1


def _runs(numbers: Sequence[int]) -> dict[int, str]:
    """Name each number's run ``first…last``; a run breaks at a gap above the usual step."""
    ordered = sorted(set(numbers))
    step = usual_step(ordered)
    gaps = [after - before for before, after in zip(ordered, ordered[1:], strict=False)]
    named: dict[int, str] = {}
    run = ordered[:1]
    for gap, number in zip([*gaps, step + 1], [*ordered[1:], ordered[-1]], strict=True):
        if gap > step:
            label = f"{run[0]}…{run[-1]}" if len(run) > 1 else str(run[0])
            named.update(dict.fromkeys(run, label))
            run = []
        run.append(number)
    return named


def _modes(gaps: Sequence[int]) -> list[int]:
    counts = Counter(gaps)
    most = max(counts.values())
    return [gap for gap, count in counts.items() if count == most]
