"""Tables of boxes: CSV, TSV and the like, one row a box.

Columns are found by their names, in any order, or as ``--columns`` says. Forms and sources, all
looked up on 2026-11-25:

- Fishnet.ai: ``img_id,label_l1,…,x_min,x_max,y_min,y_max,label_l2``, the picture ``<img_id>.jpg``,
  x_max before y_min. Readers of ``foid_labels_bbox_v012.csv``:
  https://github.com/filippovarini/fish-datasets/blob/main/data_preview/visualise_fishnet.py
- RetinaNet: ``path/to/image.jpg,x1,y1,x2,y2,class_name`` without a header; all but the path empty
  for a picture without objects; pixels count from 0.
  https://github.com/fizyr/keras-retinanet#csv-datasets
- TensorFlow: ``filename,width,height,class,xmin,ymin,xmax,ymax``, width and height of the picture;
  Roboflow writes it as ``train/_annotations.csv``. https://roboflow.com/formats/tensorflow-object-detection-csv
- FathomNet: ``concept,image,x,y,width,height``.
  https://github.com/fathomnet/fathomnet-py/blob/main/src/fathomnet/scripts/fathomnet_generate.py
- Open Images: ``ImageID,…,LabelName,…,XMin,XMax,YMin,YMax`` as fractions of the picture.
  https://roboflow.com/formats/openimages-csv

A box spans from xmin to xmax, so its width is their difference, as RetinaNet's readers take it.
"""

from __future__ import annotations

from pathlib import Path

from fish_dataset.errors import FishDataError
from fish_dataset.formats.columns import EXPECTED, Columns, find_columns
from fish_dataset.formats.source import Builder, Converted, Format, Options
from fish_dataset.formats.table_boxes import add_boxes
from fish_dataset.formats.table_rows import read_rows
from fish_dataset.formats.tables import SUFFIXES, Sheet, look, splits_of
from fish_dataset.formats.text import encoding_of

_Tables = list[tuple[Sheet, Columns]]


def recognise(source: Path) -> str | None:
    """The first table of boxes in a folder (or one folder below), or the file itself."""
    for path in _candidates(source):
        sheet = look(path)
        columns = find_columns(sheet.rows) if sheet else None
        if sheet is not None and columns is not None:
            kind = ", ".join(columns.header) if columns.header else "path, x1, y1, x2, y2, class"
            return f"{path.name} is a table with columns {kind}"
    return None


def read(source: Path, options: Options) -> Converted:
    """Reads every table of boxes in a folder, or one file.

    Raises:
        FishDataError: no table of boxes, tables that would be read twice, rows that mostly cannot
            be read, no column of classes, or what ``Builder.build`` raises.
    """
    builder = Builder(options.class_names)
    tables = _tables(source, options, builder)
    # Corners and centres show what they are; x, y, width, height may be corners by mistake.
    builder.units_known = all(columns.form != "sides" for _, columns in tables)
    splits = splits_of([sheet.path for sheet, _ in tables])
    for (sheet, columns), split in zip(tables, splits, strict=True):
        only = _only_class(sheet, columns, options)
        table = read_rows(sheet, columns, split, builder, only)
        builder.note_encoding(sheet.path.name, encoding_of(sheet.path))
        table.classes = _names(table.classes, sheet, options, builder)
        _say_columns(sheet, columns, builder)
        add_boxes(table, sheet.path, columns, source, options, builder)
    return builder.build(source, options.image_dir)


def _candidates(source: Path) -> list[Path]:
    if source.is_file():
        return [source] if source.suffix.lower() in SUFFIXES else []
    patterns = [f"{depth}*{suffix}" for depth in ("", "*/") for suffix in (".csv", ".tsv")]
    return [path for pattern in patterns for path in sorted(source.glob(pattern))]


def _tables(source: Path, options: Options, builder: Builder) -> _Tables:
    found: _Tables = []
    other = []
    for path in _candidates(source) if source.is_dir() else [source]:
        sheet = look(path)
        columns = find_columns(sheet.rows, options.columns) if sheet else None
        if sheet is not None and columns is not None:
            found.append((sheet, columns))
        else:
            names = ", ".join(sheet.rows[0]) if sheet else "no columns"
            other.append(f"{path.name} ({names[:120]})")
    if not found:
        seen = f"found {'; '.join(other[:5])}" if other else "found no .csv or .tsv"
        raise FishDataError(f"{source}: no table of boxes: {seen}. Expected {EXPECTED}")
    for name in other:
        builder.note(f"not read, no table of boxes: {name}")
    return found


def _only_class(sheet: Sheet, columns: Columns, options: Options) -> str:
    if "class" in columns.at:
        return ""
    if len(options.class_names) == 1:
        return options.class_names[0]
    names = ", ".join(columns.header) or "no names"
    raise FishDataError(
        f"{sheet.path}: no column of classes (it has: {names}); say which with "
        "--columns class=NAME, or give the one class of all boxes with --classes NAME"
    )


def _names(classes: list[str], sheet: Sheet, options: Options, builder: Builder) -> list[str]:
    """Class names, where a table gives numbers: those of ``--classes``, counted from 0."""
    if not classes or not all(text.isascii() and text.isdecimal() for text in classes):
        return classes
    if not options.class_names:
        builder.note(f"{sheet.path.name}: classes are numbers; name them with --classes A,B,…")
        return classes
    odd = [text for text in classes if int(text) >= len(options.class_names)]
    if odd:
        raise FishDataError(
            f"{sheet.path}: class number {odd[0]} has no name: --classes names "
            f"{len(options.class_names)}, counted from 0"
        )
    return [options.class_names[int(text)] for text in classes]


def _say_columns(sheet: Sheet, columns: Columns, builder: Builder) -> None:
    box = ", ".join(columns.name(index) for index in columns.box)
    rest = "; ".join(f"{role} from {columns.name(i)}" for role, i in columns.at.items())
    unused = columns.unused()
    tail = f"; not used: {', '.join(unused)}" if unused else ""
    builder.note(f"{sheet.path.name}: box ({columns.form}) from columns {box}; {rest}{tail}")


FORMATS: tuple[Format, ...] = (
    Format(
        name="csv",
        title="table of boxes (CSV: Fishnet.ai, RetinaNet, TensorFlow, FathomNet, Open Images)",
        recognise=recognise,
        read=read,
        rank=0,
    ),
)
