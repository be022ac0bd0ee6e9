"""rfdetr's own training on our data, in rfdetr's own environment (``rfdetr_env.sh``).

    DIR/bin/python benchmarks/peers/rfdetr_train.py DATA --out OUT --epochs 12 --seed 0

Parameters of ``train`` as in https://rfdetr.roboflow.com/latest/learn/train/training-parameters
(2026-11-25). rfdetr reads COCO from train/, valid/ and test/ with ``_annotations.coco.json`` each;
such a folder of links is made. Its weights are its own COCO or Objects365 ones unless
``--from-scratch``, which the imported note says: the only way where their host is out of reach.
``--resolution`` changes its 384 px, in steps of 32. ``--dry-run`` makes the folder and stops.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from shared import coco_rows, finish, latency_ms, parse_args

LOWEST_SCORE = 0.001
RESOLUTION = 384  # of RF-DETR Nano
SPLITS = {"train": "train", "valid": "val", "test": "val"}  # test is val: nothing else is measured


def layout(data: Path, target: Path) -> tuple[dict[str, Any], list[int]]:
    """Make rfdetr's folder of links for ``train.json val.json images/``.

    Category ids become 0, 1, … in their order, since rfdetr's labels are such.

    Returns:
        The val document as it is, and its category ids in the order of rfdetr's labels.
    """
    documents = {}
    for folder, split in SPLITS.items():
        document = json.loads((data / f"{split}.json").read_text())
        documents[split] = document
        kinds = sorted(c["id"] for c in document["categories"])
        new = {kind: n for n, kind in enumerate(kinds)}
        changed = {
            "images": document["images"],
            "annotations": [
                {**a, "category_id": new[a["category_id"]]} for a in document["annotations"]
            ],
            "categories": [
                {"id": new[c["id"]], "name": c["name"], "supercategory": "fish"}
                for c in document["categories"]
            ],
        }
        (target / folder).mkdir(parents=True, exist_ok=True)
        (target / folder / "_annotations.coco.json").write_text(json.dumps(changed))
        for image in document["images"]:
            link = target / folder / image["file_name"]
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.exists():
                link.symlink_to((data / "images" / image["file_name"]).resolve())
    return documents["val"], sorted(c["id"] for c in documents["val"]["categories"])


def _resolution() -> int:
    """Take ``--resolution N`` out of the command line, whose other flags all peers share."""
    if "--resolution" not in sys.argv:
        return RESOLUTION
    place = sys.argv.index("--resolution")
    side = int(sys.argv[place + 1])
    del sys.argv[place : place + 2]
    return side


def main() -> None:
    """Train, detect on val, write COCO results."""
    dry = "--dry-run" in sys.argv
    scratch = "--from-scratch" in sys.argv
    sys.argv = [word for word in sys.argv if word not in ("--dry-run", "--from-scratch")]
    side = _resolution()
    args = parse_args(__doc__.splitlines()[0], lr={"adamw": 1e-4})
    document, kinds = layout(args.data, args.out / "data")
    if dry:
        print(f"{args.out / 'data'}: {len(document['images'])} val pictures, {len(kinds)} classes")
        return
    from PIL import Image
    from rfdetr import RFDETRNano

    weights = {"pretrain_weights": None} if scratch else {}
    try:
        model = RFDETRNano(resolution=side, **weights)
    except OSError as error:  # that of requests too
        raise SystemExit(
            f"rfdetr's weights cannot be had ({type(error).__name__}): train where their host can "
            "be reached, or from random weights: --from-scratch"
        ) from error
    began = time.perf_counter()
    model.train(
        dataset_dir=str(args.out / "data"),
        output_dir=str(args.out / "work"),
        epochs=args.epochs,
        batch_size=args.batch,
        grad_accum_steps=max(1, 16 // args.batch),
        lr=1e-4,
        seed=args.seed,
    )
    seconds = time.perf_counter() - began
    results: list[dict[str, Any]] = []
    pictures = []
    for image in document["images"]:
        picture = Image.open(args.data / "images" / image["file_name"]).convert("RGB")
        found = model.predict(picture, threshold=LOWEST_SCORE)
        names = [kinds[int(label)] for label in found.class_id]
        results += coco_rows(image["id"], np.asarray(found.xyxy), found.confidence, names)
        pictures = [*pictures, picture][:20]
    network = model.model.model
    finish(args, "rfdetr-nano", results, {
        "parameters": sum(p.numel() for p in network.parameters()),
        "train_seconds": seconds,
        "latency_ms": latency_ms(lambda picture: model.predict(picture), pictures),
        "note": f"rfdetr's own training, {args.epochs} epochs, 16 pictures a step, {side} px, "
                f"{'random' if scratch else 'its own pretrained'} weights",
    })  # fmt: skip


if __name__ == "__main__":
    main()
