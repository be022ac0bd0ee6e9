"""Object-detection models of the transformers library: build, start and read them.

The library (Apache-2.0, extra ``[transformers]``) is imported when a model is built, not before.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.logging import print_log
from torch import nn

from fishdet.errors import FishdetError

INSTALL = "pip install 'fishdet[transformers]'"
# Fields by which a configuration would fetch code or weights when a model is built from it.
FETCHING = (
    "backbone",
    "use_pretrained_backbone",
    "use_timm_backbone",
    "auto_map",
    "trust_remote_code",
    "quantization_config",
    "attn_implementation",
    "experts_implementation",
    "use_kernels",
)
# Left by the library in every config.json, of no effect on the model; dropped.
NOTES = ("architectures", "transformers_version", "torch_dtype", "dtype", "_name_or_path")
LABELS = ("num_labels", "id2label", "label2id")
# Where the library names no processor for a kind of model: that of its published weights.
PROCESSORS = {
    "d_fine": "RTDetrImageProcessor",
    "rt_detr_v2": "RTDetrImageProcessor",
    "dab-detr": "ConditionalDetrImageProcessor",
}
SHOWN = 5


def library() -> Any:
    """Return the transformers module.

    Raises:
        FishdetError: it is not installed.
    """
    try:
        import transformers
    except ImportError as error:
        raise FishdetError(
            f"TransformersDetector needs the package transformers ({error}): {INSTALL}"
        ) from error
    return transformers


def build(config: Mapping[str, Any], num_classes: int) -> nn.Module:
    """Return the model of a configuration with random weights; nothing is fetched.

    Raises:
        FishdetError: no ``model_type`` of a detector, a field that would fetch something, or
            values that the library refuses.
    """
    transformers = library()
    fields = plain(config)
    kind = fields.pop("model_type", None)
    known = sorted(transformers.models.auto.modeling_auto.MODEL_FOR_OBJECT_DETECTION_MAPPING_NAMES)
    if kind not in known:
        raise FishdetError(
            f"model.config.model_type is {kind!r}; transformers {transformers.__version__} detects "
            f"with {', '.join(known)}"
        )
    _refuse_fetching(fields, "model.config")
    fields = {key: value for key, value in fields.items() if key not in LABELS}
    try:
        made = transformers.AutoConfig.for_model(kind, num_labels=num_classes, **fields)
        _fetch_no_backbone(made)
        return transformers.AutoModelForObjectDetection.from_config(made)
    except (TypeError, ValueError, KeyError, AttributeError, RuntimeError) as error:
        raise FishdetError(
            f"model.config ({kind}): transformers {transformers.__version__} builds nothing from "
            f"it: {type(error).__name__}: {_first_line(error)}"
        ) from error


def processor(config: Any) -> Any:
    """Return the library's image processor that turns this model's outputs into boxes."""
    transformers = library()
    if config.model_type in PROCESSORS:
        return getattr(transformers, PROCESSORS[config.model_type])()
    names = transformers.models.auto.image_processing_auto.IMAGE_PROCESSOR_MAPPING_NAMES
    found = names.get(config.model_type) or {}
    name = found.get("torchvision") or found.get("pil")
    if name is None:
        raise FishdetError(
            f"model.config.model_type {config.model_type!r}: transformers "
            f"{transformers.__version__} has no image processor that reads its outputs"
        )
    return getattr(transformers, name)()


def boxes(
    reader: Any, outputs: Any, sizes: Sequence[tuple[int, int]], number: int
) -> list[dict[str, Any]]:
    """Return scores, labels and boxes (x1, y1, x2, y2) of each picture, best first.

    Args:
        reader: of ``processor``.
        outputs: of the model, in fp32.
        sizes: (height, width) in pixels that the boxes are for.
        number: the most boxes a picture.
    """
    read = reader.post_process_object_detection
    many = {"top_k": number} if "top_k" in inspect.signature(read).parameters else {}
    found = read(outputs, threshold=-1.0, target_sizes=list(sizes), **many)
    return [
        {key: value[_best(one["scores"], number)] for key, value in one.items()} for one in found
    ]


def load_weights(net: Any, source: str) -> None:
    """Load published weights into a model; layers whose size is the number of classes stay.

    Args:
        net: of ``build``.
        source: name on the hub, or a folder.

    Raises:
        FishdetError: they cannot be had, or the architecture is another.
    """
    try:
        loaded, info = type(net).from_pretrained(
            source,
            config=net.config,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            use_safetensors=True,  # a pickle would run code of its author
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise FishdetError(
            f"model.weights={source!r}: {_first_line(error)}. Give a folder with config.json and "
            "model.safetensors, or a name on the hub that can be reached; weights=None starts from "
            "random weights"
        ) from error
    _require_same(source, info, net.config.num_labels)
    net.load_state_dict(loaded.state_dict())
    print_log(
        f"weights of {source}; {len(info['mismatched_keys'])} tensors of other classes start anew",
        logger="current",
    )


def plain(value: Any) -> Any:
    """Return a config's dicts and lists as plain ones, without the library's notes."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items() if key not in NOTES}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def _require_same(source: str, info: Mapping[str, Any], classes: int) -> None:
    other = sorted(info["missing_keys"]) + sorted(info["unexpected_keys"])
    other += sorted(
        str(key) for key, _, own in info["mismatched_keys"] if own[0] not in (classes, classes + 1)
    )
    if other:
        raise FishdetError(
            f"model.weights={source!r} is of another architecture than model.config: "
            f"{len(other)} tensors differ, {', '.join(map(str, other[:SHOWN]))} …: copy the fields "
            "of its config.json to model.config"
        )


def _refuse_fetching(value: Any, where: str) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            if key in FETCHING and item or str(key).startswith("_"):
                raise FishdetError(
                    f"{where}.{key}={item!r} could fetch code or weights while the model is built; "
                    "leave it out, and name weights in model.weights"
                )
            _refuse_fetching(item, f"{where}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _refuse_fetching(item, f"{where}[{index}]")


def _fetch_no_backbone(config: Any) -> None:
    """Turn off what a configuration's defaults would fetch for its backbone."""
    for part in (config, getattr(config, "backbone_config", None)):
        if part is not None and getattr(part, "use_pretrained_backbone", None):
            part.use_pretrained_backbone = False


def _best(scores: Any, number: int) -> Any:
    return scores.argsort(descending=True, stable=True)[:number]


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
