"""RoI features of all pyramid levels in one operation."""

from __future__ import annotations

from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from mmdet.registry import MODELS
from torch import Tensor

from tvops.roi_align import multilevel_roi_align


@MODELS.register_module()
class MultiLevelRoIExtractor(SingleRoIExtractor):
    """mmdet's ``SingleRoIExtractor`` with the same numbers, computed over all levels at once.

    On a CPU the levels lie end to end in one table and a single weighted sum reads it
    (``multilevel_roi_align``); on CUDA torchvision's kernel runs per level. RoIs keep
    fp32 under autocast: bf16 has 8 bits of mantissa, which puts a corner at x = 500 up to two
    pixels away from where it is.

    Level assignment: Lin et al., Feature Pyramid Networks, 2017, equation 1, with mmdet's
    ``finest_scale`` of 56.
    """

    def forward(
        self, feats: tuple[Tensor, ...], rois: Tensor, roi_scale_factor: float | None = None
    ) -> Tensor:
        """Return RoI features (R, C, h, w); ``feats`` a level (B, C, H, W), ``rois`` (R, 5)."""
        feats = tuple(feats[: self.num_inputs])
        rois = rois.float() if rois.dtype != feats[0].dtype or rois.element_size() < 4 else rois
        levels = self.map_roi_levels(rois, len(feats))
        if roi_scale_factor is not None:
            rois = self.roi_rescale(rois, roi_scale_factor)
        layer = self.roi_layers[0]
        return multilevel_roi_align(
            feats,
            rois,
            levels,
            layer.output_size,
            self.featmap_strides,
            layer.sampling_ratio,
            layer.aligned,
        )
