"""The rules of the world in plain float64 NumPy: one env at a time, slow, and written to be obviously right.

Nothing here is taken from the kernels. A ray is tested against every line from both sides; see `cast`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from megastep.world.cameras import Cameras
from megastep.world.core import Core

NUDGE = 1e-7
"""How far off its wall, in metres, a point of it is held while it looks for lights."""


@dataclass(frozen=True)
class World:
    """One env in plain arrays. Lines are numbered as the env's are: agents' outlines first, walls, then markers.

    Args:
        walls: (wall, 2, 2).
        lights: (light, 3): x, y, intensity.
        outlines: The agents' outlines where they stand: (agent, side, 2, 2).
        albedo: For each line, its texels' colours in 0 to 1: (texel, 3).
        light: For each wall, its texels' light: (texel,).
        positions: (agent, 2).
        angles: In radians: (agent,).
        radius: An agent's radius.
        discs: The markers that are there: (marker, 3): x, y, radius.
        disc_colours: Theirs, in 0 to 1: (marker, 3).
        disc_lines: Their numbers: (marker,).
    """

    walls: np.ndarray
    lights: np.ndarray
    outlines: np.ndarray
    albedo: list[np.ndarray]
    light: list[np.ndarray]
    positions: np.ndarray
    angles: np.ndarray
    radius: float
    discs: np.ndarray
    disc_colours: np.ndarray
    disc_lines: np.ndarray

    @property
    def lines(self):
        return np.concatenate([self.outlines.reshape(-1, 2, 2), self.walls])


@dataclass(frozen=True)
class Picture:
    """What every ray of every camera sees: (agent, camera, ray)."""

    distances: np.ndarray
    lines: np.ndarray
    locations: np.ndarray
    colours: np.ndarray
    nearness: np.ndarray


def world(core: Core, env: int) -> World:
    """Copies an env out of a core's buffers."""
    scenery, number = core.scenery, int(core.map_ids[env])
    positions = array(core.agents.positions[env])
    angles = np.radians(array(core.agents.angles[env]))
    outline, side_texels = array(scenery.outline), array(scenery.outline_albedo) / 255
    sides = list(side_texels.reshape(len(outline), -1, 3))
    first_texel, first_wall = int(scenery.albedo.starts[number]), int(scenery.walls.starts[number])
    walls = array(scenery.walls[number])
    texels = array(scenery.texels).astype(int)[first_wall : first_wall + len(walls)]
    spans = [slice(first_texel + first, first_texel + first + count) for first, count in texels]
    albedo, light = array(scenery.albedo.vals) / 255, array(scenery.light) / 255
    there = np.flatnonzero(array(core.markers.visible[env]) * (array(core.markers.radii[env]) > 0))
    circles = np.concatenate([array(core.markers.positions[env]), array(core.markers.radii[env])[:, None]], axis=1)
    return World(
        walls=walls,
        lights=array(scenery.lights[number]),
        outlines=np.stack([outline @ rotation(a).T + p for p, a in zip(positions, angles, strict=True)]),
        albedo=sides * len(positions) + [albedo[span] for span in spans],
        light=[light[span] for span in spans],
        positions=positions,
        angles=angles,
        radius=core.agent_radius,
        discs=circles[there],
        disc_colours=array(core.markers.colours[env])[there],
        disc_lines=len(outline) * len(positions) + int(max(scenery.walls.widths)) + there,
    )


def array(tensor) -> np.ndarray:
    return tensor.detach().cpu().double().numpy()


def rotation(angle):
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def cross(a, b):
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def directions(cameras: Cameras, angle, tilt=0.0):
    """The rays' unit vectors, leftmost first, for a camera that faces ``angle``, all turned by ``tilt`` radians."""
    R = cameras.res * cameras.subsample
    s = (R - 2 * np.arange(R) - 1) / R * np.tan(np.radians(cameras.fov) / 2)
    rays = np.stack([np.ones(R), s], axis=-1) / np.sqrt(1 + s**2)[:, None]
    return rays @ rotation(angle + tilt).T


