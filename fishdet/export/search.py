"""Which layers 8 bits hurt: groups are measured, and the worst are split, within a budget.

NNCF's own accuracy control (``nncf.quantize_with_accuracy_control``) takes each layer back by
itself: as many attempts as there are layers, before the first is chosen. Here the number of
attempts is given, and few bad layers among n are found in about two times log2(n) each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True)
class Ranked(Generic[Item]):
    """Neighbouring layers, and what it costs to quantise them alone."""

    items: tuple[Item, ...]
    damage: float


def rank(
    items: Sequence[Item],
    damage: Callable[[tuple[Item, ...]], float],
    tries: int,
    done: Callable[[int], None] = lambda number: None,
) -> list[Ranked[Item]]:
    """Split ``items`` into groups, the finer the more they hurt.

    Args:
        items: in the order of the network.
        damage: what quantising a group alone costs, from 0; expensive.
        tries: how often it may be called, at least 2.
        done: told of each call.

    Returns:
        Groups that together hold each item once, the most hurtful first; of those that hurt alike
        the later in the network.
    """

    def measured(group: tuple[Item, ...]) -> Ranked[Item]:
        found = Ranked(group, damage(group))
        done(1)
        return found

    places = {id(item): place for place, item in enumerate(items)}
    groups = [Ranked(tuple(items), float("inf"))]
    while tries >= 2:
        open_ = [group for group in groups if len(group.items) > 1 and group.damage > 0]
        if not open_:
            break
        worst = max(open_, key=lambda group: group.damage)
        half = len(worst.items) // 2
        groups.remove(worst)
        groups += [measured(worst.items[:half]), measured(worst.items[half:])]
        tries -= 2
    return sorted(groups, key=lambda group: (-group.damage, -places[id(group.items[0])]))


def fewest(enough: Callable[[int], bool], most: int) -> int | None:
    """Return the least number from 1 to ``most`` that is enough, supposing that more always are.

    Doubles until it is, then halves what lies between: at most two times log2 of ``most`` calls.

    Returns:
        A number for which ``enough`` was seen to hold; None where ``most`` is not enough.
    """
    low, high = 0, 1
    while high < most and not enough(high):
        low, high = high, 2 * high
    if high >= most:
        high = most
        if most < 1 or not enough(most):
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
