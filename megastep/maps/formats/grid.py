"""Floorplans from grids of cells that are free or not: their walls follow the cells' sides.

The free space is a connected component of free cells, those that share sides: the one that is meant, or else the
largest. What lies in it and covers less than a speck is taken for noise, and is free.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import shapely
from jaxtyping import Bool, Float, Int
from scipy import ndimage
from shapely import Polygon

from megastep.checks import check_numbers
from megastep.maps import faces, freespace
from megastep.maps.formats.bounds import MOST_SEGMENTS
from megastep.maps.formats.building import build
from megastep.maps.formats.drawing import NOWHERE, Drawing, Imported
from megastep.maps.geometry import AGENT_RADIUS, MARGIN, Room

MOST_CELLS = 1 << 24
"""The largest grid, in cells: 4096 x 4096."""

MOST_SIDES = 1 << 19
"""A grid that is simplified may have so many straight runs of cells' sides before it is."""

CLEARANCE = AGENT_RADIUS + MARGIN

Cells = Bool[np.ndarray, 'row column']


class Grid(NamedTuple):
    """A grid of cells, with its place in the world. Its first row is the one at the top."""

    free: Cells
    resolution: float
    """The side of a cell, in metres."""
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """The lower left corner's x and y, in metres, and how far the grid is turned anticlockwise, in radians."""
    starts: Float[np.ndarray, 'start 2'] = NOWHERE
    """Places where agents start, in cells from the lower left corner."""
    doors: Float[np.ndarray, 'door 2 2'] = np.empty((0, 2, 2))
    """Doors from jamb to jamb, in cells likewise."""
    rooms: Sequence[Room] = ()
    """The rooms that are known, with outlines in cells likewise."""
    warnings: tuple[str, ...] = ()

    def to_world(self, cells: np.ndarray) -> np.ndarray:
        """Metres in the world, from cells."""
        x, y, yaw = self.origin
        cos, sin = math.cos(yaw), math.sin(yaw)
        return cells * self.resolution @ np.array([[cos, sin], [-sin, cos]]) + [x, y]

    def to_cells(self, places: np.ndarray) -> np.ndarray:
        """Cells, from metres in the world."""
        x, y, yaw = self.origin
        cos, sin = math.cos(yaw), math.sin(yaw)
        return (places - [x, y]) @ np.array([[cos, -sin], [sin, cos]]) / self.resolution


class Space(NamedTuple):
    """The free cells that are taken, and what there is to say of the others."""

    cells: Cells
    dropped: tuple[float, float]
    """The area of the other free cells, and that in which an agent could stand, in square metres."""
    warning: str


def check_tolerances(speck: float, simplify: float) -> None:
    """Raises a `ValueError` unless both are numbers of at least 0."""
    check_numbers(speck=speck, simplify=simplify)
    for name, value in (('speck', speck), ('simplify', simplify)):
        if not 0 <= value < math.inf:
            raise ValueError(f'{name} must be at least 0, got {value}.')


def import_grid(grid: Grid, inside: Float[np.ndarray, 'point 2'], *, speck: float, simplify: float) -> Imported:
    """Makes a floorplan of a grid.

    Args:
        grid: The cells.
        inside: Places in the free space that is meant, in the world.
        speck: What covers less than this, in square metres, and lies in the free space is free.
        simplify: How far walls may be moved, in metres, to have fewer corners.

    Raises:
        ValueError: if a place of ``inside`` isn't free, or there are too many walls, or what `build` has against it.
    """
    if grid.free.size > MOST_CELLS:
        raise ValueError(f'must have at most {MOST_CELLS} cells, got {" x ".join(map(str, grid.free.shape))}.')
    space = _space(grid, inside)
    cells = _without_specks(space.cells, speck / grid.resolution**2)
    row, column = np.argwhere(cells & grid.free)[0].tolist()
    within = np.array([[column + 0.5, len(cells) - row - 0.5]])
    runs = _sides(cells, MOST_SIDES if simplify else MOST_SEGMENTS, noded=simplify > 0)
    if simplify:
        face = _simplified(runs, within, simplify / grid.resolution)
        runs, within = freespace.sides(face), shapely.get_coordinates(face.point_on_surface())
    places = grid.to_world(within)
    drawing = Drawing(
        grid.to_world(runs),
        starts=grid.to_world(grid.starts),
        floor=places,
        doors=grid.to_world(grid.doors),
        rooms=[Room(grid.to_world(room.outline), room.kind) for room in grid.rooms],
        dropped=space.dropped,
        warnings=(*grid.warnings, *filter(None, [space.warning])),
    )
    return build(drawing, inside=places)


