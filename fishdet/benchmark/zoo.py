"""The table of all shipped detectors, from their metafiles and recorded runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import yaml

from fish_dataset.files import write_atomic
from fishdet.errors import FishdetError

from .keep import read_kept
from .store import DONE, read_record

UNMEASURED = "not measured"
HEADINGS = ("config", "starts from", "epochs", "mAP", "mAP@0.50", "data", "seeds", "commit")


@dataclass(frozen=True)
class Entry:
    """A config as its metafile describes it."""

    name: str
    config: str
    collection: str
    paper: str
    address: str
    epochs: int
    pretrained: str


def read_metafiles(root: Path) -> list[Entry]:
    """Return the models of every ``configs/*/metafile.yml`` below ``root``, sorted by file.

    Raises:
        FishdetError: a file that is no metafile, or names a config that is not there.
    """
    return [e for path in sorted(root.glob("configs/*/metafile.yml")) for e in _read(root, path)]


def _read(root: Path, path: Path) -> list[Entry]:
    try:
        table = yaml.safe_load(path.read_text(encoding="utf-8"))
        papers = {one["Name"]: one["Paper"] for one in table["Collections"]}
        entries = [
            Entry(
                model["Name"],
                model["Config"],
                model["In Collection"],
                papers[model["In Collection"]]["Title"],
                papers[model["In Collection"]]["URL"],
                int(model["Metadata"]["Epochs"]),
                str(model["Metadata"]["Pretrained"]),
            )
            for model in table["Models"]
        ]
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise FishdetError(f"{path} is no metafile: {type(error).__name__}: {error}") from error
    for entry in entries:
        if not (root / entry.config).is_file():
            raise FishdetError(f"{path}: {entry.name}: Config {entry.config} is not there")
    return entries


def read_runs(folders: Iterable[Path]) -> dict[str, list[dict[str, Any]]]:
    """Return the finished runs of benchmark folders, or of files that ``keep`` wrote, by config.

    A run whose settings were changed (``cfg_options``, epochs, picture size) is another detector
    than the config says, and is left out.
    """
    found = defaultdict(list)
    for folder in folders:
        for record in read_kept(folder) if folder.suffix == ".json" else _records(folder):
            config = record["model"].get("config")
            if config and record["state"] == DONE and not _changed(record["model"]):
                found[Path(config).stem].append(record)
    return dict(found)


def _records(folder: Path) -> list[dict[str, Any]]:
    paths = sorted(folder.glob("runs/*/record.json"))
    return [record for path in paths if (record := read_record(path.parent))]


def _changed(model: Mapping[str, Any]) -> bool:
    return any(model.get(key) for key in ("cfg_options", "epochs", "img_scale"))


def markdown(entries: Sequence[Entry], runs: Mapping[str, Sequence[dict[str, Any]]]) -> str:
    """Return the page: a table a collection; what no run has measured says so."""
    parts = [
        "# Zoo of detectors\n\nMade by `python tools/zoo.py` from `configs/*/metafile.yml` and "
        "recorded runs; never edited by hand. Each trains with `python tools/train.py CONFIG "
        "--data DIR`.\n"
    ]
    names = dict.fromkeys(entry.collection for entry in entries)
    for name in names:
        own = [entry for entry in entries if entry.collection == name]
        rows = [row for entry in own for row in _rows(entry, runs.get(entry.name, ()))]
        lines = [HEADINGS, ("---",) * len(HEADINGS), *rows]
        parts.append(f"## {name}\n\n[{own[0].paper}]({own[0].address})\n")
        parts.append("\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n")
    return "\n".join(parts)


def _rows(entry: Entry, runs: Sequence[dict[str, Any]]) -> list[tuple[str, ...]]:
    head = (f"[{entry.name}](../{entry.config})", entry.pretrained, str(entry.epochs))
    if not runs:
        return [(*head, UNMEASURED, UNMEASURED, "", "", "")]
    groups = defaultdict(list)
    for run in runs:
        groups[run["data"]["name"]].append(run)
    return [(*head, *_cells(data, own)) for data, own in sorted(groups.items())]


def _cells(data: str, runs: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    commits = sorted({_short((run.get("environment") or {}).get("commit")) for run in runs})
    scores = [
        f"{fmean(run['scores'][key] for run in runs):.3f}" for key in ("bbox_mAP", "bbox_mAP_50")
    ]
    return (*scores, data, str(len(runs)), ", ".join(commits))


def _short(commit: str | None) -> str:
    if commit is None:
        return "unknown"
    return commit[:8] + ("-dirty" if commit.endswith("-dirty") else "")


def write_page(root: Path, folders: Sequence[Path], out: Path) -> None:
    """Write the page of all metafiles below ``root``, with the runs of benchmark ``folders``.

    Folders, or files that ``keep`` wrote.

    Raises:
        FishdetError: see ``read_metafiles``.
    """
    text = markdown(read_metafiles(root), read_runs(folders))

    def write(path: Path) -> None:
        path.write_text(text, encoding="utf-8")

    write_atomic(out, write)
