"""The address of a picture inside a shard: what stands in ``img_path`` of a sharded data set."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from fish_dataset.errors import FishDataError

PREFIX = "tar"
_ADDRESS = re.compile(rf"{PREFIX}://(?P<offset>\d+)-(?P<size>\d+)@(?P<shard>[^!]+)!(?P<name>.*)")


def member_address(shard: str, offset: int, size: int, name: str) -> str:
    """Return the address of ``size`` bytes at ``offset`` of a shard; ``name`` is for messages."""
    return f"{PREFIX}://{offset}-{size}@{quote(shard, safe='/')}!{quote(name, safe='/ ')}"


def parse_address(address: str) -> tuple[str, int, int, str]:
    """Return shard, offset, size and name.

    Raises:
        FishDataError: it is no such address.
    """
    found = _ADDRESS.fullmatch(str(address))
    if found is None:
        raise FishDataError(f"{address}: not of the form {PREFIX}://OFFSET-SIZE@SHARD!NAME")
    shard, name = unquote(found["shard"]), unquote(found["name"])
    return shard, int(found["offset"]), int(found["size"]), name
