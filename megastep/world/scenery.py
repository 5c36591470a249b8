"""Scenery: many maps as device buffers, which is all that stands still."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32, Int, Int32, UInt8
from numpy.typing import ArrayLike
from torch import Tensor

from megastep.checks import check_at_least_zero, check_numbers, check_seed, is_integer
from megastep.maps.geometry import AGENT_RADIUS, Geometry
from megastep.maps.mapset import MapSet
from megastep.maps.ragged import Ragged
from megastep.maps.segments import clearances
from megastep.world import near_walls, textures, visible_lights, visible_walls, wall_boxes
from megastep.world.device import check_default_dtype, default_device
from megastep.world.kernels import implementation
from megastep.world.near_walls import NearWalls
from megastep.world.visible_lights import VisibleLights
from megastep.world.visible_walls import VisibleWalls
from megastep.world.wall_boxes import WallBoxes

SMALLEST = 0.01
"""The smallest radius of an agent, in metres: much more than the skin that physics keeps it from walls by."""

LARGEST = 500.0
"""Coordinates beyond this, in metres, are refused: float32 could no longer tell an agent's skin from a wall."""


@dataclass(frozen=True, eq=False)
class Scenery:
    """M maps, packed end to end on one device. Envs share them: memory grows with the maps, not with the envs.

    A map takes 4 bytes a texel, about 45 a wall, and its lights and spawns: 16 KB for a house of 162 walls. Its
    `near_walls` take 5 KB more, its `visible_walls` 24 KB and its `visible_lights` 8 KB, once they are asked for.

    Args:
        walls: Each map's walls: ragged (wall, 2, 2) float32, in metres.
        wall_boxes: The walls once more, in bounding volumes: what the kernels read.
        lights: Each map's lights: ragged (light, 3): x, y, intensity.
        spawns: Each map's spawns: ragged (spawn, 2), in metres.
        texels: For each wall of ``walls.vals``, its first texel, counted from its map's first, and how many it has.
        surface: Each map's texels: ragged (texel, 4) bytes, read in one piece by the kernels. Three are the colour and
            the last one the light; `albedo` and `light` are views of them.
        outline: An agent's outline, around the origin and facing +x, in metres.
        outline_albedo: The outline's texels, as many on every side.
        num_agents: How many agents an env has.
        agent_radius: An agent's radius to the physics, in metres.
    """

    walls: Ragged[Tensor]
    wall_boxes: WallBoxes
    lights: Ragged[Tensor]
    spawns: Ragged[Tensor]
    texels: Int32[Tensor, 'wall 2']
    surface: Ragged[Tensor]
    outline: Float[Tensor, 'side 2 2']
    outline_albedo: UInt8[Tensor, 'side_texel 3']
    num_agents: int
    agent_radius: float = AGENT_RADIUS

    @classmethod
    def pack(
        cls,
        maps: MapSet | Sequence[Geometry],
        num_agents: int = 1,
        device: str | torch.device | None = None,
        seed: int = 0,
        *,
        palette: str | ArrayLike = 'standard',
        light: float = 1.0,
        agent_radius: float = AGENT_RADIUS,
        baked: bool = True,
    ) -> Scenery:
        """Packs maps into buffers on a device, paints their walls and bakes their light.

        Args:
            maps: The maps.
            num_agents: How many agents each env has.
            device: Where the buffers go; by default the GPU if there is one, else the CPU.
            seed: Decides the walls' colours.
            palette: What colours there are: one of `textures.PALETTES` by name, or (colour, 3) linear RGB, 0 to 1.
            light: What the lights' intensities are multiplied by.
            agent_radius: An agent's radius, in metres. Its outline is as much larger or smaller.
            baked: Whether their light is baked; if not, `relight` does it, and until then walls are dark.

        Raises:
            ValueError: if the maps' file isn't what was saved; there are no agents; a map has fewer spawns than agents,
                or one with less clearance than an agent's radius, or a coordinate not above 0 and up to 500 m; the
                palette isn't known, or isn't colours; the light is below 0 or isn't finite; the radius is below 1 cm;
                the device is neither a CPU nor a CUDA GPU; or PyTorch's default dtype isn't float32.
        """
        maps = maps if isinstance(maps, MapSet) else MapSet(maps)
        device = default_device(device)
        check_default_dtype()
        implementation(device)  # refuses a device without kernels before anything is allocated
        _check(maps, num_agents)
        check_seed(seed)
        _check_radius(maps, agent_radius)
        colours = textures.colours(palette)
        check_at_least_zero(light=light)
        walls, lights, spawns = (_packed(column, device) for column in (maps.walls, maps.lights, maps.spawns))
        lights.vals[:, 2] *= light
        counts = textures.texel_counts(walls.vals)
        sums = _sums(counts, walls)
        surface = torch.zeros((int(sums.sum()), 4), dtype=torch.uint8, device=device)
        scenery = cls(
            walls=walls,
            wall_boxes=wall_boxes.build(walls),
            lights=lights,
            spawns=spawns,
            texels=torch.stack([_offsets(counts, walls), counts], dim=-1),
            surface=Ragged(surface, sums),
            outline=textures.outline(device, scale=agent_radius / AGENT_RADIUS),
            outline_albedo=textures.outline_albedo(device),
            num_agents=int(num_agents),
            agent_radius=agent_radius,
        )
        scenery.albedo.vals.copy_(_painted(walls, counts, seed, colours))
        if baked:
            relight(scenery)
        return scenery

    def __getstate__(self) -> dict[str, Any]:
        """The buffers alone: what is derived of them is derived again, as views of the copies."""
        return {name: vars(self)[name] for name in self.__dataclass_fields__}

    @cached_property
    def albedo(self) -> Ragged[Tensor]:
        """Each map's texels' colours: ragged (texel, 3) of linear RGB, 255 for 1. May be written in place."""
        return Ragged(self.surface.vals[:, :3], self.surface.widths)

    @cached_property
    def light(self) -> UInt8[Tensor, ' texel']:
        """The lightmap: how much light falls on each texel of all the maps, 255 for 1. May be written in place.

        It is that of `bake`, rounded, which changes no pixel by more than 0.002.
        """
        return self.surface.vals[:, 3]

    @cached_property
    def near_walls(self) -> NearWalls:
        """Cell lists: the walls near each cell of a grid, for collisions. Built when first asked for."""
        return near_walls.build(Ragged(self.wall_boxes.walls, self.walls.widths), self.agent_radius)

    @cached_property
    def visible_walls(self) -> VisibleWalls:
        """Potentially visible sets: the walls that can be seen from each cell of a grid. Built when first asked for."""
        return visible_walls.build(Ragged(self.wall_boxes.walls, self.walls.widths), self.agent_radius)

    @cached_property
    def visible_lights(self) -> VisibleLights:
        """The lights that may fall on an agent in each cell, and what may hide them. Built when first asked for."""
        walls = Ragged(self.wall_boxes.walls, self.walls.widths)
        return visible_lights.build(walls, self.lights, self.visible_walls, self.girth)

    @cached_property
    def most_walls(self) -> int:
        """The number of walls of the map that has most. Waits for the GPU when first asked."""
        return int(self.walls.widths.max())

    @cached_property
    def girth(self) -> float:
        """The distance that an agent's outline reaches from its middle, in metres. The first look waits for the GPU."""
        return float(self.outline.norm(dim=-1).max())

    def __repr__(self) -> str:
        maps, walls = self.num_maps, len(self.walls.vals)
        return f'Scenery({maps} maps, {walls} walls, num_agents={self.num_agents}, device={str(self.device)!r})'

    @property
    def num_maps(self) -> int:
        """The number of maps."""
        return len(self.walls)

    @cached_property
    def most_texels(self) -> int:
        """The number of texels of the map that has most. Waits for the GPU when first asked."""
        return int(self.surface.widths.max())

    @property
    def walls_per_box(self) -> int:
        """The number of walls that share a box."""
        return wall_boxes.WALLS_PER_BOX

    @property
    def lines_per_agent(self) -> int:
        """The number of lines of an agent's outline."""
        return len(self.outline)

    @property
    def device(self) -> torch.device:
        """The device that the buffers are on."""
        return self.surface.vals.device


