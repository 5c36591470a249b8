"""Writes floorplans as Gazebo worlds: walls of some height on a ground plane, in SDF, which Gazebo and Ignition read.

Each wall is a box behind its face, so that free space is as wide as in the map; a thin wall is one box in its middle.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from jaxtyping import Float

from megastep.maps.formats.writing import numbered
from megastep.maps.geometry import Geometry
from megastep.maps.segments import backwards, thin

THICKNESS = 0.05
"""The thickness of a wall's box, in metres."""

THIN = 0.01
"""The thickness of the box of a wall that has none, in metres."""

WORLD = """<?xml version="1.0"?>
<sdf version="1.6">
<world name="{name}">
<light name="sun" type="directional"><pose>0 0 10 0 0 0</pose><diffuse>0.8 0.8 0.8 1</diffuse><direction>-0.5 0.1 -0.9</direction></light>
<model name="ground"><static>true</static><link name="link"><collision name="collision"><geometry>{plane}</geometry></collision><visual name="visual"><geometry>{plane}</geometry></visual></link></model>
<model name="walls"><static>true</static>
{links}
</model>
</world>
</sdf>
"""  # noqa: E501

PLANE = '<plane><normal>0 0 1</normal><size>1000 1000</size></plane>'

LINK = (
    '<link name="wall_{i}"><pose>{x:.6f} {y:.6f} {z:.6f} 0 0 {yaw:.9f}</pose><collision name="collision"><geometry>'
    '{box}</geometry></collision><visual name="visual"><geometry>{box}</geometry></visual></link>'
)


def write(folder: str | os.PathLike, geometries: Iterable[Geometry], *, height: float) -> list[Path]:
    """Writes each map as ``0000.sdf`` and so on. `numbered.write` says more.

    Raises:
        ValueError: if there are no maps, or the height isn't above 0 m.
    """
    if not 0 < height < float('inf'):
        raise ValueError(f'height must be above 0 m, got {height}.')
    return numbered.write(folder, geometries, lambda geometry, name: {'.sdf': _world(geometry, name, height).encode()})


def _world(geometry: Geometry, name: str, height: float) -> str:
    both = thin(geometry.walls)
    solid, single = geometry.walls[~both], geometry.walls[both & ~backwards(geometry.walls)]
    links = [*_links(solid, height, THICKNESS, -THICKNESS / 2, 0), *_links(single, height, THIN, 0.0, len(solid))]
    return WORLD.format(name=f'map_{name}', plane=PLANE, links='\n'.join(links))


def _links(
    walls: Float[np.ndarray, 'wall 2 2'], height: float, thickness: float, aside: float, first: int
) -> Iterable[str]:
    """A box a wall, so far to the left of it, in metres."""
    steps = walls[:, 1] - walls[:, 0]
    lengths = np.hypot(*steps.T)
    left = np.stack([-steps[:, 1], steps[:, 0]], axis=1) / lengths[:, None]
    middles, yaws = walls.mean(axis=1) + aside * left, np.arctan2(steps[:, 1], steps[:, 0])
    for i, ((x, y), yaw, length) in enumerate(zip(middles.tolist(), yaws.tolist(), lengths.tolist(), strict=True)):
        box = f'<box><size>{length:.6f} {thickness:g} {height:g}</size></box>'
        yield LINK.format(i=first + i, x=x, y=y, z=height / 2, yaw=yaw, box=box)
