"""Geodesic fields of many maps at once: the tables from which `megastep.triton.navigation` looks paths up.

What is made and how is said in `megastep.maps.geodesics`, whose compiled code makes the same map by map on a CPU and is
what this is held to. Nodes, the visibility graph and paths are found in float64, as there; what each cell sees, in
float32 relative to its map's corner. Walls are tried one by one, as that suits a GPU: of nodes those in a shortest
path's way, of cells those in the way to their tile.
"""

from typing import NamedTuple

import torch

from megastep.triton.buffers import device_guard
from megastep.triton.geodesics.choice import choose
from megastep.triton.geodesics.graph import relax, straight_ways
from megastep.triton.geodesics.nodes import place_nodes
from megastep.triton.geodesics.packing import kept_once
from megastep.triton.geodesics.plans import common_limits, floorplans_of, limits_of, rows_of
from megastep.triton.geodesics.samples import find_samples
from megastep.triton.geodesics.sight import TILE, find_seen, sources_of


class Tables(NamedTuple):
    """The tables of many maps. Those of the nodes, the lists and so on are one after another, map by map."""

    corners: torch.Tensor  # (map, 2) float64
    shapes: torch.Tensor  # (map, 2) int64
    visible: torch.Tensor  # (cell * word,) int32
    entries: torch.Tensor  # (cell,) int32
    hops: torch.Tensor  # (hop,) int32
    hop_widths: torch.Tensor  # (map,) int32
    nodes: torch.Tensor  # (node, 2) float64
    node_widths: torch.Tensor  # (map,) int32
    lengths: torch.Tensor  # (node * goal,) float32


@device_guard
def find_paths(
    walls: torch.Tensor, wall_widths: torch.Tensor, goals: torch.Tensor, goal_widths: torch.Tensor, *,
    side: float, radius: float, slack: float, step: float, tolerance: float, most: int,
) -> Tables:  # fmt: skip
    """Makes the tables of maps.

    Args:
        walls: (wall, 2, 2) float64, in metres: those of the first map, then those of the second, and so on.
        wall_widths: (map,): how many are each one's.
        goals: (goal, 2) float64, likewise.
        goal_widths: (map,): how many are each one's.
        side: Of a cell, in metres.
        radius: The disc's, in metres.
        slack: It may overlap a wall by this much, in metres.
        step: The most a path turns at a node, in radians.
        tolerance: Nodes are left out of a cell's list while no path becomes longer than this, in metres.
        most: A list has no more nodes than this: a power of 2.
    """
    plans = floorplans_of(walls, wall_widths, goals, goal_widths, side)
    nodes = place_nodes(plans, radius, slack, step)
    common = common_limits(plans, radius, slack)
    paths = straight_ways(plans, nodes, common)
    relax(plans, nodes, paths, common)
    limits, sources = limits_of(plans, radius, side), sources_of(plans, nodes)
    samples = find_samples(plans, side, limits)
    tiles = rows_of(((plans.columns + TILE.value - 1) // TILE.value) * ((plans.lines + TILE.value - 1) // TILE.value))
    seen = find_seen(plans, sources, samples, tiles, limits)
    lengths = paths.lengths.float()
    lists = choose(plans, limits, sources, samples, seen, lengths, paths.starts, tolerance, most)
    entries, hops, hop_widths = kept_once(plans, lists)
    return Tables(
        corners=plans.corners,
        shapes=torch.stack([plans.columns, plans.lines], 1).long(),
        visible=seen.goals,
        entries=entries,
        hops=hops,
        hop_widths=hop_widths,
        nodes=nodes.points,
        node_widths=nodes.rows.widths,
        lengths=lengths,
    )
