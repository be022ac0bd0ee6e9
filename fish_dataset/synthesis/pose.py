"""From the straight texture to a swimming fish: bend, mirror, foreshorten, tilt, scale."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .anatomy import extents
from .fish import Texture, draw_texture
from .plans import BodyPlan

OVERSAMPLING = 2
_COARSE = 4  # the smooth inverse map is computed at every fourth oversampled pixel
_SPINE = np.linspace(-0.15, 1.15, 40)


@dataclass(frozen=True)
class Pose:
    """How a fish lies in the picture; lengths in output pixels, angles in radians."""

    length: float
    right: bool = False  # looks to the right
    tilt: float = 0.0
    bend: float = 0.0
    phase: float = 0.0
    yaw: float = 0.0  # turned towards or away from the viewer
    squash: float = 1.0  # vertical foreshortening of what lies on the floor

    def matrix(self) -> np.ndarray:
        """(2, 2): from the fish's own frame, in body lengths, to output pixels."""
        cos, sin = np.cos(self.tilt), np.sin(self.tilt)
        turn = np.array([[cos, -sin], [sin, cos]])
        own = np.diag([(-1 if self.right else 1) * np.cos(self.yaw), 1.0])
        return self.length * np.diag([1.0, self.squash]) @ turn @ own


def spine(plan: BodyPlan, pose: Pose) -> tuple[np.ndarray, np.ndarray]:
    """Points (N, 2) along the bent midline, in body lengths, centred; headings (N,) in radians."""
    along = np.clip(_SPINE, 0, 1)
    heading = pose.bend * along**plan.stiff * np.sin(6.283 * plan.waves * along + pose.phase)
    heading = heading - heading[(_SPINE >= 0) & (_SPINE <= 1)].mean()
    step = _SPINE[1] - _SPINE[0]
    middle = (heading[:-1] + heading[1:]) / 2
    points = np.zeros((len(_SPINE), 2))
    points[1:] = np.cumsum(np.stack([np.cos(middle), np.sin(middle)], 1), 0) * step
    return points - points[len(_SPINE) // 2], heading


def _body_coordinates(
    points: np.ndarray, centre: np.ndarray, heading: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Place along and across the midline for ``points`` (N, 2): nearest vertex, one Newton step."""
    spine_x, spine_y = centre.T.astype(np.float32)
    apart = (points[:, :1] - spine_x) ** 2 + (points[:, 1:] - spine_y) ** 2
    along = _SPINE[apart.argmin(1)]
    for _ in range(2):
        at = [np.interp(along, _SPINE, column) for column in (*centre.T, heading)]
        cos, sin = np.cos(at[2]), np.sin(at[2])
        x, y = points[:, 0] - at[0], points[:, 1] - at[1]
        along = np.clip(along + x * cos + y * sin, -0.3, 1.3)
    return along, y * cos - x * sin


def warp(
    plan: BodyPlan, texture: Texture, pose: Pose, subpixel: tuple[float, float] = (0.0, 0.0)
) -> tuple[np.ndarray, tuple[int, int]]:
    """Patch (h, w, 4) float32 premultiplied BGR + opacity, and its offset from the fish's centre.

    The inverse map from pixels to body coordinates is smooth, so it is solved on a coarse grid
    and interpolated; the texture is then read at twice the output resolution and area-averaged.
    """
    centre, heading = spine(plan, pose)
    up, down = (1.1 * reach for reach in extents(plan))
    normal = np.stack([-np.sin(heading), np.cos(heading)], 1)
    inner = slice(4, -4)
    hull = np.concatenate(
        [centre[inner] - up * normal[inner], centre[inner] + down * normal[inner]]
    )
    hull = hull @ pose.matrix().T + subpixel
    low = np.floor(hull.min(0)).astype(int) - 2
    size = np.ceil((np.ceil(hull.max(0)) + 2 - low) / 2).astype(int) * 2
    cells = size * OVERSAMPLING // _COARSE
    grid = [(np.arange(count) + 0.5) * _COARSE / OVERSAMPLING for count in cells]
    x, y = np.meshgrid(grid[0] + low[0] - subpixel[0], grid[1] + low[1] - subpixel[1])
    own = np.stack([x.ravel(), y.ravel()], 1) @ np.linalg.inv(pose.matrix()).T
    along, across = _body_coordinates(own.astype(np.float32), centre, heading)
    across = across / (1 + 0.5 * np.sin(pose.yaw) * (0.5 - along))
    maps = np.stack([texture.margin - 0.5 + along * texture.length,
                     texture.midline - 0.5 + across * texture.length,
                     np.abs(across)], -1)  # fmt: skip
    maps = maps.reshape(cells[1], cells[0], 3).astype(np.float32)
    maps = cv2.resize(maps, tuple((size * OVERSAMPLING).tolist()), interpolation=cv2.INTER_LINEAR)
    patch = cv2.remap(texture.pixels, maps[..., 0], maps[..., 1], cv2.INTER_LINEAR,
                      borderMode=cv2.BORDER_CONSTANT, borderValue=(0, 0, 0, 0))  # fmt: skip
    # Between two folds of the body the interpolated map is meaningless; the distance is not.
    patch[maps[..., 2] > 1.15 * max(up, down)] = 0
    patch = cv2.resize(patch, tuple(size.tolist()), interpolation=cv2.INTER_AREA)
    return patch, (int(low[0]), int(low[1]))


def draw_fish(
    plan: BodyPlan, pose: Pose, rng: np.random.Generator
) -> tuple[np.ndarray, tuple[int, int]]:
    """A posed individual: patch (h, w, 4) float32 premultiplied and its offset (x, y) in pixels."""
    texture = draw_texture(plan, max(40.0, OVERSAMPLING * pose.length), rng)
    return warp(plan, texture, pose, (float(rng.random()), float(rng.random())))