def cast(origin, rays, lines, *, near, only_facing=False):
    """The nearest line further than ``near`` along each ray: its distance, number and location on the line.

    Args:
        origin: (2,).
        rays: Unit vectors: (ray, 2).
        lines: (line, 2, 2).
        near: In metres.
        only_facing: Whether to see only lines with the origin to their left. Seen from free space there is no
            difference: what faces away is behind something that doesn't.
    """
    a, v = lines[:, 0] - origin, lines[:, 1] - lines[:, 0]
    with np.errstate(divide='ignore', invalid='ignore'):
        # o + d*u == a + t*v, crossed with v and with u
        parting = cross(rays[:, None], v)
        d = cross(a, v) / parting
        t = cross(a, rays[:, None]) / parting
    hit = (parting != 0) & (t >= -1e-12) & (t <= 1 + 1e-12) & (d > near)
    facing = cross(v, -a) > 0
    if only_facing:
        hit &= facing
    d = np.where(hit, d, np.inf)
    nearest = (d - 1e-9 * facing).argmin(1)  # a thin wall is two lines in one place: the side that faces is seen
    every = np.arange(len(rays))
    seen = np.isfinite(d[every, nearest])
    return d[every, nearest], np.where(seen, nearest, -1), np.where(seen, t[every, nearest], np.nan)


def cast_at_discs(origin, rays, discs, *, near):
    """The nearest disc further than ``near`` along each ray: its distance, index and where around it.

    A ray ends where it enters a disc; one that begins in it doesn't.
    """
    if not len(discs):
        return np.full(len(rays), np.inf), np.full(len(rays), -1), np.full(len(rays), np.nan)
    # |o + d * u - c|² == r², the lesser d
    offsets = origin - discs[:, :2]
    half, rest = rays @ offsets.T, (offsets**2).sum(-1) - discs[:, 2] ** 2
    with np.errstate(invalid='ignore'):
        d = -half - np.sqrt(half**2 - rest)
        d = np.where(d > near, d, np.inf)  # NaN where the ray passes by
    every, nearest = np.arange(len(rays)), d.argmin(1)
    found = d[every, nearest]
    seen = np.isfinite(found)
    around = offsets[nearest] + np.where(seen, found, 0)[:, None] * rays
    turns = np.arctan2(around[:, 1], around[:, 0]) / (2 * np.pi) % 1
    return found, np.where(seen, nearest, -1), np.where(seen, turns, np.nan)


def hidden(point, lights, walls):
    """Which lights have a wall between them and the point."""
    u, v = (lights[:, :2] - point)[:, None], walls[:, 1] - walls[:, 0]
    a = walls[:, 0] - point
    with np.errstate(divide='ignore', invalid='ignore'):
        parting = cross(u, v)
        d = cross(a, v) / parting
        t = cross(a, u) / parting
    return ((parting != 0) & (d > 0) & (d < 1) & (t >= 0) & (t <= 1)).any(1)


def light_at(point, lights, walls):
    """min(1, 0.1 + the sum of 2 * intensity / max(d², 1)) over the lights that no wall hides."""
    squares = ((lights[:, :2] - point) ** 2).sum(-1)
    each = np.where(hidden(point, lights, walls), 0, 2 * lights[:, 2] / np.maximum(squares, 1))
    return min(1.0, 0.1 + each.sum())


def bake(walls, counts, lights):
    """The light on the middle of each texel of each wall, seen from the wall's free side: a list of (texel,)."""
    baked = []
    for (a, b), count in zip(walls, counts, strict=True):
        left = np.array([a[1] - b[1], b[0] - a[0]]) / np.linalg.norm(b - a)
        middles = [a + (k + 0.5) / count * (b - a) + NUDGE * left for k in range(count)]
        baked.append(np.array([light_at(middle, lights, walls) for middle in middles]))
    return baked


def interpolated(texels, location):
    """Linear between the middles of texels, constant before the first and after the last."""
    middles = (np.arange(len(texels)) + 0.5) / len(texels)
    return np.stack([np.interp(location, middles, channel) for channel in np.atleast_2d(texels.T)])


def colour(world: World, ray, point, line, location):
    """albedo * light * (1 - c²) for one ray; black if it sees nothing."""
    if line < 0:
        return np.zeros(3)
    along = world.lines[line, 1] - world.lines[line, 0]
    c = ray @ along / np.linalg.norm(along)
    wall = line - (len(world.lines) - len(world.walls))
    agent = wall < 0
    light = light_at(point, world.lights, world.walls) if agent else interpolated(world.light[wall], location)[0]
    return interpolated(world.albedo[line], location) * light * (1 - c**2)


