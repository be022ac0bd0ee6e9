"""Make one file of a checkpoint that anyone can load, verify and cite."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from fish_dataset.files import file_sha256, require_writable, write_atomic
from fishdet.errors import FishdetError
from fishdet.inference.build import build_network, class_names, config_for, require_class_count

from ..header import DTYPES
from ..index.edit import CARD, entry_of
from ..index.entries import INDEX, render_index
from ..load import load_checkpoint
from ..published import SUFFIX, read_metadata, write_published
from .card import MARK, model_card
from .model_papers import PublishOptions, model_papers
from .run_records import run_records

# Half precision ends at 65,504 and has 3 digits: running variances pass the one and need more
# than the other, and together they are a thousandth of a network.
FULL_PRECISION = ("running_mean", "running_var")
_SPDX = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Publication:
    """What was written: the model file, its sum and size in bytes, and what is missing in it."""

    name: str
    file: Path
    sha256: str
    size: int
    notes: tuple[str, ...]


def publish(options: PublishOptions) -> Publication:
    """Write a published model, its card (README.md) and its index entry (models.toml).

    The same checkpoint, records and options give the same bytes.

    Raises:
        FishdetError, FishDataError: a checkpoint that does not build, a wrong option, a folder
            that holds the card of another model.
    """
    _require_options(options)
    require_writable(_folder(options), "--out")
    checkpoint = load_checkpoint(options.checkpoint, options.trust_pickle)
    papers, state, notes = assemble(options, checkpoint)
    out = _folder(options)
    _require_free(out, papers["name"])
    file, sha256 = _write_model(out, state, papers)
    others = sorted(path.name for path in out.glob(f"*{SUFFIX}") if path != file)
    if others:
        notes += (f"{out} also holds {', '.join(others)}, which the index there does not name",)
    done = Publication(papers["name"], file, sha256, file.stat().st_size, notes)
    write_beside(done, _pictures(options, file, out))
    return done


def assemble(
    options: PublishOptions, checkpoint: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, torch.Tensor], tuple[str, ...]]:
    """Return papers, weights, and notes on what the papers lack; the model is built to prove them.

    mmengine's EMAHook saves the averaged weights as ``state_dict`` and the last ones as
    ``ema_state_dict`` (it swaps them), so ``state_dict`` is what was evaluated in either case.
    """
    source = str(options.checkpoint)
    cfg = config_for(checkpoint, options.config, source)
    classes = class_names(cfg, checkpoint, source)
    require_class_count(cfg, classes, source)
    build_network(cfg, checkpoint["state_dict"], "cpu")
    state = release_state(checkpoint["state_dict"], options.half)
    records = run_records(options.checkpoint.parent, checkpoint)
    papers, notes = model_papers(options, checkpoint, cfg, classes, records)
    papers["weights"] = {
        "source": "ema" if "ema_state_dict" in checkpoint else "model",
        "precision": "fp16, batch norm statistics fp32" if options.half else "as trained",
        "numbers": sum(tensor.numel() for tensor in state.values()),
    }
    return papers, state, (*records.notes, *notes)


def release_state(state: Mapping[str, torch.Tensor], half: bool) -> dict[str, torch.Tensor]:
    """Return the weights to publish; with ``half`` in fp16 save the statistics of batch norms.

    Raises:
        FishdetError: a dtype that safetensors has not, or a number that fp16 cannot hold.
    """
    known = {getattr(torch, kind) for _, kind in DTYPES.values()}
    released = {}
    for name, tensor in state.items():
        if tensor.dtype not in known:
            raise FishdetError(f"weight {name!r} is {tensor.dtype}, which is not published")
        if half and tensor.is_floating_point() and not name.endswith(FULL_PRECISION):
            halved = tensor.half()
            if torch.isinf(halved).any() and not torch.isinf(tensor).any():
                raise FishdetError(f"--half: {name!r} has numbers beyond 65,504; publish it whole")
            tensor = halved
        released[name] = tensor
    return released


def write_beside(done: Publication, pictures: Sequence[str] = ()) -> None:
    """Write the card and the index entry of a published file into its folder."""
    papers = read_metadata(done.file)
    card = model_card(papers, done.file.name, done.sha256, done.size, pictures)
    write_atomic(done.file.parent / CARD, lambda to: _write_text(to, card))
    entry = entry_of(papers, done.sha256, done.size, file=done.file.name, card=CARD)
    write_atomic(done.file.parent / INDEX, lambda to: _write_text(to, render_index([entry])))


def _write_model(
    out: Path, state: Mapping[str, torch.Tensor], papers: dict[str, Any]
) -> tuple[Path, str]:
    unnamed = out / f".{os.getpid()}.{papers['name']}{SUFFIX}"
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_published(unnamed, state, papers)
        sha256 = file_sha256(unnamed)
        file = out / f"{papers['name']}-{sha256[:8]}{SUFFIX}"
        os.replace(unnamed, file)
    except OSError as error:
        raise FishdetError(f"{out}: cannot be written: {error.strerror or error}") from error
    finally:
        unnamed.unlink(missing_ok=True)
    return file, sha256


def _pictures(options: PublishOptions, file: Path, out: Path) -> list[str]:
    if not options.images:
        return []
    from .pictures import draw_results  # the drawing libraries are needed for this only

    return draw_results(file, options.images, out)


def _require_options(options: PublishOptions) -> None:
    if options.checkpoint.suffix == SUFFIX:
        raise FishdetError(f"{options.checkpoint} is published already; give the .pth of the run")
    if options.licence is not None and not _SPDX.fullmatch(options.licence):
        raise FishdetError(
            f"--licence {options.licence!r}: give an SPDX identifier, such as Apache-2.0 or "
            "CC-BY-4.0 (https://spdx.org/licenses)"
        )
    if options.name is not None and not _NAME.fullmatch(options.name):
        raise FishdetError(f"--name {options.name!r}: letters, digits, '.', '_' and '-' only")


def _folder(options: PublishOptions) -> Path:
    return options.out or options.checkpoint.parent / "published"


def _require_free(out: Path, name: str) -> None:
    card = out / CARD
    if card.is_file() and MARK.format(name=name) not in card.read_text(encoding="utf-8"):
        raise FishdetError(
            f"--out {out}: holds a {CARD} that is not the card of {name!r}; give another folder, "
            "one for each model"
        )


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
