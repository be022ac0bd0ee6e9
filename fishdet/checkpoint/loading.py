"""From a name to a file, and to a detector."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from fishdet.errors import FishdetError

from .finding import find_checkpoint
from .index.entries import NAME
from .index.fetch import SCHEMES, SUFFIXES, fetch_address, fetch_entry
from .index.indexes import find

if TYPE_CHECKING:
    from mmengine.config import Config

    from fishdet.inference import Detector


def resolve(path_or_name: str | os.PathLike[str]) -> Path:
    """Return the local file of a model, which is fetched where it is not here yet.

    Args:
        path_or_name: a file; a folder, which stands for its best checkpoint; an http(s) or
            ``hf://owner/repo/file`` address; or a name of an index, where no file is called so.

    Raises:
        FishdetError: there is no such model, or it cannot be fetched.
    """
    text = os.fspath(path_or_name)
    if text.startswith(SCHEMES):
        return fetch_address(text)
    path = Path(text).expanduser()
    if path.exists():
        return find_checkpoint(path)
    if is_name(text):
        return fetch_entry(*find(text))
    raise FishdetError(
        f"{text}: no such model file or folder; give a .safetensors that tools/publish.py wrote, "
        "a .pth, a work dir, an address, or a name that tools/models.py list shows"
    )


def is_name(text: str) -> bool:
    """Whether a text could be a model's name in an index; names of weight files are not."""
    return NAME.fullmatch(text) is not None and not text.endswith(SUFFIXES)


def load_model(
    path_or_name: str | os.PathLike[str],
    *,
    device: str | None = None,
    config: str | Path | Config | None = None,
    score_thr: float = 0.3,
    lang: str = "en",
    precision: str = "auto",
    trust_pickle: bool = False,
) -> Detector:
    """Return the detector of a model: by its name in an index, an address, a file or a work dir.

    Nothing in the file is executed, nothing that it names is fetched, and its sums are checked.

    Args:
        path_or_name: the model; see ``resolve``.
        device: 'cpu', 'cuda', …; by default CUDA where there is one.
        config: needed where the file carries none (weights alone).
        score_thr: detections below this score are dropped.
        lang: language of ``class_name``, 'en' or 'ko'.
        precision: 'auto', 'fp32', 'bf16' or 'fp16'.
        trust_pickle: read a ``.pth`` with all that its pickle asks for, with a warning.

    Raises:
        FishdetError: says what is wrong with the file and what to do.
    """
    from fishdet.inference import Detector

    return Detector(
        resolve(path_or_name),
        config=config,
        device=device,
        score_thr=score_thr,
        lang=lang,
        precision=precision,
        trust_pickle=trust_pickle,
    )
