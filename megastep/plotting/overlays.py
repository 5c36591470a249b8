"""Overlays of an env's picture: the points, segments, shares and discs that its task has drawn, whatever they mean."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgba, to_rgba_array
from matplotlib.text import Text

from megastep.plotting.litplans import shown
from megastep.world.overlays import Discs, Marks, Points, Segments, Shares
from megastep.world.snapshot import Snapshot

AGENTS = ('#ffd166', '#4cc9f0', '#ff6b8b', '#8be28b', '#c79bff', '#ff9f5a', '#66e0d0', '#e6e6e6')
"""The agents' own colours, in turn."""

RING = 0.16 * np.exp(1j * np.linspace(0, 2 * np.pi, 33)).view(float).reshape(-1, 2)
"""The circle drawn around an agent, or as much of it as its share, in metres from its middle."""

WIDER = 0.35
"""The share of the first ring's radius by which a second is wider, and so on."""

CIRCLE = np.exp(1j * np.linspace(0, 2 * np.pi, 33)[:-1]).view(float).reshape(-1, 2)
"""A disc of a metre's radius, as it is drawn."""

POINT = ((0.2, 0.0), (0.0, 0.2), (-0.2, 0.0), (0.0, -0.2))
"""The square on its corner that is drawn for a point, in metres from there; another of half its size is in it."""

BESIDE = 0.28
"""The distance from a point to its label, which begins to its right, in metres."""

GOAL = '#ff5fb7'
"""The colour of a point that is alone and has none of its own, which an agent's goal is: as in replays."""

LINGER = 12
"""The number of snapshots for which a mark stays, ever fainter, where something has happened."""

MARKS = {
    'success': ('#3fe08f', [[(-0.17, 0.02), (-0.05, -0.13), (0.2, 0.19)]]),
    'death': ('#ff4d5e', [[(-0.15, -0.15), (0.15, 0.15)], [(-0.15, 0.15), (0.15, -0.15)]]),
}
"""The colour and the lines of each mark, in metres from where it is: a tick and a cross."""


def hues(count: int) -> Float[np.ndarray, 'agent 4']:
    """The agents' own colours, as RGBA."""
    return to_rgba_array([AGENTS[i % len(AGENTS)] for i in range(count)])


