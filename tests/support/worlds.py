"""Worlds for the tests, and what it means that a view of one is right."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import oracle
import torch
from oracle import array

from megastep import mapgen
from megastep.maps.geometry import AGENT_RADIUS, Geometry
from megastep.maps.ragged import Ragged
from megastep.world import rendering
from megastep.world.core import Core
from megastep.world.scenery import Scenery

TILT = 5e-5
"""Radians a ray may be off: float32 places a point 20 m from the origin to 2e-6 m, and the nearest thing an agent may
see is an outline that its own radius, 0.1 m, leaves 0.13 m away."""


def outline(corners):
    """Walls along a polygon's corners: free space inside it if they go anticlockwise, outside it if clockwise."""
    corners = np.asarray(corners, dtype=float)
    return np.stack([corners, np.roll(corners, -1, axis=0)], axis=1)


def rectangle(left, bottom, right, top):
    return outline([(left, bottom), (right, bottom), (right, top), (left, top)])


def pillar(left, bottom, right, top):
    return rectangle(left, bottom, right, top)[::-1, ::-1]


def box(left=1.0, bottom=1.0, right=5.0, top=4.0, *, spawns=None, lights=(), pillars=()):
    """A rectangular room: its walls are bottom, right, top, left, then those of its pillars."""
    walls = np.concatenate([rectangle(left, bottom, right, top), *pillars])
    corners = np.array([(left, bottom), (right, top)])
    spawns = [share @ corners for share in ((0.5, 0.5), (0.65, 0.35), (0.35, 0.65))] if spawns is None else spawns
    return Geometry(walls=walls, spawns=np.array(spawns), lights=np.array(lights, dtype=float).reshape(-1, 3))


def closet(walls, spawns=((1.3, 1.4), (1.95, 1.3), (1.2, 1.75))):
    """A room of 1.2 x 0.9 m with walls in it: small enough for the interpreter."""
    segments = np.concatenate([rectangle(1, 1, 2.2, 1.9), np.reshape(walls, (-1, 2, 2))])
    return replace(Geometry.from_walls(segments), spawns=np.array(spawns))


def halved_box():
    """The box with a thin wall across its middle that leaves a way round at either end, and a light to its left."""
    found = Geometry.from_walls(np.concatenate([rectangle(1, 1, 5, 4), [[(3, 2), (3, 3)]]]))
    return Geometry(walls=found.walls, spawns=found.spawns, lights=np.array([(2, 2.5, 0.2)]))


def turned(geometry):
    """The same map, a quarter turn to the left and elsewhere."""
    turn = np.array([[0, 1], [-1, 0]])
    return Geometry(walls=geometry.walls @ turn + 50, spawns=geometry.spawns @ turn + 50)


def polygon(sides, radius=4.0, centre=(10.0, 10.0)):
    """A room with this many sides of equal length."""
    turns = np.arange(sides) * (2 * np.pi / sides) + 0.1
    corners = np.asarray(centre) + radius * np.stack([np.cos(turns), np.sin(turns)], axis=-1)
    spawns = np.asarray(centre) + radius * np.array([(0, 0), (0.25, 0), (-0.25, 0)])
    return Geometry(walls=outline(corners), spawns=spawns, lights=np.array([[*centre, 1.0]]))


def barely_lit(turn, far):
    """A room turned by degrees, so far from the origin, with a light 1 mm before the line of a wall; and which one."""
    corners, wall = np.array([(1, 1), (5, 1), (5, 2.5), (7, 2.5), (7, 5), (1, 5)]), 2
    points = np.array([*corners, (2, 2.501), (2, 2)]) @ oracle.rotation(np.radians(turn)).T
    points += far - points.min()
    return Geometry(walls=outline(points[:6]), spawns=points[7:], lights=np.array([(*points[6], 1)])), wall


def cluttered(seed):
    """A room on a lattice of 5 cm with pillars and thin walls, some of which part it in two."""
    rng = np.random.default_rng(seed)
    left, bottom = rng.integers(1, 200, 2) * 0.05
    width, height = rng.integers(40, 200, 2) * 0.05
    segments = [rectangle(left, bottom, left + width, bottom + height)]
    for _ in range(rng.integers(0, 5)):
        x, y = left + rng.integers(4, 30) * 0.05, bottom + rng.integers(4, 30) * 0.05
        segments.append(rectangle(x, y, x + rng.integers(1, 20) * 0.05, y + rng.integers(1, 20) * 0.05))
    for _ in range(rng.integers(0, 4)):
        ends = np.array([left, bottom]) + rng.uniform(0.1, 0.9, (2, 2)) * [width, height]
        segments.append(np.round(ends[None] / 0.05) * 0.05)
    segments = np.concatenate(segments)
    inside = (segments >= [left, bottom]) & (segments <= [left + width + 1e-9, bottom + height + 1e-9])
    long = (segments[:, 0] != segments[:, 1]).any(-1)
    return Geometry.from_walls(segments[inside.all((1, 2)) & long])


@cache
def houses(count):
    """Generated houses."""
    return mapgen.generate('house', count, seed=0)


@cache
def arenas(count, seed=0):
    """The first of the maps that Deathmatch has by default, all of which take as long as a small test."""
    return mapgen.generate('arena', count, seed=seed, width=(8, 12), height=(8, 12))


def core_at(maps, positions, angles, *, device='cpu', seed=0, **options):
    """A core whose agents stand where they are told: positions (env, agent, 2) in metres, angles (env, agent)."""
    positions, angles = torch.as_tensor(positions).float(), torch.as_tensor(angles).float()
    scenery = Scenery.pack(maps, num_agents=positions.shape[1], device=device, seed=seed)
    core = Core(scenery, num_envs=len(positions), seed=seed, **options)
    core.agents.positions.copy_(positions)
    core.agents.angles.copy_(angles)
    return core


