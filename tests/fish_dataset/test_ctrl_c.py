"""Ctrl-C in the middle of a tool: exit status 130, one line, nothing half written."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fish_dataset.checks import pictures
from fish_dataset.cli import INTERRUPTED, exit_status

TOOLS = Path(__file__).parents[2] / "tools" / "dataset"
PICTURES = [f"{letter}.png" for letter in "abc"]


@pytest.fixture
def data(document, write, draw, tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    write(document, "data/train.json")
    draw(folder / "images", PICTURES)
    return folder


@pytest.fixture
def stop_at_second(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[object, str], None]]:
    """A function that makes the second call of one of a module's functions send SIGINT first."""
    # a training that another test broke off may have left its own handler
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def arrange(module: object, name: str) -> None:
        real, calls = getattr(module, name), []

        def stopping(*args: object, **more: object) -> object:
            calls.append(args)
            if len(calls) == 2:
                os.kill(os.getpid(), signal.SIGINT)
            return real(*args, **more)

        monkeypatch.setattr(module, name, stopping)

    yield arrange
    signal.signal(signal.SIGINT, before)


def run(monkeypatch: pytest.MonkeyPatch, name: str, *arguments: object) -> int:
    """The tool's exit status, in this process."""
    spec = importlib.util.spec_from_file_location(f"tool_{name}", TOOLS / f"{name}.py")
    assert spec and spec.loader
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
    if hasattr(tool, "main"):
        return exit_status(tool.main)
    parse = getattr(tool, "parse_arguments", None) or tool.parse_args
    return exit_status(lambda: tool.run(parse()))


@pytest.mark.parametrize(
    "command",
    [
        ("convert", "data", "out"),
        ("convert", "data", "out", "--to", "yolo"),
        ("split", "data", "out", "--by", "image", "--ratios", "0.6", "0.4"),
        ("merge", "data", "other", "out"),
        ("validate", "data", "--out", "report", "--fix", "out"),
        ("fetch", "aquarium", "--from", "data", "--out", "out", "--yes"),
    ],
    ids=lambda command: " ".join((command[0], *command[3:5])),
)
def test_while_pictures_are_written(command, data, stop_at_second, monkeypatch, capfd):
    monkeypatch.chdir(data.parent)
    shutil.copytree(data, data.parent / "other")
    before = sorted(data.rglob("*"))
    stop_at_second(shutil, "copyfile")
    assert run(monkeypatch, *command) == INTERRUPTED
    assert capfd.readouterr().err.splitlines()[-1] == "stopped by Ctrl-C"
    left = {path.name for path in data.parent.iterdir()}
    assert left <= {"data", "other", "report", "downloads"}, left
    assert sorted(data.rglob("*")) == before


def test_while_pictures_are_looked_at(data, stop_at_second, monkeypatch, capfd):
    stop_at_second(pictures, "look")
    assert run(monkeypatch, "validate", data, "--out", data.parent / "report") == INTERRUPTED
    assert capfd.readouterr().err.splitlines()[-1] == "stopped by Ctrl-C"
    assert [path.name for path in data.parent.iterdir()] == ["data"]


def test_while_a_source_is_read(data, stop_at_second, monkeypatch, capfd):
    from fish_dataset.formats.builder import Builder

    monkeypatch.chdir(data.parent)
    stop_at_second(Builder, "image")
    assert run(monkeypatch, "convert", data, "out") == INTERRUPTED
    assert capfd.readouterr().err == "stopped by Ctrl-C\n"
    assert [path.name for path in data.parent.iterdir()] == ["data"]
