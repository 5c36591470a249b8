"""Mutation of floorplans: one small edit, as a curriculum of levels makes them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from jaxtyping import Float
from shapely import Polygon

from megastep.mapgen.edits import change_furniture, move_door, move_wall
from megastep.mapgen.finishing.certificate import SPAWN_CLEARANCE, failures, free_space
from megastep.mapgen.finishing.lights import place_lights
from megastep.mapgen.finishing.spawns import place_spawns
from megastep.mapgen.finishing.survey import survey
from megastep.mapgen.geometry.polygons import followed
from megastep.mapgen.geometry.raster import edges
from megastep.mapgen.plan import MILLIMETRES_PER_METRE, Plan, PlannedRoom
from megastep.mapgen.rng import Rng
from megastep.maps.geometry import AGENT_RADIUS, MARGIN, Geometry, Room
from megastep.maps.segments import clearances, windings

TRIES_PER_EDIT = 200
"""The number of changes tried, for each kind of edit that may be made, before it is given up."""

EDITS = {'door': move_door, 'wall': move_wall, 'furniture': change_furniture}
"""The edits that may be made, by name."""


def mutate(
    geometry: Geometry, rng: np.random.Generator | Rng, *, edits: Sequence[str] = ('door', 'wall', 'furniture')
) -> Geometry:
    """A mutation of a floorplan: one small, random edit.

    A door moves along its wall; or a wall between rooms moves, with its doors; or a piece of furniture comes, at a wall
    or with a passage all around it, or one of the latter goes or moves. If the certificate holds for the floorplan it
    holds for the new one; else no more of the free space is cut off. Corners are rounded to whole millimetres. Spawns
    and lights that a wall comes too near to are left out, and a room that would be left without has new ones.

    Args:
        geometry: Any floorplan of which no two walls begin at the same point.
        rng: The random number generator that the change is drawn from. The same state makes the same change.
        edits: The edits that may be made: some of ``'door'``, ``'wall'`` and ``'furniture'``.

    Raises:
        ValueError: if ``rng`` or an edit is not what it should be, two walls begin at the same point, or no change was
            found.
    """
    if not isinstance(geometry, Geometry):
        raise ValueError(f'geometry must be a Geometry, got {type(geometry).__name__}.')  # noqa: TRY004
    if not edits or (unknown := sorted(set(edits) - set(EDITS))):
        raise ValueError(f'edits must be some of {", ".join(EDITS)}, got {unknown if edits else edits!r}.')
    if not isinstance(rng, np.random.Generator | Rng):
        raise ValueError(f'rng must be a numpy.random.Generator, got {rng!r}.')  # noqa: TRY004
    rng = rng if isinstance(rng, Rng) else Rng(f'mutate/{rng.integers(1 << 63)}')
    plan = _plan(geometry)
    good = not any(failures(geometry))
    tries = TRIES_PER_EDIT * len(set(edits))  # a map without doors has furniture, and should have it as surely
    for _ in range(tries):
        changed = EDITS[rng.pick(sorted(edits))](plan, rng)
        if changed and (found := _finished(changed, geometry, rng)) and _as_good(found, geometry, good):
            return found
    raise ValueError(f'nothing can be changed in {geometry}: {tries} changes ({", ".join(sorted(edits))}) were tried.')


def _plan(geometry: Geometry) -> Plan:
    """The plan of a floorplan: in whole millimetres, where it is."""
    walls = _millimetres(geometry.walls)
    after = {(a, b): (c, d) for (a, b), (c, d) in walls.tolist()}
    if len(after) < len(walls):
        raise ValueError(
            f'walls must begin at points of their own, but {len(walls)} walls begin at {len(after)} points.'
        )
    return Plan(
        rings=followed(after),
        rooms=[
            PlannedRoom(room.kind, list(map(tuple, _millimetres(room.outline).tolist()))) for room in geometry.rooms
        ],
        doors=[((a, b), (c, d)) for (a, b), (c, d) in _millimetres(geometry.doors).tolist()],
    )


def _millimetres(metres: Float[np.ndarray, '*size']) -> np.ndarray:
    return np.rint(MILLIMETRES_PER_METRE * metres).astype(np.int64)


def _finished(plan: Plan, before: Geometry, rng: Rng) -> Geometry | None:
    """The changed plan in metres, with the spawns and lights that were there, and new ones for rooms that have none."""
    walls = edges(plan.rings)
    spawns, lights = (
        _still_clear(points, before.walls, walls / MILLIMETRES_PER_METRE) for points in (before.spawns, before.lights)
    )
    rooms = [Room(np.array(room.outline) / MILLIMETRES_PER_METRE, room.kind) for room in plan.rooms]
    new_spawns, new_lights = (
        _missing(plan, rooms, before, was, now) for was, now in ((before.spawns, spawns), (before.lights, lights))
    )
    try:
        if new_spawns.rooms:
            spawns = np.concatenate(
                [spawns, place_spawns(survey(new_spawns, walls), rng, most=0) / MILLIMETRES_PER_METRE]
            )
        if new_lights.rooms:
            hung = place_lights(survey(new_lights, walls)) / MILLIMETRES_PER_METRE
            lights = np.concatenate([lights, np.insert(hung, 2, 1, axis=1)])
        doors = np.array(plan.doors, dtype=np.float64).reshape(-1, 2, 2) / MILLIMETRES_PER_METRE
        return Geometry(walls=walls / MILLIMETRES_PER_METRE, spawns=spawns, lights=lights, doors=doors, rooms=rooms)
    except ValueError:  # it encloses nothing, or a room has become too narrow: another change will do
        return None


def _still_clear(points: np.ndarray, before: np.ndarray, walls: np.ndarray) -> np.ndarray:
    """The points in the free space that are as clear of walls as spawns should be, or as they were before."""
    least = np.minimum(clearances(points[:, :2], before), SPAWN_CLEARANCE) - 1e-9
    return points[(windings(points[:, :2], walls) > 0) & (clearances(points[:, :2], walls) >= least)]


def _missing(plan: Plan, rooms: Sequence[Room], before: Geometry, was: np.ndarray, now: np.ndarray) -> Plan:
    """The plan, of its rooms only those that had some of these points before and have none now."""
    lost = [
        room
        for room, new, old in zip(plan.rooms, rooms, before.rooms, strict=True)
        if _holds(old, was) and not _holds(new, now)
    ]
    return plan._replace(rooms=lost)


def _holds(room: Room, points: np.ndarray) -> bool:
    return bool(shapely.contains_xy(Polygon(room.outline), points[:, 0], points[:, 1]).any())


def _as_good(found: Geometry, before: Geometry, good: bool) -> bool:
    """True if the certificate holds, or if it didn't before, no more of the free space is cut off."""
    if good:
        return not any(failures(found))
    now, then = (free_space(each).buffer(-(AGENT_RADIUS + MARGIN), join_style='mitre') for each in (found, before))
    return len(shapely.get_parts(now)) <= len(shapely.get_parts(then))
