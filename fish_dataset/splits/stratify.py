"""Deal groups out to parts so that each part is like the whole.

Iterative stratification (Sechidis, Tsoumakas, Vlahavas 2011, "On the Stratification of Multi-Label
Data", https://doi.org/10.1007/978-3-642-23808-6_10) deals the groups of the rarest label first,
each to the part that lacks most of it; here the examples are groups of pictures, which weigh
different amounts. A local search (one group moved, then two swapped) then lowers the cost that
``Problem`` states. Both break ties by seed alone, so equal input gives equal parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

EMPTY = 1e6
"""Cost of a part without pictures."""

_SWAP_GROUPS = 200  # above it pairs are not tried: their number grows with its square
_DEALS = (4, 32)  # tried at least and at most
_WORK = 5e7  # numbers looked at by a local search before it stops; greedy deals of many are good


@dataclass(frozen=True)
class Problem:
    """What is to be dealt out: G groups, L columns, S parts.

    The cost of a deal is the sum over parts of ``EMPTY`` if it has no pictures, ``absent[s]`` for
    each species that the part has not, and ``weights`` · (share of the column − ratio)².

    Attributes:
        counts: (G, L) float64, what each group holds: column 0 pictures, then any others.
        ratios: (S,) float64, sum 1, the share of each part.
        weights: (L,) float64.
        species: (L,) bool, columns that each part should have something of.
        absent: (S,) float64.
    """

    counts: np.ndarray
    ratios: np.ndarray
    weights: np.ndarray
    species: np.ndarray
    absent: np.ndarray

    @cached_property
    def totals(self) -> np.ndarray:
        """(L,) float64, what all groups hold, never 0."""
        return np.maximum(self.counts.sum(axis=0), 1e-9)

    def part_costs(self, parts: np.ndarray, sums: np.ndarray) -> np.ndarray:
        """Costs (…) of ``parts`` (…) if they hold ``sums`` (…, L)."""
        off = sums / self.totals - self.ratios[parts][..., None]
        none = (sums[..., self.species] <= 0).sum(axis=-1) * self.absent[parts]
        return (off * off) @ self.weights + none + np.where(sums[..., 0] <= 0, EMPTY, 0.0)

    def cost(self, deal: np.ndarray) -> float:
        """Cost of a deal (G,)."""
        return float(self.part_costs(np.arange(len(self.ratios)), self.sums(deal)).sum())

    def sums(self, deal: np.ndarray) -> np.ndarray:
        """(S, L), what each part holds."""
        sums = np.zeros((len(self.ratios), self.counts.shape[1]))
        np.add.at(sums, deal, self.counts)
        return sums


def stratify(problem: Problem, seed: int) -> np.ndarray:
    """The best deal found: (G,) int64, the part of each group.

    Iterative stratification and a deal by lot in turn, each improved; the fewer groups there are,
    the more is tried, and above ``_SWAP_GROUPS`` one, since then one is as good as another.

    Args:
        problem: At least as many groups as parts.
        seed: Of the ties and lots.
    """
    groups = len(problem.counts)
    count = 1 if groups > _SWAP_GROUPS else int(np.clip(400 // groups, *_DEALS))
    found = []
    for turn in range(count):
        rng = np.random.default_rng([seed, turn])
        by_lot = rng.integers(0, len(problem.ratios), groups)
        found.append(improve(problem, by_lot if turn % 2 else deal_by_label(problem, rng)))
    return min(found, key=problem.cost)


def deal_by_label(problem: Problem, rng: np.random.Generator) -> np.ndarray:
    """Iterative stratification: (G,) int64."""
    counts = problem.counts
    wanted = problem.ratios[:, None] * counts.sum(axis=0)
    deal = np.full(len(counts), -1, dtype=np.int64)
    # Large groups first within a label: what is left over must fill the gaps.
    order = np.lexsort([rng.random(len(counts)), -counts[:, 0]])
    labels = np.append(np.flatnonzero(problem.species), 0)
    while True:
        left = order[deal[order] < 0]
        if not len(left):
            return deal
        label = _rarest(counts[left], labels)
        for group in left[counts[left, label] > 0].tolist() or left.tolist():
            part = _neediest(wanted, label, rng)
            deal[group] = part
            wanted[part] -= counts[group]


def _rarest(counts: np.ndarray, labels: np.ndarray) -> int:
    """The label in the fewest groups left, pictures last."""
    held = (counts[:, labels[:-1]] > 0).sum(axis=0)
    held = np.where(held > 0, held, len(counts) + 1)
    if not len(held) or held.min() > len(counts):
        return int(labels[-1])
    return int(labels[held.argmin()])


def _neediest(wanted: np.ndarray, label: int, rng: np.random.Generator) -> int:
    """The part that lacks most of ``label``; of equals, of pictures; of equals, by lot."""
    lack = wanted[:, label]
    best = np.flatnonzero(lack >= lack.max() - 1e-9)
    lack = wanted[best, 0]
    best = best[lack >= lack.max() - 1e-9]
    return int(best[0] if len(best) == 1 else rng.choice(best))


def improve(problem: Problem, deal: np.ndarray) -> np.ndarray:
    """Local search: the best single move or, where none helps, swap; until neither does."""
    deal = deal.copy()
    groups, columns = problem.counts.shape
    step = groups * columns * len(problem.ratios)
    for _ in range(int(min(_WORK / max(step, 1), 10_000))):
        if _move(problem, deal):
            continue
        if groups > _SWAP_GROUPS or not _swap(problem, deal):
            break
    return deal


def _move(problem: Problem, deal: np.ndarray) -> bool:
    """Make the move that lowers the cost most; False if none does."""
    sums, counts = problem.sums(deal), problem.counts
    parts = np.arange(len(sums))
    now = problem.part_costs(parts, sums)
    leaving = problem.part_costs(deal, sums[deal] - counts) - now[deal]
    joining = problem.part_costs(parts[:, None], sums[:, None] + counts) - now[:, None]
    change = joining + leaving
    change[deal, np.arange(len(deal))] = 0.0
    part, group = np.unravel_index(change.argmin(), change.shape)
    if change[part, group] > -1e-12:
        return False
    deal[group] = part
    return True


def _swap(problem: Problem, deal: np.ndarray) -> bool:
    """Swap the two groups of different parts that lower the cost most; False if none do."""
    sums, counts = problem.sums(deal), problem.counts
    now = problem.part_costs(np.arange(len(sums)), sums)
    swapped = (sums[deal] - counts)[:, None] + counts  # the part of one with the other in its place
    change = problem.part_costs(deal[:, None], swapped) - now[deal][:, None]
    change = change + change.T
    change[deal[:, None] == deal] = 0.0
    one, other = np.unravel_index(change.argmin(), change.shape)
    if change[one, other] > -1e-12:
        return False
    deal[one], deal[other] = deal[other], deal[one]
    return True
