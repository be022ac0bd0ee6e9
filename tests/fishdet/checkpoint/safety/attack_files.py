"""Hostile model files, and what they do where nothing stops them. Run in a process of its own.

``python attack_files.py FOLDER`` opens what ``make`` wrote there, first as this project does, then
as one does with torch and MMDetection alone, and prints JSON: the error of each attempt, how far
it drove the peak of memory in MiB, and what was executed up to then. Memory is limited to what is
in use after the imports and ``ROOM``.
"""

from __future__ import annotations

import json
import pickle
import resource
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from fishdet import FishdetError, load_model
from fishdet.checkpoint.papers import pack
from fishdet.checkpoint.published import write_published

ROOM = 256 * 2**20
BIG = 2**27  # numbers in the zip bomb: 512 MiB
RESNET = {"type": "ResNet", "depth": 18, "base_channels": 8, "stem_channels": 8}
PIPELINE = [{"type": "LoadImageFromFile"}, {"type": "PackDetInputs"}]


def config(**model: Any) -> dict[str, Any]:
    parts: dict[str, Any] = {"type": "RetinaNet", "backbone": dict(RESNET), "neck": None}
    loader = {"dataset": {"metainfo": {"classes": ["eel"]}, "pipeline": PIPELINE}}
    return {"model": parts | model, "test_dataloader": loader}


def call(marker: Path) -> str:
    return f"__import__('pathlib').Path({str(marker)!r}).touch()"


def hostile_configs(folder: Path) -> dict[str, dict[str, Any]]:
    """Configs of published files; those with a marker execute something."""
    marks = folder / "marks"
    touch = ["touch", str(marks / "dotted")]
    head = {"type": "RetinaHead", "num_classes": 1, "in_channels": 8}
    deep: Any = {"type": "ResNet"}
    for _ in range(200):
        deep = {"a": deep}
    return {
        "dotted": config(backbone={"type": "subprocess.Popen", "args": touch}),
        "scope": config(backbone={"type": "Popen", "_scope_": "subprocess", "args": touch}),
        "nms": config(test_cfg={"nms": {"type": call(marks / "nms")}}),
        "warp": config(x={"type": "CameraMotionCompensation", "warp_mode": call(marks / "warp")}),
        "imports": {**config(), "custom_imports": {"imports": ["evil_module"]}},
        "fetch": config(backbone={"type": "TimmBackbone", "model_name": "hf-hub:a/b"}),
        "language": config(language_model={"type": "BertModel", "name": "bert-base-uncased"}),
        "pipeline": {**config(), "test_pipeline": 3, "test_dataloader": {"dataset": {
            "pipeline": [PIPELINE[0], {"type": "os.system", "command": "true"}]}}},
        "terabytes": config(bbox_head={**head, "feat_channels": 2**20, "in_channels": 2**20}),
        "classes": config(bbox_head={**head, "num_classes": 2**40}),
        "layers": config(bbox_head={**head, "feat_channels": 1, "stacked_convs": 2**20}),
        "stages": config(backbone={**RESNET, "num_stages": 2**50}),
        "dilation": config(backbone={**RESNET, "dilations": [2**19] * 4}),
        "padding": config(data_preprocessor={"type": "DetDataPreprocessor",
                                             "pad_size_divisor": 2**20}),
        "deep": config(neck=deep),
        "many": config(neck=[0] * 200_000),
    }  # fmt: skip


class Payload:
    def __init__(self, marker: Path) -> None:
        self.code = call(marker)

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return eval, (self.code,)


def make(folder: Path) -> None:
    """Write every file."""
    (folder / "marks").mkdir()
    state = {"w": torch.zeros(4)}
    for name, data in hostile_configs(folder).items():
        papers = {"format": 1, "classes": [{"name": "eel", "species": None}], "config": pack(data)}
        write_published(folder / f"{name}.safetensors", state, papers)
    torch.save(
        {"state_dict": state, "x": Payload(folder / "marks" / "pickle")}, folder / "pickle.pth"
    )
    legacy = {"_use_new_zipfile_serialization": False}
    torch.save({"x": Payload(folder / "marks" / "legacy")}, folder / "legacy.pth", **legacy)
    (folder / "raw.pth").write_bytes(pickle.dumps(Payload(folder / "marks" / "raw"), protocol=2))
    (folder / "evil.py").write_text(f"{call(folder / 'marks' / 'config')}\nmodel = dict()\n")
    meta = {"cfg": (folder / "evil.py").read_text(), "fishdet": {"classes": ["eel"]}}
    torch.save({"state_dict": state, "meta": meta}, folder / "config.pth")
    text = "[" * 100_000
    meta = {"fishdet": {"classes": ["eel"], "config": text}}
    torch.save({"state_dict": state, "meta": meta}, folder / "nested.pth")
    repeated = torch.zeros(1).expand(2**20, 2**20)
    wide = json.dumps(pack(hostile_configs(folder)["terabytes"]))
    meta = {"fishdet": {"classes": ["eel"], "config": wide}}
    torch.save({"state_dict": {"w": repeated}, "meta": meta}, folder / "repeated.pth")
    zip_bomb(folder / "bomb.pth")
    same_bytes_twice(folder / "overlap.pth")


