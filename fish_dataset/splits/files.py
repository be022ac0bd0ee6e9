"""Write a planned split as a data folder, its folds and few-shot subsets as folders inside."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fish_dataset.coco import write_coco
from fish_dataset.errors import FishDataError
from fish_dataset.files import replacing, require_new_folder, write_json
from fish_dataset.folder import Part, Transfer, write_folder
from fish_dataset.joining import take
from fish_dataset.splits.plan import Plan

REPORT = "split.json"


def write_split(
    out: str | os.PathLike,
    plan: Plan,
    report: Mapping[str, Any],
    *,
    images: Transfer = "copy",
    annotations_only: bool = False,
) -> None:
    """Write the plan into a new folder, whole or not at all.

    ``OUT/train.json`` … and ``OUT/images/``; for folds ``OUT/all.json`` and
    ``OUT/fold_1/{train,val}.json`` …; for few-shot subsets ``OUT/shots_5/{train,val}.json`` ….
    Folders inside OUT see its pictures through a link, so that each is stored once.

    Args:
        out: A folder that is absent or empty.
        plan: What to write.
        report: Goes into ``OUT/split.json``.
        images: How pictures come into ``OUT/images``.
        annotations_only: Write no pictures: ``OUT/images`` is a link to the folder where they are.

    Raises:
        FishDataError: ``out`` holds something or cannot be written; or, with
            ``annotations_only``, the pictures lie in several folders.
    """
    root = require_new_folder(out)
    parts = _top_parts(plan)
    source = _only_folder(plan.pool.part) if annotations_only else None
    try:
        with replacing(root) as work:
            if source is None:
                write_folder(work, parts, images=images, documents={REPORT: report})
            else:
                (work / "images").symlink_to(_link(source, root), target_is_directory=True)
                _write_parts(work, parts)
                write_json(work / REPORT, report)
            for name, inner in _inner_folders(plan).items():
                (work / name).mkdir()
                (work / name / "images").symlink_to("../images", target_is_directory=True)
                _write_parts(work / name, inner)
    except OSError as error:
        place = error.filename or root
        raise FishDataError(
            f"{place}: {error.strerror or error}; {root} was not written"
        ) from error


def _top_parts(plan: Plan) -> dict[str, Part]:
    rows = plan.parts
    if "train" not in rows:
        held = {name: r for name, r in rows.items() if name == "test"}
        folds = np.sort(np.concatenate([r for name, r in rows.items() if name != "test"]))
        rows = {"all": folds, **held}
    return {name: take(plan.pool.part, r) for name, r in rows.items()}


def _inner_folders(plan: Plan) -> dict[str, dict[str, Part]]:
    """Parts by split of each folder inside OUT."""
    pool, rows = plan.pool.part, plan.parts
    held = {name: rows[name] for name in ("val", "test") if name in rows}
    inner = {f"shots_{count}": {"train": r, **held} for count, r in plan.shots.items()}
    folds = [name for name in rows if name.startswith("fold_")]
    for fold in folds:
        others = np.sort(np.concatenate([rows[name] for name in folds if name != fold]))
        inner[fold] = {"train": others, "val": rows[fold], **held}
    return {
        name: {split: take(pool, r) for split, r in parts.items()} for name, parts in inner.items()
    }


def _write_parts(folder: Path, parts: Mapping[str, Part]) -> None:
    for name, part in parts.items():
        write_coco(part.annotations, folder / f"{name}.json")


def _only_folder(part: Part) -> Path:
    """The one folder that all file names start from."""
    names = list(part.annotations.file_names)
    paths = part.sources or [str(part.image_dir.resolve() / name) for name in names]
    folders = {
        path.removesuffix(name) if path.endswith("/" + name) else ""
        for path, name in zip(paths, names, strict=True)
    }
    if len(folders) > 1 or "" in folders:
        raise FishDataError(
            "--annotations-only: the pictures lie in several folders, or their names had to be "
            "changed; use --images symlink or --images hardlink, which take no space either"
        )
    return Path(folders.pop())


def _link(source: Path, root: Path) -> str:
    """``source`` as seen from ``root``, so that both can move together."""
    return os.path.relpath(source, root.resolve())
