"""Fish on pictures: the detector that a trained checkpoint makes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import supervision as sv

from fishdet.checkpoint.finding import find_checkpoint
from fishdet.errors import FishdetError, naming_absent

from .boxes import Boxes
from .engines import AUTO, PYTORCH, Wish, choose
from .exported import SUFFIXES, open_exported
from .inputs import ImageLike, read_image
from .names import names_of
from .options import DetectionOptions
from .results import build_detections
from .runner_up import runner_up
from .thresholds import DEFAULT, Threshold, thresholds_for
from .views import look

if TYPE_CHECKING:
    from mmengine.config import Config


class Detector:
    """Detects fish with a checkpoint of this project or of MMDetection.

    Example:
        >>> detector = Detector("work_dirs/fish", lang="ko")
        >>> detections = detector("reef.jpg")
        >>> detections.data["class_name"], detections.xyxy, detections.confidence

    Args:
        model: the checkpoint, a published model, a work dir (its best checkpoint, else its
            last), or what ``tools/export.py`` wrote (``.onnx``, ``.xml``), which runs without
            PyTorch. Nothing in it is executed.
        config: its config, where the checkpoint carries none.
        device: 'cpu', 'cuda', 'cuda:1'; by default CUDA where there is one.
        score_thr: detections below this score are dropped; one for all, or by class name.
        lang: language of ``class_name``, 'en' (the data set's own names) or 'ko'; species that
            the catalogue does not know keep their name.
        precision: 'auto' (bf16 on a CPU that has the instructions), 'fp32', 'bf16' or 'fp16'.
        trust_pickle: read a ``.pth`` with all that its pickle asks for; see ``load_checkpoint``.
        channels: order of the channels of arrays, 'bgr' (OpenCV) or 'rgb'.
        plain: leave the network as it was trained, to look into it or to export it; without it
            BatchNorm is folded into the convolutions, which moves scores by a millionth or so.
        proposals: how many regions of a picture the second stage looks at, at most; fewer are
            faster (``tools/analysis/proposals.py`` tells what they cost). None: as trained.
        runtime: 'auto': an OpenVINO export of the very same model that lies beside it
            (``MODEL.xml``) where that is the faster one here, else PyTorch (``engines.choose`` has
            the rules); 'pytorch'; 'named': the very file that ``model`` names, trained or
            exported; or the exported file to run, which may be INT8.
        compiled: let PyTorch compile backbone and neck (``torch.compile``): the first picture of
            a size takes a minute or so, those after it less.
        options: what else ``DetectionOptions`` holds, by name: ``agnostic_nms``, ``flip``,
            ``tile``, ``tile_overlap``, ``batch_size``.

    Attributes:
        classes: the class names as trained, in the order of ``class_id``.
        names: the same in ``lang``.
        calibration: what makes chances of scores; None where the model was not calibrated.
        engine: what runs the model here, how and why, in words.
        faster: what would make it faster here, in words; empty where nothing is known.
        class_thresholds: the score from which on each species is worth showing, as calibration
            chose it; nothing is dropped by it.
        drawn_only: whether it has learnt from the drawn data set alone, so that what it says of
            photos means little.

    Raises:
        FishdetError: says which of the above does not work and what to do.
    """

    def __init__(
        self,
        model: str | os.PathLike[str],
        config: str | Path | Config | None = None,
        device: str | None = None,
        score_thr: Threshold = DEFAULT,
        lang: str = "en",
        precision: str = "auto",
        trust_pickle: bool = False,
        channels: str = "bgr",
        plain: bool = False,
        proposals: int | None = None,
        runtime: str | os.PathLike[str] = AUTO,
        compiled: bool = False,
        **options: Any,
    ) -> None:
        if channels not in ("bgr", "rgb"):
            raise FishdetError(f"channels {channels!r}: arrays are 'bgr' (OpenCV) or 'rgb'")
        self.options = _options(score_thr, options)
        self.channels, self.score_thr = channels, score_thr
        path = find_checkpoint(Path(model))
        self._plainly = partial(
            Detector, path, config, device, score_thr, lang, precision, trust_pickle, channels,
            plain=True, proposals=proposals, runtime=PYTORCH, **options,
        )  # fmt: skip
        wish = Wish(os.fspath(runtime), config, device, precision, plain, proposals, compiled)
        choice = choose(path, wish)
        self._trained, path = path, choice.file
        if path.suffix in SUFFIXES:
            opened = open_exported(path, config, device, precision, self.options.batch_size)
            if path != self._trained:
                proposals = None  # the export has as many
        else:
            with naming_absent(f"{path}: a trained model"):  # exported ones do without
                from .trained import open_trained

            settings = (config, device, precision, trust_pickle, self.options.batch_size, plain)
            opened = open_trained(path, *settings, compiled=compiled)
        self.cfg, self.network, self.device = opened.cfg, opened.network, opened.device
        if proposals is not None:
            self.network.limit_proposals(proposals)
        self.engine: str = f"{self.network.engine} ({choice.why})"
        self.faster = choice.faster
        self.classes, self.calibration = opened.classes, opened.calibration
        self.class_thresholds = opened.thresholds
        self.drawn_only = opened.drawn_only
        self.thresholds = thresholds_for(score_thr, self.classes)
        self.catalogue_names = names_of(self.classes, lang)
        self.names = tuple(self.catalogue_names.class_name.tolist())

    @overload
    def __call__(self, images: ImageLike) -> sv.Detections: ...
    @overload
    def __call__(self, images: Sequence[ImageLike]) -> list[sv.Detections]: ...
    @overload
    def __call__(self, images: Iterator[ImageLike]) -> Iterator[sv.Detections]: ...
    def __call__(self, images: Any) -> Any:
        """Detect fish on one image, on a list of images, or on a stream of them.

        Args:
            images: a path, bytes of an image file, an array (of the order ``channels``), a Pillow
                image, a list or tuple of these, or a generator or other iterator. EXIF
                orientation is honoured, as in training.

        Returns:
            ``supervision.Detections``; a list of them for a list; for an iterator an iterator,
            which reads ``batch_size`` images ahead and keeps their order. Best first:

            - ``xyxy`` float32 (N, 4), pixels of the image; ``confidence`` float32 (N,);
              ``class_id`` int64 (N,);
            - ``data``, each (N,): ``class_name`` in ``lang``, ``species_id``,
              ``scientific_name``, ``name_ko``, ``name_en`` (empty where the catalogue has none);
              ``calibrated`` float32, equal to the score where the model is not calibrated;
              ``runner_up`` (the class name of the next species, in ``lang``), ``runner_up_id``
              (its class id, -1) and ``runner_up_score`` (NaN) where the network tells;
            - ``metadata``: ``calibrated`` (bool).

        Raises:
            FishdetError: an image is not readable; names it.
        """
        if isinstance(images, Iterator):
            return self.stream(images)
        if not isinstance(images, list | tuple):
            return self.predict([self.read(images)])[0]
        return list(self.stream(images))

    def stream(self, images: Iterable[ImageLike]) -> Iterator[sv.Detections]:
        """Yield the detections of each image in order, ``batch_size`` images in memory."""
        numbered = enumerate(images)
        while batch := list(islice(numbered, self.options.batch_size)):
            yield from self.predict([self.read(image, f"image {i}") for i, image in batch])

    def predict(self, images: Sequence[np.ndarray]) -> list[sv.Detections]:
        """Detect fish on loaded images, uint8 BGR (H, W, 3), whatever ``channels`` says."""
        found = look(self.network, images, self.options, self.thresholds)
        return [self._named(boxes) for boxes in found]

    def read(self, image: ImageLike, name: str = "") -> np.ndarray:
        """Return an image, as ``__call__`` takes it, as ``predict`` does: uint8 BGR (H, W, 3).

        Raises:
            FishdetError: it is not readable; ``name`` says which it is.
        """
        pixels = read_image(image, name)
        if self.channels == "rgb" and isinstance(image, np.ndarray):
            return np.ascontiguousarray(pixels[..., ::-1])
        return pixels

    def as_trained(self) -> Detector:
        """Return a detector whose network is as it was trained: this one, or another of the same
        file where parts of this one are folded away (``plain``)."""
        exported = self._trained.suffix not in SUFFIXES and not hasattr(self.network, "model")
        folded = int(getattr(self.network, "folded", 0))
        return self._plainly() if exported or folded else self

    def _named(self, boxes: Boxes) -> sv.Detections:
        calibrated = None if self.calibration is None else self.calibration(boxes.scores)
        return build_detections(
            self.catalogue_names,
            boxes.xyxy,
            boxes.scores,
            boxes.labels,
            calibrated,
            runner_up(boxes),
        )


def _options(score_thr: Threshold, options: dict[str, Any]) -> DetectionOptions:
    known = set(DetectionOptions.__dataclass_fields__) - {"score_thr"}
    unknown = sorted(set(options) - known)
    if unknown:
        raise FishdetError(
            f"Detector has no option {', '.join(unknown)}; it has {', '.join(sorted(known))}"
        )
    return DetectionOptions(score_thr=score_thr, **options)
