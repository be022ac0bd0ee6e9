"""MMDetection's own Faster R-CNN R50-FPN config, data set, runner; of ours only the operators.

    python benchmarks/peers/stock_mmdet.py DATA --out DIR --epochs 12 --seed 0

``mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py`` bound to the data. Without ``--weights`` the
backbone starts at random, so all of its layers and batch norms are trained (as torchvision does).
"""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
import torch
from mmdet.utils import register_all_modules
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.runner import Runner
from shared import FACTOR, OPTIMIZERS, STEPS, WARM_UP, chosen, finish, latency_ms, parse_args

import tvops  # noqa: F401  (mmcv's operators; before mmdet)
from fish_dataset.layout import find_splits

BASE = "mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py"


def config(args: Any) -> tuple[Config, int]:
    """Return the config for the data, and the number of classes."""
    cfg = Config(dict(Config.fromfile(str(_base(args)))))
    splits = find_splits(args.data)
    truth = json.loads(splits["train"].ann_file.read_text())
    names = tuple(c["name"] for c in sorted(truth["categories"], key=lambda c: c["id"]))
    for loader, split in (("train", "train"), ("val", "val"), ("test", "val")):
        part = cfg[f"{loader}_dataloader"]
        part.update(num_workers=0, persistent_workers=False)
        part.dataset.update(
            data_root="", ann_file=str(splits[split].ann_file), metainfo=dict(classes=names),
            data_prefix=dict(img=str(splits[split].image_dir)), backend_args=None,
        )  # fmt: skip
        for step in part.dataset.pipeline:
            if step["type"] == "Resize":
                step["scale"] = tuple(args.img_scale)
    cfg.train_dataloader.batch_size = args.batch
    cfg.train_dataloader.dataset.filter_cfg = None
    rows = chosen(len(truth["images"]), args.train_images)
    cfg.train_dataloader.dataset.indices = rows
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.test_evaluator.update(
        ann_file=str(splits["val"].ann_file), format_only=True,
        outfile_prefix=str(args.out / "stock"),
    )  # fmt: skip
    cfg.model.roi_head.bbox_head.num_classes = len(names)
    _set_weights(cfg, args)
    _set_schedule(cfg, args, -(-len(rows) // args.batch))
    cfg.work_dir, cfg.randomness = str(args.out / "work"), dict(seed=args.seed)
    cfg.default_scope = "mmdet"
    return cfg, len(names)


def _base(args: Any) -> Any:
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / "base.py"
    path.write_text(f"_base_ = {BASE!r}\n")
    return path


def _set_weights(cfg: Config, args: Any) -> None:
    if args.weights is not None:
        cfg.model.backbone.init_cfg = dict(type="Pretrained", checkpoint=str(args.weights))
    else:
        cfg.model.backbone.update(init_cfg=None, frozen_stages=-1, norm_eval=False)


def _set_schedule(cfg: Config, args: Any, per_epoch: int) -> None:
    cfg.optim_wrapper.optimizer = dict(OPTIMIZERS[args.optimizer], lr=args.lr)
    cfg.train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=args.epochs)
    cfg.param_scheduler = [
        dict(type="LinearLR", start_factor=0.001, by_epoch=False, begin=0,
             end=min(WARM_UP, per_epoch)),
        dict(type="MultiStepLR", begin=0, end=args.epochs, by_epoch=True, gamma=FACTOR,
             milestones=[round(step * args.epochs) for step in STEPS]),
    ]  # fmt: skip


def main() -> None:
    """Train, detect on val, write COCO results."""
    args = parse_args(__doc__.splitlines()[0], lr={"sgd": 0.02, "adamw": 2e-3})
    register_all_modules(init_default_scope=True)
    cfg, _ = config(args)
    runner = Runner.from_cfg(cfg)
    began = time.perf_counter()
    runner.train()
    seconds = time.perf_counter() - began
    runner.test()
    model, dataset = runner.model.eval(), runner.test_dataloader.dataset
    batches = [pseudo_collate([dataset[i]]) for i in range(min(20, len(dataset)))]
    with torch.inference_mode():
        speed = latency_ms(model.test_step, batches)
    results = json.loads((args.out / "stock.bbox.json").read_text())
    finish(args, "stock-mmdet-faster-rcnn-r50", results, {
        "parameters": sum(p.numel() for p in model.parameters()),
        "train_seconds": seconds,
        "latency_ms": speed,
        "torch": torch.__version__,
        "note": f"{BASE}, {args.epochs} epochs, batch {args.batch}, "
                f"{args.optimizer} at {args.lr:g}, "
                f"{'ImageNet' if args.weights else 'random'} weights; latency without sizing",
    })  # fmt: skip
    print(
        f"{len(results)} detections, mean score {np.mean([r['score'] for r in results] or [0]):.3f}"
    )


if __name__ == "__main__":
    main()
