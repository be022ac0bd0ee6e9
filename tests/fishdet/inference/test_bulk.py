"""Very many pictures: one row each whatever dies, through a stand-in for Ray and through Ray."""

from __future__ import annotations

import functools
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import fsspec
import numpy as np
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from fishdet.errors import FishdetError
from fishdet.inference.bulk import addresses, parts, ray_engine, run
from fishdet.inference.bulk.addresses import find_addresses, read_bytes
from fishdet.inference.bulk.run import BulkOptions, run_bulk, speed

ROOT = Path(__file__).resolve().parents[3]
QUIET = Console(quiet=True)


def picture(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.zeros((32, 48, 3), np.uint8))
    return str(path)


def test_inputs_are_files_folders_patterns_lists_and_tables(tmp_path: Path) -> None:
    one, two = picture(tmp_path / "a" / "1.jpg"), picture(tmp_path / "a" / "b" / "2.png")
    assert find_addresses([str(tmp_path / "a")]) == ([one, two], 0)
    assert find_addresses([one, str(tmp_path / "a"), f"{tmp_path}/a/*.jpg"]) == ([one, two], 2)
    (tmp_path / "list.txt").write_text(f"# some\na/1.jpg\n\n{two}\ns3://b/3.jpg\n")
    assert find_addresses([str(tmp_path / "list.txt")])[0] == [one, two, "s3://b/3.jpg"]
    table = tmp_path / "t.csv"
    table.write_text("site,url\nreef,https://x.example/4.jpg\nbay,a/1.jpg\n")
    assert find_addresses([str(table)])[0] == ["https://x.example/4.jpg", one]
    assert find_addresses([str(table)], column="url")[1] == 0
    import pyarrow as pa

    pq.write_table(pa.table({"n": [1], "photo": ["a/1.jpg"]}), tmp_path / "t.parquet")
    assert find_addresses([str(tmp_path / "t.parquet")], "photo")[0] == [one]
    with pytest.raises(FishdetError, match="no column 'address' or .* it has n, photo.*--column"):
        find_addresses([str(tmp_path / "t.parquet")])
    table.write_text("url\nx.jpg\n\n,\n")
    with pytest.raises(FishdetError, match="column 'url' is empty in 1 of 2 rows"):
        find_addresses([str(table)])


