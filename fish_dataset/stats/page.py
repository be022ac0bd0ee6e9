"""The HTML page of an overview."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fish_dataset.page import Figure, Section, Table, Text, render
from fish_dataset.page.blocks import Block, Cell

from . import figures
from .boxes import classes_for, coverage, presence, size_counts
from .light import Light
from .overview import Overview, Sizes, class_rows
from .words import anchors_told, scale_told


def write_page(overview: Overview, path: Path) -> None:
    """Write the page; raises FishDataError where it cannot be written."""
    boxes = overview.boxes
    facts: list[tuple[str, Cell]] = [
        ("pictures", len(boxes.names)),
        ("boxes", len(boxes.image)),
        ("classes", len(boxes.classes)),
        ("pictures without boxes", int((boxes.per_image == 0).sum())),
    ]
    sections = [Section("Classes", _classes(overview))]
    if overview.sizes is not None:
        sections += [
            Section("Sizes and shapes", _shapes(overview)),
            Section("Where and together", _places(overview)),
            Section("Picture size and anchors", _suggestions(overview.sizes)),
        ]
    if overview.light is not None:
        sections.append(Section("Light and colour", _light(overview.light)))
    render(path, f"{overview.data_dir.resolve().name}: a data set in numbers", sections,
           facts=facts, intro="\n\n".join((str(overview.data_dir), *overview.notes)))  # fmt: skip


def _classes(overview: Overview) -> list[Block]:
    boxes = overview.boxes
    counts = boxes.counts()
    rows = [
        (row["name"], row["english"], row["korean"], *row["boxes"].values(), row["images"],
         row["median_width"], row["median_height"])
        for row in class_rows(overview)
    ]  # fmt: skip
    columns = ("class", "English", "한국어", *(f"boxes, {name}" for name in boxes.splits),
               "pictures", "median width", "median height")  # fmt: skip
    tail = (
        f"{classes_for(counts.sum(1))} of {len(boxes.classes)} classes hold 90 % of the boxes."
        + (f" {boxes.left_out} ignored or crowd boxes are not counted." if boxes.left_out else "")
    )
    drawing = Figure.from_matplotlib(
        figures.long_tail(boxes.classes, counts, boxes.splits),
        f"boxes of each class; the {figures.MOST_CLASSES} commonest at most",
    )
    return [Text(tail), Table(columns, rows), drawing]


def _shapes(overview: Overview) -> list[Block]:
    boxes = overview.boxes
    kinds = size_counts(boxes)
    side = np.sqrt(np.maximum(boxes.wh.prod(1), 1e-6))
    ratio = boxes.wh[:, 0] / np.maximum(boxes.wh[:, 1], 1e-6)
    table = Table(
        ("COCO's word", "area in pixels", "boxes", "%"),
        [
            (name, area, kinds[name], round(100 * kinds[name] / len(boxes.image), 1))
            for name, area in (
                ("small", "under 32²"),
                ("medium", "32² to 96²"),
                ("large", "96² and more"),
            )
        ],
    )
    return [
        table,
        _drawn(
            figures.histogram(side, "root of the area, pixels", [(32, "32"), (96, "96")], log=True),
            "size of the boxes in the pictures as they are stored",
        ),
        _drawn(
            figures.histogram(ratio, "width / height", [(1, "square")], log=True),
            "aspect ratio of the boxes",
        ),
        _drawn(figures.histogram(boxes.per_image, "boxes in a picture"), "boxes in a picture"),
    ]


def _places(overview: Overview) -> list[Block]:
    boxes = overview.boxes
    return [
        _drawn(
            figures.heat_map(coverage(boxes)),
            "share of the boxes that reach into each part of the picture",
        ),
        _drawn(
            figures.together(boxes.classes, presence(boxes)),
            "pictures that show both classes; on the diagonal, pictures that show the class",
        ),
    ]


def _suggestions(found: Sizes) -> list[Block]:
    method = (
        f"The table has {len(found.clusters)} anchors by k-means with distance 1 − IoU (YOLO9000, "
        f"Redmon and Farhadi 2017). Their mean best IoU is {found.cluster_fit.iou:.2f}, IoU 0.5 is "
        f"reached by {found.cluster_fit.recall:.0%} of the boxes."
    )
    anchors = Table(
        ("width", "height", "height / width"),
        [(round(w, 1), round(h, 1), round(h / w, 2)) for w, h in found.clusters.tolist()],
        caption=f"pixels at {found.side}",
    )
    return [
        Text(f"{scale_told(found.scale)}.\n\n{anchors_told(found)}.\n\n{method}"),
        anchors,
        _drawn(figures.sizes(found.sizes, found.clusters, found.side), "boxes and anchors"),
    ]


def _light(light: Light) -> list[Block]:
    good = np.isfinite(light.brightness)
    if not good.any():
        return [Text(f"None of {len(light.rows)} pictures could be read.")]
    strongest = light.cast[good].argmax(1)
    names = ("blue", "green", "red")
    shares = ", ".join(f"{names[i]} in {(strongest == i).mean():.0%}" for i in range(3))
    text = (
        f"{len(light.rows)} pictures measured, evenly spread; {light.unreadable} unreadable. By "
        f"the grey-world assumption (Buchsbaum 1980) the strongest channel is {shares}."
    )
    return [
        Text(text),
        _drawn(figures.histogram(light.brightness, "mean brightness, 0 to 255"), "brightness"),
        _drawn(figures.histogram(light.contrast, "standard deviation of brightness"), "contrast"),
        _drawn(figures.casts(light), "colour cast; a picture without any lies at the crossing"),
    ]


def _drawn(figure: object, caption: str) -> Figure:
    return Figure.from_matplotlib(figure, caption)  # type: ignore[arg-type]
