"""Wall following: with one hand on the wall, as one gets out of a maze."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from megastep.checks import check_above_zero
from megastep.env import Env
from megastep.evaluation.baselines.range_finder import RangeFinder
from megastep.evaluation.baselines.steering import in_frame, make_steering
from megastep.evaluation.play import Act

LOST = 0.8
"""Where no wall is nearer than this, in metres, there is none to follow, and one walks straight on."""

CORNER, END, BEND, GAIN = 60.0, 40.0, 25.0, 80.0
"""The course changes by so many degrees a step: at a wall ahead, where the wall ends, at most along a wall, and for
each metre that one is too far from it."""

MOVING = 0.5
"""The course changes no further until an agent goes along it at so many metres per second, or has run into a wall."""


@dataclass(frozen=True)
class WallFollower:
    """Wall-following policy: walks straight to a wall, and then along it, with the wall on its left.

    It finds its way by a range finder that looks all around, whatever cameras the env has, and knows nothing of goals.
    In a maze without loops that is a way to everywhere.

    Args:
        distance: How far from the wall its middle keeps, in metres.

    Raises:
        ValueError: if that isn't above 0.
    """

    distance: float = 0.3

    def __post_init__(self) -> None:
        check_above_zero(distance=self.distance)

    def for_env(self, env: Env) -> Act:
        """Makes who acts in an env.

        Raises:
            ValueError: if its agents' motion can't be steered.
        """
        steer, core, finder = make_steering(env), env.core, RangeFinder(env.core)
        courses, follows = torch.zeros_like(core.agents.angles), torch.zeros_like(core.contacts, dtype=torch.bool)

        def act(observations: Any, begins: Bool[Tensor, ' row']) -> Tensor:
            new = begins.view(courses.shape)
            torch.where(new, core.agents.angles, courses, out=courses)
            ranges = finder.ranges()
            nearest = ranges.amin(dim=-1)
            torch.where(new, nearest < self.distance, follows | (nearest < 1.5 * self.distance), out=follows)
            follows.logical_and_(nearest < LOST)
            off = finder.bearings + (core.agents.angles - courses)[..., None]  # from where it goes
            bends = torch.where(follows, self._bends(ranges, off), 0.0)
            along = in_frame(core.agents.velocities, courses)[..., 0]
            courses.add_(torch.where((along > MOVING) | (core.contacts >= 0), bends, 0.0))
            towards = (courses - core.agents.angles).deg2rad()
            return steer(torch.stack([towards.cos(), towards.sin()], dim=-1))

        return act

    def _bends(
        self, ranges: Float[Tensor, 'env agent ray'], off: Float[Tensor, 'env agent ray']
    ) -> Float[Tensor, 'env agent']:
        """By how much the course changes, in degrees to the left, given ranges and how far left of it they look."""
        off = (off + 180) % 360 - 180
        ahead, left = (_nearest(ranges, (off - middle).abs() < 30) for middle in (0, 80))
        along = (GAIN * (left - self.distance)).clamp(-BEND, BEND)
        beside = torch.where(left > 2.5 * self.distance, END, along)
        return torch.where(ahead < 1.2 * self.distance, -CORNER, beside)


def _nearest(ranges: Float[Tensor, 'env agent ray'], among: Bool[Tensor, 'env agent ray']) -> Tensor:
    return torch.where(among, ranges, torch.inf).amin(dim=-1)
