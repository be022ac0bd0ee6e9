"""Plan a split of a pooled data set: parts, folds and few-shot subsets, and what they leak."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from fish_dataset.errors import FishDataError
from fish_dataset.splits.crossing import crossing_notes
from fish_dataset.splits.grouping import Groups, find_groups
from fish_dataset.splits.leaks import Leak, measure_leak
from fish_dataset.splits.pooling import Pool
from fish_dataset.splits.rows import (
    Shortfall,
    fold_rows,
    random_rows,
    shortfalls,
    shot_rows,
    split_rows,
)

PART_NAMES = ("train", "val", "test")
_OFF = 0.1  # share by which a part may miss its ratio before it is said


@dataclass(frozen=True)
class Plan:
    """A split before it is written.

    Attributes:
        pool: The pictures.
        groups: Their groups.
        seed: The seed.
        ratios: Share asked for, by part; empty for folds.
        parts: Rows of 'train', 'val', 'test', or of 'fold_1', 'fold_2', …
        shots: Few-shot subsets of 'train', rows by images a species.
        missing: Species that a part has not.
        notes: In words, what was done and what a user should know.
    """

    pool: Pool
    groups: Groups
    seed: int
    ratios: Mapping[str, float]
    parts: dict[str, np.ndarray]
    shots: dict[int, np.ndarray] = field(default_factory=dict)
    missing: tuple[Shortfall, ...] = ()
    notes: tuple[str, ...] = ()


def plan_split(
    pool: Pool,
    *,
    by: Sequence[str] | None = None,
    ratios: Sequence[float] | None = None,
    shots: Sequence[int] = (),
    seed: int = 0,
    keep_test: bool = False,
) -> Plan:
    """Plan train, val and test.

    Args:
        pool: See ``pool_folder``.
        by: Group keys; see ``find_groups``.
        ratios: Shares of train, val and, where there are three, test; by default 0.7 0.2 0.1, and
            0.8 0.2 with ``keep_test``.
        shots: Also subsets of train with so many pictures a species.
        seed: Equal seeds give equal plans.
        keep_test: Leave the folder's test split as it is and deal out the others.

    Raises:
        FishDataError: what cannot be planned, with the remedy.
    """
    groups = find_groups(pool.part.annotations, by)
    named = _named_ratios(ratios, keep_test)
    fixed = _test_rows(pool) if keep_test else np.zeros(0, dtype=np.int64)
    free = np.setdiff1d(np.arange(len(groups.index)), fixed)
    dealt = split_rows(
        pool.part.annotations.select_images(free), _compact(groups.index[free]), named, seed
    )
    parts = {name: free[rows] for name, rows in dealt.items()}
    notes = list(pool.notes) + _off_notes(parts, named, len(free))
    if keep_test:
        parts["test"] = fixed
        notes += _kept_notes(groups, free, fixed)
    notes += crossing_notes(pool.part.annotations, parts, by)
    train = pool.part.annotations.select_images(parts["train"])
    subsets = shot_rows(train, shots, seed) if shots else {}
    return Plan(
        pool=pool,
        groups=groups,
        seed=seed,
        ratios=named,
        parts=parts,
        shots={count: parts["train"][rows] for count, rows in subsets.items()},
        missing=tuple(shortfalls(pool.part.annotations, groups.index, parts)),
        notes=tuple(notes),
    )


def plan_folds(
    pool: Pool,
    folds: int,
    *,
    by: Sequence[str] | None = None,
    seed: int = 0,
    keep_test: bool = False,
) -> Plan:
    """Plan k folds; parts are 'fold_1' … 'fold_k', and 'test' with ``keep_test``.

    Raises:
        FishDataError: what cannot be planned, with the remedy.
    """
    groups = find_groups(pool.part.annotations, by)
    fixed = _test_rows(pool) if keep_test else np.zeros(0, dtype=np.int64)
    free = np.setdiff1d(np.arange(len(groups.index)), fixed)
    data = pool.part.annotations.select_images(free)
    dealt = fold_rows(data, _compact(groups.index[free]), folds, seed)
    parts = {f"fold_{number}": free[rows] for number, rows in enumerate(dealt, 1)}
    missing = tuple(shortfalls(pool.part.annotations, groups.index, parts))
    notes = list(pool.notes)
    if keep_test:
        parts["test"] = fixed
        notes += _kept_notes(groups, free, fixed)
    notes += crossing_notes(pool.part.annotations, parts, by)
    return Plan(pool, groups, seed, {}, parts, missing=missing, notes=tuple(notes))


def plan_leaks(plan: Plan, pairs: np.ndarray | None = None) -> dict[str, Leak]:
    """Leaks by held-out part: of the plan, of a random split, and of the split that there was.

    Args:
        plan: The plan.
        pairs: (P, 2) rows of pictures that look alike, where somebody looked.
    """
    names = plan.pool.part.annotations.file_names
    sizes = {name: len(rows) for name, rows in plan.parts.items()}
    by_lot = random_rows(len(names), sizes, plan.seed)
    splits = {
        "": plan.parts,
        ", random split of the same sizes": by_lot,
        ", as the folder was": plan.pool.splits,
    }
    return {
        name + words: measure_leak(names, plan.groups.index, train, held, pairs)
        for words, parts in splits.items()
        for name, (train, held) in _held_out(parts).items()
    }


def _held_out(parts: Mapping[str, np.ndarray]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Rows of training and of the part that is held out, by that part."""
    if "train" in parts:
        return {n: (parts["train"], rows) for n, rows in parts.items() if n != "train"}
    if len(parts) < 2:
        return {}
    return {  # folds: each against all others
        name: (np.concatenate([r for other, r in parts.items() if other != name]), rows)
        for name, rows in parts.items()
    }


def _named_ratios(ratios: Sequence[float] | None, keep_test: bool) -> dict[str, float]:
    wanted = list(ratios or ((0.8, 0.2) if keep_test else (0.7, 0.2, 0.1)))
    if len(wanted) not in ((2,) if keep_test else (2, 3)):
        form = "two, of train and val" if keep_test else "two or three, of train, val and test"
        raise FishDataError(f"ratios {wanted}: {form}, are needed")
    return dict(zip(PART_NAMES, wanted, strict=False))


def _test_rows(pool: Pool) -> np.ndarray:
    if "test" not in pool.splits:
        listed = ", ".join(pool.splits)
        raise FishDataError(f"--keep-test: the folder has no test split, only {listed}")
    if len(pool.splits) == 1:
        raise FishDataError("--keep-test: the folder has nothing but its test split to deal out")
    return pool.splits["test"]


def _compact(index: np.ndarray) -> np.ndarray:
    return np.unique(index, return_inverse=True)[1].reshape(-1)


def _off_notes(
    parts: Mapping[str, np.ndarray], ratios: Mapping[str, float], total: int
) -> list[str]:
    notes = []
    for name, ratio in ratios.items():
        share, asked = len(parts[name]) / max(total, 1), ratio / sum(ratios.values())
        if abs(share - asked) > _OFF:
            notes.append(
                f"{name} has {share:.0%} of the pictures where {asked:.0%} were asked for: groups "
                "are large, and no species is left out of a part that it can be in"
            )
    return notes


def _kept_notes(groups: Groups, free: np.ndarray, fixed: np.ndarray) -> list[str]:
    both = int(np.isin(groups.index[free], groups.index[fixed]).sum())
    notes = ["the test split was kept as it was"]
    if both:
        notes.append(
            f"{both} pictures of the others share a group with the kept test split: it leaks; "
            "split without --keep-test, or leave them out"
        )
    return notes
