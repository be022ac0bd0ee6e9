"""Results as a folder of Parquet files: a file a chunk, a row a picture."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fish_dataset.files import write_atomic
from fishdet.errors import FishdetError

from ..writers.rows import COLUMNS

FOLDER = "pictures"
_NUMBERS = frozenset(("score", "calibrated", "x1", "y1", "x2", "y2", "runner_up_score"))
FISH = pa.struct([(name, pa.float32() if name in _NUMBERS else pa.string()) for name in COLUMNS])
SCHEMA = pa.schema(
    [
        ("address", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("error", pa.string()),
        ("count", pa.int32()),
        ("fish", pa.list_(FISH)),
    ]
)
"""``address`` as asked for; ``width`` and ``height`` in pixels; ``error`` null where the picture
was looked at, else all others but ``address`` are; ``count`` of ``fish``, whose fields are those
of ``detections.csv`` (boxes in pixels of the picture)."""

Row = dict[str, Any]


def part_path(out: Path, addresses: Sequence[str]) -> Path:
    """Return the file of a chunk. Its name follows from the addresses, so that a chunk which is
    done once more, after a worker died, replaces its own file and no row comes twice."""
    digest = hashlib.sha256("\n".join(addresses).encode()).hexdigest()
    return out / FOLDER / f"part-{digest[:20]}.parquet"


def write_part(out: Path, rows: Sequence[Row]) -> Path:
    """Write the rows of a chunk, whole or not at all.

    Raises:
        FishdetError: the folder cannot be written.
    """
    path = part_path(out, [row["address"] for row in rows])
    table = pa.Table.from_pylist(list(rows), schema=SCHEMA)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, lambda temporary: pq.write_table(table, temporary, compression="zstd"))
    except OSError as error:
        raise FishdetError(f"{path}: not written: {error.strerror or error}") from error
    return path


def error_row(address: str, error: str) -> Row:
    """Return the row of a picture that could not be looked at."""
    return {"address": address, "error": error}


def done_addresses(out: Path) -> set[str]:
    """Return the addresses that have a row.

    Raises:
        FishdetError: a file that is no Parquet; names it.
    """
    found: set[str] = set()
    for path in sorted((out / FOLDER).glob("part-*.parquet")):
        try:
            found.update(pq.read_table(path, columns=["address"]).column("address").to_pylist())
        except (OSError, ValueError, KeyError) as error:
            raise FishdetError(
                f"{path}: cannot be read ({error}); remove it and go on with --resume"
            ) from error
    return found


def totals(out: Path) -> dict[str, int]:
    """Return the numbers of rows, distinct addresses, errors and fish in all files."""
    rows = errors = fish = 0
    addresses: set[str] = set()
    for path in sorted((out / FOLDER).glob("part-*.parquet")):
        table = pq.read_table(path, columns=["address", "error", "count"])
        rows += table.num_rows
        errors += table.num_rows - table.column("error").null_count
        fish += sum(count or 0 for count in table.column("count").to_pylist())
        addresses.update(table.column("address").to_pylist())
    return {"rows": rows, "pictures": len(addresses), "errors": errors, "fish": fish}
