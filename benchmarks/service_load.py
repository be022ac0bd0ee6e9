"""The service under full load against the bare model, in turns on one machine.

Clients (closed loop, this machine only) send photos to ``tools/serve.py`` for a round, then the
same network runs alone on the same photos, decoded beforehand, for a round, and so on. Prints
pictures a second of both and their ratio, latency, answers by status and the memory of the service.
On a machine that has other work, look at the processor time a picture: the wall clock then tells
what the neighbours did (set OMP_NUM_THREADS=1 there, or threads that wait for one another count).

    python benchmarks/service_load.py MODEL PHOTOS [--minutes 10] [--clients 16]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import cv2
import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from fishdet.inference.detector import Detector  # noqa: E402

PHOTOS = 32


@dataclass
class Load:
    """What the rounds of the service gave.

    Attributes:
        statuses: answers by status; 'broken' where the connection failed.
        latencies: seconds of each answered photo.
        wrong: answers that differ from the first one for the same photo.
        speeds: photos a second of each round.
        memory: MiB of the service's process after each round.
        processor: seconds of processor time of the service for each picture, a round.
        network: share of each round in which its network looked at pictures.
        batches: pictures of a batch, a round.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    wrong: int = 0
    speeds: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    network: list[float] = field(default_factory=list)
    batches: list[float] = field(default_factory=list)
    first: dict[int, list[str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


def main() -> None:
    """Run the rounds and print what they gave."""
    args = parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the service ends as well
    photos = read_photos(args.photos)
    bare = Detector(args.model, agnostic_nms=0.7, batch_size=args.batch_size)
    command = [sys.executable, "tools/serve.py", str(Path(args.model).resolve()), "--port", "0",
               "--rate", "0", "--batch-size", str(args.batch_size), "--queue",
               str(max(32, 2 * args.clients)), "--timeout", "120"]  # fmt: skip
    service = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert service.stdout is not None
        address = service.stdout.readline().strip()
        if not address:
            raise SystemExit(f"error: the service ended at once; try: {' '.join(command)}")
        load, alone, own = Load(), [], []
        play(address, photos, args, Load(), args.round)  # warm up both
        alone_round(bare, photos, args)
        end = time.monotonic() + 60 * args.minutes
        while time.monotonic() < end:
            spent, answered = processor_time(service.pid), load.statuses["200"]
            play(address, photos, args, load, args.round)
            spent, answered = (processor_time(service.pid) - spent, load.statuses["200"] - answered)
            load.processor.append(spent / max(answered, 1))
            load.memory.append(resident(service.pid))
            began = time.process_time()
            alone.append(alone_round(bare, photos, args))
            own.append((time.process_time() - began) / alone[-1][1])
            print(f"round {len(alone)}: {load.speeds[-1]:.2f} and {alone[-1][0]:.2f} pictures/s, "
                  f"{load.processor[-1]:.3f} and {own[-1]:.3f} s of processor a picture, "
                  f"{load.memory[-1]:.0f} MiB, network at work {load.network[-1]:.0%}, "
                  f"{load.batches[-1]:.2f} pictures a batch", flush=True)  # fmt: skip
        service.send_signal(signal.SIGTERM)
        service.wait(60)
    finally:
        service.kill()
    report(load, [speed for speed, _ in alone], own, args)


def parse_args() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a checkpoint or published model")
    parser.add_argument("photos", type=Path, help=f"folder; the first {PHOTOS} are sent in turn")
    parser.add_argument("--minutes", type=float, default=10, help="of both together (10)")
    parser.add_argument("--round", type=float, default=20, help="seconds of one round (20)")
    parser.add_argument("--clients", type=int, default=16, help="that wait for answers (16)")
    parser.add_argument("--batch-size", type=int, default=4)
    return parser.parse_args()


def read_photos(folder: Path) -> list[bytes]:
    """Return the bytes of the first photos of a folder."""
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    if not files:
        raise SystemExit(f"error: {folder}: no JPEG or PNG in it")
    return [path.read_bytes() for path in files[:PHOTOS]]


def play(
    address: str, photos: Sequence[bytes], args: argparse.Namespace, load: Load, seconds: float
) -> None:
    """Let the clients send photos for some seconds; open requests are waited for."""
    counted = counters(address)
    began = time.monotonic()
    before = load.statuses["200"]
    threads = [
        threading.Thread(target=client, args=(address, photos, n, args, load, began + seconds))
        for n in range(args.clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - began
    worked, pictures, batches = (now - then for now, then in zip(counters(address), counted,
                                                                 strict=True))  # fmt: skip
    load.speeds.append((load.statuses["200"] - before) / took)
    load.network.append(worked / took)
    load.batches.append(pictures / max(batches, 1))


def counters(address: str) -> tuple[float, float, float]:
    """Return what the service has counted: seconds of its network, pictures, batches."""
    place = urlsplit(address)
    connection = HTTPConnection(str(place.hostname), place.port or 80, timeout=180)
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    connection.close()
    counts = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    names = ("network_seconds_total", "batch_images_sum", "batch_images_count")
    seconds, pictures, batches = (float(counts[f"fishdet_{name}"]) for name in names)
    return seconds, pictures, batches


def client(
    address: str,
    photos: Sequence[bytes],
    number: int,
    args: argparse.Namespace,
    load: Load,
    end: float,
) -> None:
    """One client: sends a photo, waits for the answer, sends the next."""
    place = urlsplit(address)
    assert place.hostname in ("127.0.0.1", "localhost")
    connection = HTTPConnection(place.hostname, place.port or 80, timeout=180)
    turn = number
    while time.monotonic() < end:
        which = turn % len(photos)
        turn += args.clients + 1
        began = time.monotonic()
        try:
            connection.request("POST", "/v1/detections", form(photos[which]), HEADERS)
            answer = connection.getresponse()
            body, status = answer.read(), str(answer.status)
        except (OSError, HTTPException):
            connection.close()
            body, status = b"", "broken"
        with load.lock:
            load.statuses[status] += 1
            if status == "200":
                load.latencies.append(time.monotonic() - began)
                load.wrong += load.first.setdefault(which, names(body)) != names(body)
        if status == "503":
            time.sleep(0.2)
    connection.close()


HEADERS = {"Content-Type": "multipart/form-data; boundary=x"}


def form(photo: bytes) -> bytes:
    """Return a request's body."""
    head = b'--x\r\nContent-Disposition: form-data; name="images"; filename="x"\r\n\r\n'
    return head + photo + b"\r\n--x--\r\n"


def names(body: bytes) -> list[str]:
    """Return the species of each sure fish: what must not change with whoever asks beside."""
    fish = json.loads(body)["images"][0]["detections"]
    return sorted(one["species"][0]["class_name"] for one in fish if one["chance"] > 0.5)


def alone_round(
    bare: Detector, photos: Sequence[bytes], args: argparse.Namespace
) -> tuple[float, int]:
    """Return photos a second of the network alone, in full batches, and how many they were."""
    pixels = [cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR) for photo in photos]
    began, count = time.monotonic(), 0
    while time.monotonic() - began < args.round:
        at = count % len(pixels)
        batch = (pixels + pixels)[at : at + args.batch_size]
        bare.predict(batch)
        count += len(batch)
    return count / (time.monotonic() - began), count


def processor_time(pid: int) -> float:
    """Return the processor time of a process so far, in seconds (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> float:
    """Return the memory of a process in MiB (Linux)."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    found = re.search(r"VmRSS:\s+(\d+)", text)
    return int(found[1]) / 1024 if found else float("nan")


def report(
    load: Load, alone: Sequence[float], own: Sequence[float], args: argparse.Namespace
) -> None:
    """Print the figures."""
    ours, theirs = statistics.median(load.speeds), statistics.median(alone)
    times = np.percentile(load.latencies, [50, 90, 99, 100])
    how = f"{args.clients} clients, batches of up to {args.batch_size}"
    rounds = f"{len(alone)} rounds of {args.round:g} s"
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {how}, {rounds}")
    print(f"service {ours:.2f} pictures/s, network alone {theirs:.2f}: ratio {ours / theirs:.2f}")
    print(
        "ratio of each round:", *(f"{a / b:.2f}" for a, b in zip(load.speeds, alone, strict=True))
    )
    spent, bare = statistics.median(load.processor), statistics.median(own)
    share = f"service {spent:.3f} s, network alone {bare:.3f} s: ratio {bare / spent:.2f}"
    print(f"processor time a picture: {share}")
    print(f"the network worked {statistics.median(load.network):.1%} of the time, on "
          f"{statistics.median(load.batches):.2f} pictures at once")  # fmt: skip
    print("latency p50 {:.2f} s, p90 {:.2f} s, p99 {:.2f} s, longest {:.2f} s".format(*times))
    counts = ", ".join(f"{status}: {n}" for status, n in sorted(load.statuses.items()))
    print(f"answers {counts}; of another photo or otherwise unlike the first: {load.wrong}")
    early, late = load.memory[: max(1, len(load.memory) // 4)], load.memory[-1]
    print(f"memory of the service {statistics.median(early):.0f} MiB in the first quarter, "
          f"{late:.0f} MiB at the end, most {max(load.memory):.0f} MiB")  # fmt: skip


if __name__ == "__main__":
    main()
