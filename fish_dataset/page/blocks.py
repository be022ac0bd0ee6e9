"""What a report page is made of, as plain values."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

Kind = Literal["error", "warning", "repaired", "info", "good"]
_PHONE_INCHES = 4.8  # 460 CSS pixels: at 340 of them, letters of 9.5 points are 9 pixels high


@dataclass(frozen=True)
class Badge:
    """A word in a coloured field, such as a severity."""

    text: str
    kind: Kind


Cell = str | int | float | None | Badge


@dataclass(frozen=True)
class Text:
    """A paragraph; empty lines part it into several."""

    text: str


@dataclass(frozen=True)
class Table:
    """Rows under ``columns``.

    Attributes:
        columns: Headings.
        rows: Cells, as many as there are headings in every row.
        caption: What the table shows.
        folded: Whether only the caption shows until the reader opens the table.

    Raises:
        ValueError: a row is longer or shorter than the headings.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    caption: str = ""
    folded: bool = False

    def __post_init__(self) -> None:
        for number, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise ValueError(f"row {number} has {len(row)} cells under {len(self.columns)}")


@dataclass(frozen=True)
class Figure:
    """A drawing with its caption.

    Attributes:
        uri: Data URI.
        caption: What it shows.
        wide: On a phone it keeps a width at which it can be read, and scrolls; others shrink to
            the screen.
    """

    uri: str
    caption: str = ""
    wide: bool = True

    @classmethod
    def from_svg(cls, svg: str, caption: str = "", wide: bool = True) -> Figure:
        """A drawing in SVG. It is shown as a picture, so scripts in it do not run."""
        return cls(data_uri("image/svg+xml", svg.encode()), caption, wide)

    @classmethod
    def from_png(cls, data: bytes, caption: str = "") -> Figure:
        """A drawing in PNG."""
        return cls(data_uri("image/png", data), caption)

    @classmethod
    def from_matplotlib(cls, figure: MatplotlibFigure, caption: str = "") -> Figure:
        """A figure of matplotlib as SVG, letters as paths; the same figure gives the same bytes."""
        import matplotlib

        stream = io.StringIO()
        with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": "page"}):
            figure.savefig(stream, format="svg", bbox_inches="tight", metadata={"Date": None})
        wide = figure.get_figwidth() > _PHONE_INCHES
        return cls.from_svg(stream.getvalue(), caption, wide)


@dataclass(frozen=True)
class Picture:
    """A photo of a grid: ``uri`` is a data URI, ``caption`` names it, ``note`` says more."""

    uri: str
    caption: str
    note: str = ""

    @classmethod
    def of(cls, pixels: np.ndarray, caption: str, note: str = "", quality: int = 80) -> Picture:
        """A picture from pixels.

        Args:
            pixels: (H, W, 3) BGR or (H, W) grey, uint8.
            caption: Its name.
            note: More words.
            quality: Of the JPEG, 1 to 100.

        Raises:
            ValueError: the pixels cannot be encoded.
        """
        done, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if not done:
            raise ValueError(f"pixels of shape {pixels.shape}, {pixels.dtype} make no JPEG")
        return cls(data_uri("image/jpeg", data.tobytes()), caption, note)


@dataclass(frozen=True)
class Grid:
    """Pictures side by side, as many in a row as the screen takes."""

    pictures: Sequence[Picture]
    caption: str = ""


Block = Text | Table | Figure | Grid


@dataclass(frozen=True)
class Section:
    """A heading with blocks under it; the page lists the sections at its top."""

    title: str
    blocks: Sequence[Block]
    badge: Badge | None = None


def data_uri(mime: str, data: bytes) -> str:
    """Return bytes of a file as an address that holds them."""
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"