def one(geometry, x, y, angle, **options):
    """A core with one env and one agent."""
    return core_at([geometry], [[(x, y)]], [[angle]], **options)


def free_places(geometry, count, rng, *, clearance=AGENT_RADIUS + 1e-3):
    """Random points of free space with clearance: (count, 2). Not only those a spawn can reach."""
    (left, bottom, right, top), found = geometry.bounds, np.empty((0, 2))
    while len(found) < count:
        points = rng.uniform((left, bottom), (right, top), (64, 2))
        points = points[oracle.clearances(points, geometry.walls) > clearance]
        found = np.concatenate([found, points[oracle.inside(points, geometry.walls)]]) if len(points) else found
    return found[:count]


def scatter(core, maps, seed, *, clearance=AGENT_RADIUS + 1e-3):
    """Puts agents at random free places of their maps, none overlapping, facing any way."""
    rng = np.random.default_rng(seed)
    for env, number in enumerate(core.map_ids.tolist()):
        while True:
            places = free_places(maps[number], core.num_agents, rng, clearance=clearance)
            apart = np.linalg.norm(places[:, None] - places, axis=-1) + np.eye(len(places)) * 9
            if (apart > 2 * AGENT_RADIUS + 1e-3).all():
                break
        core.agents.positions[env] = torch.from_numpy(places).float()
    core.agents.angles.copy_(torch.from_numpy(rng.uniform(-360, 360, core.agents.angles.shape)))


def scattered(maps, num_envs, num_agents, *, device='cpu', seed=0, clearance=AGENT_RADIUS + 1e-3, **options):
    """A core of agents at random free places."""
    core = Core(Scenery.pack(maps, num_agents=num_agents, device=device), num_envs=num_envs, seed=seed, **options)
    scatter(core, maps, seed, clearance=clearance)
    return core


def repainted(core, colour=None, light=None):
    """Gives every wall of a core one colour, 0 to 255, or one light, 0 to 1."""
    scenery = core.scenery
    core.scenery = replace(scenery, surface=Ragged(scenery.surface.vals.clone(), scenery.surface.widths))
    if colour is not None:
        core.scenery.albedo.vals[:] = torch.tensor(colour, dtype=torch.uint8)
    if light is not None:
        core.scenery.light[:] = round(255 * light)
    return core


def brackets(world, cameras):
    """What the oracle sees when its rays are turned a little to either side: a tuple of pictures."""
    return tuple(oracle.render(world, cameras, tilt=tilt) for tilt in (-TILT, 0, TILT))


def doubtful(pictures, margin=1e-3):
    """Which rays graze something: turning them a little changes how far they see, in metres."""
    distances = np.stack([picture.distances for picture in pictures])
    with np.errstate(invalid='ignore'):
        return ~(distances.max(0) - distances.min(0) <= margin)


def assert_within(actual, choices, *, atol, rtol=0.0):
    """Holds if each value lies between the least and the greatest of the oracle's."""
    low, high = np.min(choices, axis=0), np.max(choices, axis=0)
    with np.errstate(invalid='ignore'):
        fine = (actual == low) | ((actual >= low - atol - rtol * abs(low)) & (actual <= high + atol + rtol * abs(high)))
    if not fine.all():
        worst = tuple(int(i) for i in np.argwhere(~fine)[0])
        raise AssertionError(
            f'{(~fine).sum()} of {fine.size} values are off, the first at {worst}: '
            f'{actual[worst]}, and should be within {low[worst]} to {high[worst]}.'
        )


def assert_sees(core, cameras, envs=None):
    """Holds if what is rendered is what the oracle says, up to a ray's being off by `TILT`.

    Beside that float32 is allowed 1e-6 of what is metres forward (its own rounding is 6e-8, and a dozen operations
    with some cancellation go into one), which is sqrt(1 + s²) as much along a ray of slope s; and 2e-3 of a colour: a
    location on a wall of 20 m is known to 1e-4 of a texel, where light may fall by 0.9 from one texel to the next.
    """
    view = rendering.render(core, cameras, per_ray=True)
    for env in range(core.num_envs) if envs is None else envs:
        pictures = brackets(oracle.world(core, env), cameras)
        assert_env_sees(view, env, pictures, cameras)


def assert_env_sees(view, env, pictures, cameras):
    """`assert_sees` for one env, given the oracle's pictures of it."""
    slant = 1 / oracle.directions(cameras, 0)[:, 0]
    assert_within(array(view.distances[env]), [p.distances for p in pictures], atol=1e-5 + 1e-6 * slant, rtol=1e-5)
    lines, numbers = array(view.lines[env]), np.stack([picture.lines for picture in pictures])
    assert (lines == numbers).any(0).all(), 'a ray sees a line that it should not'
    same = (numbers == lines).all(0) & (lines >= 0)
    locations = [picture.locations[same] for picture in pictures]
    assert_within(array(view.locations[env])[same], locations, atol=1e-4)
    assert (np.isnan(array(view.locations[env])) == (lines < 0)).all()

    colours = np.moveaxis([picture.colours for picture in pictures], -1, 3)  # (tilt, agent, camera, 3, ray)
    low, high = (oracle.pixels(extreme(colours, axis=0), cameras.subsample) for extreme in (np.min, np.max))
    assert_within(array(view.rgb[env]), [low, high], atol=2e-3)
    nearness = [picture.nearness for picture in pictures]
    low, high = (oracle.pixels(extreme(nearness, axis=0), cameras.subsample) for extreme in (np.min, np.max))
    assert_within(array(view.depth[env]), [low, high], atol=1e-4)
