"""Letters for pictures and plots, with Hangul where this machine has a font for it."""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

# Carries Nanum Gothic (Naver, SIL Open Font License). Its import would change matplotlib's
# settings, so only the place of its files is asked for.
PACKAGE = "koreanize_matplotlib"
PACKAGED_FONT = "fonts/NanumGothicBold.ttf"
# File names of fonts with Hangul on Linux, macOS and Windows; Pillow knows where they lie.
SYSTEM_FONTS = (
    "NotoSansCJK-Bold.ttc",
    "NotoSansCJK-Regular.ttc",
    "NotoSansKR-Regular.otf",
    "NanumGothicBold.ttf",
    "NanumGothic.ttf",
    "AppleSDGothicNeo.ttc",
    "malgunbd.ttf",
    "malgun.ttf",
    "UnDotum.ttf",
)


@lru_cache(maxsize=1)
def label_font() -> Path | None:
    """Return a font file with Latin and Hangul letters, or None where this machine has none."""
    packaged = _packaged()
    if packaged is not None:
        return packaged
    return next((found for found in map(_installed, SYSTEM_FONTS) if found), None)


@lru_cache(maxsize=8)
def pillow_font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return a font of ``size`` pixels for Pillow; its own, without Hangul, where there is none."""
    path = label_font()
    return ImageFont.truetype(str(path), size) if path else ImageFont.load_default(size)


def drawable_language(lang: str) -> str:
    """Return ``lang``, or 'en' after one line on stderr where no font has its letters."""
    if lang != "ko" or label_font() is not None:
        return lang
    print(
        "No font with Hangul on this machine: the labels are in English. "
        "`pip install koreanize-matplotlib` brings one.",
        file=sys.stderr,
    )
    return "en"


def _packaged() -> Path | None:
    spec = find_spec(PACKAGE)
    folders = spec.submodule_search_locations if spec else None
    files = [Path(folder) / PACKAGED_FONT for folder in folders or ()]
    return next((file for file in files if file.is_file()), None)


def _installed(name: str) -> Path | None:
    try:
        return Path(str(ImageFont.truetype(name).path))
    except OSError:
        return None
