"""The file of a published model: weights and papers in one safetensors file.

Layout: see ``header``. The header's ``__metadata__`` maps text to
text and holds one entry here, ``fishdet``: canonical JSON (sorted keys, no spaces, no times), so
that the same papers and weights give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from fish_dataset.files import file_sha256, write_atomic
from fishdet.errors import FishdetError

from .header import DTYPES, Header, read_header
from .safety.limits import parse_json

if TYPE_CHECKING:
    import torch

KEY, FORMAT = "fishdet", 1
DIGEST = "content_sha256"
SUFFIX = ".safetensors"
_HASH_IN_NAME = re.compile(r"-([0-9a-f]{8})\.safetensors$")


def read_metadata(path: str | Path) -> dict[str, Any]:
    """Return the papers of a published model without reading its weights.

    Raises:
        FishdetError: no such file, a broken one, or safetensors without our papers.
    """
    path = Path(path)
    papers = _papers(path, read_header(path))
    if papers is None:
        raise FishdetError(
            f"{path}: weights without papers (no metadata 'fishdet'); tools/publish.py writes them"
        )
    return papers


def read_published(
    path: Path, sha256: str | None = None
) -> tuple[dict[str, Any] | None, dict[str, torch.Tensor]]:
    """Return papers and weights of a safetensors file, once its bytes have proved right.

    Args:
        path: the file. Where its name ends in 8 hex digits, its SHA-256 must begin with them.
        sha256: the whole sum, where an index states it.

    Raises:
        FishdetError: broken or altered: names the file and the sums.
    """
    import safetensors.torch  # papers and sums need no PyTorch, and are read without it

    header = read_header(path)
    verify(path, header, sha256)
    try:
        return _papers(path, header), safetensors.torch.load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise FishdetError(f"{path}: no safetensors file: {error}") from error


def write_published(path: Path, state: Mapping[str, torch.Tensor], papers: dict[str, Any]) -> None:
    """Write a model, whole or not at all.

    Args:
        path: the file to write.
        state: weights by name, of the dtypes in ``header.DTYPES``.
        papers: plain JSON data; ``content_sha256`` is added.
    """
    import safetensors.torch

    tensors = {name: state[name].detach().cpu().contiguous().clone() for name in sorted(state)}
    papers = {**papers, DIGEST: content_digest(papers, _tensor_bytes(tensors))}
    metadata = {KEY: canonical_json(papers)}
    content = safetensors.torch.save(tensors, metadata)  # save_file would let only us read it
    write_atomic(path, lambda to: _write(to, content))


def verify(path: Path, header: Header, sha256: str | None = None) -> str:
    """Return the SHA-256 of a file after holding it against all that is known of it.

    Raises:
        FishdetError: the sum in the name, the one given, or the one inside differs.
    """
    found = file_sha256(path)
    named = _HASH_IN_NAME.search(path.name)
    for source, stated in (("its name", named and named[1]), ("the index", sha256)):
        if stated and not found.startswith(stated.lower()):
            raise FishdetError(
                f"{path}: damaged or altered: its SHA-256 is {found}, and {source} says {stated}; "
                "fetch it again"
            )
    papers = _papers(path, header) or {}
    if DIGEST in papers and papers[DIGEST] != content_digest(papers, _stored_bytes(path, header)):
        raise FishdetError(
            f"{path}: damaged or altered: weights and papers do not match the sum "
            f"{papers[DIGEST]} that was published with them; fetch it again"
        )
    return found


def content_digest(papers: Mapping[str, Any], weights: Iterator[tuple[str, Any]]) -> str:
    """Return the SHA-256 over papers (without the sum itself) and weights, in order of names."""
    digest = hashlib.sha256()
    digest.update(canonical_json({k: v for k, v in papers.items() if k != DIGEST}).encode())
    for label, content in weights:
        digest.update(struct.pack("<Q", len(label.encode())) + label.encode())
        digest.update(content)
    return digest.hexdigest()


def canonical_json(value: Any) -> str:
    """Return JSON with sorted keys and no spaces.

    Raises:
        ValueError: infinity or NaN.
    """
    return json.dumps(
        value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _papers(path: Path, header: Header) -> dict[str, Any] | None:
    if KEY not in header.metadata:
        return None
    papers = parse_json(str(header.metadata[KEY]), f"{path}: metadata 'fishdet'")
    if not isinstance(papers, dict) or not isinstance(papers.get("format"), int):
        raise FishdetError(f"{path}: metadata 'fishdet' is no object with a 'format'")
    if papers["format"] > FORMAT:
        raise FishdetError(
            f"{path}: published in format {papers['format']}, and this fishdet reads up to "
            f"{FORMAT}; update fishdet"
        )
    if not _class_records(papers.get("classes")):
        raise FishdetError(
            f"{path}: metadata 'fishdet': 'classes' is no list of objects with a name"
        )
    return papers


def _tensor_bytes(tensors: Mapping[str, torch.Tensor]) -> Iterator[tuple[str, Any]]:
    import torch

    names = {getattr(torch, kind): code for code, (_, kind) in DTYPES.items()}
    for name in sorted(tensors):
        tensor = tensors[name]
        label = f"{name} {names[tensor.dtype]} {list(tensor.shape)}"
        yield label, tensor.reshape(-1).view(torch.uint8).numpy()


def _stored_bytes(path: Path, header: Header) -> Iterator[tuple[str, Any]]:
    with path.open("rb") as file:
        for name, tensor in sorted(header.tensors.items()):
            file.seek(header.start + tensor.begin)
            content = file.read(tensor.end - tensor.begin)
            yield f"{name} {tensor.dtype} {list(tensor.shape)}", content


def _class_records(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(entry, dict) and isinstance(entry.get("name"), str) for entry in value
    )
