"""What the numbers say, in sentences."""

from __future__ import annotations

from .anchors import ImageScale
from .boxes import size_counts
from .overview import Overview, Sizes


def told(overview: Overview) -> list[str]:
    """The rest in sentences."""
    boxes, found, shades = overview.boxes, overview.sizes, overview.light
    empty, kinds = int((boxes.per_image == 0).sum()), size_counts(boxes)
    lines = [
        f"{len(boxes.names)} pictures ({empty} without boxes), {len(boxes.image)} boxes "
        f"({kinds['small']} small, {kinds['medium']} medium, {kinds['large']} large by COCO)"
        + (f"; {boxes.left_out} ignored or crowd boxes are not counted" if boxes.left_out else "")
    ]
    if found is not None:
        lines += [scale_told(found.scale), anchors_told(found)]
    if shades is not None and shades.unreadable:
        noun = "picture" if shades.unreadable == 1 else "pictures"
        lines.append(f"{shades.unreadable} {noun} could not be read; run tools/dataset/validate.py")
    return lines + list(overview.notes)


def scale_told(scale: ImageScale) -> str:
    """What longer side the boxes ask for, and what the pictures have."""
    text = (
        f"Picture size: at {scale.side} px on the longer side nine of ten boxes are at least "
        f"{scale.min_side:.0f} px on their shorter side"
    )
    if scale.side > 1.25 * scale.stored:
        return text + (
            f". The pictures have {scale.stored:.0f} px: enlarging adds no detail, so train at "
            "that size or a little above and expect to miss the smallest, or label larger pictures"
        )
    return text + f" (the pictures have {scale.stored:.0f} px)"


def anchors_told(found: Sizes) -> str:
    """What anchors the boxes ask for, for mmdet's AnchorGenerator."""
    ours, usual = found.suggested, found.default
    ratios = ", ".join(f"{ratio:g}" for ratio in ours.ratios)
    return (
        f"Anchors at {found.side} px: scales=[{ours.scale:g}], ratios=[{ratios}] on strides 4 to "
        f"64 reach IoU 0.5 with {ours.fit.recall:.0%} of the boxes (mean best IoU "
        f"{ours.fit.iou:.2f}); mmdet's 8 and 0.5, 1, 2 with {usual.fit.recall:.0%} "
        f"({usual.fit.iou:.2f})"
    )