def disc_colour(world: World, ray, point, disc):
    """The same for a ray that meets a disc: c is the cosine between the ray and the tangent there."""
    x, y = (point - world.discs[disc, :2]) / world.discs[disc, 2]
    c = ray @ np.array([-y, x])
    return world.disc_colours[disc] * light_at(point, world.lights, world.walls) * (1 - c**2)


def render(world: World, cameras: Cameras, *, tilt=0.0, only_facing=False) -> Picture:
    """What each agent's cameras see, with every ray turned by ``tilt`` radians."""
    frames = [
        [_frame(world, cameras, agent, mount, tilt, only_facing) for mount in cameras.mounts]
        for agent in range(len(world.positions))
    ]
    return Picture(*(np.array([[frame[i] for frame in row] for row in frames]) for i in range(5)))


def _frame(world, cameras, agent, mount, tilt, only_facing):
    others = world.outlines.copy()
    others[agent] = np.inf  # an agent doesn't see itself
    lines = np.concatenate([others.reshape(-1, 2, 2), world.walls])
    origin = world.positions[agent] + rotation(world.angles[agent]) @ mount[:2]
    rays = directions(cameras, world.angles[agent] + np.radians(mount[2]), tilt)
    with np.errstate(invalid='ignore'):
        distances, numbers, locations = cast(origin, rays, lines, near=world.radius, only_facing=only_facing)
    colours = np.array(
        [
            colour(world, ray, origin + d * ray, n, t)
            for ray, d, n, t in zip(rays, np.where(numbers >= 0, distances, 0), numbers, locations, strict=True)
        ]
    )
    discs = cast_at_discs(origin, rays, world.discs, near=world.radius)
    for r in np.flatnonzero(discs[0] < distances):
        distances[r], disc, locations[r] = (found[r] for found in discs)
        numbers[r], colours[r] = (
            world.disc_lines[disc],
            disc_colour(world, rays[r], origin + distances[r] * rays[r], disc),
        )
    nearness = 1 - np.clip((distances - world.radius) / cameras.max_depth, 0, 1)
    return distances, numbers, locations, colours, nearness


def pixels(rays, subsample):
    """Means over each pixel's rays: the last axis of (..., ray) becomes (..., pixel)."""
    return rays.reshape(*rays.shape[:-1], -1, subsample).mean(-1)


def clearances(points, walls):
    """How far each point is from the nearest wall, in metres."""
    a, v = walls[:, 0], walls[:, 1] - walls[:, 0]
    offsets = points[:, None] - a
    along = ((offsets * v).sum(-1) / (v * v).sum(-1)).clip(0, 1)
    return np.linalg.norm(offsets - along[..., None] * v, axis=-1).min(1)


def inside(points, walls):
    """Which points lie in free space: whatever way one looks from there, the nearest wall's free side faces."""
    rays = np.array([[np.cos(0.1 + k), np.sin(0.1 + k)] for k in range(3)])
    fronts = []
    for point in points:
        _, numbers, _ = cast(point, rays, walls, near=0)
        facing = cross(walls[:, 1] - walls[:, 0], point - walls[:, 0]) > 0
        fronts.append(bool((numbers >= 0).all() and facing[numbers].sum() >= 2))  # 2 of 3: one may meet a corner
    return np.array(fronts)


def first_contact(position, move, radius, walls):
    """The part of a move, 0 to 1, that a disc makes before it touches a wall, and that wall; 1 and -1 if none."""
    first, touched = 1.0, -1
    for number, (a, b) in enumerate(walls):
        times = [*_side_contacts(position, move, radius, a, b), *_end_contacts(position, move, radius, [a, b])]
        for time in times:
            if 0 <= time < first:
                first, touched = time, number
    return first, touched


def _side_contacts(position, move, radius, a, b):
    """When the disc comes ``radius`` near to the inside of the segment."""
    along = (b - a) / np.linalg.norm(b - a)
    height, rise = cross(along, position - a), cross(along, move)
    if height * rise >= 0:
        return  # it isn't coming nearer to the line
    time = (np.sign(height) * radius - height) / rise
    reached = (position + time * move - a) @ along
    if 0 <= reached <= np.linalg.norm(b - a):
        yield time


def _end_contacts(position, move, radius, ends):
    """When the disc comes ``radius`` near to an end of the segment."""
    for end in ends:
        # |position + time * move - end|² == radius²
        offset = position - end
        square, half, rest = move @ move, offset @ move, offset @ offset - radius**2
        if half < 0 and half**2 - square * rest >= 0:
            yield (-half - np.sqrt(half**2 - square * rest)) / square
