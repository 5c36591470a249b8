"""Floorplans as geodesic fields are made of them: many maps' walls and goals, one map after another."""

from typing import NamedTuple

import torch

ROUNDING, LEAST_ROUNDING = 4e-7, 1e-5
"""Ways may overlap walls by this much of the map's longer side, which is six roundings of float32, and at least by so
many metres."""


class Rows(NamedTuple):
    """Rows of a ragged array: where each map's begins, how long it is, and of which map each of the values is."""

    starts: torch.Tensor  # (map,) int64
    widths: torch.Tensor  # (map,) int32
    owners: torch.Tensor  # (value,) int32


class Floorplans(NamedTuple):
    """Maps' walls and goals: numbers of walls, goals and cells count on from map to map."""

    walls: torch.Tensor  # (wall, 4) float64: ax, ay, bx, by, in metres
    near_walls: torch.Tensor  # the same in float32, from the corner of their map
    wall_rows: Rows
    goals: torch.Tensor  # (goal, 2) float64
    near_goals: torch.Tensor
    goal_rows: Rows
    corners: torch.Tensor  # (map, 2) float64: the lower left corner of a map's cells
    columns: torch.Tensor  # (map,) int32: how many columns of cells
    lines: torch.Tensor  # (map,) int32: and how many rows
    cell_rows: Rows
    words: torch.Tensor  # (map,) int32: how many words of 32 bits have a bit for each goal


def rows_of(widths: torch.Tensor) -> Rows:
    """The rows of so many values each, one after another."""
    wide = widths.long()
    owners = torch.repeat_interleave(torch.arange(len(widths), dtype=torch.int32, device=widths.device), wide)
    return Rows(wide.cumsum(0) - wide, widths.int(), owners)


def floorplans_of(walls, wall_widths, goals, goal_widths, side: float) -> Floorplans:
    """Lays out the floorplans of some maps, all at once.

    Args:
        walls: (wall, 2, 2) float64, in metres: those of the first map, then those of the second, and so on.
        wall_widths: (map,): how many are each one's.
        goals: (goal, 2) float64, likewise.
        goal_widths: (map,): how many are each one's.
        side: Of a cell, in metres.
    """
    wall_rows, goal_rows = rows_of(wall_widths), rows_of(goal_widths)
    owners = wall_rows.owners.long()[:, None, None].expand(-1, 2, 2).reshape(-1, 2)
    none = walls.new_zeros(len(wall_widths), 2)
    corners = none.scatter_reduce(0, owners, walls.reshape(-1, 2), 'amin', include_self=False)
    highest = none.scatter_reduce(0, owners, walls.reshape(-1, 2), 'amax', include_self=False)
    shapes = ((highest - corners) / side).ceil().int()
    columns, lines = (sides.clone() for sides in shapes.unbind(1))  # in memory of their own, however many maps
    return Floorplans(
        walls=walls.reshape(-1, 4).contiguous(),
        near_walls=(walls - corners[wall_rows.owners.long()][:, None]).reshape(-1, 4).float(),
        wall_rows=wall_rows,
        goals=goals.contiguous(),
        near_goals=(goals - corners[goal_rows.owners.long()]).float(),
        goal_rows=goal_rows,
        corners=corners,
        columns=columns,
        lines=lines,
        cell_rows=rows_of(columns * lines),
        words=(goal_rows.widths + 31) // 32,
    )


def common_limits(plans: Floorplans, radius: float, slack: float) -> torch.Tensor:
    """Limits for ways of discs in float64, in metres, for all maps: (2,) float64.

    They are what walls may not be nearer than, and nearer than what a node may be reached from anywhere: both rounded
    to float32, a few nanometres.
    """
    return torch.tensor([radius - slack, radius / 2], dtype=torch.float32, device=plans.walls.device).double()


def limits_of(plans: Floorplans, radius: float, side: float) -> torch.Tensor:
    """Limits for ways of discs in float32, in metres: (map, 3) float32.

    They are what walls may not be nearer than; nearer than what a node may be reached from anywhere; and what rounding
    comes to, which grows with the map.
    """
    longest = torch.maximum(plans.columns, plans.lines).double() * side
    rounding = (longest * ROUNDING).clamp(min=LEAST_ROUNDING)
    return torch.stack([radius - rounding, torch.full_like(rounding, radius / 2), rounding], 1).float()
