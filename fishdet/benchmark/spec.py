"""What a benchmark consists of: a TOML or JSON file, or flags."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from fishdet.errors import FishdetError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

BUILTIN = "builtin"
SPLITS = ("train", "val", "test")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*(_[A-Za-z0-9.+-]+)*")


@dataclass(frozen=True)
class ModelSpec:
    """A detector: a config and what is changed in it. The fields are flags of tools/train.py.

    ``seeds`` in place of those of the whole benchmark.
    """

    name: str
    config: Path
    epochs: int | None = None
    img_scale: tuple[int, int] | None = None
    precision: str | None = None
    cfg_options: dict[str, Any] = field(default_factory=dict)
    seeds: tuple[int, ...] | None = None


@dataclass(frozen=True)
class DataSpec:
    """A data set: a folder, the split that is scored, and how many training images are used.

    Attributes:
        path: of the folder, or ``builtin``: the drawn set, made at first use.
        train_images: of one permutation of the training set: the smaller part of the larger ones,
            and the same for every detector and seed.
        files: annotation files by split, in place of those that the folder's layout names.
    """

    name: str
    path: Path
    split: str = "val"
    train_images: int | None = None
    files: dict[str, str] | None = None


@dataclass(frozen=True)
class Spec:
    """A whole benchmark.

    Attributes:
        models, data, seeds: each detector is trained on each data set with each seed.
        checkpoint: ``last``, or ``best``: chosen on the split that is scored, if that is val.
        latency_images: pictures of the latency protocol, see ``measure.latency``; 0 for none.
    """

    models: tuple[ModelSpec, ...]
    data: tuple[DataSpec, ...]
    seeds: tuple[int, ...] = (0,)
    checkpoint: str = "last"
    latency_images: int = 20


def read_spec(path: str | Path) -> Spec:
    """Read a benchmark from a ``.toml`` or ``.json`` file; relative paths start at the file.

    Raises:
        FishdetError: no such file, not TOML or JSON, or a field that is missing, unknown or wrong.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        table = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise FishdetError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # those of tomllib and json, and of text that is no UTF-8
        kind = "JSON" if path.suffix == ".json" else "TOML"
        raise FishdetError(f"{path} is not {kind}: {error}") from error
    if not isinstance(table, dict):
        raise FishdetError(f"{path}: expected a table with 'models' and 'data'")
    return make_spec(table, str(path), path.parent)


def make_spec(table: Mapping[str, Any], source: str, base: Path) -> Spec:
    """Check a table of plain values and return the benchmark.

    Args:
        table: the fields of :class:`Spec`; ``models`` and ``data`` are lists of tables.
        source: where it comes from, for messages.
        base: folder at which relative paths start.

    Raises:
        FishdetError: names the field and the value.
    """
    _only_known(table, [f.name for f in fields(Spec)], source)
    models = tuple(_model(row, source, base) for row in _rows(table, "models", source))
    data = tuple(part for row in _rows(table, "data", source) for part in _data(row, source, base))
    for kind, entries in (("models", models), ("data", data)):
        _unique([entry.name for entry in entries], f"{source}: {kind}")  # type: ignore[attr-defined]
    seeds = _seeds(table.get("seeds", [0]), source)
    checkpoint = table.get("checkpoint", "last")
    if checkpoint not in ("last", "best"):
        raise FishdetError(f"{source}: checkpoint = {checkpoint!r}: 'last' or 'best'")
    images = table.get("latency_images", 20)
    if not _whole(images, 0):
        raise FishdetError(f"{source}: latency_images = {images!r}: a whole number, 0 for none")
    return Spec(models, data, seeds, checkpoint, images)


def _seeds(seeds: Any, where: str) -> tuple[int, ...]:
    if not isinstance(seeds, list | tuple) or not seeds or not all(_whole(s, 0) for s in seeds):
        raise FishdetError(f"{where}: seeds = {seeds!r}: give whole numbers from 0, such as [0, 1]")
    _unique(list(map(str, seeds)), f"{where}: seeds")
    return tuple(seeds)


