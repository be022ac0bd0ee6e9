"""Who swims in a picture, how large, how far away and in which pose; before anything is drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .casts import BUILTIN, Cast
from .plans import BodyPlan
from .pose import Pose
from .species import DECOYS, LEAF

EMPTY, SCHOOL, MIXED = 0.065, 0.26, 0.07  # shares of the pictures; the rest shows fish on their own
_ALONE = (0.12, 0.2, 0.24, 0.2, 0.14, 0.1)  # one, two … six fish


@dataclass(frozen=True)
class Actor:
    """One thing to be placed: its plan, label (-1: no fish), pose, distance and intended place."""

    plan: BodyPlan
    label: int
    pose: Pose
    distance: float
    place: tuple[float, float]  # 0 to 1 across and down the picture
    spread: float  # how far from there it may be moved
    lying: bool = False  # on the floor, where there is one


def _draw(rng: np.random.Generator, weights: list[float]) -> int:
    share = np.array(weights)
    return int(rng.choice(len(weights), p=share / share.sum()))


def _length(plan: BodyPlan, part: float) -> float:
    """Length in pixels at 256: ``part`` 0 is the plan's small end, 1 its large one."""
    low, high = plan.length
    return float(low * (high / low) ** part)


def _distance(rng: np.random.Generator, part: float) -> float:
    return float(np.clip(0.74 - 0.63 * part + rng.normal(0, 0.13), 0.04, 0.85))


def _pose(
    plan: BodyPlan, length: float, right: bool, tilt: float, yaw: float, rng: np.random.Generator
) -> Pose:
    bend = plan.bend * rng.uniform(0.25, 1.0)
    return Pose(length, right, tilt, float(bend), float(rng.uniform(0, 6.283)), yaw)


def _lie(plan: BodyPlan, pose: Pose, rng: np.random.Generator) -> Pose:
    """The pose of a flat fish on the floor, seen from above at a slant."""
    tilt, squash = float(rng.uniform(-0.6, 0.6)), float(rng.uniform(0.42, 0.8))
    return Pose(pose.length, pose.right, tilt, pose.bend * 0.5, pose.phase, 0.0, squash)


def _alone(species: Cast, label: int, unit: float, rng: np.random.Generator) -> Actor:
    plan = species.plans[label]
    part = float(rng.beta(1.25, 1.05))
    tilt = float(np.clip(rng.normal(0, 0.2 if plan.stiff > 1 else 0.5), -1.1, 1.1))
    yaw = float(np.clip(rng.normal(0, 0.45), -1.0, 1.0))
    pose = _pose(plan, unit * _length(plan, part), bool(rng.random() < 0.5), tilt, yaw, rng)
    lying = plan.flat and rng.random() < 0.85
    if lying:
        pose = _lie(plan, pose, rng)
    place = float(rng.uniform(0.06, 0.94)), float(rng.uniform(0.08, 0.92))
    return Actor(plan, label, pose, _distance(rng, part), place, 0.5, lying)


def _school(species: Cast, labels: list[int], unit: float, rng: np.random.Generator) -> list[Actor]:
    """Fish of similar size and heading, close together."""
    part, right = float(rng.uniform(-0.15, 0.6)), bool(rng.random() < 0.5)
    tilt, yaw = float(rng.normal(0, 0.14)), float(np.clip(rng.normal(0, 0.35), -0.9, 0.9))
    distance = _distance(rng, part)
    centre = rng.uniform(0.3, 0.7, 2)
    largest = max(_length(species.plans[label], part) for label in labels)
    spread = 0.05 + largest / 256 * 0.34 * len(labels) ** 0.5
    school = []
    for label in labels:
        plan = species.plans[label]
        near = float(np.clip(distance + rng.normal(0, 0.07), 0.04, 0.92))
        length = (
            unit * _length(plan, part) * rng.uniform(0.85, 1.15) * (1 + 0.6 * (distance - near))
        )
        against, (up, turn) = rng.random() < 0.05, rng.normal(0, (0.07, 0.1)).tolist()
        pose = _pose(plan, float(length), right ^ bool(against), tilt + up, yaw + turn, rng)
        lying = plan.flat and rng.random() < 0.85
        if lying:
            pose = _lie(plan, pose, rng)
        x, y = centre + rng.normal(0, 1, 2) * (spread, spread * 0.7)
        school.append(Actor(plan, label, pose, near, (float(x), float(y)), spread, lying))
    return school


def _decoys(unit: float, floor: bool, rng: np.random.Generator) -> list[Actor]:
    things = []
    for _ in range(_draw(rng, [0.72, 0.2, 0.08])):
        plan = DECOYS[int(rng.integers(len(DECOYS)))] if floor else LEAF
        part = float(rng.uniform(0, 1))
        lying = plan.name == "pebble"
        tilt = float(rng.uniform(-0.2, 0.2) if lying else rng.uniform(-1.5, 1.5))
        pose = _pose(plan, unit * _length(plan, part), bool(rng.random() < 0.5), tilt, 0.0, rng)
        place = float(rng.uniform(0, 1)), float(rng.uniform(0.1, 1))
        things.append(Actor(plan, -1, pose, _distance(rng, part), place, 0.5, lying))
    return things


def choose_cast(
    unit: float, floor: bool, rng: np.random.Generator, species: Cast = BUILTIN
) -> list[Actor]:
    """Everything that is to be placed in one picture, in no order; ``floor``: there is one."""
    kind, cast = rng.random(), _decoys(unit, floor, rng)
    plans = species.plans
    solo = [plan.weight for plan in plans]
    if kind < EMPTY:
        return cast
    if kind < EMPTY + SCHOOL:
        label = _draw(rng, [plan.schooling for plan in plans])
        count = (
            int(rng.integers(4, 11)) if plans[label].schooling > 0.5 else int(rng.integers(2, 5))
        )
        cast += _school(species, [label] * count, unit, rng)
        if rng.random() < 0.3:
            cast.append(_alone(species, _draw(rng, solo), unit, rng))
    elif kind < EMPTY + SCHOOL + MIXED:
        pair = species.pairs[int(rng.integers(len(species.pairs)))]
        names = [pair[int(rng.integers(2))] for _ in range(int(rng.integers(4, 11)))]
        cast += _school(species, [species.classes.index(name) for name in names], unit, rng)
    else:
        count = 1 + _draw(rng, list(_ALONE))
        cast += [_alone(species, _draw(rng, solo), unit, rng) for _ in range(count)]
    return cast
