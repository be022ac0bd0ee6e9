"""The index of models, ``models.toml``: a name, where its file is, and what it must be.

    format = 1

    [models."lite0-fish"]
    file = "lite0-fish-1a2b3c4d.safetensors"   # beside the index; or: address = "https://…"
    sha256 = "1a2b3c4d…"
    size = 15000000
    mirrors = ["https://…"]                    # may be left out, like all below
    card = "README.md"
    config = "fish"
    data = "aquarium"
    classes = 7
    licence = "Apache-2.0"
    metrics = {mAP = 0.5}

An index may be a stranger's: no entry leads out of its folder or to another kind of address than
http, https and hf, and nothing is stored but the file whose sum it states.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fish_dataset.errors import FishDataError
from fish_dataset.sources.download import Expected
from fish_dataset.sources.transfer import check_address
from fishdet.errors import FishdetError

from ..published import SUFFIX

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

INDEX, FORMAT = "models.toml", 1
MAX_INDEX, MAX_MODEL = 2**20, 2**33  # bytes
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")
HUB = re.compile(r"hf://(?P<repo>[\w.-]+/[\w.-]+)/(?P<file>[^@]+)(?:@(?P<revision>[\w./-]+))?")
_PART = re.compile(r"\w[\w.+ -]*")
_TEXTS = ("card", "config", "data", "licence")
_FIELDS = ("file", "address", "mirrors", "sha256", "size", *_TEXTS, "classes", "metrics")
_LONGEST_TEXT = 500


@dataclass(frozen=True)
class Entry:
    """One model of an index.

    Exactly one of ``file`` (a path below the folder of the index, with ``/``) and ``address``
    (http, https or ``hf://owner/repo/file``) is given. ``size`` is in bytes; ``card`` is a path or
    an address likewise; what is not known is '' or None.
    """

    name: str
    sha256: str
    size: int
    file: str = ""
    address: str = ""
    mirrors: tuple[str, ...] = ()
    card: str = ""
    config: str = ""
    data: str = ""
    licence: str = ""
    classes: int | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def expected(self) -> Expected:
        """What a download must be."""
        return Expected(self.sha256, self.size)


def parse_index(text: str, where: str) -> dict[str, Entry]:
    """Return the entries of an index by name.

    Args:
        text: the TOML.
        where: its path or address, for messages.

    Raises:
        FishdetError: not TOML, a newer format, or an entry that is wrong: names entry and field.
    """
    if len(text.encode()) > MAX_INDEX:
        raise FishdetError(f"{where}: an index of more than {MAX_INDEX:,} bytes is not read")
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise FishdetError(f"{where} is not TOML: {error}") from error
    number = table.pop("format", FORMAT)
    if type(number) is not int or number < 1:
        raise FishdetError(f"{where}: format {number!r} is no number of a format")
    if number > FORMAT:
        raise FishdetError(
            f"{where}: is in format {number}, and this fishdet reads up to {FORMAT}; update fishdet"
        )
    models = table.pop("models", {})
    if table:
        raise FishdetError(f"{where}: unknown field {min(table)!r}; entries are [models.NAME]")
    if not isinstance(models, dict) or not all(isinstance(one, dict) for one in models.values()):
        raise FishdetError(f"{where}: entries must be written as [models.NAME] tables")
    return {name: _entry(name, one, f"{where}, model {name!r}") for name, one in models.items()}


def render(entry: Entry) -> str:
    """Return the TOML table of an entry; what is not known is left out."""
    values = {key: getattr(entry, key) for key in _FIELDS}
    known = {key: value for key, value in values.items() if value not in ("", (), None, {})}
    lines = [f"{key} = {_toml(value)}" for key, value in known.items()]
    return "\n".join([f"[models.{_toml(entry.name)}]", *lines]) + "\n"


def render_index(entries: Iterable[Entry]) -> str:
    """Return the TOML of an index, which begins with its format."""
    return "\n".join([f"format = {FORMAT}\n", *map(render, entries)])


def checked(entry: Entry, where: str) -> Entry:
    """Return an entry made in Python once it has passed the checks of one that is read.

    Raises:
        FishdetError: as ``parse_index``.
    """
    return parse_index(render(entry), where)[entry.name]


def check_source(address: str, where: str) -> str:
    """Return an address that a model can be fetched from.

    Raises:
        FishdetError: not http, https or ``hf://owner/repo/file.safetensors``.
    """
    if address.startswith("hf://"):
        found = HUB.fullmatch(address)
        if not found or not address.isprintable() or not is_inside(found["file"]):
            raise FishdetError(f"{where}: {address!r} is not hf://owner/repo/file[@revision]")
        return address
    try:
        return check_address(address)
    except FishDataError as error:
        raise FishdetError(f"{where}: {error}") from error


def is_inside(path: str) -> bool:
    """Whether a path stays in its folder, whatever the system: no ``..``, root, drive or ``\\``."""
    return all(_PART.fullmatch(part) for part in path.split("/"))


def _entry(name: str, table: Mapping[str, Any], where: str) -> Entry:
    if not NAME.fullmatch(name):
        raise FishdetError(f"{where}: a name has letters, digits, '.', '_' and '-' only")
    unknown = sorted(set(table) - set(_FIELDS))
    if unknown:
        raise FishdetError(f"{where}: unknown field {unknown[0]!r}; there are {', '.join(_FIELDS)}")
    texts = {key: _text(table, key, where) for key in ("file", "address", *_TEXTS)}
    _require_place(texts["file"], texts["address"], where)
    if texts["card"] and not is_inside(texts["card"]):
        check_source(texts["card"], f"{where}: card")
    sha256, size = _sum_and_size(table, where)
    return Entry(
        name,
        sha256,
        size,
        mirrors=_mirrors(table, where),
        classes=_count(table, where),
        metrics=_metrics(table, where),
        file=texts["file"],
        address=texts["address"],
        card=texts["card"],
        config=texts["config"],
        data=texts["data"],
        licence=texts["licence"],
    )


def _require_place(file: str, address: str, where: str) -> None:
    if bool(file) == bool(address):
        raise FishdetError(f"{where}: needs either 'file' or 'address'")
    if address:
        check_source(address, f"{where}: address")
    elif not is_inside(file):
        raise FishdetError(
            f"{where}: file {file!r} must be a path below the folder of the index, such as "
            "model.safetensors or folder/model.safetensors"
        )
    hub_file = (HUB.fullmatch(address) or {"file": SUFFIX})["file"]
    if not (file or hub_file).endswith(SUFFIX):
        raise FishdetError(f"{where}: names no {SUFFIX}; an index holds published models only")


def _sum_and_size(table: Mapping[str, Any], where: str) -> tuple[str, int]:
    sha256, size = table.get("sha256"), table.get("size")
    if not isinstance(sha256, str) or not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise FishdetError(f"{where}: sha256 {sha256!r} is not 64 digits of 0-9 and a-f")
    if type(size) is not int or not 0 < size <= MAX_MODEL:
        raise FishdetError(f"{where}: size {size!r} is no number of bytes up to {MAX_MODEL:,}")
    return sha256, size


def _mirrors(table: Mapping[str, Any], where: str) -> tuple[str, ...]:
    mirrors = table.get("mirrors", [])
    if not isinstance(mirrors, list) or not all(isinstance(mirror, str) for mirror in mirrors):
        raise FishdetError(f"{where}: mirrors must be a list of addresses")
    for mirror in mirrors:
        _require_place("", mirror, f"{where}: mirrors")
    return tuple(mirrors)


def _count(table: Mapping[str, Any], where: str) -> int | None:
    classes = table.get("classes")
    if classes is not None and (type(classes) is not int or classes < 1):
        raise FishdetError(f"{where}: classes {classes!r} is no number of classes")
    return classes


def _metrics(table: Mapping[str, Any], where: str) -> dict[str, float]:
    metrics = table.get("metrics", {})
    if not isinstance(metrics, dict) or not all(
        key.isprintable() and type(value) in (int, float) and math.isfinite(value)
        for key, value in metrics.items()
    ):
        raise FishdetError(f"{where}: metrics must be a table of numbers")
    return {key: float(value) for key, value in metrics.items()}


def _text(table: Mapping[str, Any], key: str, where: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str) or not value.isprintable() or len(value) > _LONGEST_TEXT:
        raise FishdetError(
            f"{where}: {key} {value!r:.100}: give one line of up to {_LONGEST_TEXT} letters"
        )
    return value


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_toml(key)} = {_toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)  # its strings and numbers are TOML's too
