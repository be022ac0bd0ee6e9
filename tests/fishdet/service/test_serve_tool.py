"""``tools/serve.py``: one clear line for each mistake; who may ask from elsewhere; the log."""

from __future__ import annotations

import importlib.util
import json
import logging
from pathlib import Path

import pytest
import torch
from colour_service import fake_model, picture
from fastapi.testclient import TestClient

from fishdet.cli import exit_status
from fishdet.errors import FishdetError
from fishdet.service.app import create_app
from fishdet.service.serving import listen, serve
from fishdet.service.settings import Settings

ROOT = Path(__file__).resolve().parents[3]


def status_of(arguments: list[str]) -> int:
    spec = importlib.util.spec_from_file_location("serve_tool", ROOT / "tools" / "serve.py")
    assert spec is not None and spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return exit_status(lambda: tool.run(tool.parse_arguments(arguments)))


@pytest.mark.parametrize(
    ("model", "extra", "message"),
    [
        ("gone.safetensors", [], "gone.safetensors"),
        ("notes.safetensors", [], "notes.safetensors"),
        ("weights.pth", [], "weights.pth"),
        ("gone.safetensors", ["--api-keys", "none.txt"], "none.txt"),
        ("gone.safetensors", ["--timeout", "0"], "timeout_s 0"),
        ("gone.safetensors", ["--cors", "*"], "name the pages"),
    ],
)
def test_mistakes_end_with_2_and_one_line(
    model: str, extra: list[str], message: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("notes.safetensors").write_text("no model at all")
    torch.save({"weight": torch.zeros(3)}, "weights.pth")  # weights, and no word of what they are
    assert status_of([model, *extra]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ") and message in said and "Traceback" not in said


def test_a_port_that_is_taken() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(FishdetError, match=f"--port {port}.*choose another port"):
            serve(fake_model(), Settings(), "127.0.0.1", port)


def test_pages_that_are_named_may_ask() -> None:
    settings = Settings(rate=0, origins=("https://fish.example",))
    with TestClient(create_app(fake_model(), settings)) as client:
        for origin, allowed in (("https://fish.example", True), ("https://evil.example", False)):
            answer = client.post("/v1/detections", files={"images": picture()},
                                 headers={"Origin": origin})  # fmt: skip
            assert (answer.headers.get("access-control-allow-origin") == origin) == allowed


def test_the_log_is_a_line_of_json_a_request(caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level(logging.INFO, "fishdet.service"),
        TestClient(create_app(fake_model(), Settings(rate=0))) as client,
    ):
        files = {"images": ("my secret reef.png", picture())}
        answer = client.post("/v1/detections", files=files)
        client.get("/v1/species/unicorn?q=secret")
    lines = [json.loads(one.message) for one in caplog.records if one.name == "fishdet.service"]
    assert [(one["route"], one["status"]) for one in lines] == [
        ("/v1/detections", 200), ("/v1/species/{id_}", 404)
    ]  # fmt: skip
    assert lines[0]["id"] == answer.headers["x-request-id"] and lines[0]["ms"] > 0
    assert "secret" not in caplog.text and "testclient" not in caplog.text
