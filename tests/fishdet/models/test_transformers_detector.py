"""TransformersDetector against the library's own model and image processor, random weights."""

from __future__ import annotations

import sys

import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from fishdet.errors import FishdetError
from fishdet.models.transformers_detector import TransformersDetector, in_fp32
from fishdet.models.transformers_models import build, load_weights

transformers = pytest.importorskip("transformers", reason="needs the extra [transformers]")

QUERIES = 12
SMALL = dict(num_queries=QUERIES, decoder_layers=2)
# The values of their published processors, in 0–255.
UNIT = dict(mean=[0.0] * 3, std=[255.0] * 3)
IMAGENET = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])
KINDS = [
    ("rt_detr_v2", 224, UNIT, "RTDetrImageProcessor"),
    ("d_fine", 224, UNIT, "RTDetrImageProcessor"),
    ("lw_detr", 256, IMAGENET, "DeformableDetrImageProcessor"),  # 4 windows of 16 px
    ("rf_detr", 224, IMAGENET, "RfDetrImageProcessor"),  # 4 windows of 14 px
]

LARGE = ("rt_detr_v2", "rf_detr")  # tens of seconds; `make test-slow` compares these too


def config_of(kind: str) -> dict:
    levels = dict(projector_scale_factors=[1.0]) if kind == "lw_detr" else {}
    return dict(model_type=kind, **SMALL, **levels)


def detector(kind: str, numbers: dict, classes: int = 3) -> TransformersDetector:
    torch.manual_seed(0)
    preprocessor = dict(type="mmdet.DetDataPreprocessor", bgr_to_rgb=True, **numbers)
    return TransformersDetector(
        config_of(kind), classes, max_per_img=QUERIES, data_preprocessor=preprocessor
    )


def data(side: int) -> dict:
    sample = DetDataSample()
    scale = (side / 192, side / 256)
    sample.set_metainfo(dict(img_shape=(side, side), ori_shape=(256, 192), scale_factor=scale))
    boxes = torch.tensor([[8.0, 16, 72, 48], [60, 64, 128, 96]])
    sample.gt_instances = InstanceData(bboxes=boxes, labels=torch.tensor([0, 2]))
    picture = torch.randint(0, 256, (3, side, side), dtype=torch.uint8)
    return dict(inputs=[picture], data_samples=[sample])


@pytest.mark.parametrize(
    ("kind", "side", "numbers", "processor"),
    [
        pytest.param(*kind, id=kind[0], marks=[pytest.mark.slow] if kind[0] in LARGE else [])
        for kind in KINDS
    ],
)
def test_equals_the_library(kind: str, side: int, numbers: dict, processor: str) -> None:
    ours = detector(kind, numbers)
    theirs = build(config_of(kind), 3)
    theirs.load_state_dict(ours.net.state_dict())
    reader = getattr(transformers, processor)(
        do_resize=False, do_pad=False, do_normalize=numbers is IMAGENET
    )
    given = data(side)
    rgb = given["inputs"][0].flip(0)
    truth = [
        dict(bbox=[8.0, 16, 64, 32], category_id=0, area=2048, iscrowd=0, image_id=1),
        dict(bbox=[60.0, 64, 68, 32], category_id=2, area=2176, iscrowd=0, image_id=1),
    ]
    wanted = reader(rgb, annotations=dict(image_id=1, annotations=truth), return_tensors="pt")

    taken = ours.data_preprocessor(given, training=True)
    torch.testing.assert_close(taken["inputs"], wanted["pixel_values"], atol=1e-5, rtol=1e-5)
    torch.manual_seed(1)
    losses = ours.train().loss(taken["inputs"], taken["data_samples"])
    labels = [{key: item[key] for key in ("class_labels", "boxes")} for item in wanted["labels"]]
    torch.manual_seed(1)
    loss = theirs.train()(pixel_values=wanted["pixel_values"], labels=labels).loss
    torch.testing.assert_close(losses["loss_detr"], loss, atol=1e-5, rtol=1e-5)
    loss.backward()

    with torch.no_grad():
        (found,) = ours.eval().predict(taken["inputs"], taken["data_samples"])
        outputs = theirs.eval()(pixel_values=wanted["pixel_values"])
    (one,) = reader.post_process_object_detection(
        outputs, threshold=-1.0, target_sizes=[(256, 192)]
    )
    one = {key: value[:QUERIES] for key, value in one.items()}  # some processors give more
    limit = torch.tensor([192.0, 256.0, 192.0, 256.0])
    clipped = one["boxes"].clamp(min=0).minimum(limit)
    mine = found.pred_instances
    # Scores of random weights lie closer than the last digits: equal ones may change places.
    other = mine.labels[:, None] != one["labels"]  # one query may give its box twice
    partner = ((mine.bboxes[:, None] - clipped).abs().amax(2) + 1e6 * other).argmin(1)
    assert sorted(partner.tolist()) == list(range(QUERIES))
    torch.testing.assert_close(mine.bboxes, clipped[partner], atol=1e-3, rtol=1e-5)
    torch.testing.assert_close(mine.scores, one["scores"][partner], atol=1e-5, rtol=1e-5)
    assert torch.equal(mine.labels, one["labels"][partner])


@pytest.mark.parametrize(
    ("config", "word"),
    [
        (dict(model_type="bert"), "model_type"),
        (dict(), "model_type"),
        (dict(model_type="rt_detr_v2", use_pretrained_backbone=True), "use_pretrained_backbone"),
        (dict(model_type="rt_detr_v2", backbone_config=dict(auto_map={"a": "b"})), "auto_map"),
        (dict(model_type="d_fine", _attn_implementation="owner/kernel"), "_attn_implementation"),
    ],
)
def test_refuses_by_name(config: dict, word: str) -> None:
    with pytest.raises(FishdetError, match=word):
        TransformersDetector(config, 3)


def test_weights_start_other_classes_anew(tmp_path) -> None:
    there = build(config_of("lw_detr"), 5)
    there.save_pretrained(tmp_path)
    here = build(config_of("lw_detr"), 3)
    load_weights(here, str(tmp_path))
    for name, value in here.state_dict().items():
        if value.shape == there.state_dict()[name].shape:
            assert torch.equal(value, there.state_dict()[name]), name
    wider = build({**config_of("lw_detr"), "decoder_layers": 1}, 3)
    with pytest.raises(FishdetError, match="another architecture"):
        load_weights(wider, str(tmp_path))
    with pytest.raises(FishdetError, match="model.weights"):
        load_weights(here, str(tmp_path / "nothing"))


def test_says_what_is_missing(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(FishdetError, match="fishdet.transformers"):
        TransformersDetector(dict(model_type="rf_detr"), 3)


def test_losses_see_fp32() -> None:
    seen = []
    in_fp32(lambda *args, **kwargs: seen.extend([*args[0], kwargs["b"]["c"]]))(
        [torch.ones(1, dtype=torch.bfloat16)], b={"c": torch.ones(1, dtype=torch.int64)}
    )
    assert [one.dtype for one in seen] == [torch.float32, torch.int64]


def test_pictures_with_fewer_places_than_queries_are_told() -> None:
    preprocessor = dict(type="mmdet.DetDataPreprocessor", **IMAGENET)
    config = dict(config_of("lw_detr"), num_queries=30)
    small = TransformersDetector(config, 3, data_preprocessor=preprocessor)
    with pytest.raises(FishdetError, match=r"pictures of 64x64 px have fewer places than the 30 "):
        small.predict(torch.zeros(1, 3, 64, 64), data(64)["data_samples"])