def _space(grid: Grid, inside: Float[np.ndarray, 'point 2']) -> Space:
    """The connected component of free cells that is meant: around ``inside``, else around a start, else the largest."""
    if not grid.free.any():
        raise ValueError(f'there must be free cells, got none among {grid.free.size}.')
    patches = _labelled(grid.free, np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]]))
    sizes = np.bincount(patches.reshape(-1))
    sizes[0] = 0
    chosen, by = _chosen(grid, inside, patches, sizes)
    others = np.flatnonzero((sizes >= math.pi * (CLEARANCE / grid.resolution) ** 2) & (np.arange(len(sizes)) != chosen))
    standing, large = _others(grid, patches, others[sizes[others].argsort()[::-1]], faces.TENTH * sizes[chosen])
    cell = grid.resolution**2
    warning = ''
    if large and by == 'area':
        x, y = _middle(grid, patches == chosen)
        warning = (
            f'the free space is the largest patch of free cells, {sizes[chosen] * cell:.4g} m² around ({x:.6g}, '
            f'{y:.6g}); left out: {", ".join(large[: faces.MOST_NAMED])}. inside=(x, y) says which is meant.'
        )
    dropped = float(sizes.sum() - sizes[chosen]) * cell
    return Space(patches == chosen, (dropped, standing), warning)


def _chosen(
    grid: Grid,
    inside: Float[np.ndarray, 'point 2'],
    patches: Int[np.ndarray, 'row column'],
    sizes: Int[np.ndarray, ' patch'],
) -> tuple[int, str]:
    """The number of the component that is meant, and what decided."""
    if len(inside):
        held = _at(patches, grid.to_cells(inside))
        if not held.all():
            x, y = inside[held == 0][0].tolist()
            raise ValueError(f'inside must be places in free cells, but that at ({x:.10g}, {y:.10g}) is not free.')
        if len(several := np.unique(held)) > 1:
            areas = ' and '.join(f'{area:.4g} m²' for area in (sizes[several] * grid.resolution**2).tolist())
            raise ValueError(f'inside must be places in one patch of free cells, but they lie in patches of {areas}.')
        return int(held[0]), 'inside'
    held = _at(patches, grid.starts)
    if held.any():
        return int(held[sizes[held].argmax()]), 'starts'
    return int(sizes.argmax()), 'area'


def _at(patches: Int[np.ndarray, 'row column'], places: Float[np.ndarray, 'place 2']) -> Int[np.ndarray, ' place']:
    """The component that each place lies in; 0 where none does."""
    height, width = patches.shape
    x, y = np.clip(np.floor(places), -1, max(width, height)).astype(np.int64).T
    known = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    return np.where(known, patches[(height - 1 - y).clip(0, height - 1), x.clip(0, width - 1)], 0)


def _others(
    grid: Grid, patches: Int[np.ndarray, 'row column'], others: Int[np.ndarray, ' other'], much: float
) -> tuple[float, list[str]]:
    """The area of other components in which an agent could stand, and the names of those of ``much`` cells or more."""
    numbers = np.zeros(patches.max() + 1, np.int32)
    numbers[others] = np.arange(1, len(others) + 1)
    boxes = ndimage.find_objects(numbers[patches]) if len(others) else []
    standing, large, cell = 0.0, [], grid.resolution**2
    for number, box in zip(others.tolist(), boxes, strict=True):
        patch = np.pad(patches[box] == number, 1)
        room = ndimage.distance_transform_edt(patch) * grid.resolution
        if not (free := int((room > CLEARANCE).sum())):
            continue
        standing += free * cell
        if patch.sum() > much:
            row, column = np.unravel_index(room.argmax(), room.shape)
            place = [column - 0.5 + box[1].start, len(patches) - (row - 0.5 + box[0].start)]
            x, y = grid.to_world(np.array([place]))[0].tolist()
            large.append(f'{patch.sum() * cell:.4g} m² around ({x:.6g}, {y:.6g})')
    return standing, large


