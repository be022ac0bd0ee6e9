"""``tools/models.py`` from publishing to a detector's file: add, list, show, download, verify."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from fish_dataset.cli import exit_status
from fish_dataset.files import file_sha256
from fishdet.checkpoint.header import read_header
from fishdet.checkpoint.index.edit import add_entry, entry_of_file
from fishdet.checkpoint.published import read_published, write_published
from fishdet.errors import FishdetError

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    path = ROOT / "tools" / "models.py"
    spec = importlib.util.spec_from_file_location("models_tool", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def site(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a published model, without an index yet, that FISHDET_MODELS names."""
    shutil.copytree(published.parent, tmp_path / "site")
    (tmp_path / "site" / "models.toml").unlink()
    monkeypatch.setenv("FISHDET_MODELS", str(tmp_path / "site"))
    monkeypatch.setenv("FISHDET_CACHE", str(tmp_path / "cache"))
    return tmp_path / "site"


def status(tool: ModuleType, *arguments: object) -> int:
    return exit_status(lambda: tool.main([str(one) for one in arguments]), FishdetError)


def test_the_way_of_a_model(
    tool: ModuleType, site: Path, published: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("COLUMNS", "300")
    assert status(tool, "add", site / published.name, "--index", site, "--name", "reef") == 0
    assert status(tool, "list") == 0
    assert "reef" in capsys.readouterr().out
    assert status(tool, "show", "reef") == 0
    said = capsys.readouterr().out
    assert str(site / "README.md") in said and "mAP 0.250" in said and "Apache-2.0" in said
    assert status(tool, "download", "reef") == 0
    assert capsys.readouterr().out.strip() == str(site / published.name)
    assert status(tool, "verify", "reef", site) == 0
    assert capsys.readouterr().out.count("right. 7 classes") == 2
    assert status(tool, "inspect", "reef") == 0
    assert status(tool, "diff", "reef", published) == 0
    assert "0 of" in capsys.readouterr().out
    assert status(tool, "add", site / published.name, "--index", site, "--name", "reef") == 2
    assert "--replace" in capsys.readouterr().err


def test_a_flipped_byte_a_false_sum_and_a_missing_weight_are_found(
    tool: ModuleType, site: Path, published: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = site / published.name
    content = bytearray(whole.read_bytes())
    content[read_header(whole).start + 7] ^= 16
    flipped = site / "flipped.safetensors"
    flipped.write_bytes(content)
    papers, state = read_published(whole)
    assert papers is not None
    write_published(site / "less.safetensors", dict(list(state.items())[1:]), papers)
    assert status(tool, "add", flipped, "--index", site) == 2
    assert "do not match the sum" in capsys.readouterr().err
    assert status(tool, "add", whole, "--index", site) == 0
    index = site / "models.toml"
    index.write_text(index.read_text().replace(file_sha256(whole), "0" * 64))
    names = (flipped, site / "less.safetensors", "tiny_set", whole)
    assert status(tool, "verify", *names) == 1
    said = capsys.readouterr()
    lines = said.err.splitlines()
    assert [line for line in lines if "flipped" in line and "do not match the sum" in line]
    assert "1 missing in the checkpoint" in said.err
    assert "not the file that was asked for" in said.err
    assert said.out.count("right.") == 1


def test_without_indexes(
    tool: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FISHDET_MODELS", raising=False)
    assert status(tool, "list") == 0
    assert "No models are known by name" in capsys.readouterr().out
    assert status(tool, "show", "reef") == 2
    assert "no index has a model of this name" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["list", "show", "inspect"])
def test_what_reads_no_weights_starts_without_torch(
    site: Path, published: Path, command: str
) -> None:
    index = site / "models.toml"
    add_entry(index, entry_of_file(site / published.name, index, name="mine", address=None))
    arguments = {"list": ["list"], "show": ["show", "mine"], "inspect": ["inspect", published]}
    script = (
        "import sys; from tools import models; models.main(sys.argv[1:]);"
        "sys.exit(', '.join({'torch', 'mmengine', 'mmdet'} & set(sys.modules)) or None)"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments[command])],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert "tiny" in run.stdout or "mine" in run.stdout