def _check(maps: MapSet, num_agents: int) -> None:
    if not len(maps):
        raise ValueError('maps must hold at least 1 map, got 0.')
    if not is_integer(num_agents) or num_agents < 1:
        raise ValueError(f'num_agents must be at least 1, got {num_agents}.')
    few = np.flatnonzero(maps.spawns.widths < num_agents)
    if len(few):
        spawns = maps.spawns.widths[few[0]]
        raise ValueError(f'map {few[0]} has {spawns} spawns, too few for {num_agents} agents.')
    for name, rows in (('walls', maps.walls), ('lights', maps.lights), ('spawns', maps.spawns)):
        _check_coordinates(name, rows)
    short = np.flatnonzero((maps.walls.vals[:, 0] == maps.walls.vals[:, 1]).all(-1))
    if len(short):
        raise ValueError(f'walls must be longer than 0 m, but one of map {_row_of(maps.walls, short[0])} is not.')
    intensities = maps.lights.vals[:, 2]
    wrong = np.flatnonzero(~((intensities >= 0) & (intensities < np.inf)))
    if len(wrong):
        raise ValueError(
            f'lights must have finite intensities of at least 0, got {intensities[wrong[0]]} in map '
            f'{_row_of(maps.lights, wrong[0])}.'
        )


def _check_coordinates(name: str, rows: Ragged[np.ndarray]) -> None:
    coordinates = rows.vals[..., :2]
    bad = ~((coordinates > 0) & (coordinates <= LARGEST))  # of a NaN, neither is true
    if bad.any():
        where = int(bad.reshape(len(bad), -1).any(-1).argmax())
        raise ValueError(
            f'{name} must lie within {LARGEST:g} m of the origin, got a coordinate of {coordinates[bad][0]:g} m in map '
            f'{_row_of(rows, where)}.'
        )