def test_far_folders_and_patterns() -> None:
    system = fsspec.filesystem("memory")
    for name in ("reef/1.jpg", "reef/deep/2.JPG", "reef/notes.txt"):
        system.pipe(f"/{name}", b"x")
    both = ["memory:///reef/1.jpg", "memory:///reef/deep/2.JPG"]
    assert find_addresses(["memory://reef"])[0] == both
    assert find_addresses(["memory://reef/*.jpg"])[0] == both[:1]
    with pytest.raises(FishdetError, match="memory://none: .*"):
        find_addresses(["memory://none"])
    assert read_bytes(both[0]) == b"x"


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """The address of a web server on this machine that shows ``tmp_path``."""
    handler = functools.partial(SilentHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class SilentHandler(http.server.SimpleHTTPRequestHandler):
    """Tells nothing of what it is asked for."""

    def log_message(self, *words: Any) -> None:
        """Be silent."""


def test_pictures_and_tables_of_a_web_server(
    web: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("aiohttp", reason="fsspec reads http with aiohttp: pip install aiohttp")
    monkeypatch.setattr(addresses, "PAUSE", 0.0)
    near = picture(tmp_path / "reef" / "1.jpg")
    (tmp_path / "reef" / "list.csv").write_text("url\n1.jpg\nhttp://x.example/2.jpg\n")
    far = f"{web}/reef/1.jpg"
    assert read_bytes(far) == Path(near).read_bytes()
    assert find_addresses([f"{web}/reef/list.csv"])[0] == [far, "http://x.example/2.jpg"]
    assert find_addresses([f"{web}/reef/"])[0] == [far]
    with pytest.raises(FishdetError, match="reef/9.jpg: there is no such file"):
        read_bytes(f"{web}/reef/9.jpg")
    with pytest.raises(FishdetError, match=r"http://127.0.0.1:1/1.jpg: .*onnect"):
        read_bytes("http://127.0.0.1:1/1.jpg")


def test_far_reads_are_tried_again_and_near_ones_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    error: Any = OSError("reset by peer")

    def failing(address: str, mode: str) -> Any:
        calls.append(address)
        raise error

    monkeypatch.setattr(addresses.fsspec, "open", failing)
    monkeypatch.setattr(addresses, "PAUSE", 0.0)
    with pytest.raises(FishdetError, match="s3://b/1.jpg: reset by peer"):
        read_bytes("s3://b/1.jpg")
    assert len(calls) == addresses.ATTEMPTS
    error = type("ClientResponseError", (Exception,), {})  # aiohttp's: no OSError, and often empty
    with pytest.raises(FishdetError, match="https://b/1.jpg: ClientResponseError"):
        read_bytes("https://b/1.jpg")
    with pytest.raises(FishdetError, match="there is no such file"):
        read_bytes("/nowhere/1.jpg")


def cluster(**resources: float) -> Any:
    """Stands in for Ray's module, joined to a cluster."""
    return SimpleNamespace(cluster_resources=lambda: resources)


class Rehearsal:
    """Stands in for Ray: chunks one after another, some of whose workers die."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, dies_at: str = "", stop: int = -1) -> None:
        self.dies_at, self.stop = dies_at, stop
        self.looked: list[str] = []
        monkeypatch.setattr(ray_engine, "start", lambda: cluster(CPU=2.0))
        monkeypatch.setattr(ray_engine, "run_chunks", self.chunks)

    def chunks(self, ray: Any, chunks: Any, detector: Any, out: Path, *more: Any) -> Iterator[Any]:
        for number, chunk in enumerate(chunks):
            if number == self.stop:
                raise KeyboardInterrupt
            if self.dies_at and self.dies_at in chunk:
                continue
            self.looked += chunk
            rows = [{"address": a, "width": 1, "height": 1, "error": None, "count": 0, "fish": []}
                    for a in chunk]  # fmt: skip
            parts.write_part(out, rows)
            yield {"pictures": len(rows)}


@pytest.fixture
def options(tmp_path: Path) -> BulkOptions:
    (tmp_path / "list.txt").write_text("\n".join(f"/p/{n}.jpg" for n in range(20)))
    return BulkOptions([str(tmp_path / "list.txt")], tmp_path / "out",
                       {"model": "m", "score_thr": 0.3}, chunk=6, workers=2)  # fmt: skip


def test_a_picture_whose_worker_dies_gets_a_row_and_costs_no_other(
    monkeypatch: pytest.MonkeyPatch, options: BulkOptions
) -> None:
    rehearsal = Rehearsal(monkeypatch, dies_at="/p/7.jpg")
    summary = run_bulk(options, QUIET)
    assert (summary["rows"], summary["pictures"], summary["errors"]) == (20, 20, 1)
    rows = pq.read_table(options.out / "pictures").to_pylist()
    assert [row["error"] for row in rows if row["address"] == "/p/7.jpg"] == [run.DIED]
    assert len(rehearsal.looked) == 19, "each once"


def test_the_speed_is_of_the_workers_that_had_a_core(
    monkeypatch: pytest.MonkeyPatch, options: BulkOptions
) -> None:
    Rehearsal(monkeypatch)  # two cores
    assert run_bulk(BulkOptions(**{**vars(options), "workers": 5}), QUIET)["workers"] == 2


def test_a_stopped_run_goes_on_and_looks_at_nothing_twice(
    monkeypatch: pytest.MonkeyPatch, options: BulkOptions
) -> None:
    stopped = Rehearsal(monkeypatch, stop=2)
    with pytest.raises(KeyboardInterrupt):
        run_bulk(options, QUIET)
    assert len(stopped.looked) == 12
    with pytest.raises(FishdetError, match="has results of an earlier run; go on with --resume"):
        run_bulk(options, QUIET)
    again = BulkOptions(**{**vars(options), "resume": True, "chunk": 5})
    rest = Rehearsal(monkeypatch)
    summary = run_bulk(again, QUIET)
    assert (summary["rows"], summary["pictures"], summary["looked_at"]) == (20, 20, 8)
    assert not set(rest.looked) & set(stopped.looked)
    other = BulkOptions(**{**vars(again), "detector": {"model": "m", "score_thr": 0.5}})
    with pytest.raises(FishdetError, match="score_thr was 0.3, now 0.5"):
        run_bulk(other, QUIET)


def test_a_mistake_leaves_nothing_that_a_corrected_command_would_stumble_over(
    monkeypatch: pytest.MonkeyPatch, options: BulkOptions
) -> None:
    Rehearsal(monkeypatch)
    with pytest.raises(FishdetError, match="there is no such file"):
        run_bulk(BulkOptions(**{**vars(options), "inputs": ["/none"]}), QUIET)
    assert run_bulk(options, QUIET)["rows"] == 20


def test_a_chunk_that_is_done_twice_has_one_file(options: BulkOptions) -> None:
    rows = [parts.error_row("a", "x"), parts.error_row("b", "y")]
    assert parts.write_part(options.out, rows) == parts.write_part(options.out, rows)
    assert parts.totals(options.out) == {"rows": 2, "pictures": 2, "errors": 2, "fish": 0}
    (options.out / "pictures" / "part-broken.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(FishdetError, match="part-broken.parquet: cannot be read"):
        parts.done_addresses(options.out)


def test_speed_and_cost() -> None:
    assert speed(1000, 360.0, 2, 1.5) == {
        "pictures_per_hour": 10000, "pictures_per_hour_and_worker": 5000,
        "hours_per_million": 100.0, "cost_per_million": 300.0,
    }  # fmt: skip
    assert speed(0, 0.1, 0, None) == {}


def test_the_pace_leaves_out_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 100.0, 104.0, 110.0])
    monkeypatch.setattr(run.time, "perf_counter", lambda: next(clock))
    pace = run.Pace()
    for pictures in (6, 6, 4):
        pace.add(pictures)
    assert pace.steady() == (10, 10.0)


def test_a_worker_makes_rows_as_the_detector_finds_fish(
    tiny: Any, pictures: list[Path], tmp_path: Path
) -> None:
    from fishdet import Detector
    from fishdet.inference.bulk.work import Worker

    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    images = list(map(str, pictures))
    settings = {"model": str(tiny.path), "score_thr": 0.05, "batch_size": 2}
    rows = Worker(settings)([images[0], str(broken), *images[1:], "/none.jpg"])
    assert [row["address"] for row in rows] == [images[0], str(broken), *images[1:], "/none.jpg"]
    assert "not an image" in rows[1]["error"] and "no such file" in rows[4]["error"]
    expected = Detector(**settings)(images)
    for row, found in zip([rows[0], rows[2], rows[3]], expected, strict=True):
        assert row["error"] is None and row["count"] == len(found)
        scores = [fish["score"] for fish in row["fish"]]
        assert np.allclose(scores, found.confidence, atol=1e-4)
    path = parts.write_part(tmp_path / "out", rows)
    assert pq.read_table(path).num_rows == 5


def test_ray_s_engine_says_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sys.path.insert(0, str(ROOT))
    from tools import predict

    command = ["m.pth", "x.jpg", "--out", str(tmp_path), "--engine", "ray"]
    others = ["--crops", "--gallery", "g", "--every", "2"]
    assert predict.main([*command, *others]) == 2
    assert "leave out --crops, --gallery, --every" in capsys.readouterr().err
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "fishdet.inference.bulk.run", None)
        assert predict.main(command) == 2
    assert "which is not installed: pip install" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(FishdetError, match=r"pip install -e '.\[distributed\]'"):
        ray_engine.start()


def test_a_cluster_that_does_not_answer_is_named_at_once() -> None:
    for address in ("127.0.0.1:1", "ray://127.0.0.1:1", "[::1]:1"):
        with pytest.raises(FishdetError, match="no cluster answers there.*unset RAY_ADDRESS"):
            ray_engine.require_answer(address)
    ray_engine.require_answer("auto")


def test_a_worker_a_gpu_of_the_cluster_else_a_core() -> None:
    """The machine that gives out the work may have no GPU itself."""
    assert ray_engine.devices(cluster(CPU=64.0, GPU=8.0), None, None) == (8, True)
    assert ray_engine.devices(cluster(CPU=64.0, GPU=8.0), "cpu", None) == (64, False)
    assert ray_engine.devices(cluster(CPU=64.0, GPU=8.0), "cuda:0", 3) == (3, True)
    assert ray_engine.devices(cluster(CPU=2.0), None, None) == (2, False)
    with pytest.raises(FishdetError, match="--device cuda: Ray knows of no GPU here"):
        ray_engine.devices(cluster(CPU=2.0), "cuda", None)


@pytest.mark.slow
def test_two_kills_on_the_way_lose_and_double_nothing(
    tiny: Any, pictures: list[Path], tmp_path: Path
) -> None:
    """A worker and then the whole run die by ``kill -9``; Ray itself."""
    pytest.importorskip("ray", reason="needs Ray: pip install -e '.[distributed]'")
    many = tmp_path / "many"
    many.mkdir()
    for number in range(120):
        os.link(pictures[number % 3], many / f"{number:04d}.jpg")
    command = [sys.executable, "tools/predict.py", str(tiny.path), str(many), "--out",
               str(tmp_path / "out"), "--engine", "ray", "--chunk", "5", "--workers", "2",
               "--resume"]  # fmt: skip
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    first = subprocess.Popen(command, cwd=ROOT, env=env, start_new_session=True)
    folder = tmp_path / "out" / "pictures"
    _until(lambda: len(list(folder.glob("part-*"))) >= 2)
    os.kill(_worker(first.pid), signal.SIGKILL)
    _until(lambda: len(list(folder.glob("part-*"))) >= 8)
    os.killpg(first.pid, signal.SIGKILL)
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (summary["rows"], summary["pictures"], summary["errors"]) == (120, 120, 0)
    assert summary["looked_at"] <= 80


def _until(condition: Any, seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.2)


def _worker(driver: int) -> int:
    """Return one of the processes of a driver's own Ray that hold a detector."""
    listed = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True).stdout
    lines = [line.split(None, 2) for line in listed.splitlines()[1:]]
    own = {str(driver)}
    while more := {pid for pid, parent, _ in lines if parent in own} - own:
        own |= more
    return next(int(pid) for pid, _, name in lines if pid in own and "ray::MapWorker" in name)
