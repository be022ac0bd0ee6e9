"""What a weight is called in torchvision's Faster R-CNN and in mmdet's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fishdet.errors import FishdetError

CLS, REG = "roi_head.bbox_head.fc_cls", "roi_head.bbox_head.fc_reg"
TV_CLS, TV_REG = "roi_heads.box_predictor.cls_score", "roi_heads.box_predictor.bbox_pred"
_LEVELS = 4
# Before torchvision 0.14 the layers of FPN and RPN had no number of their own inside a block.
_OLD = re.compile(
    r"((?:backbone\.fpn\.(?:inner|layer)_blocks\.\d+)|(?:rpn\.head\.conv))\.(weight|bias)"
)


@dataclass(frozen=True)
class Layout:
    """How many layers the heads have: 1, 0, 2 in torchvision's v1, and 2, 4, 1 in its v2."""

    rpn_convs: int
    head_convs: int
    head_fcs: int


V1, V2 = Layout(1, 0, 2), Layout(2, 4, 1)


def is_torchvision(names: Iterable[str]) -> bool:
    """Return whether weights are named as torchvision's detectors name them."""
    return any(name.startswith(("roi_heads.", "backbone.body.")) for name in names)


def modern_names(names: Iterable[str]) -> dict[str, str]:
    """Return torchvision's present name for each, old or new."""
    return {name: _OLD.sub(_modern, name) for name in names}


def layout_of(names: Iterable[str]) -> Layout:
    """Return how many layers the heads of a model have, by the names of its weights.

    Args:
        names: torchvision's present names, or mmdet's.
    """
    names = set(names)
    if is_torchvision(names):
        convs = _count(names, "roi_heads.box_head.{}.0.weight")
        head = "roi_heads.box_head.{}.weight"
        fcs = len({name for name in names if re.fullmatch(head.replace("{}", r"(fc)?\d+"), name)})
        return Layout(_count(names, "rpn.head.conv.{}.0.weight"), convs, fcs)
    single = "rpn_head.rpn_conv.weight" in names
    rpn = 1 if single else _count(names, "rpn_head.rpn_conv.{}.conv.weight")
    head = "roi_head.bbox_head.shared_"
    return Layout(rpn, _count(names, head + "convs.{}.conv.weight"),
                  _count(names, head + "fcs.{}.weight"))  # fmt: skip


def prefixes(layout: Layout) -> dict[str, str]:
    """Return mmdet's beginning of a weight's name for each of torchvision's.

    Raises:
        FishdetError: heads of layers that torchvision's have not.
    """
    pairs = {"backbone.body.": "backbone."}
    for level in range(_LEVELS):
        for ours, theirs in (("lateral_convs", "inner_blocks"), ("fpn_convs", "layer_blocks")):
            pairs[f"backbone.fpn.{theirs}.{level}.0."] = f"neck.{ours}.{level}.conv."
            pairs[f"backbone.fpn.{theirs}.{level}.1."] = f"neck.{ours}.{level}.bn."
    many = layout.rpn_convs > 1
    for index in range(layout.rpn_convs):
        ours = f"rpn_conv.{index}.conv." if many else "rpn_conv."
        pairs[f"rpn.head.conv.{index}.0."] = f"rpn_head.{ours}"
    pairs |= {
        "rpn.head.cls_logits.": "rpn_head.rpn_cls.",
        "rpn.head.bbox_pred.": "rpn_head.rpn_reg.",
    }
    for theirs, ours in _box_head(layout).items():
        pairs[f"roi_heads.box_head.{theirs}."] = f"roi_head.bbox_head.{ours}."
    return {**pairs, f"{TV_CLS}.": f"{CLS}.", f"{TV_REG}.": f"{REG}."}


def renamed(names: Iterable[str], pairs: Mapping[str, str]) -> dict[str, str]:
    """Return the new name of each, by the longest beginning in ``pairs``.

    Raises:
        FishdetError: lists the names that have no counterpart.
    """
    ordered = sorted(pairs, key=len, reverse=True)
    found, strange = {}, []
    for name in names:
        begin = next((prefix for prefix in ordered if name.startswith(prefix)), None)
        if begin is None:
            strange.append(name)
        else:
            found[name] = pairs[begin] + name[len(begin) :]
    if strange:
        raise FishdetError(
            f"{len(strange)} weights are of no Faster R-CNN with ResNet and FPN that torchvision "
            f"has, the first {', '.join(strange[:5])}"
        )
    return found


def _box_head(layout: Layout) -> dict[str, str]:
    convs, fcs = layout.head_convs, layout.head_fcs
    if not layout.rpn_convs or not fcs:
        raise FishdetError("the weights have no RPN or no box head: only Faster R-CNN is converted")
    if convs == 0 and fcs != 2:
        raise FishdetError(
            f"torchvision has no box head of {convs} convolutions and {fcs} linear layers with an "
            f"RPN of {layout.rpn_convs} convolutions"
        )
    if convs == 0:
        return {"fc6": "shared_fcs.0", "fc7": "shared_fcs.1"}
    pairs: dict[str, str] = {}
    for index in range(convs):
        pairs |= {
            f"{index}.0": f"shared_convs.{index}.conv",
            f"{index}.1": f"shared_convs.{index}.bn",
        }
    # A Flatten takes a number after the convolutions, a ReLU one after each linear layer.
    return pairs | {str(convs + 1 + 2 * index): f"shared_fcs.{index}" for index in range(fcs)}


def _modern(match: re.Match[str]) -> str:
    block, kind = match.groups()
    return f"{block}.{'0.0' if block.startswith('rpn') else '0'}.{kind}"


def _count(names: set[str], form: str) -> int:
    count = 0
    while form.format(count) in names:
        count += 1
    return count