def _row_of(rows: Ragged[np.ndarray], value: int) -> int:
    return int(np.searchsorted(rows.starts + rows.widths, value, side='right'))


def _check_radius(maps: MapSet, radius: float) -> None:
    """Raises unless agents of this radius fit at every spawn. Those of the usual one do: maps are checked for it."""
    check_numbers(agent_radius=radius)
    if not SMALLEST <= radius < math.inf:
        raise ValueError(f'agent_radius must be at least {SMALLEST} m and finite, got {radius}.')
    for number, geometry in enumerate(maps) if radius > AGENT_RADIUS else ():
        clearance = clearances(geometry.spawns, geometry.walls)
        if (least := clearance.min()) < radius:
            raise ValueError(
                f'agent_radius must be at most the clearance of every spawn, {least:.3f} m of spawn '
                f'{clearance.argmin()} of map {number}, got {radius}.'
            )


def _packed(column: Ragged[np.ndarray], device: torch.device) -> Ragged[Tensor]:
    vals = torch.from_numpy(np.ascontiguousarray(column.vals, dtype=np.float32))
    return Ragged(vals.to(device), torch.from_numpy(column.widths.astype(np.int32)).to(device))


def _rows(ragged: Ragged[Tensor]) -> Int[Tensor, ' val']:
    """The row each value is in."""
    return torch.repeat_interleave(torch.arange(len(ragged), device=ragged.widths.device), ragged.widths.long())


def _painted(
    walls: Ragged[Tensor], counts: Int[Tensor, ' wall'], seed: int, colours: Float32[np.ndarray, 'colour 3']
) -> UInt8[Tensor, 'texel 3']:
    """Paints the walls, each map as if its lower left corner were the origin."""
    rows = _rows(walls)
    corners = torch.full((len(walls), 2), torch.inf, device=rows.device)
    corners = corners.scatter_reduce(0, rows[:, None].expand(-1, 2), walls.vals.amin(dim=1), 'amin')
    return textures.paint(walls.vals - corners[rows][:, None], counts, seed=seed, palette=colours)


def _sums(counts: Int[Tensor, ' wall'], walls: Ragged[Tensor]) -> Int32[Tensor, ' map']:
    """The number of texels of each map."""
    sums = torch.zeros(len(walls), dtype=torch.int64, device=counts.device)
    return sums.index_add(0, _rows(walls), counts.long()).int()


def _offsets(counts: Int[Tensor, ' wall'], walls: Ragged[Tensor]) -> Int32[Tensor, ' wall']:
    """Each wall's first texel, counted from its map's first."""
    firsts = counts.cumsum(0) - counts
    return (firsts - firsts[walls.starts][_rows(walls)]).int()


def relight(scenery: Scenery) -> None:
    """Bakes the lightmap and writes it into `Scenery.light`, rounded."""
    scenery.light.copy_((255 * bake(scenery)).round())


def bake(scenery: Scenery) -> Float[Tensor, ' texel']:
    """Bakes the lightmap: how much light falls on the middle of each texel of each map.

    Light is min(1, 0.1 + the sum of 2 * intensity / max(d², 1)) over the map's lights that no wall hides, d the
    distance in metres. A light behind a wall is hidden by that wall.
    """
    light = torch.empty(len(scenery.surface.vals), device=scenery.device)
    implementation(scenery.device).bake(scenery, light)
    return light
