"""OpenCV's list of positive pictures, in which NOAA's Labeled Fishes in the Wild comes (``.dat``).

A line names a picture, the number of boxes and, for each, left, top, width, height in pixels:
``img/img2.jpg 2 100 200 50 50 50 30 25 25`` (OpenCV's cascade classifier training,
https://docs.opencv.org/4.1.1/dc/d88/tutorial_traincascade.html; its text as opencv/opencv has it,
doc/tutorials/objdetect/traincascade.markdown at commit 0ecc271; both read 2026-11-28).

NOAA's set (https://swfscdata.nmfs.noaa.gov/labeled-fishes-in-the-wild/) was made for such
classifiers; its labels are .dat, .vec and .info files (selectdataset.com's page on the set, read
2026-11-28). Of four public readers of ``Positive_fish_(ALL)-MARKS_DATA.dat`` and of its test
video's ``Test_ROV_video_h264_full_marks.dat`` three take the last two numbers for a size, as
OpenCV does, and one for the lower right corner; so boxes which look like corners are refused, with
that said. One of them found a picture on several lines, which are joined here (read in GitHub's
sources, 2026-11-28). No file of the set has been seen; the test video's list names frames, not
pictures, and is not read.
"""

from __future__ import annotations

from pathlib import Path

from fish_dataset.errors import FishDataError
from fish_dataset.formats.builder import Builder
from fish_dataset.formats.pictures import Pictures, is_picture
from fish_dataset.formats.source import Converted, Format, Options
from fish_dataset.formats.text import first_text, read_text

CLASS = "fish"
_SUFFIXES = (".dat", ".info")


def recognise(source: Path) -> str | None:
    """Evidence of a list: its first line can be read."""
    found = _files(source)
    return f"{found[0].name} (OpenCV's list of positives)" if found else None


def read(source: Path, options: Options) -> Converted:
    """Reads every list of a folder, or the one given.

    Raises:
        FishDataError: no such list, or boxes that look like corners.
    """
    files = [source] if source.is_file() else _files(source)
    if not files:
        raise FishDataError(f"{source}: holds no list of '<picture> <count> x y width height …'")
    name = options.class_names[0] if options.class_names else CLASS
    builder = Builder([name], place="line")
    builder.note(f"the list names no class: all boxes are {name!r}; --classes NAME names them")
    base = source if source.is_dir() else source.parent
    for path in files:
        tops = [top for top in (options.image_dir, path.parent, base) if top is not None]
        _add(builder, path, str(path.relative_to(base)), Pictures(tops), name)
    return builder.build(source, options.image_dir)


FORMATS = (
    Format("opencv", "OpenCV list of positives (NOAA Labeled Fishes .dat)", recognise, read),
)


def parse_line(line: str) -> tuple[str, list[tuple[float, float, float, float]]] | None:
    """A picture's name, which may hold blanks, and its boxes; None where a line is no such one."""
    words = line.split()
    for place in range(1, len(words)):
        count = words[place]
        if count.isascii() and count.isdecimal() and len(words) - place - 1 == 4 * int(count):
            try:
                numbers = [float(word) for word in words[place + 1 :]]
            except ValueError:
                continue
            boxes = list(zip(*(numbers[side::4] for side in range(4)), strict=True))
            return " ".join(words[:place]), boxes  # type: ignore[return-value]
    return None


def _files(source: Path) -> list[Path]:
    paths = [source] if source.is_file() else [p for p in sorted(source.rglob("*")) if p.is_file()]
    return [path for path in paths if path.suffix.lower() in _SUFFIXES and _is_list(path)]


def _is_list(path: Path) -> bool:
    lines = [line for line in first_text(path).splitlines() if line.strip()]
    found = parse_line(lines[0]) if lines else None
    return found is not None and is_picture(found[0])


def _add(builder: Builder, path: Path, place: str, pictures: Pictures, name: str) -> None:
    builder.reading(place)
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if not line.strip():
            continue
        found = parse_line(line)
        if found is None:
            reason = "line that is not '<picture> <count> x y width height …'"
            builder.lose(reason, f"{place}, line {number}", line)
            continue
        row = builder.image("", pictures.find(found[0]) or found[0])
        for x, y, w, h in found[1]:
            builder.box(row, x, y, w, h, name, at=number)
