"""``tools/benchmark.py run``: plan, work, say where it stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from fish_dataset.files import require_writable
from fishdet.errors import FishdetError

from .data import settle
from .runs import Run, estimate_file, expected_seconds, only, prepare, runs_of, waiting
from .schedule import Slot, conclude, died_of, run_all, slots, worker_command
from .spec import Spec
from .store import DONE, FAILED, INTERRUPTED, LOG, RUNNING, seconds, state_of

SOME_FAILED = 1


@dataclass(frozen=True)
class RunOptions:
    """The choices of ``tools/benchmark.py run``; each mirrors a flag."""

    out: Path
    jobs: int | None = None
    dry_run: bool = False
    retry: bool = False
    only: Sequence[str] | None = None


def run(spec: Spec, options: RunOptions) -> int:
    """Bring a benchmark to its end, or with ``dry_run`` measure and print its plan.

    Returns:
        0, or 1 where a run has failed.

    Raises:
        FishdetError, FishDataError: a mistake in configs or data, found before anything starts.
        KeyboardInterrupt: asked to stop; the same command goes on.
    """
    if options.jobs is not None and options.jobs < 1:
        raise FishdetError(f"--jobs {options.jobs}: a number from 1")
    require_writable(options.out, "--out")
    out = options.out.resolve()
    runs = only(runs_of(settle(spec, out)), options.only)
    folders = {item.name: prepare(out, item) for item in runs}
    todo, places = waiting(out, runs, options.retry), slots(options.jobs)
    broken = _measure(out, todo, folders, places[:1]) if options.dry_run else set()
    say = Console(soft_wrap=True, highlight=False, markup=False).print
    say(plan_text(out, runs, todo, places, broken))
    if not options.dry_run and todo:
        teller = _Teller(out, todo, len(places))
        run_all([folders[item.name] for item in todo], places, teller.told)
    if not options.dry_run:
        say(f"compare: python tools/benchmark.py compare --out {options.out}")
    return (
        SOME_FAILED
        if broken or any(state_of(folder) == FAILED for folder in folders.values())
        else 0
    )


def plan_text(
    out: Path,
    runs: Sequence[Run],
    todo: Sequence[Run],
    places: Sequence[Slot],
    broken: Collection[str] = (),
) -> str:
    """Return the plan: each run with its state, and how long what is left is going to take.

    Args:
        out: folder of the benchmark.
        runs: all of it.
        todo: those that are going to run.
        places: where, as many as at once.
        broken: names of those that could not run a step.
    """
    states = {item.name: _standing(out / "runs" / item.name) for item in runs}
    counts = ", ".join(f"{n} {state}" for state, n in Counter(states.values()).items())
    lines = [f"{len(runs)} runs: {counts}; {len(todo)} to do, {len(places)} at once"]
    width = max(map(len, states))
    for item in runs:
        told = states[item.name]
        if item.name in broken:
            told = "cannot run"
        elif told == FAILED and item not in todo:
            told += " (--retry tries it again)"
        elif item in todo:
            expected = expected_seconds(out, item)
            told += ", about " + minutes(expected) if expected is not None else ""
        lines.append(f"  {item.name:<{width}}  {told}")
    return "\n".join([*lines, time_left(out, todo, len(places))])


def _standing(folder: Path) -> str:
    """The state of a run before any starts: one that nobody works on any more was interrupted."""
    state = state_of(folder)
    return INTERRUPTED if state == RUNNING else state


def time_left(out: Path, todo: Sequence[Run], at_once: int) -> str:
    """Return a line with the time that runs are going to take, as far as it is known."""
    expected = [expected_seconds(out, item) for item in todo]
    known = [value for value in expected if value is not None]
    if not todo:
        return "nothing left to do"
    if not known:
        return "time unknown: --dry-run measures some steps of each"
    rest = len(expected) - len(known)
    text = f"about {minutes((sum(known) + rest * sum(known) / len(known)) / at_once)} in all"
    return text + (f" ({rest} of {len(todo)} guessed by the others)" if rest else "")


def minutes(value: float) -> str:
    """Return seconds as minutes, or hours where they are many."""
    if value < 60:
        return f"{value:.0f} s"
    return f"{value / 3600:.1f} h" if value >= 7200 else f"{value / 60:.1f} min"


class _Teller:
    """Says what became of each run, and what is left."""

    def __init__(self, out: Path, todo: Sequence[Run], at_once: int) -> None:
        self.out, self.left, self.at_once = out, {item.name: item for item in todo}, at_once
        self.console = Console(soft_wrap=True, highlight=False, markup=False)

    def told(self, folder: Path, status: int) -> None:
        record = conclude(folder, status)
        self.left.pop(folder.name, None)
        text = f"{folder.name}: {record['state']} after {minutes(seconds(record))}"
        if record["state"] == DONE:
            text += f", mAP {record['scores']['bbox_mAP']:.3f}"
        if record.get("reason"):
            text += f": {record['reason']}\n  log: {folder / LOG}"
        if self.left:
            text += f"; {time_left(self.out, list(self.left.values()), self.at_once)}"
        self.console.print(text)


def _measure(
    out: Path, todo: Sequence[Run], folders: dict[str, Path], places: Sequence[Slot]
) -> set[str]:
    """Measure steps of each detector on each data set that nothing is known of.

    Returns:
        The names of runs that could not do them.
    """
    chosen: dict[Path, Path] = {}
    for item in todo:
        if expected_seconds(out, item) is None:
            chosen.setdefault(estimate_file(out, item), folders[item.name])
    targets = {folder: target for target, folder in chosen.items()}
    broken: set[str] = set()

    def told(folder: Path, status: int) -> None:
        if status:
            same = targets[folder]  # seeds differ in nothing that a step asks for
            broken.update(item.name for item in todo if estimate_file(out, item) == same)
            print(f"{folder.name}: no step could be run: {died_of(status, folder / LOG)}")

    run_all(
        list(targets), places, told, lambda folder: worker_command(folder, str(targets[folder]))
    )
    return broken
