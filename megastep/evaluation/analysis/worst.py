"""The worst episodes: where agents fail, with the way walked drawn beside the shortest path."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from jaxtyping import Float, Int

from megastep.evaluation.analysis.tables import heading, number
from megastep.evaluation.episode_table import Columns, joint_codes, picked
from megastep.maps import picture
from megastep.maps.geodesics import shortest_path
from megastep.maps.geometry import AGENT_RADIUS, Geometry
from megastep.maps.mapset import MapSet

WALKED, SHORTEST, GOAL = '#c8373f', '#1f6fb2', '#1c8a53'
"""The colours of the way walked, of the shortest path and of the goal: they look right on a plan's light floor."""

Way = Float[np.ndarray, 'point 2']
"""The places that an agent went through in an episode, from its start on, in metres."""


@dataclass(frozen=True, eq=False)
class Worst:
    """The worst episodes of agents, from the worst on. In a notebook they draw themselves.

    Args:
        episodes: A table of them.
        score: What they are the worst in.
        pictures: Each one's picture in SVG; '' where the map isn't known.
    """

    episodes: Columns
    score: str
    pictures: list[str]

    def __len__(self) -> int:
        """The number of episodes."""
        return len(self.pictures)

    def captions(self) -> list[str]:
        """Each episode's caption, in HTML."""
        rows = ({name: values[i] for name, values in self.episodes.items()} for i in range(len(self)))
        return [_caption(row, self.score) for row in rows]

    def figures(self) -> str:
        """Pictures with captions, in HTML."""
        return self._figures(self.pictures)

    def _figures(self, pictures: Sequence[str]) -> str:
        both = zip(pictures, self.captions(), strict=True)
        return ''.join(f'<figure>{drawn}<figcaption>{said}</figcaption></figure>' for drawn, said in both)

    def _repr_html_(self) -> str:
        images = [drawn and picture.image(drawn, 'an episode') for drawn in self.pictures]
        return f'<div style="display: flex; flex-wrap: wrap; gap: 12px">{self._figures(images)}</div>'

    def __repr__(self) -> str:
        names = ', '.join(
            f'{name} {number}' for name, number in zip(self.episodes['set'], self.episodes['map'], strict=True)
        )
        return f'Worst({len(self)} episodes by {self.score}: {names})'


def worst(
    table: Columns,
    score: str,
    count: int,
    maps: Mapping[str, MapSet],
    ways: Mapping[int, Way],
    *,
    lower_is_better: bool = False,
) -> Worst:
    """The episodes that go worst, one a map. See `Results.worst`."""
    goodness = -table[score] if lower_is_better else table[score]
    rows = _ranked(table, goodness, _candidates(table, maps, ways))[:count]
    pictures = [
        _picture({name: values[row] for name, values in table.items()}, maps, ways.get(row)) for row in rows.tolist()
    ]
    return Worst(picked(table, rows), score, pictures)


def _candidates(table: Columns, maps: Mapping[str, MapSet], ways: Mapping[int, Way]) -> Int[np.ndarray, ' row']:
    """The rows to choose from: those whose ways are known; if there are none, whose maps are; and if none, all."""
    scored = np.ones(len(table['agent']), bool)
    known = np.zeros_like(scored)
    known[list(ways)] = True
    drawable = np.isin(table['set'], list(maps))
    plain = table['variation'] == '' if (table['variation'] == '').any() else scored
    choices = (plain & known & drawable, plain & drawable, plain)
    return np.flatnonzero(next(each for each in choices if each.any()))


def _ranked(
    table: Columns, goodness: Float[np.ndarray, ' episode'], rows: Int[np.ndarray, ' row']
) -> Int[np.ndarray, ' row']:
    """Rows from the worst on, each agent's worst of a map: by the mean of all that played the episode, then their own
    score; of equals the one whose path is the shortest, which should be the easiest.
    """
    found = picked(table, rows)
    values = np.where(np.isfinite(goodness[rows]), goodness[rows], np.inf)
    episodes = joint_codes(found, 'agent', 'set', 'episode')
    means = (np.bincount(episodes, values) / np.bincount(episodes))[episodes]
    paths = np.where(np.isfinite(found['shortest_path']), found['shortest_path'], np.inf)
    order = np.lexsort((paths, values, means))
    _, firsts = np.unique(joint_codes(found, 'agent', 'set', 'map')[order], return_index=True)
    return rows[order[np.sort(firsts)]]


