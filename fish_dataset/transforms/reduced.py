"""Loading and resizing as one pair: the loader knows what size Resize will ask for.

``with_reduced_decoding`` makes the pair of a pipeline as configs and mmdet write it. Boxes,
``scale_factor`` and the size of the result are those of the whole picture, to the last digit.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

import mmcv
import numpy as np
from mmcv.transforms import (
    BaseTransform,
    Compose,
    LoadImageFromFile,
    RandomChoiceResize,
    RandomResize,
)
from mmdet.datasets.transforms import FilterAnnotations, LoadAnnotations, Resize
from mmengine import fileio

from fish_dataset.decoding import decode_reduced, divisor_for, resized_shape

_WHOLE = "whole_shape"
_NO_PIXELS = (LoadAnnotations, FilterAnnotations)  # what may stand between loading and resizing


class Wanted(NamedTuple):
    """The largest size that a resizing transform may ask for, as ``Resize`` takes it."""

    scale: tuple[int, int]
    keep_ratio: bool


class LoadImageReduced(LoadImageFromFile):
    """As ``LoadImageFromFile``, but a JPEG is decoded at 1/2, 1/4 or 1/8 where that is enough.

    Required keys: img_path. Modified keys: img, img_shape, ori_shape (of the whole picture).
    Added where the picture is reduced: whole_shape, which ``ResizeReduced`` takes away.

    Args:
        load: the transform whose settings count.
        wanted: what the resizing transform behind it may ask for.
    """

    def __init__(self, load: LoadImageFromFile, wanted: Wanted) -> None:
        super().__init__(to_float32=load.to_float32, backend_args=load.backend_args)
        self.wanted = wanted

    def transform(self, results: dict) -> dict:
        """Load the picture of ``results``."""
        content = fileio.get(results["img_path"], backend_args=self.backend_args)
        found = decode_reduced(content, *self.wanted) if self._worth_a_look(results) else None
        if found is None:
            image = mmcv.imfrombytes(content, flag="color", backend="cv2")
            assert image is not None, f"failed to load image: {results['img_path']}"
            whole = image.shape[:2]
        else:
            image, whole = found
            results[_WHOLE] = whole
        results["img"] = image.astype(np.float32) if self.to_float32 else image
        results["img_shape"], results["ori_shape"] = image.shape[:2], whole
        return results

    def _worth_a_look(self, results: dict) -> bool:
        """Whether the size in the annotations, where there is one, leaves something to reduce: the
        file's header tells the truth, but takes time to read."""
        height, width = results.get("height"), results.get("width")
        return not height or not width or divisor_for((height, width), *self.wanted) > 1

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, wanted={tuple(self.wanted)})"


class ResizeReduced(Resize):
    """As mmdet's ``Resize``, for a picture that may have been decoded at a reduced scale."""

    @classmethod
    def like(cls, resize: Resize) -> ResizeReduced:
        """Return one with the settings of ``resize``."""
        made = cls(scale=1)
        made.__dict__.update(resize.__dict__)
        return made

    def _resize_img(self, results: dict) -> None:
        whole = results.pop(_WHOLE, None)
        if whole is None:
            super()._resize_img(results)
            return
        height, width = resized_shape(whole, results["scale"], self.keep_ratio)
        results["img"] = mmcv.imresize(
            results["img"], (width, height), interpolation=self.interpolation, backend=self.backend
        )
        results["img_shape"] = results["img"].shape[:2]
        results["scale_factor"] = (width / whole[1], height / whole[0])
        results["keep_ratio"] = self.keep_ratio


def with_reduced_decoding(pipeline: Compose) -> Compose:
    """Return a pipeline whose loader decodes JPEGs no larger than its first resize needs.

    It is returned as it is where that cannot be done without changing a result other than pixels:
    the loader or the resizing transform is of another kind or set otherwise (colour, decoder,
    ``scale_factor``, a subclass), or something stands between them that looks at pixels.
    """
    steps: Sequence[Any] = pipeline.transforms
    if not steps or not _plain(steps[0]):
        return pipeline
    place = next((i for i, s in enumerate(steps[1:], 1) if type(s) not in _NO_PIXELS), len(steps))
    wanted = _wanted(steps[place]) if place < len(steps) else None
    if wanted is None:
        return pipeline
    load = LoadImageReduced(steps[0], wanted)
    return Compose([load, *steps[1:place], _aware(steps[place]), *steps[place + 1 :]])


def _plain(load: Any) -> bool:
    return (
        type(load) is LoadImageFromFile
        and load.color_type == "color"
        and load.imdecode_backend == "cv2"
        and load.file_client_args is None
        and not load.ignore_empty
    )


def _wanted(step: BaseTransform) -> Wanted | None:
    if type(step) in (RandomChoiceResize, RandomResize):
        scales, resize = _scales(step), step.resize
    else:
        scales, resize = [getattr(step, "scale", None)], step
    if type(resize) is not Resize or not all(isinstance(scale, tuple) for scale in scales):
        return None
    if resize.keep_ratio:  # the longest and the shortest edge, in whichever order they stand
        scales = [(max(scale), min(scale)) for scale in scales]
    largest = max(scale[0] for scale in scales), max(scale[1] for scale in scales)
    return Wanted(largest, resize.keep_ratio)


def _scales(step: RandomChoiceResize | RandomResize) -> list[Any]:
    if isinstance(step, RandomChoiceResize):
        return list(step.scales)
    if step.ratio_range is None:
        low, high = step.scale
        return [tuple(max(edges) for edges in zip(low, high, strict=True))]
    return [tuple(int(edge * max(step.ratio_range)) for edge in step.scale)]


def _aware(step: BaseTransform) -> BaseTransform:
    if type(step) is Resize:
        return ResizeReduced.like(step)
    made = copy.copy(step)
    made.resize = ResizeReduced.like(step.resize)
    return made
