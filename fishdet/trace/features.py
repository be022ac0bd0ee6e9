"""What the layers of the network put out, caught on the way by forward hooks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from mmdet.models.necks import FPN
from torch import Tensor, nn

Hook = Callable[[nn.Module, Any, Any], None]


@dataclass
class Caught:
    """The values of one forward pass of one picture.

    Attributes:
        input: the normalised, padded picture (1, 3, H, W).
        backbone: outputs of the backbone, a stage (1, C, H, W).
        laterals: outputs of the 1×1 convolutions, as they are before anything is added.
        sums: what goes into the 3×3 convolutions: lateral and upsampled coarser level.
        neck: outputs of the FPN, finest first.
        rpn: class maps and offset maps of the RPN, a level (1, A, H, W) and (1, 4A, H, W).
        rois: (R, 5) picture number and box of each proposal, as the RoI head is given them.
        roi_features: (R, C, 7, 7).
        fcs: outputs of the shared fully connected layers behind their ReLU, each (R, F).
        head: class scores (R, classes + 1), before softmax, and deltas (R, 4 or 4·classes).
    """

    input: Tensor | None = None
    backbone: tuple[Tensor, ...] = ()
    laterals: dict[int, Tensor] = field(default_factory=dict)
    sums: dict[int, Tensor] = field(default_factory=dict)
    neck: tuple[Tensor, ...] = ()
    rpn: tuple[list[Tensor], list[Tensor]] = ((), ())  # type: ignore[assignment]
    rois: Tensor | None = None
    roi_features: Tensor | None = None
    fcs: dict[int, Tensor] = field(default_factory=dict)
    head: tuple[Tensor, Tensor] | None = None


@contextmanager
def catching(model: Any) -> Iterator[Caught]:
    """Catch what ``model``, a Faster R-CNN, computes inside the block, in this thread.

    The hooks change nothing and are gone afterwards. Passes of other threads are not caught.
    """
    caught = Caught()
    mine = threading.get_ident()
    handles: list[Any] = []

    def on(module: nn.Module, hook: Hook) -> None:
        def of_this_thread(module: nn.Module, args: Any, output: Any) -> None:
            if threading.get_ident() == mine:
                hook(module, args, output)

        handles.append(module.register_forward_hook(of_this_thread))

    try:
        _hook_features(on, model, caught)
        _hook_heads(on, model, caught)
        yield caught
    finally:
        for handle in handles:
            handle.remove()


def upsampled(neck: FPN, sums: dict[int, Tensor]) -> dict[int, Tensor]:
    """Return what each level but the coarsest got from above: level → (1, C, H, W)."""
    given = {}
    for level in sorted(sums)[:-1]:
        size = sums[level].shape[2:]
        how = dict(neck.upsample_cfg)
        how = how if "scale_factor" in how else {"size": size, **how}
        given[level] = torch.nn.functional.interpolate(sums[level + 1], **how)
    return given


def _hook_features(on: Callable[[nn.Module, Hook], None], model: Any, caught: Caught) -> None:
    def backbone(_: nn.Module, args: Any, output: Any) -> None:
        caught.input, caught.backbone = args[0], tuple(output)

    def neck(_: nn.Module, __: Any, output: Any) -> None:
        caught.neck = tuple(output)

    on(model.backbone, backbone)
    on(model.neck, neck)
    for level, module in enumerate(model.neck.lateral_convs):
        on(module, lambda _, __, output, level=level: caught.laterals.update({level: output}))
    for level, module in enumerate(model.neck.fpn_convs[: len(model.neck.lateral_convs)]):
        on(module, lambda _, args, __, level=level: caught.sums.update({level: args[0]}))


def _hook_heads(on: Callable[[nn.Module, Hook], None], model: Any, caught: Caught) -> None:
    def rpn(_: nn.Module, __: Any, output: Any) -> None:
        caught.rpn = output

    def extractor(_: nn.Module, args: Any, output: Any) -> None:
        caught.rois, caught.roi_features = args[1], output

    def head(_: nn.Module, __: Any, output: Any) -> None:
        caught.head = output

    on(model.rpn_head, rpn)
    on(model.roi_head.bbox_roi_extractor, extractor)
    on(model.roi_head.bbox_head, head)
    for number, module in enumerate(model.roi_head.bbox_head.shared_fcs):
        on(module, lambda _, __, output, number=number: caught.fcs.update({number: output.relu()}))