def _picture(row: Mapping[str, np.ndarray], maps: Mapping[str, MapSet], way: Way | None) -> str:
    name = str(row['set'])
    if name not in maps:
        return ''
    start, goal = (np.array([row[f'{end}_x'], row[f'{end}_y']], float) for end in ('start', 'goal'))
    return draw_episode(maps[name][int(row['map'])], way, start, goal)


def draw_episode(
    geometry: Geometry, way: Way | None, start: Float[np.ndarray, ' 2'], goal: Float[np.ndarray, ' 2']
) -> str:
    """A picture of an episode in SVG: the way walked and the shortest path on the map's plan.

    Args:
        geometry: The map.
        way: The places walked through, in metres, if they are known.
        start: Where the episode began, in metres; NaN if that isn't known.
        goal: Where its goal was, in metres; NaN if there was none.
    """
    rooms = [(room.outline, room.kind) for room in geometry.rooms]
    none = np.empty((0, 2)), np.empty((0, 3))
    plan = picture.draw(walls=geometry.walls, spawns=none[0], lights=none[1], doors=geometry.doors, rooms=rooms)
    top = geometry.walls[..., 1].max()
    pixel = 100 * np.ptp(geometry.walls.reshape(-1, 2), axis=0).max() / picture.SIZE
    layers = []
    if np.isfinite([start, goal]).all():
        shortest = shortest_path(geometry.walls, start, goal, AGENT_RADIUS)
        style = f'stroke="{SHORTEST}" stroke-dasharray="{4 * pixel:.0f} {3.5 * pixel:.0f}"'
        layers.append(_line(shortest, top, 1.8 * pixel, style))
    if way is not None and len(way):
        layers.append(_line(way, top, 1.8 * pixel, f'stroke="{WALKED}"'))
        layers.append(_dot(way[-1], top, 3 * pixel, f'fill="{WALKED}"'))
    if np.isfinite(start).all():
        layers.append(_dot(start, top, 4 * pixel, f'fill="#fff" stroke="{WALKED}" stroke-width="{1.8 * pixel:.0f}"'))
    if np.isfinite(goal).all():
        layers.append(_dot(goal, top, 4 * pixel, f'fill="{GOAL}" stroke="#fff" stroke-width="{1.5 * pixel:.0f}"'))
    return plan.removesuffix('</svg>') + ''.join(layers) + '</svg>'


def _line(points: Way, top: float, width: float, style: str) -> str:
    """A polyline through points, each once, in the picture's centimetres."""
    places = np.rint(100 * (points * [1, -1] + [0, top])).astype(int)
    places = places[np.append(True, (np.diff(places, axis=0) != 0).any(1))] if len(places) else places
    drawn = ' '.join(f'{x},{y}' for x, y in places.tolist())
    return f'<polyline points="{drawn}" fill="none" stroke-width="{width:.0f}" stroke-linejoin="round" {style}/>'


def _dot(point: Float[np.ndarray, ' 2'], top: float, radius: float, style: str) -> str:
    return f'<circle cx="{100 * point[0]:.0f}" cy="{100 * (top - point[1]):.0f}" r="{radius:.0f}" {style}/>'


def _caption(row: Mapping[str, np.ndarray], score: str) -> str:
    """A caption: an episode, and how it went."""
    which = f'<b>{escape(str(row["set"]))}, map {row["map"]}</b>, episode {row["episode"]}'
    who = f'{escape(str(row["agent"]))}, run {row["run"]}'
    told = {'shortest path': 'm', 'metres walked': 'm', 'seconds': 's'}
    values = {name: float(row[name.replace(' ', '_')]) for name in told}
    facts = [
        f'{name.removeprefix("metres ").replace("seconds", "in")} {value:.1f} {told[name]}'
        for name, value in values.items()
        if math.isfinite(value)
    ]
    return '<br>'.join([which, f'{who}: {heading(score)} {number(float(row[score]))}', ', '.join(facts)])
