"""Models by name and address from a server that breaks off, lies, and dies."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from huggingface_hub import constants

import fishdet
from fishdet.checkpoint.index.edit import entry_of_file
from fishdet.checkpoint.index.entries import Entry, render
from fishdet.checkpoint.index.fetch import fetch_entry
from fishdet.checkpoint.index.indexes import Index, find, read_index
from fishdet.checkpoint.loading import resolve
from fishdet.errors import FishdetError
from fishdet.runner import local_file

if TYPE_CHECKING:
    from faulty_server import Page, Web

Serve = Callable[..., Entry]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, no indexes, online."""
    for name in ("FISHDET_MODELS", "FISHDET_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FISHDET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("fish_dataset.sources.download.time.sleep", lambda seconds: None)
    return tmp_path / "cache"


@pytest.fixture
def serve(web: Web, page: type[Page], published: Path, monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Put the published model and an index of it, changed as told, on the server."""

    def put(**changed: object) -> Entry:
        found = entry_of_file(
            published, published.parent / "models.toml", name="tiny", address=None
        )
        entry = Entry(**{**vars(found), "card": "", **changed})  # type: ignore[arg-type]
        web.pages["/m/models.toml"] = page(render(entry).encode())
        web.pages[f"/m/{published.name}"] = page(published.read_bytes())
        monkeypatch.setenv("FISHDET_MODELS", web.url("/m/"))
        return entry

    return put


def files(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.rglob("*") if p.is_file() and not p.name.endswith(".lock"))


def test_a_name_becomes_a_detector(serve: Serve, published: Path, drawn_data: Path) -> None:
    serve()
    options = {"device": "cpu", "precision": "fp32", "score_thr": 0.05}
    picture = sorted((drawn_data / "images").glob("val*"))[0]
    named, local = (fishdet.load_model(m, **options)(picture) for m in ("tiny", published))
    assert len(named) and (named.xyxy == local.xyxy).all()


def test_it_is_fetched_once(serve: Serve, web: Web, cache: Path, published: Path) -> None:
    serve()
    first = resolve("tiny")
    assert first.read_bytes() == published.read_bytes() and cache in first.parents
    assert resolve("tiny") == first == local_file("tiny")
    assert sum(path.endswith(published.name) for path, _ in web.seen) == 1
    first.write_bytes(b"damaged")
    assert resolve("tiny").read_bytes() == published.read_bytes()


def test_a_broken_connection_is_taken_up(serve: Serve, web: Web, published: Path) -> None:
    serve()
    web.pages[f"/m/{published.name}"].script += [1000, 2000]
    assert resolve("tiny").read_bytes() == published.read_bytes()
    assert [asked for asked in web.ranges_asked() if asked] == ["bytes=1000-", "bytes=3000-"]


def test_another_file_than_the_index_says_is_refused(
    serve: Serve, web: Web, cache: Path, published: Path
) -> None:
    serve()
    body = bytearray(published.read_bytes())
    body[-1] ^= 1
    web.pages[f"/m/{published.name}"].body = bytes(body)
    with pytest.raises(FishdetError, match="wrong checksum"):
        resolve("tiny")
    web.pages[f"/m/{published.name}"].body = bytes(body) + b"more"
    with pytest.raises(FishdetError, match=f"in place of {len(body)}"):
        resolve("tiny")
    assert not [name for name in files(cache) if "safetensors" in name]


def test_a_mirror_serves_where_the_first_address_does_not(
    serve: Serve, web: Web, page: type[Page], published: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    web.pages["/mirror"] = page(published.read_bytes())
    serve(mirrors=(web.url("/gone"), web.url("/mirror")))
    del web.pages[f"/m/{published.name}"]
    assert resolve("tiny").read_bytes() == published.read_bytes()
    assert "404" in capsys.readouterr().err
    serve(name="other", file="other.safetensors")
    with pytest.raises(FishdetError, match="404"):
        resolve("other")


def test_offline_takes_what_is_here_and_asks_nobody(
    serve: Serve, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve()
    monkeypatch.setenv("FISHDET_OFFLINE", "1")
    with pytest.raises(FishdetError, match="FISHDET_OFFLINE is set"):
        resolve("tiny")
    monkeypatch.setenv("FISHDET_OFFLINE", "0")
    find("tiny")
    monkeypatch.setenv("FISHDET_OFFLINE", "1")
    asked = len(web.seen)
    with pytest.raises(FishdetError, match="models.py download tiny"):
        resolve("tiny")
    with pytest.raises(FishdetError, match="FISHDET_OFFLINE is set"):
        resolve(web.url("/m/a.safetensors"))
    monkeypatch.setenv("FISHDET_OFFLINE", "0")
    path = resolve("tiny")
    web.pages.clear()
    monkeypatch.setenv("FISHDET_OFFLINE", "yes")
    assert resolve("tiny") == path and len(web.seen) == asked + 2
    monkeypatch.setenv("FISHDET_OFFLINE", "maybe")
    with pytest.raises(FishdetError, match="give 1 or 0"):
        resolve("tiny")


def test_the_copy_of_an_index_serves_while_the_server_is_down(
    serve: Serve, web: Web, capsys: pytest.CaptureFixture[str]
) -> None:
    serve()
    path = resolve("tiny")
    web.pages["/m/models.toml"].script += [(503, {})] * 6
    assert resolve("tiny") == path
    assert "its copy of" in capsys.readouterr().err
    web.pages["/m/models.toml"].body = b"[models]\nbroken"
    with pytest.raises(FishdetError, match="models.toml is not TOML"):
        resolve("tiny")
    with pytest.raises(FishdetError, match="404"):
        read_index(web.url("/elsewhere"))


def test_a_huge_index_is_not_taken_in(web: Web, page: type[Page], cache: Path) -> None:
    web.pages["/models.toml"] = page(b"#" * (2**20 + 1), says_length=False)
    with pytest.raises(FishdetError, match="more than the limit"):
        read_index(web.url("/models.toml"))
    assert not files(cache)


def _fetch(index: Index, entry: Entry, begin: float) -> None:
    try:
        path = fetch_entry(index, entry)
        os._exit(0 if path.stat().st_size == entry.size else 3)
    except FishdetError:
        os._exit(4)


def test_two_processes_fetch_it_once(serve: Serve, web: Web, published: Path) -> None:
    serve()
    found = find("tiny")
    web.pages[f"/m/{published.name}"].script += [1000]
    web.seen.clear()
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_fetch, args=(*found, 0.0)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert web.ranges_asked() == [None, "bytes=1000-"]


def test_a_folder_is_an_index_and_its_file_is_checked(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    shutil.copytree(published.parent, site)
    monkeypatch.setenv("FISHDET_MODELS", str(site))
    assert resolve("tiny_set") == site / published.name
    with (site / published.name).open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x77")
    with pytest.raises(FishdetError, match="not the file that was asked for"):
        resolve("tiny_set")
    (site / published.name).unlink()
    with pytest.raises(FishdetError, match="is not there"):
        resolve("tiny_set")


def test_an_address_without_an_index(
    serve: Serve, web: Web, page: type[Page], published: Path
) -> None:
    serve()
    address = web.url(f"/m/{published.name}")
    path = resolve(address)
    assert path.name == published.name and resolve(address) == path
    assert len(web.seen) == 1
    body = bytearray(published.read_bytes())
    body[-1] ^= 1
    web.pages["/m/renamed.safetensors"] = page(bytes(body))
    with pytest.raises(FishdetError, match="renamed.safetensors: .*do not match the sum"):
        resolve(web.url("/m/renamed.safetensors"))
    for wrong in ("/m/model.zip", "/m/", "/m/..%2f..%2fx.safetensors"):
        with pytest.raises(FishdetError, match="the address of a model ends in"):
            resolve(web.url(wrong))


def test_the_hub(
    serve: Serve, web: Web, page: type[Page], published: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """By huggingface_hub itself, against a server that answers as the hub does."""
    template = web.url("/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    commit = {"X-Repo-Commit": "c" * 40}
    for revision in ("main", "c" * 40):
        web.pages[f"/owner/repo/resolve/{revision}/a.safetensors"] = page(
            published.read_bytes(), etag='"0123456789"', headers=commit
        )
    address = "hf://owner/repo/a.safetensors"
    path = resolve(address)
    assert path.read_bytes() == published.read_bytes() and tmp_path / "hub" in path.parents
    serve(file="", address=address)
    assert resolve("tiny").read_bytes() == published.read_bytes()
    serve(file="", address=address, sha256="0" * 64)
    with pytest.raises(FishdetError, match="not the file that was asked for"):
        resolve("tiny")
    with pytest.raises(FishdetError, match="hf://owner/repo/gone.safetensors: "):
        resolve("hf://owner/repo/gone.safetensors")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(FishdetError, match="pip install huggingface_hub"):
        resolve(address)


def test_a_name_is_not_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FishdetError, match="no such model file or folder; give"):
        resolve("gone.pth")
    with pytest.raises(FishdetError, match="no index has a model of this name"):
        resolve("gone")
    with pytest.raises(FishdetError, match="no such model file"):
        resolve("../gone")
