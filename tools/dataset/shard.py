"""Put the pictures of a data folder into a few large files, for sets of very many pictures.

    python tools/dataset/shard.py my/fish my/fish_shards --size-mb 256

OUT holds train.json, train.shards.npz, shards/train-000000.tar … for each split, and is given to
tools/train.py as --data. The tar files may go elsewhere, S3 for instance (docs/scale.md).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from fish_dataset.cli import exit_status
from fish_dataset.files import replacing, require_new_folder
from fish_dataset.folder import read_folder
from fish_dataset.progress import counted
from fish_dataset.shards.write import write_shards
from fish_dataset.wording import number_of


def parse_args() -> argparse.Namespace:
    """Return the command line's choices."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder of the data set")
    parser.add_argument("out", type=Path, help="new folder")
    parser.add_argument("--size-mb", type=float, default=256, help="of a shard (256)")
    parser.add_argument("--seed", type=int, default=0, help="of the order within (0)")
    return parser.parse_args()


def main() -> None:
    """Write all splits, or nothing."""
    args = parse_args()
    parts = read_folder(args.data)
    with replacing(require_new_folder(args.out)) as work:
        for name, part in parts.items():
            with counted(part.annotations.num_images, f"{name} pictures") as advance:
                done = write_shards(
                    part, name, work, max(1, int(args.size_mb * 1e6)), args.seed, advance
                )
            print(
                f"{name}: {number_of(done.pictures, 'picture')}, {done.size / 1e6:.1f} MB, "
                f"{number_of(done.shards, 'shard')}"
            )
    print(f"Train: python tools/train.py CONFIG --data {args.out}")


if __name__ == "__main__":
    sys.exit(exit_status(main))
