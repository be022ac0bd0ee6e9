"""From a data folder to shards: tar files that WebDataset reads too, with an index beside."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fish_dataset.annotations import Annotations
from fish_dataset.coco import write_coco
from fish_dataset.errors import FishDataError
from fish_dataset.files import write_atomic
from fish_dataset.folder import Part

from .index import ShardIndex, index_of


@dataclass(frozen=True)
class Written:
    """What was made of one split."""

    pictures: int
    shards: int
    size: int


def write_shards(
    part: Part, name: str, out: Path, size: int, seed: int, advance: Callable[[int], None]
) -> Written:
    """Write the pictures of a split into tar files below ``out/shards``, in an order by seed.

    Members are ``000000000042.jpg`` (image id) and ``….json`` (file name, size, boxes), as
    WebDataset groups them (https://github.com/webdataset/webdataset, 2026-11-28). The annotation
    file is written beside as ``NAME.json`` with sizes filled in, the index last: a split without
    one was not finished.

    Args:
        part: its annotations and the folder of its pictures.
        name: 'train', 'val' or 'test'.
        out: the new folder.
        size: bytes of pictures after which the next shard begins.
        seed: of the order.
        advance: called with the number of pictures just written.

    Raises:
        FishDataError: a picture that is missing.
    """
    annotations = part.annotations
    order = np.random.default_rng(seed).permutation(annotations.num_images)
    (out / "shards").mkdir(parents=True, exist_ok=True)
    groups = _groups(annotations, part.image_dir, order.tolist(), size)
    columns: list[tuple[int, int, int, int]] = []
    names = []
    for number, rows in enumerate(groups):
        names.append(f"shards/{name}-{number:06d}.tar")
        members = _write_tar(out / names[-1], annotations, part.image_dir, rows)
        columns += [(image, number, offset, length) for image, offset, length in members]
        advance(len(rows))
    table = np.array(sorted(columns), np.int64).reshape(-1, 4)
    write_coco(annotations, out / f"{name}.json")
    index = ShardIndex(table[:, 0], table[:, 1].astype(np.int32), table[:, 2], table[:, 3],
                       tuple(names), str(out))  # fmt: skip
    index.save(index_of(out / f"{name}.json"))
    return Written(len(table), len(names), int(table[:, 3].sum()))


def _groups(annotations: Annotations, folder: Path, rows: list[int], size: int) -> list[list[int]]:
    groups: list[list[int]] = [[]]
    held = 0
    for row in rows:
        path = folder / annotations.file_names[row]
        try:
            length = path.stat().st_size
        except OSError as error:
            raise FishDataError(f"{path}: {error.strerror}; copy the picture there") from error
        if held and held + length > size:
            groups.append([])
            held = 0
        groups[-1].append(row)
        held += length
    return groups


def _write_tar(
    path: Path, annotations: Annotations, folder: Path, rows: list[int]
) -> list[tuple[int, int, int]]:
    """Write one shard; return image id, offset and size of each picture."""

    def write(temporary: Path) -> None:
        with tarfile.open(temporary, "w", format=tarfile.USTAR_FORMAT) as tar:
            for row in rows:
                file_name = annotations.file_names[row]
                key = f"{int(annotations.image_ids[row]):012d}"
                suffix = Path(file_name).suffix.lower() or ".jpg"
                _add(tar, key + suffix, (folder / file_name).read_bytes())
                _add(tar, f"{key}.json", _sample(annotations, row))

    write_atomic(path, write)
    with tarfile.open(path) as tar:
        pictures = [member for member in tar if not member.name.endswith(".json")]
    return [(int(m.name.split(".")[0]), m.offset_data, m.size) for m in pictures]


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def _sample(annotations: Annotations, row: int) -> bytes:
    boxes = annotations.boxes_of(row)
    labels = annotations.labels[boxes].tolist()
    sample = {
        "file_name": annotations.file_names[row],
        "width": int(annotations.widths[row]),
        "height": int(annotations.heights[row]),
        "xywh": annotations.bboxes[boxes].tolist(),
        "class_names": [annotations.classes[label] for label in labels],
    }
    return json.dumps(sample, ensure_ascii=False).encode()
