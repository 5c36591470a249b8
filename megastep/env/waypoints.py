"""Waypoints of shortest paths: where agents can go to straight, on the shortest way to the spawns of their maps."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from megastep.env.navigation import GeodesicField
from megastep.maps.geodesics.lookup import MOST


def next_waypoints(
    field: GeodesicField,
    positions: Float[Tensor, 'env agent 2'],
    map_ids: Int[Tensor, ' env'],
    goals: Int[Tensor, 'env agent'],
    *,
    slack: float = 0.02,
) -> Float[Tensor, 'env agent 2']:
    """Next waypoints on the shortest paths from agents to their goals: the goal, or a point beside the next corner.

    They are looked up as `GeodesicField.distances` are. Of several on paths that are as short, the furthest is taken.
    Where there is no way it is the goal. It never waits for the GPU.

    Args:
        field: The geodesic field of the maps.
        positions: Where the agents are, in metres.
        map_ids: The map each env stands in.
        goals: The number, in its map, of the spawn that each agent is to reach.
        slack: How much longer a path may be than the shortest to count as one that is as short, in metres.
    """
    maps = map_ids[:, None].expand(goals.shape)
    counts = field.spawns.widths[maps]
    goals = torch.minimum(goals.clamp(min=0), counts - 1)
    targets = field.spawns.vals[field.spawns.starts[maps] + goals]
    if not len(field.nodes.vals):
        return targets
    cells = _cells(field, positions, maps)
    words = field.visible.vals[field.visible.starts[maps] + cells * ((counts + 31) // 32) + goals // 32]
    seen = (words >> (goals % 32)) & 1
    places, lengths = _hops(field, positions, maps, cells, goals)
    shortest, _ = lengths.min(dim=-1, keepdim=True)
    away = (places - positions[..., None, :]).norm(dim=-1)
    furthest = torch.where(lengths <= shortest + slack, away, -1.0).argmax(dim=-1)
    hops = places.gather(-2, furthest[..., None, None].expand(*furthest.shape, 1, 2))[..., 0, :]
    straight = (seen != 0) | ~shortest[..., 0].isfinite()
    return torch.where(straight[..., None], targets, hops)


def _cells(
    field: GeodesicField, positions: Float[Tensor, 'env agent 2'], maps: Int[Tensor, 'env agent']
) -> Int[Tensor, 'env agent']:
    """The numbers of the cells that places are in, or are nearest to."""
    shapes = field.shapes[maps]
    numbers = ((positions - field.corners[maps]) / field.cell_side).floor().long()
    column, row = torch.minimum(numbers.clamp(min=0), shapes - 1).unbind(-1)
    return row * shapes[..., 0] + column


def _hops(
    field: GeodesicField,
    positions: Float[Tensor, 'env agent 2'],
    maps: Int[Tensor, 'env agent'],
    cells: Int[Tensor, 'env agent'],
    goals: Int[Tensor, 'env agent'],
) -> tuple[Float[Tensor, 'env agent hop 2'], Float[Tensor, 'env agent hop']]:
    """The nodes that a cell's entry has, and how long the paths through them are; infinite where there are fewer."""
    entries = field.hops.starts[maps] + field.entries.vals[field.entries.starts[maps] + cells]
    slots = torch.arange(MOST, device=positions.device)
    there = slots < field.hops.vals[entries][..., None]
    nodes = torch.where(there, field.hops.vals[torch.where(there, entries[..., None] + 1 + slots, 0)].long(), 0)
    maps, counts = maps[..., None], field.spawns.widths[maps][..., None]
    places = field.nodes.vals[(field.nodes.starts[maps] + nodes).clamp(max=len(field.nodes.vals) - 1)]
    rows = field.lengths.starts[maps] + nodes * counts + goals[..., None]
    onward = field.lengths.vals[rows.clamp(max=len(field.lengths.vals) - 1)]
    lengths = (positions[..., None, :] - places).norm(dim=-1) + onward
    return places, torch.where(there, lengths, math.inf)
