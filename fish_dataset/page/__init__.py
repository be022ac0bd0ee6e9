"""The one HTML report page that every report uses.

    from fish_dataset.page import Badge, Figure, Grid, Picture, Section, Table, Text, render

    render(
        "report.html",
        "Aquarium",
        [
            Section("Classes", [
                Text("Long tails are common."),
                Table(("class", "boxes"), [("고등어", 120), ("eel", 3)], caption="boxes per class"),
                Figure.from_matplotlib(figure, "boxes per class, log scale"),
            ]),
            Section("Pictures", [Grid([Picture.of(bgr_array, "a.jpg", note="2 boxes")])]),
        ],
        facts=[("images", 448), ("boxes", 3324)],
    )

The file is self-contained: style and pictures are inside, a content security policy forbids it to
load anything or to run a script, and every text that is passed in is escaped. It follows the
reader's choice of a dark or light screen, fits a phone, and takes any language.

A cell of a table is a text, a number (set to the right, thousands parted), None (a dash) or a
``Badge``. Numbers keep the digits they have: round before.
"""

from __future__ import annotations

from fish_dataset.page.blocks import Badge, Cell, Figure, Grid, Picture, Section, Table, Text
from fish_dataset.page.html import render

__all__ = [
    "Badge",
    "Cell",
    "Figure",
    "Grid",
    "Picture",
    "Section",
    "Table",
    "Text",
    "render",
]