def _model(row: Mapping[str, Any], source: str, base: Path) -> ModelSpec:
    where = f"{source}: models"
    _only_known(row, [f.name for f in fields(ModelSpec)], where)
    config = _path(row, "config", where, base)
    name = _name(row.get("name", config.stem), where)
    if not config.is_file():
        raise FishdetError(f"{where}: {name}: config {config}: no such file")
    epochs, scale = row.get("epochs"), row.get("img_scale")
    if epochs is not None and not _whole(epochs, 1):
        raise FishdetError(f"{where}: {name}: epochs = {epochs!r}: a whole number from 1")
    if scale is not None and not (
        isinstance(scale, list | tuple) and len(scale) == 2 and all(_whole(n, 1) for n in scale)
    ):
        raise FishdetError(f"{where}: {name}: img_scale = {scale!r}: [width, height] in pixels")
    precision = row.get("precision")
    if precision not in (None, "auto", "fp32", "bf16", "fp16"):
        raise FishdetError(f"{where}: {name}: precision = {precision!r}: auto, fp32, bf16 or fp16")
    options = row.get("cfg_options", {})
    if not isinstance(options, dict):
        raise FishdetError(f"{where}: {name}: cfg_options = {options!r}: a table of key = value")
    seeds = _seeds(row["seeds"], f"{where}: {name}") if "seeds" in row else None
    scale = tuple(scale) if scale else None
    return ModelSpec(name, config, epochs, scale, precision, options, seeds)


def _data(row: Mapping[str, Any], source: str, base: Path) -> list[DataSpec]:
    where = f"{source}: data"
    _only_known(row, [f.name for f in fields(DataSpec)], where)
    drawn = str(row.get("path")) == BUILTIN
    path = Path(BUILTIN) if drawn else _path(row, "path", where, base)
    name = _name(row.get("name", path.name), where)
    split = row.get("split", "val")
    if split not in ("val", "test"):
        raise FishdetError(f"{where}: {name}: split = {split!r}: 'val' or 'test'")
    files = _files(row, split, f"{where}: {name}")
    sizes = row.get("train_images")
    if sizes is None:
        return [DataSpec(name, path, split, files=files)]
    sizes = sizes if isinstance(sizes, list) else [sizes]
    if not sizes or not all(_whole(size, 1) for size in sizes):
        raise FishdetError(
            f"{where}: {name}: train_images = {row['train_images']!r}: whole numbers from 1"
        )
    return [DataSpec(f"{name}-{size}", path, split, size, files) for size in sizes]


def _files(row: Mapping[str, Any], split: str, where: str) -> dict[str, str] | None:
    files = row.get("files")
    if files is None:
        return None
    if not isinstance(files, dict) or not all(isinstance(v, str) and v for v in files.values()):
        raise FishdetError(f'{where}: files = {files!r}: write {{ train = "…", val = "…" }}')
    _only_known(files, SPLITS, f"{where}: files")
    if missing := {"train", split} - set(files):
        raise FishdetError(f"{where}: files names no {' and no '.join(sorted(missing))} file")
    return dict(files)


def _rows(table: Mapping[str, Any], key: str, source: str) -> Sequence[Mapping[str, Any]]:
    rows = table.get(key)
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise FishdetError(f"{source}: {key} is missing or no list of tables: write [[{key}]]")
    return rows


def _path(row: Mapping[str, Any], key: str, where: str, base: Path) -> Path:
    value = row.get(key)
    if not isinstance(value, str | Path) or not str(value):
        raise FishdetError(f"{where}: {dict(row)!r} names no {key}")
    text = os.path.expandvars(str(value))
    if unset := re.search(r"\$\{?\w+\}?", text):
        raise FishdetError(
            f"{where}: {key} = {value!r}: the environment variable {unset.group()} is not set"
        )
    return (base / Path(text).expanduser()).resolve()


def _name(value: Any, where: str) -> str:
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise FishdetError(
            f"{where}: name {value!r}: letters, digits and . + - with single _ between, since "
            'folders are named after it; set name = "…"'
        )
    return value


def _unique(names: Sequence[str], where: str) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FishdetError(f"{where}: {', '.join(twice)} stands there twice; give other names")


def _only_known(row: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    unknown = sorted(set(row) - set(known))
    if unknown:
        raise FishdetError(f"{where}: unknown {', '.join(unknown)}; known are {', '.join(known)}")


def _whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def from_flags(
    spec: Path | None,
    configs: Sequence[Path] | None,
    data: Sequence[Path] | None,
    seeds: Sequence[int] | None,
    epochs: int | None,
    img_scale: Sequence[int] | None,
) -> Spec:
    """Return the benchmark of a file, or of flags in its place.

    Raises:
        FishdetError: both, neither, or a mistake in them.
    """
    flags = (configs, data, seeds, epochs, img_scale)
    if spec is not None:
        if any(flag is not None for flag in flags):
            raise FishdetError(
                f"{spec} and flags: write configs, data, seeds, epochs and img_scale into the file"
            )
        return read_spec(spec)
    if not configs or not data:
        raise FishdetError("give a benchmark file, or --configs and --data")
    changes = {
        key: value
        for key, value in (("epochs", epochs), ("img_scale", img_scale))
        if value is not None
    }
    table = {
        "models": [{"config": str(path), **changes} for path in configs],
        "data": [{"path": str(path)} for path in data],
        "seeds": list(seeds or [0]),
    }
    return make_spec(table, "command line", Path.cwd())
