"""What rays meet first, in plain float64, and potentially visible sets that are held to it."""

from itertools import pairwise

import numpy as np

from megastep.maps.ragged import Ragged


def first_walls(walls, origins, directions, *, within=0.0):
    """True for the walls that each ray meets first from their fronts: (ray, wall).

    Args:
        walls: (wall, 2, 2).
        origins: (ray, 2).
        directions: Unit vectors: (ray, 2).
        within: Walls that are met up to so many metres later than the nearest count too.
    """
    ends = walls[None] - origins[:, None, None]  # (ray, wall, 2, 2)
    forward = (ends * directions[:, None, None]).sum(-1)
    left = ends[..., 1] * directions[:, None, None, 0] - ends[..., 0] * directions[:, None, None, 1]
    right, left = left[..., 0], left[..., 1]
    with np.errstate(divide='ignore', invalid='ignore'):
        distances = forward[..., 0] + right / (right - left) * (forward[..., 1] - forward[..., 0])
    hit = (right <= 0) & (left >= 0) & (right < left) & (distances > 0)
    distances = np.where(hit, distances, np.inf)
    return hit & (distances <= distances.min(1, keepdims=True) + within)


def listed(sets, m):
    """True for the walls that each cell of a map lists: (cell, wall)."""
    firsts, numbers = sets.firsts[m].tolist(), sets.numbers[m].long()
    marks = np.zeros((len(firsts) - 1, int(numbers.max()) + 1 if len(numbers) else 0), dtype=bool)
    for cell, (start, stop) in enumerate(pairwise(firsts)):
        marks[cell, numbers[start:stop]] = True
    return marks


def known_cells(sets, m, points):
    """The cell whose list holds at each point, -1 where none does, as renderers find it."""
    left, bottom, scale = sets.grids[m].double().tolist()
    columns, rows = sets.shapes[m].tolist()
    places = (points - [left, bottom]) * scale
    column, row = np.floor(places).astype(int).T
    inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
    cells = np.where(inside, row * columns + column, 0)
    extents = np.concatenate([sets.extents[m].numpy(), np.empty((1, 4), np.uint8)])  # one more, where there are none
    low, high = extents[cells, :2], extents[cells, 2:]
    pieces = 16 * (places - np.stack([column, row], -1))
    return np.where(inside & ((low <= pieces) & (pieces <= high)).all(-1), cells, -1)


def somewhere(sets, m, count, rng):
    """Points of a map's cells' extents: (point, 2)."""
    left, bottom, scale = sets.grids[m].double().tolist()
    extents = sets.extents[m].double().numpy()
    cells = rng.choice(np.flatnonzero(extents[:, 0] < extents[:, 2]), count)
    pieces = rng.uniform(extents[cells, :2], extents[cells, 2:])
    corners = np.stack([cells % sets.shapes[m, 0].item(), cells // sets.shapes[m, 0].item()], -1)
    return np.array([left, bottom]) + (corners + pieces / 16) / scale


def missing(walls: Ragged, sets, m, origins, directions, *, chunk=4000, within=0.0):
    """How many rays meet first what their cells don't list; of walls that are as near as said, one is enough."""
    own, marks, count = walls[m].double().numpy(), listed(sets, m), 0
    for start in range(0, len(origins), chunk):
        some = slice(start, start + chunk)
        firsts = first_walls(own, origins[some], directions[some], within=within)
        there = marks[known_cells(sets, m, origins[some])]
        width = there.shape[1]
        count += int((firsts.any(1) & ~(firsts[:, :width] & there).any(1)).sum())
    return count


def around(count, rng):
    """Unit vectors in random directions."""
    angles = rng.uniform(0, 2 * np.pi, count)
    return np.stack([np.cos(angles), np.sin(angles)], -1)


def aimed(walls, origins, rng, *, aside=1e-3):
    """Unit vectors towards random walls' ends, mostly past them by up to so many metres or by next to nothing."""
    targets = walls.reshape(-1, 2)[rng.integers(0, 2 * len(walls), len(origins))]
    ahead = targets - origins
    distances = np.linalg.norm(ahead, axis=-1, keepdims=True)
    past = rng.choice([-1, 0, 1], (len(origins), 1)) * aside * 10 ** rng.uniform(-9, 0, (len(origins), 1))
    turned = ahead + past / np.maximum(distances, 1e-9) * np.stack([-ahead[:, 1], ahead[:, 0]], -1)
    return turned / np.linalg.norm(turned, axis=-1, keepdims=True)