def zip_bomb(path: Path) -> None:
    """A checkpoint of 512 MiB of zeros in a file of 3 MB."""
    plain = path.with_suffix(".plain")
    torch.save({"state_dict": {"w": torch.zeros(BIG)}}, plain)
    options = {"compression": zipfile.ZIP_DEFLATED, "compresslevel": 1}
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(path, "w", **options) as target:
        for name in source.namelist():
            with source.open(name) as content, target.open(name, "w") as packed:
                shutil.copyfileobj(content, packed, 2**22)
    plain.unlink()


def same_bytes_twice(path: Path) -> None:
    """A zip whose directory lists one stored entry a thousand times."""
    torch.save({"state_dict": {"w": torch.ones(50_000)}}, path)
    with zipfile.ZipFile(path, "a") as archive:
        one = next(entry for entry in archive.infolist() if entry.filename.endswith("data/0"))
        for number in range(1000):
            twin = zipfile.ZipInfo(f"{path.stem}/data/{number + 1}")
            for field in ("header_offset", "file_size", "compress_size", "CRC", "compress_type"):
                setattr(twin, field, getattr(one, field))
            archive.filelist.append(twin)
            archive.NameToInfo[twin.filename] = twin
        archive._didModify = True  # type: ignore[attr-defined]


def bare(folder: Path) -> dict[str, Callable[[], Any]]:
    """What happens without this project."""
    from mmcv.ops import batched_nms
    from mmdet.registry import MODELS, TASK_UTILS

    sys.path.insert(0, str(folder))
    (folder / "evil_module.py").write_text(call(folder / "marks" / "imports"))
    (folder / "imports.py").write_text("custom_imports = dict(imports=['evil_module'])\n")
    configs = hostile_configs(folder)
    boxes, scores = torch.rand(3, 4), torch.rand(3)
    nms, warp = configs["nms"]["model"]["test_cfg"]["nms"], configs["warp"]["model"]["x"]
    marker = folder / "marks"
    loads = {name: folder / f"{name}.pth" for name in ("pickle", "legacy", "raw", "bomb")}
    attempts: dict[str, Callable[[], Any]] = {
        name: lambda path=path: torch.load(path, weights_only=False) for name, path in loads.items()
    }
    return attempts | {
        "config": lambda: Config.fromfile(folder / "evil.py"),
        "imports": lambda: Config.fromfile(folder / "imports.py"),
        "dotted": lambda: MODELS.build(
            {"type": "subprocess.Popen", "args": ["touch", str(marker / "dotted")]}
        ).wait(),
        "nms": lambda: batched_nms(boxes, scores, torch.zeros(3), dict(nms)),
        "warp": lambda: TASK_UTILS.build(dict(warp)),
        "terabytes": lambda: MODELS.build(configs["terabytes"]["model"]),
        "nested": lambda: json.loads("[" * 100_000),
    }


def ours(folder: Path) -> dict[str, Callable[[], Any]]:
    """The same files through ``load_model``."""
    files = [*folder.glob("*.safetensors"), *folder.glob("*.pth")]
    return {path.stem: lambda path=path: load_model(path, device="cpu") for path in sorted(files)}


def attempt(action: Callable[[], Any]) -> dict[str, Any]:
    try:
        action()
    except FishdetError as error:
        return {"kind": "FishdetError", "message": str(error)}
    except Exception as error:  # noqa: BLE001 (whatever it is, it is reported)
        return {"kind": type(error).__name__, "message": str(error)[:300]}
    return {"kind": "none", "message": ""}


def limit_memory() -> None:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, used + ROOM))


def try_all(attempts: dict[str, Callable[[], Any]], marks: Path) -> dict[str, Any]:
    results = {}
    for name, action in attempts.items():
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        results[name] = attempt(action)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        results[name]["grown_mib"] = (after - before) / 1024
    return {"results": results, "executed": sorted(path.name for path in marks.iterdir())}


def main(folder: Path) -> None:
    from mmdet.utils import register_all_modules

    register_all_modules(init_default_scope=True)
    limit_memory()
    first = try_all(ours(folder), folder / "marks")
    print(json.dumps({"ours": first, "bare": try_all(bare(folder), folder / "marks")}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
