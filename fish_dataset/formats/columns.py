"""Which column of a table holds what."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from fish_dataset.errors import FishDataError
from fish_dataset.formats.pictures import is_picture

# Our names of columns and the spellings that are known for them, the likeliest first; compared in
# small letters without blanks and punctuation.
_SPELLINGS = {
    "image": "filename file filepath image imagename imagefile imagefilename imagepath path img "
    "imgname imgfile imgpath imageid imgid fname imageurl",
    "class": "class classname label labelname labell1 category categoryname species "
    "scientificname concept annotationtag tag name objectclass classid labelid categoryid family",
    "xmin": "xmin x1 x0 left minx bboxxmin bboxx1 xtl tlx xleft bboxleft upperleftcornerx topleftx",
    "ymin": "ymin y1 y0 top miny bboxymin bboxy1 ytl tly ytop bboxtop upperleftcornery toplefty",
    "xmax": "xmax x2 right maxx bboxxmax bboxx2 xbr brx xright bboxright lowerrightcornerx "
    "bottomrightx",
    "ymax": "ymax y2 bottom maxy bboxymax bboxy2 ybr bry ybottom bboxbottom lowerrightcornery "
    "bottomrighty",
    "x": "x bboxx xleft boxx",
    "y": "y bboxy ytop boxy",
    "width": "w bboxw bboxwidth boxw boxwidth",
    "height": "h bboxh bboxheight boxh boxheight",
    "xcenter": "xcenter xcentre cx xc centerx centrex",
    "ycenter": "ycenter ycentre cy yc centery centrey",
    "image_width": "imagewidth imgwidth imgw imagew",
    "image_height": "imageheight imgheight imgh imageh",
    "crowd": "iscrowd crowd",
    "ignore": "ignore ignored isignored",
    "split": "split subset partition dataset usage",
    "site": "site location station habitat",
    "video": "video videoname videoid clip",
    "frame": "frame framenumber frameid frameno",
}
ROLES = tuple(_SPELLINGS)

_SIZE = ("width", "height")  # of the box, or of the picture where the box has corners
_FORMS = {
    "corners": (("xmin", "ymin", "xmax", "ymax"),),
    "sides": (("x", "y", *_SIZE), ("xmin", "ymin", *_SIZE)),
    "centre": (("xcenter", "ycenter", *_SIZE),),
}

EXPECTED = (
    "a line of column names with the picture (filename, img_id, …), the class (class, label, …) "
    "and the box (xmin, ymin, xmax, ymax in any order, or x, y, width, height), or RetinaNet's "
    "lines without names: path,x1,y1,x2,y2,class"
)


@dataclass(frozen=True)
class Columns:
    """Where a table's columns are.

    Attributes:
        form: What a box is: 'corners', 'sides' (left, top, width, height) or 'centre'.
        box: The four columns of the box, in the order of its form.
        at: Further columns by our name: 'image', 'class' and others of ``ROLES``.
        header: Names as they stand, empty where the table has none.
    """

    form: str
    box: tuple[int, int, int, int]
    at: Mapping[str, int] = field(default_factory=dict)
    header: tuple[str, ...] = ()

    def name(self, index: int) -> str:
        """A column's name for people."""
        return repr(self.header[index]) if self.header else f"number {index + 1}"

    def unused(self) -> list[str]:
        """Names of the columns that nothing is taken from."""
        used = {*self.box, *self.at.values()}
        return [name for i, name in enumerate(self.header) if i not in used and name.strip()]


def find_columns(
    rows: Sequence[Sequence[str]], chosen: Mapping[str, str] | None = None
) -> Columns | None:
    """The columns of a table that starts with ``rows``, or None where it is no table of boxes.

    Args:
        rows: The first rows; the first of them may be the names.
        chosen: Our name of a column → the table's name of it, or its number from 1.

    Raises:
        FishDataError: ``chosen`` holds a name that is none of ``ROLES`` or a column that the table
            does not have.
    """
    if not rows:
        return None
    chosen = chosen or {}
    first = [cell.strip().lstrip("#\ufeff").strip() for cell in rows[0]]
    header = () if _is_data(first) else tuple(first)
    picked = {role: _column(role, text, header, len(first)) for role, text in chosen.items()}
    if header:
        return _by_names(header, picked)
    if len(first) == 6 and not picked:
        return Columns("corners", (1, 2, 3, 4), {"image": 0, "class": 5})
    return _assemble(picked, {}, ())


def check_roles(roles: Iterable[str]) -> None:
    """Raise FishDataError for the first of ``roles`` that is no column of ours, with the likeliest
    one that was meant."""
    for role in roles:
        if role not in ROLES:
            alike = difflib.get_close_matches(role, ROLES, n=1)
            meant = f"; did you mean {alike[0]}?" if alike else ""
            raise FishDataError(
                f"--columns: {role!r} is no column of ours{meant} Write OURS=THEIRS with OURS one "
                f"of {', '.join(ROLES)}"
            )


def plain(name: str) -> str:
    """A column's name in small letters without blanks and punctuation."""
    return "".join(char for char in name.casefold() if char.isalnum())


def _is_data(first: Sequence[str]) -> bool:
    """Whether a first row is no header: it holds a picture's name or several numbers."""
    numbers = sum(_is_number(cell) for cell in first)
    return is_picture(first[0].lower()) or numbers >= 3


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _by_names(header: tuple[str, ...], picked: dict[str, int]) -> Columns | None:
    place: dict[str, int] = {}
    for index, name in enumerate(header):
        place.setdefault(plain(name), index)
    known = {role: _first(_SPELLINGS[role].split(), place) for role in ROLES}
    if "x0" in place and "x1" in place and "x2" not in place:  # x0, y0, x1, y1
        known |= {"xmin": place["x0"], "xmax": place["x1"]}
        known |= {"ymin": place.get("y0"), "ymax": place.get("y1")}
    found = {role: index for role, index in known.items() if index is not None}
    return _assemble(picked, found, header)


def _assemble(
    picked: dict[str, int], found: dict[str, int], header: tuple[str, ...]
) -> Columns | None:
    found = {role: i for role, i in found.items() if i not in picked.values()} | picked
    sizes = {plain(name): i for i, name in enumerate(header) if plain(name) in _SIZE}
    for form, choices in _FORMS.items():
        for roles in choices:
            # A plain 'width' is the box's where the box has no corners, else the picture's.
            have = found if form == "corners" else {**sizes, **found}
            if all(role in have for role in roles) and "image" in found:
                box = tuple(have[role] for role in roles)
                rest = {r: i for r, i in found.items() if i not in box and r not in _BOX_ROLES}
                for role in _SIZE:
                    if role in sizes and sizes[role] not in (*box, *picked.values()):
                        rest.setdefault(f"image_{role}", sizes[role])
                return Columns(form, box, MappingProxyType(rest), header)  # type: ignore[arg-type]
    return None


_BOX_ROLES = {role for choices in _FORMS.values() for roles in choices for role in roles}


def _first(names: Iterable[str], place: Mapping[str, int]) -> int | None:
    return next((place[name] for name in names if name in place), None)


def _column(role: str, text: str, header: tuple[str, ...], count: int) -> int:
    check_roles([role])
    if text in header:
        return header.index(text)
    alike = [i for i, name in enumerate(header) if plain(name) == plain(text)]
    if len(alike) == 1:
        return alike[0]
    if text.isdecimal() and 1 <= int(text) <= count:
        return int(text) - 1
    have = ", ".join(header) if header else f"no names, {count} columns; give a number from 1"
    raise FishDataError(f"columns: {role}={text}: the table has no such column (it has: {have})")
