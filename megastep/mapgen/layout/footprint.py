"""Footprints of large buildings: double-loaded corridors along a spine and its branches, and the land beside them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from megastep.mapgen.geometry.lattice import Rect, units
from megastep.mapgen.rng import Rng

WING_DISTANCE = units(6)
"""The least distance of two wings side by side, in lattice units."""

LONGEST_SPINE = units(2_000)
"""The greatest length of a spine, in lattice units. None comes near: 250 rooms of 5 m on both sides take 625 m."""

SPINE_PARTS = 60
"""The number of parts of the way along a spine, from its first place for a branch to its last, that branches leave it
at."""

FOOTPRINT_SHAPES = ('bar', 'ell', 'tee', 'zed', 'cup', 'cross', 'aitch', 'comb', 'fishbone', 'ring', 'core')
"""The shapes of footprints: the letters I, L, T, Z, U, X and H; an E with three or more branches, and one with branches
on both sides; wings around courts, and corridors around rooms without windows."""

PLOT_SIDE = units(95)
"""The greatest length and width of a building where that can be had, in lattice units."""


class Band(NamedTuple):
    """Land along one side of a corridor, to be cut across into rooms that all touch the corridor."""

    tile: Rect
    facing: str
    """The side that the corridor is on: left, bottom, right or top."""

    @property
    def upright(self) -> bool:
        """True if the corridor runs along y."""
        return self.facing in ('left', 'right')

    @property
    def length(self) -> int:
        """The length along the corridor, in lattice units."""
        return self.tile.height if self.upright else self.tile.width

    @property
    def depth(self) -> int:
        """The depth away from the corridor, in lattice units."""
        return self.tile.width if self.upright else self.tile.height

    def part(self, inner: Rect) -> Rect:
        """A part of the band, from local coordinates: x along the corridor, from the low end on, and y away from it."""
        left, bottom, right, top = self.tile
        if self.facing == 'bottom':
            return Rect(left + inner.left, bottom + inner.bottom, left + inner.right, bottom + inner.top)
        if self.facing == 'top':
            return Rect(left + inner.left, top - inner.top, left + inner.right, top - inner.bottom)
        if self.facing == 'left':
            return Rect(left + inner.bottom, bottom + inner.left, left + inner.top, bottom + inner.right)
        return Rect(right - inner.top, bottom + inner.left, right - inner.bottom, bottom + inner.right)


class Footprint(NamedTuple):
    """The footprint of a building: tiles that cover it without gaps but for its courts, in lattice units."""

    corridors: list[list[Rect]]
    """One room, or two that close a loop; the first tile of each touches its others."""
    bands: list[Band]
    halls: list[Rect]
    """Rooms across the whole of a wing, at a corridor's end."""

    @property
    def extent(self) -> int:
        """The building's longer side, in lattice units."""
        tiles = [*(band.tile for band in self.bands), *self.halls]
        width = max(tile.right for tile in tiles) - min(tile.left for tile in tiles)
        return max(width, max(tile.top for tile in tiles) - min(tile.bottom for tile in tiles))