class OverlayArtists:
    """The artists of a snapshot's overlays, and a ring around each agent. Marks stay for a while.

    Args:
        axes: The plan that they are drawn on.
    """

    def __init__(self, axes: Axes) -> None:
        self._axes = axes
        self._discs = PolyCollection([], linewidths=0, zorder=6.5)
        self._segments = LineCollection([], linewidths=1.6, zorder=7)
        self._rings = LineCollection([], linewidths=1.1, zorder=9)
        self._rims = PolyCollection([], facecolors='none', linewidths=1.4, zorder=11)
        self._points = PolyCollection([], linewidths=0, zorder=11)
        self._marks = LineCollection([], linewidths=2.6, zorder=12, capstyle='round')
        self._labels: list[Text] = []
        self._recent: list[tuple[int, str, Float[np.ndarray, ' 2']]] = []
        self._before: Float[np.ndarray, 'agent 2'] | None = None
        for artist in (self._discs, self._segments, self._rings, self._rims, self._points, self._marks):
            axes.add_collection(artist, autolim=False)

    @property
    def artists(self) -> list[Artist]:
        """All of them."""
        return [self._discs, self._segments, self._rings, self._rims, self._points, self._marks, *self._labels]

    def update(self, snapshot: Snapshot) -> None:
        """Shows another moment: of each kind there may be any number."""
        overlays, agents = snapshot.overlays, hues(len(snapshot.positions))
        self._show_rings(snapshot, [each for each in overlays if isinstance(each, Shares)], agents)
        self._show_segments([each for each in overlays if isinstance(each, Segments)], agents)
        self._show_points([each for each in overlays if isinstance(each, Points)], agents)
        self._show_discs([each for each in overlays if isinstance(each, Discs)], agents)
        self._show_marks(snapshot.positions, [each for each in overlays if isinstance(each, Marks)])

    def forget(self) -> None:
        """Drops the marks."""
        self._recent, self._before = [], None

    def _show_rings(self, snapshot: Snapshot, shares: list[Shares], agents: Float[np.ndarray, 'agent 4']) -> None:
        """Shows a ring for each share, whole ones if there is none."""
        rings = []
        for number, each in enumerate(shares or [Shares(np.ones(len(agents)))]):
            counts = 1 + (each.values.clip(0, 1) * (len(RING) - 1)).round().astype(int)
            ring = (1 + WIDER * number) * RING
            rings += [middle + ring[:count] for middle, count in zip(snapshot.positions, counts, strict=True)]
        self._rings.set(segments=rings, color=np.tile(agents, (len(shares) or 1, 1)))

    def _show_segments(self, segments: list[Segments], agents: Float[np.ndarray, 'agent 4']) -> None:
        ends = [pair for each in segments for pair in each.ends]
        self._segments.set(segments=ends, color=_colours([(len(each.ends), each.colours) for each in segments], agents))

    def _show_points(self, points: list[Points], agents: Float[np.ndarray, 'agent 4']) -> None:
        middles = np.concatenate([np.empty((0, 2)), *(each.positions for each in points)])
        colours = np.concatenate([np.empty((0, 4)), *(_point_colours(each, agents) for each in points)])
        for size, artist in ((1, self._rims), (0.5, self._points)):
            artist.set_verts(list(middles[:, None] + size * np.array(POINT)))
        self._rims.set(edgecolor=colours)
        self._points.set(facecolor=colours)
        labels = [label for each in points for label in (each.labels or [''] * len(each.positions))]
        self._write(list(zip(middles, labels, colours, strict=True)))

    def _show_discs(self, discs: list[Discs], agents: Float[np.ndarray, 'agent 4']) -> None:
        circles = [
            place + radius * CIRCLE for each in discs for place, radius in zip(each.positions, each.radii, strict=True)
        ]
        colours = _colours([(len(each.positions), each.colours) for each in discs], agents)
        self._discs.set(verts=circles, facecolor=colours)

    def _show_marks(self, positions: Float[np.ndarray, 'agent 2'], marks: list[Marks]) -> None:
        """Shows what happens now, in a ring, and what has happened lately."""
        older = [(age + 1, meaning, place) for age, meaning, place in self._recent if age + 1 < LINGER]
        places = {'success': positions, 'death': self._before}
        known = [(each, there) for each in marks if (there := places[each.meaning]) is not None]
        new = [(0, each.meaning, place) for each, there in known for place in there[np.asarray(each.agents, bool)]]
        self._recent, self._before = older + new, positions
        lines, colours = [], []
        for age, meaning, place in self._recent:
            colour, strokes = MARKS[meaning]
            shapes = [*map(np.array, strokes), (1.6 + 0.12 * age) * RING]
            lines += [place + shape for shape in shapes]
            colours += [to_rgba(colour, 1 - age / LINGER)] * len(shapes)
        self._marks.set(segments=lines, color=colours)

    def _write(self, labels: list[tuple[Any, str, Any]]) -> None:
        """Shows labels beside points, in as many texts as have ever been needed."""
        wanted = [label for label in labels if label[1]]
        while len(self._labels) < len(wanted):
            self._labels.append(
                self._axes.text(0, 0, '', fontsize=7, va='center', zorder=11, clip_on=True, parse_math=False)
            )
        for text, (middle, words, colour) in zip(self._labels, wanted, strict=False):
            text.set(x=middle[0] + BESIDE, y=middle[1], text=words, color=colour)
        for text in self._labels[len(wanted) :]:
            text.set_text('')


def _point_colours(points: Points, agents: Float[np.ndarray, 'agent 4']) -> Float[np.ndarray, 'point 4']:
    """The colours of points: their own, that of goals if there is but one, or the agents'."""
    if points.colours is None and len(points.positions) == 1:
        return to_rgba_array([GOAL])
    return _colours([(len(points.positions), points.colours)], agents)


def _colours(
    groups: list[tuple[int, Float[np.ndarray, 'item 3'] | Any]], agents: Float[np.ndarray, 'agent 4']
) -> Float[np.ndarray, 'item 4']:
    """The colours of several groups of items, as RGBA: their own, or the agents' in turn."""
    found = [
        agents[np.arange(count) % len(agents)] if own is None else np.insert(shown(own), 3, 1, axis=1)
        for count, own in groups
    ]
    return np.concatenate([np.empty((0, 4)), *found])
