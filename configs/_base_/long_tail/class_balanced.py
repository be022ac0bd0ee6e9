"""Pictures with rare species come more often: repeat factor sampling (Gupta et al., LVIS, 2019).

    _base_ = ["./faster-rcnn_r50_fpn_1x_fish.py", "../_base_/long_tail/class_balanced.py"]
    train_dataloader = dict(
        dataset=dict(
            _delete_=True, **_base_.class_balanced, dataset=_base_.train_dataloader.dataset
        )
    )

A picture is repeated max(1, sqrt(t / f)) times, where f is the share of pictures with its rarest
species: with t = 0.1 a species in one picture of a thousand is seen ten times as often. LVIS has
t = 0.001 for its 1,203 classes; fish data have few classes and fewer pictures.
"""

class_balanced = dict(type="ClassBalancedDataset", oversample_thr=0.1)