class Sketch(NamedTuple):
    """The proportions of a footprint whose size is still open. Lengths are in lattice units."""

    depth: int
    """The depth of the land beside corridors."""
    corridor: int
    """The width of the corridors' tiles."""
    above: tuple[int, ...]
    """The places where branches leave the spine upwards, in `SPINE_PARTS`."""
    below: tuple[int, ...]
    loop: bool
    """True if the branches upwards end at a second spine."""
    slope: int
    """The growth of the branches with the spine, in sixteenths."""
    west: int
    """The length of the hall at the spine's left end; 0 if there is none."""
    east: int
    tip: int
    """Likewise, at branches' ends."""

    @property
    def shortest(self) -> int:
        """The least length of a spine on which the branches keep apart and the halls leave land beside them."""
        pitch = self.corridor + 2 * self.depth + WING_DISTANCE
        needs = [(high - low, pitch) for side in (self.above, self.below) for low, high in pairwise(side)]
        needs += [(at, self.west) for at in (*self.above, *self.below) if at]
        needs += [(SPINE_PARTS - at, self.east) for at in (*self.above, *self.below) if at < SPINE_PARTS]
        run = max([-(-SPINE_PARTS * need // parts) for parts, need in needs], default=self.west + self.east)
        return run + 2 * self.depth + self.corridor


def draw_footprint(
    rng: Rng,
    enough: Callable[[Footprint, int], bool],
    *,
    shapes: Sequence[str],
    depth: int,
    corridor: int,
    most: int,
    plot: int = PLOT_SIDE,
    halls: int = 0,
) -> Footprint:
    """The footprint of a random building just large enough: of shapes in a random order, the first whose size suits.

    Args:
        rng: The random number generator.
        enough: True of a building that has so many quarters of the land it needs. Longer spines don't change this back.
        shapes: The `FOOTPRINT_SHAPES` that it may have.
        depth: The depth of the land beside corridors, with a wall, in lattice units.
        corridor: The width of corridors, with a wall, in lattice units.
        most: The greatest number of bands and halls. A bar without halls has 2 and an H has 14; all shapes can be had
            with 20.
        plot: Buildings suit that are no longer and no wider, and whose shape can be had without too much land. Where no
            shape suits, the building is the most compact of those that can be had.
        halls: The chance in a hundred that there is a hall at an end of a corridor.
    """
    found = []
    for name, branches in _candidates(rng, shapes):
        sketch = _sketched(rng, name, branches, depth, corridor, halls)
        least = drawn(sketch, sketch.shortest)
        if len(least.bands) + len(least.halls) > most:
            sketch = sketch._replace(west=0, east=0, tip=0)
            least = drawn(sketch, sketch.shortest)
        if len(least.bands) <= most:
            footprint = _fitted(sketch, lambda footprint: enough(footprint, 4))
            if footprint.extent <= plot and not enough(least, 5):
                return footprint
            found.append(footprint)
    return min(found, key=lambda footprint: footprint.extent)


def _candidates(rng: Rng, shapes: Sequence[str]) -> list[tuple[str, int]]:
    """Shapes in a random order, each with all the numbers of branches to a side that it can have."""
    several = {'comb': (3, 4, 5), 'fishbone': (3, 4, 5), 'ring': (2, 3, 4), 'core': (2,)}
    return [(name, branches) for name in rng.shuffled(shapes) for branches in rng.shuffled(several.get(name, (1,)))]


def _sketched(rng: Rng, name: str, branches: int, depth: int, corridor: int, halls: int) -> Sketch:
    """Random proportions of a shape."""
    even = tuple(SPINE_PARTS * i // (branches - 1) for i in range(branches)) if branches > 1 else ()
    middle, other = (rng.between(SPINE_PARTS // 4, 3 * SPINE_PARTS // 4) for _ in range(2))
    above, below = {
        'ell': ((SPINE_PARTS,), ()),
        'tee': ((middle,), ()),
        'zed': ((0,), (SPINE_PARTS,)),
        'cup': ((0, SPINE_PARTS), ()),
        'cross': ((middle,), (other,)),
        'aitch': ((0, SPINE_PARTS), (0, SPINE_PARTS)),
        'fishbone': (even, even),
    }.get(name, (even, ()))
    ends = [rng.between(depth, 2 * depth) if rng.chance(halls, 100) else 0 for _ in range(3)]
    west = min(ends[0], depth) if 0 in above + below else ends[0]
    east = min(ends[1], depth) if SPINE_PARTS in above + below else ends[1]
    loop = name in ('ring', 'core')
    slope = 0 if name == 'core' else rng.between(3, 12)
    return Sketch(depth, corridor, above, below, loop, slope, west, east, 0 if loop else ends[2])


def _fitted(sketch: Sketch, enough: Callable[[Footprint], bool]) -> Footprint:
    """The smallest building to a sketch that is large enough, by binary search."""
    lengths = range(sketch.shortest, LONGEST_SPINE)
    return drawn(sketch, lengths[bisect_left(lengths, True, key=lambda length: enough(drawn(sketch, length)))])


def drawn(sketch: Sketch, length: int) -> Footprint:
    """The footprint of a building to a sketch.

    Args:
        sketch: Its proportions.
        length: The length of its spine, halls included, in lattice units.
    """
    depth, corridor = sketch.depth, sketch.corridor
    left, right = sketch.west, length - sketch.east
    run = length - 2 * depth - corridor
    above, below = ([depth + run * at // SPINE_PARTS for at in side] for side in (sketch.above, sketch.below))
    reach = _reach(sketch, run)
    upper, lower = (_side(sketch, side, left, right, reach) for side in (above, below))
    spine = Rect(left, 0, right, corridor)
    halls = _end_halls(sketch, length, 0) + upper.halls + [_flipped(hall, corridor) for hall in lower.halls]
    bands = upper.bands + [Band(_flipped(band.tile, corridor), _flipped_side(band.facing)) for band in lower.bands]
    branches = upper.corridors[0] + [_flipped(tile, corridor) for tile in lower.corridors[0]]
    corridors = [[spine, *branches]]
    if sketch.loop:
        base = corridor + 2 * depth + reach
        corridors.append([Rect(left, base, right, base + corridor)])
        bands += [
            Band(Rect(low, base - depth, high, base), 'top')
            for low, high in _stretches_between(above, left, right, corridor)
        ]
        bands.append(Band(Rect(left, base + corridor, right, base + corridor + depth), 'bottom'))
        halls += _end_halls(sketch, length, base)
    return Footprint(corridors, bands, halls)


def _reach(sketch: Sketch, run: int) -> int:
    """The length of branches beyond the land beside the spine."""
    if sketch.loop and not sketch.slope:
        return 0
    return max(run * sketch.slope // 16, WING_DISTANCE if sketch.loop else sketch.depth + sketch.tip)


def _side(sketch: Sketch, places: Sequence[int], left: int, right: int, reach: int) -> Footprint:
    """The branches above a spine, the land beside them, and that above the spine from ``left`` to ``right``."""
    depth, corridor = sketch.depth, sketch.corridor
    base = corridor + depth
    top, end = base + reach - sketch.tip, base + reach
    bands = [
        Band(Rect(low, corridor, high, base), 'bottom')
        for low, high in _stretches_between(places, left, right, corridor)
    ]
    if top > base:
        bands += [Band(Rect(at - depth, base, at, top), 'right') for at in places]
        bands += [Band(Rect(at + corridor, base, at + corridor + depth, top), 'left') for at in places]
    branches = [Rect(at, corridor, at + corridor, top + depth if sketch.loop else top) for at in places]
    halls = [Rect(at - depth, top, at + corridor + depth, end) for at in places if sketch.tip]
    return Footprint([branches], bands, halls)


def _stretches_between(places: Sequence[int], left: int, right: int, corridor: int) -> list[tuple[int, int]]:
    """The stretches that branches leave of the land beside a spine."""
    starts, stops = [left, *(at + corridor for at in places)], [*places, right]
    return [(low, high) for low, high in zip(starts, stops, strict=True) if low < high]


def _end_halls(sketch: Sketch, length: int, base: int) -> list[Rect]:
    bottom, top = base - sketch.depth, base + sketch.corridor + sketch.depth
    ends = (Rect(0, bottom, sketch.west, top), Rect(length - sketch.east, bottom, length, top))
    return [hall for hall in ends if hall.width]


def _flipped(tile: Rect, corridor: int) -> Rect:
    """A tile above the spine, below it."""
    return Rect(tile.left, corridor - tile.top, tile.right, corridor - tile.bottom)


def _flipped_side(facing: str) -> str:
    return 'top' if facing == 'bottom' else facing
