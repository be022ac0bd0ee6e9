"""Downloads from a server that breaks off, changes its mind and lies."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from fish_dataset.errors import FishDataError
from fish_dataset.sources.download import download

BODY = np.random.default_rng(5).bytes(3_000_000)
SHA256 = hashlib.sha256(BODY).hexdigest()


def fetch(url: str, path: Path, **options) -> Path:
    return download(url, path, **{"backoff": 0.0, "timeout": 5.0, **options})


def left(folder: Path) -> set[str]:
    """Names of the files in a folder, without locks."""
    return {path.name for path in folder.iterdir() if not path.name.endswith(".lock")}


def test_a_file_arrives_whole_and_nothing_else_stays(web, page, tmp_path):
    web.pages["/a.zip"] = page(BODY)
    said = []
    path = fetch(
        web.url("/a.zip"),
        tmp_path / "deep" / "a.zip",
        sha256=SHA256.upper(),
        size=len(BODY),
        progress=lambda done, total: said.append((done, total)),
    )
    assert path.read_bytes() == BODY
    assert left(path.parent) == {"a.zip"}
    assert said[-1] == (len(BODY), len(BODY))
    assert [done for done, _ in said] == sorted(done for done, _ in said)


def test_an_empty_file(web, page, tmp_path):
    web.pages["/a"] = page(b"")
    assert fetch(web.url("/a"), tmp_path / "a", size=0).read_bytes() == b""


def test_it_goes_on_where_the_connection_broke(web, page, tmp_path):
    web.pages["/a"] = page(BODY, script=[1_000_000, 500_000, 10])
    assert fetch(web.url("/a"), tmp_path / "a").read_bytes() == BODY
    assert web.ranges_asked() == [None, "bytes=1000000-", "bytes=1500000-", "bytes=1500010-"]
    assert {headers["If-Range"] for _, headers in web.seen[1:]} == {'"v1"'}


def test_a_later_call_goes_on_where_an_earlier_one_gave_up(web, page, tmp_path):
    web.pages["/a"] = page(BODY, script=[2_000_000] + [(404, {})])
    with pytest.raises(FishDataError, match=r"404.*2000000 bytes are kept"):
        fetch(web.url("/a"), tmp_path / "a")
    assert left(tmp_path) == {"a.part", "a.part.json"}
    assert fetch(web.url("/a"), tmp_path / "a").read_bytes() == BODY
    assert web.ranges_asked()[-1] == "bytes=2000000-"
    assert left(tmp_path) == {"a"}


@pytest.mark.parametrize("heeds_if_range", [True, False])
def test_a_file_that_changed_between_two_parts_is_fetched_anew(web, page, tmp_path, heeds_if_range):
    web.pages["/a"] = page(BODY, script=[1_000_000, (404, {})])
    with pytest.raises(FishDataError):
        fetch(web.url("/a"), tmp_path / "a")
    other = bytes(reversed(BODY))
    web.pages["/a"] = page(other, etag='"v2"', heeds_if_range=heeds_if_range)
    assert fetch(web.url("/a"), tmp_path / "a").read_bytes() == other


def test_a_file_that_changes_at_every_part_is_given_up(web, page, tmp_path):
    web.pages["/a"] = page(
        BODY, heeds_if_range=False, script=list(range(100_000, 2_000_000, 50_000))
    )

    def change(done: int, total: int | None) -> None:
        web.pages["/a"].etag = f'"{len(web.seen)}"'

    with pytest.raises(FishDataError, match="has changed since its first part"):
        fetch(web.url("/a"), tmp_path / "a", progress=change)
    assert len(web.seen) < 12


def test_without_ranges_it_begins_again(web, page, tmp_path):
    web.pages["/a"] = page(BODY, ranges=False, script=[1_000_000, 2_000_000])
    assert fetch(web.url("/a"), tmp_path / "a", sha256=SHA256).read_bytes() == BODY


def test_without_a_version_a_part_is_not_trusted_unless_there_is_a_checksum(web, page, tmp_path):
    web.pages["/a"] = page(BODY, etag=None, script=[1_000_000])
    assert fetch(web.url("/a"), tmp_path / "a").read_bytes() == BODY
    assert web.ranges_asked() == [None, None]
    web.seen.clear()
    web.pages["/b"] = page(BODY, etag=None, script=[1_000_000])
    assert fetch(web.url("/b"), tmp_path / "b", sha256=SHA256).read_bytes() == BODY
    assert web.ranges_asked() == [None, "bytes=1000000-"]


def test_a_wrong_part_costs_one_more_download_not_a_failure(web, page, tmp_path):
    web.pages["/a"] = page(BODY, etag=None)
    (tmp_path / "a.part").write_bytes(b"x" * 1000)
    assert fetch(web.url("/a"), tmp_path / "a", sha256=SHA256).read_bytes() == BODY
    assert web.ranges_asked() == ["bytes=1000-", None]


def test_nothing_of_an_unknown_longer_part_stays(web, page, tmp_path):
    web.pages["/a"] = page(BODY[:1000], etag=None)
    (tmp_path / "a.part").write_bytes(b"x" * 5000)
    assert fetch(web.url("/a"), tmp_path / "a").read_bytes() == BODY[:1000]


def test_a_part_that_is_whole_is_not_fetched_again(web, page, tmp_path):
    web.pages["/a"] = page(BODY)
    (tmp_path / "a.part").write_bytes(BODY)
    assert fetch(web.url("/a"), tmp_path / "a", sha256=SHA256, size=len(BODY)).is_file()
    assert web.seen == []


def test_a_part_longer_than_the_file_is_thrown_away(web, page, tmp_path):
    web.pages["/a"] = page(BODY)
    (tmp_path / "a.part").write_bytes(BODY + b"more")
    assert fetch(web.url("/a"), tmp_path / "a", sha256=SHA256).read_bytes() == BODY


def test_a_wrong_checksum_names_both_and_keeps_nothing(web, page, tmp_path):
    web.pages["/a"] = page(BODY)
    wanted = "0" * 64
    with pytest.raises(FishDataError, match=f"{SHA256} in place of {wanted}"):
        fetch(web.url("/a"), tmp_path / "a", sha256=wanted)
    assert left(tmp_path) == set()


def test_a_mirror_serves_where_the_first_address_does_not(web, page, tmp_path):
    web.pages["/wrong"] = page(BODY[:-1] + b"?")
    web.pages["/right"] = page(BODY)
    mirrors = [web.url("/wrong"), web.url("/right")]
    path = fetch(web.url("/gone"), tmp_path / "a", mirrors=mirrors, sha256=SHA256)
    assert path.read_bytes() == BODY
    assert [name for name, _ in web.seen] == ["/gone", "/wrong", "/right"]


def test_a_mirror_goes_on_with_the_part_of_another_only_where_a_checksum_decides(
    web, page, tmp_path
):
    for name, options, asked in (("a", {"sha256": SHA256}, "bytes=1000-"), ("b", {}, None)):
        web.seen.clear()
        web.pages["/1"] = page(BODY, script=[1000, (410, {})])
        web.pages["/2"] = page(BODY, etag='"other"')
        path = fetch(web.url("/1"), tmp_path / name, mirrors=[web.url("/2")], **options)
        assert path.read_bytes() == BODY
        assert web.ranges_asked()[-1] == asked


def test_every_address_is_named_with_its_reason(web, tmp_path):
    with pytest.raises(FishDataError, match=r"/1: the server answers 404 .*; .*/2: .* 404"):
        fetch(web.url("/1"), tmp_path / "a", mirrors=[web.url("/2")])


def test_a_server_error_is_tried_again_and_then_given_up(web, page, tmp_path):
    web.pages["/a"] = page(BODY, script=[(500, {}), (503, {"Retry-After": "0"}), (429, {})])
    assert fetch(web.url("/a"), tmp_path / "a").read_bytes() == BODY
    web.seen.clear()
    web.pages["/b"] = page(BODY, script=[(500, {})] * 20)
    with pytest.raises(FishDataError, match="500 .*given up after 5 attempts"):
        fetch(web.url("/b"), tmp_path / "b")
    assert len(web.seen) == 5


def test_keys_in_an_address_stay_out_of_the_message(web, tmp_path):
    with pytest.raises(FishDataError) as caught:
        fetch(web.url("/a?key=SECRET"), tmp_path / "a")
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/a", "data:,hello"])
def test_redirects_to_other_schemes_are_not_followed(web, page, tmp_path, target):
    web.pages["/a"] = page(BODY, script=[(302, {"Location": target})])
    with pytest.raises(FishDataError, match="only http and https are followed"):
        fetch(web.url("/a"), tmp_path / "a")
    assert left(tmp_path) == set()


def test_redirects_to_http_are_followed(web, page, tmp_path):
    web.pages["/a"] = page(b"", script=[(307, {"Location": "/b"})])
    web.pages["/b"] = page(BODY)
    assert fetch(web.url("/a"), tmp_path / "a").read_bytes() == BODY


def test_redirects_in_a_circle_end(web, page, tmp_path):
    web.pages["/a"] = page(b"", script=[(302, {"Location": "/a"})] * 100)
    with pytest.raises(FishDataError, match="302"):
        fetch(web.url("/a"), tmp_path / "a")


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://host/a", "/etc/passwd", "http://", "http://me:pw@host/a"],
)
def test_other_addresses_are_refused(tmp_path, url):
    with pytest.raises(FishDataError):
        fetch(url, tmp_path / "a")
    with pytest.raises(FishDataError):
        fetch("http://127.0.0.1:9/a", tmp_path / "a", mirrors=[url])


def test_a_file_larger_than_the_limit_is_refused_before_and_while_it_comes(web, page, tmp_path):
    web.pages["/said"] = page(BODY)
    with pytest.raises(FishDataError, match="3000000 bytes are more than the limit of 1000"):
        fetch(web.url("/said"), tmp_path / "a", limit=1000)
    web.pages["/unsaid"] = page(BODY, says_length=False)
    with pytest.raises(FishDataError, match="more than the limit of 1000 bytes"):
        fetch(web.url("/unsaid"), tmp_path / "a", limit=1000)
    assert not (tmp_path / "a").exists()


def test_another_size_than_stated_is_refused(web, page, tmp_path):
    web.pages["/a"] = page(BODY)
    with pytest.raises(FishDataError, match="3000000 bytes in place of 17"):
        fetch(web.url("/a"), tmp_path / "a", size=17)
    web.pages["/short"] = page(BODY, says_length=False)
    with pytest.raises(FishDataError, match="3000000 bytes arrived in place of 4000000"):
        fetch(web.url("/short"), tmp_path / "b", size=4_000_000)


def test_a_file_that_is_there_is_kept_if_it_is_the_one(web, page, tmp_path):
    path = tmp_path / "a"
    path.write_bytes(BODY)
    for known in ({}, {"size": len(BODY)}, {"sha256": SHA256}):
        fetch("http://127.0.0.1:9/a", path, **known)
    web.pages["/a"] = page(BODY)
    path.write_bytes(b"damaged")
    assert fetch(web.url("/a"), path, sha256=SHA256).read_bytes() == BODY


def test_a_server_that_falls_silent_is_left_after_the_timeout(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/a"
        with pytest.raises(FishDataError, match="timed out .*given up after 5 attempts"):
            fetch(url, tmp_path / "a", timeout=0.05)


def test_nobody_listening(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/a"
    with pytest.raises(FishDataError, match="refused"):
        fetch(url, tmp_path / "a")


def test_a_checksum_that_is_none(tmp_path):
    with pytest.raises(FishDataError, match="64 hexadecimal digits"):
        fetch("http://127.0.0.1:9/a", tmp_path / "a", sha256="abc")


def test_a_folder_that_cannot_be_made(web, page, tmp_path):
    web.pages["/a"] = page(BODY)
    (tmp_path / "file").write_text("")
    with pytest.raises(FishDataError, match="was not stored"):
        fetch(web.url("/a"), tmp_path / "file" / "a")


def test_ctrl_c_leaves_the_part_for_the_next_time(web, page, tmp_path):
    web.pages["/a"] = page(BODY)

    def interrupt(done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(web.url("/a"), tmp_path / "a", progress=interrupt)
    arrived = (tmp_path / "a.part").stat().st_size
    assert 0 < arrived < len(BODY)
    assert fetch(web.url("/a"), tmp_path / "a").read_bytes() == BODY
    assert web.ranges_asked() == [None, f"bytes={arrived}-"]


def test_two_at_once_fetch_once(web, page, tmp_path):
    web.pages["/a"] = page(BODY)
    ready = threading.Barrier(4)

    def run() -> None:
        ready.wait()
        fetch(web.url("/a"), tmp_path / "a")

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "a").read_bytes() == BODY
    assert len(web.seen) == 1


@pytest.mark.slow
def test_two_processes_fetch_once(web, page, tmp_path):
    web.pages["/a"] = page(BODY)
    code = "import sys; from fish_dataset.sources.download import download; download(*sys.argv[1:])"
    command = [sys.executable, "-c", code, web.url("/a"), str(tmp_path / "a")]
    runs = [subprocess.Popen(command) for _ in range(2)]
    assert [run.wait(timeout=120) for run in runs] == [0, 0]
    assert len(web.seen) == 1


def test_a_connection_that_stays_open_after_the_last_byte_keeps_nobody_waiting(tmp_path):
    def serve(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
            done.wait(10)

    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/a"
        assert fetch(url, tmp_path / "a", timeout=3.0).read_bytes() == b"hello"
        assert not done.is_set()
        done.set()
        thread.join()


def test_a_chunked_answer_whole_and_broken(tmp_path):
    chunks = b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    answers = [head + chunks[:12], head + chunks]

    def serve(server: socket.socket) -> None:
        for answer in answers:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/a"
        assert fetch(url, tmp_path / "a").read_bytes() == b"hello world"
        thread.join()


def test_faults_of_the_disk_are_named_and_not_tried_again(web, page, tmp_path, monkeypatch):
    web.pages["/a"] = page(BODY)
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=1000))
    with pytest.raises(FishDataError, match="needs 3000000 bytes, but only 1000 are free"):
        fetch(web.url("/a"), tmp_path / "a")
    assert len(web.seen) == 1
    monkeypatch.undo()
    (tmp_path / "b.part").mkdir()
    with pytest.raises(FishDataError, match="b.part: cannot be written"):
        fetch(web.url("/a"), tmp_path / "b")
    assert len(web.seen) == 2
