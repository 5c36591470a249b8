"""Shadows in plain float64, and lists of what may hide a light, which are held to them."""

import numpy as np
import sightlines

ALMOST = 1 - 1e-4
"""A wall hides a light only from points behind it, not from those on it."""


def hidden(walls, lights, points, *, within=0.0):
    """True where a wall stands between a light and a point: (point, light, wall).

    Args:
        walls: (wall, 2, 2).
        lights: (light, 2).
        points: (point, 2).
        within: Walls that the way passes by so many metres count too, or only those that it meets by as much, if that
            is below 0.
    """
    way = points[:, None, None] - lights[None, :, None]  # (point, light, 1, 2)
    a, b = (walls[None, None, :, end] - lights[None, :, None] for end in (0, 1))
    length = np.linalg.norm(way, axis=-1)
    a_side, b_side = (way[..., 0] * end[..., 1] - way[..., 1] * end[..., 0] for end in (a, b))
    low, high = np.minimum(a_side, b_side) / length, np.maximum(a_side, b_side) / length
    along = b - a
    with np.errstate(divide='ignore', invalid='ignore'):
        reached = (a[..., 0] * along[..., 1] - a[..., 1] * along[..., 0]) / (
            way[..., 0] * along[..., 1] - way[..., 1] * along[..., 0]
        )
    return (low < within) & (high > -within) & (reached >= 0) & (reached <= ALMOST)


def on_agents(sets, m, girth, count, rng):
    """Points of agents that stand somewhere in a map's cells, and those cells."""
    middles = sightlines.somewhere(sets, m, count, rng)
    cells = sightlines.known_cells(sets, m, middles)
    points = middles + girth * rng.uniform(0, 1, (count, 1)) ** 0.5 * sightlines.around(count, rng)
    return points[cells >= 0], cells[cells >= 0]


def listed(lists, m, cell):
    """The lights that a cell of a map lists, and for each the walls that may hide it."""
    first, last = lists.firsts[m][cell : cell + 2].tolist()
    found: dict[int, list[int]] = {}
    for light, wall in lists.pairs[m][first:last].tolist():
        found.setdefault(light, []).extend([wall] if wall >= 0 else [])
    return found


def misjudged(walls, lights, sets, lists, m, girth, count, rng):
    """How many points of agents a light falls on of which the lists say otherwise, or the other way round."""
    points, cells = on_agents(sets, m, girth, count, rng)
    hides = hidden(walls[m].double().numpy(), lights[m].double().numpy()[:, :2], points)
    wrong = 0
    for cell in np.unique(cells):
        here, known = hides[cells == cell], listed(lists, m, cell)
        for k in range(here.shape[1]):
            shadow = here[:, k].any(-1)
            told = here[:, k][:, known[k]].any(-1) if k in known else np.ones(len(here), bool)
            wrong += int((told != shadow).sum())
    return wrong
