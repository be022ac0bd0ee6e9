"""The severity policy of the loader, in one table.

An ``error`` refuses the file: training on it would be wrong, or guessing what was meant would be.
A ``repaired`` fault has one possible meaning; it is mended and counted. A ``warning`` changes
nothing. An ``info`` is worth knowing and no fault. The loader asks what the annotation file alone
tells; ``tools/dataset/validate.py`` asks all of it.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Severity = Literal["error", "repaired", "warning", "info"]


class Rule(NamedTuple):
    """How bad a fault is, what it is, and what to do about it."""

    severity: Severity
    what: str
    remedy: str


_XYXY = "COCO boxes are [x, y, width, height] from the top left corner; convert [x1, y1, x2, y2]"

RULES: dict[str, Rule] = {
    # the file's lists
    "not-an-object": Rule("error", "entry is not a JSON object", "write each entry as {…}"),
    "no-images": Rule("error", "the file lists no image", "check that the right file was exported"),
    "no-boxes": Rule("warning", "the file holds no box", "fine for pictures without fish"),
    # classes
    "category-missing": Rule("error", "the file names no class", "list the species in categories"),
    "category-id": Rule(
        "error",
        "category id is missing, used twice, or no number or text",
        "give each category an id of its own",
    ),
    "category-name": Rule(
        "error",
        "category name is missing, empty or used twice",
        "give each category a name of its own",
    ),
    "category-lookalike": Rule(
        "warning",
        "two classes differ only in case, spaces or Unicode form",
        "give them one name if they are one species",
    ),
    "category-dummy": Rule(
        "repaired",
        "Roboflow's dummy category 0, which has no boxes, is left out",
        "none needed",
    ),
    "class-set": Rule(
        "error",
        "the classes of the file are not the expected ones",
        "use the same names, letter by letter, in config, train, val, test and checkpoint",
    ),
    # images
    "image-id": Rule(
        "error",
        "image id is missing, or no number or text",
        "give each image an id of its own",
    ),
    "image-id-duplicate": Rule(
        "error",
        "image id is used twice",
        "give each image an id of its own",
    ),
    "image-id-renumbered": Rule(
        "repaired",
        "image ids are not integers from 1 and are renumbered",
        "none needed; the ids of the file stay in image_meta['source_id']",
    ),
    "image-file-name": Rule(
        "error",
        "file_name is missing or no text",
        "name the picture, relative to the image folder",
    ),
    "image-file-duplicate": Rule(
        "error",
        "two image entries name the same file",
        "merge the entries and their boxes",
    ),
    "image-path-backslash": Rule(
        "repaired",
        "file_name has Windows backslashes, read as /",
        "none needed",
    ),
    "image-file-respelled": Rule(
        "repaired",
        "file_name differs from the file on disk only in case, Unicode form or leading folders "
        "that are not there; the name on disk is taken",
        "none needed",
    ),
    "image-file-missing": Rule(
        "error",
        "the picture is not on disk",
        "copy it there, or take its entry out of the file",
    ),
    "image-folder": Rule(
        "error",
        "none of the pictures is in the image folder",
        "pass the folder that the file_name values start from (data_prefix, or image_dir)",
    ),
    "image-size": Rule(
        "error",
        "width or height is missing, not positive or not an integer, "
        "and no picture could be read to tell",
        "write the picture's size in pixels, or load with the image folder at hand",
    ),
    "image-size-read": Rule(
        "repaired",
        "width or height is missing, not positive or not an integer; read from the picture instead",
        "none needed",
    ),
    # annotations
    "annotation-id-renumbered": Rule(
        "repaired",
        "annotation ids are missing or not integers from 1, and are renumbered "
        "(id 0 spoils AP in pycocotools)",
        "none needed",
    ),
    "annotation-id-duplicate": Rule(
        "repaired",
        "annotation id is used twice; all are renumbered",
        "none needed",
    ),
    "unknown-image": Rule(
        "error",
        "image_id names no image of the file",
        "add the image or drop the box",
    ),
    "unknown-category": Rule(
        "error",
        "category_id names no category of the file",
        "add the category or drop the box",
    ),
    "reference-kind": Rule(
        "repaired",
        'id is a text here and a number there ("7" and 7); taken as the same',
        "none needed",
    ),
    "flag": Rule("error", "flag is neither 0 nor 1", "write 0 or 1, or leave it out"),
    "area-computed": Rule(
        "repaired",
        "area is missing, not positive or not a number; width × height is taken",
        "none needed",
    ),
    # boxes
    "box-format": Rule("error", "bbox is not four numbers", _XYXY),
    "box-not-finite": Rule("error", "bbox holds NaN or infinity", "draw the box again or drop it"),
    "box-negative": Rule("error", "width or height is negative", _XYXY + "; swap crossed corners"),
    "box-no-size": Rule(
        "error",
        "width or height is 0 (under 0.01 pixel)",
        "drop the box or draw it again",
    ),
    "box-outside": Rule(
        "error",
        "the box lies outside its picture",
        "check the picture's size and the box's corner",
    ),
    "box-clipped": Rule(
        "repaired",
        "the box reaches over the edge of its picture and is cut there",
        "none needed",
    ),
    "box-tiny": Rule(
        "warning",
        "the box is under 1 pixel wide or high; kept",
        "drop it if it is a slip",
    ),
    "boxes-xyxy": Rule("error", "the boxes look like [x1, y1, x2, y2]", _XYXY),
    "boxes-normalised": Rule(
        "error",
        "all boxes lie between 0 and 1, as fractions of the picture",
        "COCO boxes are in pixels; multiply by the picture's width and height",
    ),
    # validate.py: the file and its pictures
    "annotation-file": Rule("error", "the annotation file cannot be read", "export it again"),
    "picture-unreadable": Rule(
        "error",
        "the picture is cut short, empty or cannot be decoded",
        "copy it again; --fix leaves it out",
    ),
    "picture-size": Rule(
        "error",
        "width or height in the file is not the picture's",
        "write the picture's size and draw the boxes at it; --fix scales where the shape is equal",
    ),
    "picture-turned": Rule(
        "error",
        "the Exif tag turns the picture by a quarter, which training follows and the annotated "
        "size does not",
        "turn sizes and boxes too; --fix does",
    ),
    "picture-exif": Rule(
        "warning",
        "the Exif tag turns or mirrors the picture at an unchanged size; whether the boxes follow "
        "cannot be told",
        "look at the boxes in the report; save the pictures upright",
    ),
    "picture-blank": Rule(
        "warning", "the picture is of a single shade", "take it out if it is a slip"
    ),
    "picture-copy": Rule(
        "warning",
        "two files of one split are the same, byte for byte",
        "keep one; --fix does",
    ),
    "picture-leak": Rule(
        "error",
        "the same picture, byte for byte, is in two splits",
        "keep it in one; --fix takes it out of train",
    ),
    "picture-near": Rule(
        "info",
        "pictures of one split that look alike, such as frames one after the other",
        "none needed; more of the same teaches little",
    ),
    "picture-near-leak": Rule(
        "warning",
        "a picture looks like one in another split",
        "split by video or site: python tools/dataset/split.py DIR OUT",
    ),
    "picture-unlisted": Rule(
        "info",
        "a picture lies in the image folder and no split names it",
        "label it or move it away",
    ),
    "image-empty": Rule(
        "info", "images without boxes", "fine where there is no fish; they teach what is none"
    ),
    # validate.py: splits and classes
    "group-leak": Rule(
        "error",
        "pictures of one video are in two splits",
        "split by video: python tools/dataset/split.py DIR OUT --by video",
    ),
    "group-site": Rule(
        "warning",
        "pictures of one site are in two splits, with its background and light",
        "split by site to measure on new places: python tools/dataset/split.py DIR OUT --by site",
    ),
    "group-guess": Rule(
        "warning",
        "file names and likeness tell that pictures of one series are in two splits",
        "split by series: python tools/dataset/split.py DIR OUT --by name",
    ),
    "class-one-split": Rule(
        "warning",
        "the class has boxes in some splits only",
        "it cannot be both learned and measured; split anew or collect more",
    ),
    "class-unused": Rule("info", "the class has no box at all", "take it out if it is a slip"),
    "class-synonym": Rule(
        "warning",
        "two classes are one species by the catalogue",
        "give them one name; --fix does",
    ),
    # validate.py: boxes
    "box-duplicate": Rule(
        "warning", "two boxes of one class lie on one another", "drop one; --fix does"
    ),
    "box-two-classes": Rule(
        "warning", "two boxes of different classes lie on one another", "keep the right one"
    ),
    "box-nested": Rule(
        "warning",
        "a box lies inside another one of its class",
        "right for a fish before a fish; else drop one",
    ),
    "box-whole-picture": Rule(
        "warning",
        "the box is as large as the picture",
        "right for a close-up; else draw it again",
    ),
    "box-odd-shape": Rule(
        "warning",
        "the box is far longer or flatter than others of its class",
        "look at it; a slip of the hand or the wrong class",
    ),
    "box-odd-size": Rule(
        "warning",
        "the box is far larger or smaller than others of its class",
        "look at it; a slip of the hand or the wrong class",
    ),
}
