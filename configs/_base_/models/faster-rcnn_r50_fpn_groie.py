"""GRoIE on Faster R-CNN R50-FPN: RoI features summed over all levels, with attention.

Numbers as in mmdet's ``groie/faste-rcnn_r50_fpn_groie_1x_coco.py``.
"""

_base_ = "./faster-rcnn_r50_fpn.py"

model = dict(
    roi_head=dict(
        bbox_roi_extractor=dict(
            type="GenericRoIExtractor",
            aggregation="sum",
            roi_layer=dict(sampling_ratio=2),
            pre_cfg=dict(
                type="ConvModule",
                in_channels=256,
                out_channels=256,
                kernel_size=5,
                padding=2,
                inplace=False,
            ),
            post_cfg=dict(
                type="GeneralizedAttention",
                in_channels=256,
                spatial_range=-1,
                num_heads=6,
                attention_type="0100",
                kv_stride=2,
            ),
        )
    )
)
