"""Which types of a stranger's config are built, and which fields are emptied."""

from __future__ import annotations

from pathlib import Path

import pytest
from mmengine.config import Config

from fishdet.checkpoint.safety.trusted_config import check_types, without_files
from fishdet.errors import FishdetError

CONFIGS = Path(__file__).resolve().parents[4] / "configs"
SHIPPED = sorted(path for path in CONFIGS.rglob("*.py") if "_base_" not in path.parts)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_model_may_travel_in_a_checkpoint(path: Path) -> None:
    cfg = Config.fromfile(path)
    check_types(without_files(cfg.model), "model")


def test_there_are_configs_to_check() -> None:
    assert SHIPPED


@pytest.mark.parametrize(
    "name",
    ["os.system", "subprocess.Popen", "mmengine.Config.fromfile", "mmdet.apis.init_detector",
     "no_such_part", "builtins.eval", "torch.hub.load", "__import__('os')", "", "antigravity"],
)  # fmt: skip
@pytest.mark.parametrize("wrap", ["dict", "list", "tuple"])
def test_what_is_no_registered_part_is_refused(name: str, wrap: str) -> None:
    inner = {"type": name}
    value = {"dict": inner, "list": [1, inner], "tuple": (inner, "x")}[wrap]
    with pytest.raises(FishdetError, match=r"in model\.part.*type"):
        check_types({"part": value}, "model")


def test_registered_parts_pass_with_and_without_scope() -> None:
    value = {"type": "mmdet.ResNet", "norm_cfg": {"type": "BN"}, "nms": {"type": "nms"}}
    check_types([value, {"type": "FasterRCNN"}], "model")


def test_no_field_reads_a_file() -> None:
    value = {
        "init_cfg": {"type": "Pretrained", "checkpoint": "x.pth"},
        "backbone": {"pretrained": True, "depth": 18},
        "heads": [{"pretrained": "x.pth"}, ({"init_cfg": 3},)],
        "teacher_ckpt": "http://x",
    }
    assert without_files(value) == {
        "init_cfg": None,
        "backbone": {"pretrained": False, "depth": 18},
        "heads": [{"pretrained": None}, ({"init_cfg": None},)],
        "teacher_ckpt": None,
    }
    assert value["teacher_ckpt"] == "http://x"
