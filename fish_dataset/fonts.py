"""Letters for pictures and plots, with Hangul where this machine has a font for it."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

# Carries Nanum Gothic (Naver, SIL Open Font License). Its import would change matplotlib's
# settings, so only the place of its files is asked for.
PACKAGE = "koreanize_matplotlib"
FILE = "fonts/NanumGothic.ttf"


@lru_cache(maxsize=1)
def hangul_font() -> Path | None:
    """A font file with Latin and Hangul letters, or None."""
    spec = find_spec(PACKAGE)
    files = [Path(folder) / FILE for folder in (spec and spec.submodule_search_locations) or ()]
    return next((file for file in files if file.is_file()), None)


@lru_cache(maxsize=8)
def pillow_font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """A font of ``size`` pixels for Pillow; its own, which has no Hangul, where there is none."""
    path = hangul_font()
    return ImageFont.truetype(str(path), size) if path else ImageFont.load_default(size)