def _middle(grid: Grid, cells: Cells) -> tuple[float, float]:
    """The world's coordinates of the middle of a cell, well inside a component."""
    row, column = np.unravel_index(ndimage.distance_transform_edt(np.pad(cells, 1)).argmax(), np.add(cells.shape, 2))
    x, y = grid.to_world(np.array([[column - 0.5, len(cells) - (row - 0.5)]]))[0].tolist()
    return x, y


def _without_specks(cells: Cells, least: float) -> Cells:
    """The cells with what lies among them and has fewer than ``least`` cells."""
    space = np.pad(cells, 1)  # what is outside is one patch then
    holes = _labelled(~space, np.ones((3, 3), int))
    small = np.bincount(holes.reshape(-1)) < least
    small[holes[0, 0]] = False
    return (space | small[holes])[1:-1, 1:-1]


def _labelled(cells: Cells, touching: Int[np.ndarray, '3 3']) -> Int[np.ndarray, 'row column']:
    """Labels connected components, as by flood fill: the patches of cells that touch each other, numbered from 1."""
    return ndimage.label(cells, touching)[0]


def _sides(space: Cells, most: int, *, noded: bool) -> Float[np.ndarray, 'segment 2 2']:
    """The runs of sides between cells that are free and cells that aren't, in cells: x to the right and y up."""
    bottom_up = np.pad(space[::-1], 1)
    level, upright = _runs(bottom_up, noded=noded), _runs(bottom_up.T, noded=noded)
    if (count := len(level) + len(upright)) > most:
        raise ValueError(
            f'must have at most {most} segments of wall, got {count}. simplify=0.05 (in metres) makes fewer '
            'of the stairs along slanting walls.'
        )
    return np.concatenate([level, upright[..., ::-1]]).astype(np.float64) - 1  # for the padding


def outline_of(cells: Cells, most: int = MOST_SIDES) -> Float[np.ndarray, 'corner 2']:
    """The outer outline of connected cells, in cells from the lower left corner.

    Raises:
        ValueError: if more than so many runs of cells' sides are around them.
    """
    found = shapely.get_parts(shapely.polygonize(shapely.linestrings(_sides(cells, most, noded=True))))
    return freespace.outline(freespace.largest(shapely.union_all(found)))


def _runs(cells: Cells, *, noded: bool) -> Int[np.ndarray, 'run 2 2']:
    """The runs along rows: the places where each begins and ends. Noded ones end where two cells touch at a corner."""
    sides = np.pad(cells[1:] != cells[:-1], ((0, 0), (1, 1)))
    starts, ends = sides[:, 1:] & ~sides[:, :-1], sides[:, :-1] & ~sides[:, 1:]
    if noded:
        above = np.pad(cells[1:], ((0, 0), (1, 1)))
        corners = sides[:, 1:] & sides[:, :-1] & (above[:, 1:] != above[:, :-1])
        starts, ends = starts | corners, ends | corners
    return np.stack([np.argwhere(starts)[:, ::-1], np.argwhere(ends)[:, ::-1]], axis=1) + [0, 1]


def _simplified(runs: Float[np.ndarray, 'run 2 2'], within: Float[np.ndarray, '1 2'], tolerance: float) -> Polygon:
    """The face around a place, with fewer corners. Runs meet at their ends alone, so nothing need be cut."""
    found = shapely.get_parts(shapely.polygonize(shapely.linestrings(runs)))
    return shapely.orient_polygons(found[faces.holding(found, within)[0]].simplify(tolerance))
