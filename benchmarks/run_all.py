"""Run the benchmarks of speed one after the other and write the tables of docs/performance.md.

    OMP_NUM_THREADS=2 python benchmarks/run_all.py [--quick] [--records DIR] [--tables-only]

Each leaves its record in ``--records``; the tables between the marks of the page are made of the
records that are there, with machine, versions and command.
"""

from __future__ import annotations

import argparse
import json
import shlex
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from loading import BATCH, share_of_epoch
from side_by_side import machine_line, table

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "performance.md"
RUNS = {
    "prediction": "prediction.py --batches 1 --repeats 4",
    "batches": "prediction.py --sizes 480x640 --batches 8 --repeats 3"
    " --only 'torchvision, bf16' 'fishdet, fp32' 'fishdet, bf16' 'fishdet exported, OpenVINO'",
    "switches": "prediction.py --sizes 480x640 --batches 1 --repeats 4 --compile"
    " --only torchvision 'fishdet, fp32' OpenVINO",
    "training": "training.py --repeats 3",
    "finetuning": "training.py --finetune --repeats 3",
    "loading": "loading.py",
    "growth": "growth.py",
    "operators": "operators.py",
}
"""The tables of the page and what fills them."""


def main() -> int:
    """Run what is asked, then write the page; the exit status tells whether all ran."""
    args = parse_args()
    failed = [] if args.tables_only else [name for name in args.names if not run(name, args)]
    text = args.page.read_text(encoding="utf-8")
    found = {name: json.loads(path.read_text(encoding="utf-8")) for name in RUNS
             if (path := args.records / f"{name}.json").is_file()}  # fmt: skip
    step = step_of(found["training"]) if "training" in found else None
    for name, one in found.items():
        text = replaced(text, name, section(one, step))
    args.page.write_text(text, encoding="utf-8")
    for name in failed:
        print(f"{name}.py failed; its table stays as it was", file=sys.stderr)
    return 1 if failed else 0


def parse_args() -> argparse.Namespace:
    """Parse which benchmarks run and where records and page are."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(RUNS), help=f"of {', '.join(RUNS)}")
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--records", type=Path, default=Path("work_dirs/performance"))
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--tables-only", action="store_true", help="write the page, run nothing")
    args = parser.parse_args()
    unknown = sorted(set(args.names) - set(RUNS))
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(RUNS)}")
    return args


def run(name: str, args: argparse.Namespace) -> bool:
    """Run one in a process of its own and return whether it went well."""
    script, *options = shlex.split(RUNS[name])
    command = [sys.executable, str(HERE / script), *options]
    command += ["--json", str(args.records / f"{name}.json"), *(["--quick"] if args.quick else [])]
    return subprocess.run(command).returncode == 0


def step_of(training: dict[str, Any]) -> float | None:
    """Return the seconds of our training step of ``loading.BATCH`` pictures of 480×640."""
    for row in training["rows"]:
        if (row["name"], row["size"]) == ("fishdet, fp32", "480×640, batch 2") and row["seconds"]:
            return statistics.median(row["seconds"]) * BATCH / 2
    return None


def section(found: dict[str, Any], step: float | None = None) -> str:
    """Return a benchmark's record as Markdown.

    Args:
        found: its record.
        step: seconds of a training step, of which a loader's share is told.
    """
    facts = found["machine"]
    parts = [f"`{facts['command']}` on {machine_line(facts)}"]
    if found.get("rows"):
        parts.append(table(found["rows"]))
    if found.get("loaders"):
        parts.append(loaders(found["loaders"], step))
    parts += found.get("lines", [])
    return "\n\n".join(parts)


def loaders(lines: list[dict[str, Any]], step: float | None) -> str:
    """Return the loader's speed as Markdown."""
    rows = [
        "| JPEG height | workers | decoded | pictures/s | share of an epoch |",
        "|---|---|---|---|---|",
    ]
    for line in lines:
        rate, workers = line["pictures_per_second"], line["workers"]
        share = f"{share_of_epoch(rate, workers, step):.1%}" if step else "–"
        how = "reduced where that is enough" if line.get("reduced") else "whole"
        rows.append(f"| {line['height']} px | {workers} | {how} | {rate:.1f} | {share} |")
    if step:
        rows.append(
            f"\nThe share is of training Faster R-CNN R50-FPN at 480×640 ({step:.1f} s for {BATCH} "
            "pictures, table above): the loader in turn with the network, or, with workers, what "
            "the network waits for; on a CPU they share its cores."
        )
    return "\n".join(rows)


def replaced(text: str, name: str, made: str) -> str:
    """Return the page with what stands between the marks of ``name`` replaced.

    Raises:
        SystemExit: the page has no such marks.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    if begin not in text or end not in text:
        raise SystemExit(f"the page has no marks {begin} … {end}")
    head, rest = text.split(begin, 1)
    return f"{head}{begin}\n{made}\n{end}{rest.split(end, 1)[1]}"


if __name__ == "__main__":
    sys.exit(main())
