"""Annotations → Pascal VOC: ``Annotations/*.xml`` and ``ImageSets/Main/<split>.txt``.

Corners are pixels counted from 1, both inclusive, as in the challenge (see ``voc``); whole numbers,
which many readers insist on, but for boxes so thin that no whole pixel comes within half a pixel of
both edges: their corners keep decimals.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

from fish_dataset.folder import Part
from fish_dataset.formats.out_images import OutImage, images_of, write_text
from fish_dataset.progress import track

NOT_XML = frozenset(map(chr, (*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF)))
"""Characters that an XML file cannot hold."""


def write_voc(work: Path, parts: Mapping[str, Part]) -> None:
    """Writes an XML file for each picture, and the lists of the splits, below ``work``.

    Crowd and ignored boxes are marked ``difficult``, which evaluation passes over.

    Raises:
        OSError: what writing raises.
    """
    for split, part in parts.items():
        stems = []
        for image in track(images_of(part), part.annotations.num_images, f"{split} labels"):
            stem = PurePosixPath(image.name).with_suffix("").as_posix()
            stems.append(stem)
            element = _voc_element(image)
            ElementTree.indent(element)
            text = ElementTree.tostring(element, encoding="unicode")
            write_text(work / "Annotations" / f"{stem}.xml", text + "\n")
        listed = "".join(f"{stem}\n" for stem in stems)
        write_text(work / "ImageSets" / "Main" / f"{split}.txt", listed)


def _voc_element(image: OutImage) -> ElementTree.Element:
    root = ElementTree.Element("annotation")
    _child(root, "folder", "JPEGImages")
    _child(root, "filename", PurePosixPath(image.name).name)
    # The reader takes this as the sign of corners that count pixels from 1.
    _child(ElementTree.SubElement(root, "source"), "annotation", "PASCAL VOC")
    size = ElementTree.SubElement(root, "size")
    for key, number in (("width", image.width), ("height", image.height), ("depth", 3)):
        _child(size, key, str(number))
    _child(root, "segmented", "0")
    for x, y, w, h, name, crowd, ignore in image.boxes:
        entry = ElementTree.SubElement(root, "object")
        _child(entry, "name", name)
        for key, value in (("pose", "Unspecified"), ("truncated", "0")):
            _child(entry, key, value)
        _child(entry, "difficult", "1" if crowd or ignore else "0")
        corners = ElementTree.SubElement(entry, "bndbox")
        left, right = _voc_side(x, x + w)
        top, bottom = _voc_side(y, y + h)
        for key, value in (("xmin", left), ("ymin", top), ("xmax", right), ("ymax", bottom)):
            _child(corners, key, value)
    return root


def _voc_side(low: float, high: float) -> tuple[str, str]:
    """First and last pixel from 1, inclusive, of the edges ``low`` and ``high``."""
    first, last = round(low) + 1, round(high)
    if last >= first:
        return str(first), str(last)
    return f"{low + 1:.6g}", f"{high:.6g}"


def _child(parent: ElementTree.Element, tag: str, text: str) -> None:
    ElementTree.SubElement(parent, tag).text = text
