"""One env, drawn at night: its plan, what its agents see of it, and the pixels that reach them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection

from megastep.checks import is_integer
from megastep.plotting.figures import Picture
from megastep.plotting.litplans import draw_map, shown
from megastep.plotting.overlays import OverlayArtists, hues
from megastep.world.cameras import by_name
from megastep.world.snapshot import Snapshot

NIGHT, BRIGHT, DIM = '#0c0f14', '#eef1f5', '#7d8897'

BEAMS = ((np.inf, 0.11), (4.0, 0.04), (2.5, 0.05), (1.2, 0.06))
"""Reach, in metres, and opacity of each fan that an agent's field of view is drawn with. So it fades away."""

DART = ((0.36, 0.0), (0.17, 0.10), (0.17, -0.10))
"""The triangle that shows where an agent faces, for one at the origin that faces +x, in metres."""

TRAIL = 60
"""Length of an agent's trail, in snapshots."""

LEAP = 1.0
"""An agent that has moved further than this between snapshots, in metres, was put there: its trail begins anew."""

LARGEST = 15.0
"""In maps that reach further than this, in metres, agents are drawn larger, so that they are seen."""

PER_ROW, ROW = 4, 0.6
"""The numbers in a row, and a row's height, in inches."""

USUAL = (960, 540)
"""The size, in pixels, at which an inch of the picture has 100: a picture of another size is as if it were enlarged."""

LEAST, MOST = 64, 16_384
"""The least and the largest width and height, in pixels."""

STRIPS = 1.0
"""The room, in inches, that strips of pixels have at least: numbers for which there is no more are left out."""


def plot_state(snapshot: Snapshot, size: tuple[int, int] = (960, 540)) -> Picture:
    """Draws one env: its plan with the agents and what they see of it, and the pixels that reach them.

    Args:
        snapshot: The env.
        size: The picture's width and height, in pixels.
    """
    return StatePlot(snapshot, size).figure


def check_size(size: tuple[int, int], *, across: int = 1, up: int = 1) -> None:
    """Checks the size of a picture in which some envs stand side by side.

    Args:
        size: The picture's width and height, in pixels.
        across: How many envs are side by side.
        up: How many are above one another.

    Raises:
        ValueError: if it is no pair of whole numbers, or too small or too large to be drawn.
    """
    if not isinstance(size, Sequence) or len(size) != 2 or not all(is_integer(side) for side in size):
        raise ValueError(f'size must be a width and a height in whole pixels, got {size!r}.')
    least = LEAST * across, LEAST * up
    if size[0] < least[0] or size[1] < least[1]:
        envs = '' if across == 1 else f' for {across} envs by {up}'
        raise ValueError(f'size must be at least {least[0]} by {least[1]} pixels{envs}, got {size[0]} by {size[1]}.')
    if max(size) > MOST:
        raise ValueError(f'size must be at most {MOST:,} by {MOST:,} pixels, got {size[0]:,} by {size[1]:,}.')


class StatePlot:
    """Picture of one env that is brought up to date rather than drawn anew: what stands still is drawn once a map.

    Args:
        snapshot: The env.
        size: The picture's width and height, in pixels.

    Attributes:
        figure: The picture.

    Raises:
        ValueError: if the picture is smaller than 64 by 64 pixels, or larger than 16,384 by 16,384.
    """

    def __init__(self, snapshot: Snapshot, size: tuple[int, int] = (960, 540)) -> None:
        if not isinstance(snapshot, Snapshot):
            raise ValueError(f'snapshot must be what env.snapshot returns, got {type(snapshot).__name__}.')  # noqa: TRY004
        check_size(size)
        dpi = 100 * min(side / usual for side, usual in zip(size, USUAL, strict=True))
        width, height = size[0] / dpi, size[1] / dpi
        self.figure = Picture(width=width, height=height, colour=NIGHT, dpi=dpi)
        self._layout, self._map_id = _layout(snapshot), -1
        self._still: list[Artist] = []
        self._background: Any = None
        self._plan = self.figure.axes_at(0.2, 0.2, 0.57 * width - 0.3, height - 0.4)
        left, right = 0.57 * width + 0.2, width - 0.35
        self._agents, self._overlays = _Agents(self._plan, snapshot), OverlayArtists(self._plan)
        top = height - 0.35
        if snapshot.title:
            self.figure.write(left, top, snapshot.title, color=BRIGHT, fontsize=12, fontweight='bold', va='top')
            top -= 0.42
        self._numbers = _Numbers(self.figure, snapshot, left=left, right=right, top=top)
        self._strips = _Strips(self.figure, snapshot, left=left, right=right, top=self._numbers.bottom, bottom=0.35)
        self.update(snapshot)

    def update(self, snapshot: Snapshot) -> None:
        """Shows another moment.

        Raises:
            ValueError: if the snapshot has other agents, cameras, pixels or values than the first had.
        """
        if (layout := _layout(snapshot)) != self._layout:
            raise ValueError(f'snapshot must show {self._layout}, as the first did, got {layout}.')
        if snapshot.map_id != self._map_id:
            self._change_map(snapshot)
        for part in (self._agents, self._overlays, self._numbers, self._strips):
            part.update(snapshot)

    def frame(self) -> UInt8[np.ndarray, 'height width 3']:
        """Draws the picture as sRGB bytes."""
        parts = (self._agents, self._overlays, self._numbers, self._strips)
        moving = sorted((artist for part in parts for artist in part.artists), key=Artist.get_zorder)
        if self._background is None:
            self._background = self._draw_background(moving)
        canvas: Any = self.figure.canvas
        canvas.restore_region(self._background)
        for artist in moving:
            self.figure.draw_artist(artist)
        return np.asarray(canvas.buffer_rgba())[..., :3].copy()

    def _draw_background(self, moving: list[Artist]) -> Any:
        for artist in moving:
            artist.set_visible(False)
        canvas: Any = self.figure.canvas
        canvas.draw()
        for artist in moving:
            artist.set_visible(True)
        return canvas.copy_from_bbox(self.figure.bbox)

    def _change_map(self, snapshot: Snapshot) -> None:
        for artist in self._still:
            artist.remove()
        self._still = draw_map(self._plan, snapshot)
        reach = max(abs(high - low) for low, high in (self._plan.get_xlim(), self._plan.get_ylim()))
        self._agents.begin(max(reach / LARGEST, 1))
        self._overlays.forget()
        self._map_id, self._background = snapshot.map_id, None


def _layout(snapshot: Snapshot) -> str:
    pictures = [(name, *depth.shape[1:]) for name, depth in by_name(snapshot.depth).items()]
    cameras = '; '.join(
        ' '.join(filter(None, (name, f'{count} cameras, {pixels} pixels'))) for name, count, pixels in pictures
    )
    return f'{len(snapshot.positions)} agents, {cameras} and values of {list(snapshot.values)}'


class _Sight(NamedTuple):
    """The view of one camera of one agent."""

    agent: int
    name: str
    eye: Float[np.ndarray, ' 2']
    ray_ends: Float[np.ndarray, 'ray 2']
    rgb: Float[np.ndarray, '3 pixel']
    depth: Float[np.ndarray, ' pixel']


def _sights(snapshot: Snapshot) -> Iterator[_Sight]:
    """The views of all cameras, agent by agent."""
    fields = [by_name(field) for field in (snapshot.eyes, snapshot.ray_ends, snapshot.rgb, snapshot.depth)]
    for agent in range(len(snapshot.positions)):
        for kind, depth in fields[-1].items():
            for camera in range(depth.shape[1]):
                names = (f'agent {agent}', kind, f'camera {camera}' if depth.shape[1] > 1 else '')
                seen = (field[kind][agent, camera] for field in fields)
                yield _Sight(agent, ', '.join(filter(None, names)), *seen)


class _Agents:
    """The agents on the plan: where they were, what they see, their outlines and which way they face."""

    def __init__(self, axes: Axes, snapshot: Snapshot) -> None:
        agents, self._scale = len(snapshot.positions), 1.0
        self._hues, self._past = hues(agents), [deque[np.ndarray](maxlen=TRAIL) for _ in range(agents)]
        eyes = [self._hues[agent] for agent, *_ in _sights(snapshot)]
        beams = np.tile(eyes, (len(BEAMS), 1))
        beams[:, 3] = np.repeat([opacity for _, opacity in BEAMS], len(eyes))
        self._beams = PolyCollection([], facecolors=beams, linewidths=0)
        self._trails = LineCollection([], linewidths=1)
        self._bodies = PolyCollection([], facecolors=np.tile(shown(snapshot.side_colours), (agents, 1)), linewidths=0)
        self._darts = PolyCollection([], facecolors=self._hues, linewidths=0)
        self.artists = [self._trails, self._beams, self._bodies, self._darts]
        for height, artist in zip((5, 6, 8, 10), self.artists, strict=True):  # overlays are in between
            artist.set_zorder(height)
            axes.add_collection(artist, autolim=False)

    def update(self, snapshot: Snapshot) -> None:
        sights = list(_sights(snapshot))
        self._beams.set_verts([_fan(sight.eye, sight.ray_ends, reach) for reach, _ in BEAMS for sight in sights])
        middles = snapshot.positions[:, None]
        sides = middles[..., None, :] + self._scale * (snapshot.outlines - middles[..., None, :])
        hubs = np.broadcast_to(middles[:, :, None], (*sides.shape[:2], 1, 2))
        self._bodies.set_verts(list(np.concatenate([sides, hubs], axis=2).reshape(-1, 3, 2)))
        cos, sin = np.cos(np.radians(snapshot.angles)), np.sin(np.radians(snapshot.angles))
        turns = np.stack([cos, sin, -sin, cos], axis=-1).reshape(-1, 2, 2)
        self._darts.set_verts(list(middles + self._scale * np.array(DART) @ turns))
        self._lengthen_trails(snapshot.positions)

    def begin(self, scale: float) -> None:
        """Drops the trails, as another map begins, in which agents are drawn so many times as large as they are."""
        self._scale = scale
        for past in self._past:
            past.clear()

    def _lengthen_trails(self, positions: Float[np.ndarray, 'agent 2']) -> None:
        segments: list[tuple[np.ndarray, np.ndarray]] = []
        colours: list[tuple[float, ...]] = []
        for past, position, hue in zip(self._past, positions, self._hues, strict=True):
            if past and np.linalg.norm(position - past[-1]) > LEAP:
                past.clear()
            past.append(position)
            fading = np.linspace(1, 0, TRAIL)[: len(past) - 1][::-1]
            segments += pairwise(past)
            colours += [(*hue[:3], 0.6 * share) for share in fading]
        self._trails.set(segments=segments, color=colours)


def _fan(eye: Float[np.ndarray, ' 2'], ends: Float[np.ndarray, 'ray 2'], reach: float) -> Float[np.ndarray, 'corner 2']:
    """The visible region from a place, as far as the reach, in metres."""
    rays = ends - eye
    lengths = np.linalg.norm(rays, axis=-1, keepdims=True).clip(min=1e-6)
    return np.concatenate([eye[None], eye + (reach / lengths).clip(max=1) * rays])


class _Numbers:
    """The map's number and the snapshot's values, each below its name."""

    def __init__(self, figure: Picture, snapshot: Snapshot, *, left: float, right: float, top: float) -> None:
        self.artists: list[Any] = []
        pitch = (right - left) / PER_ROW
        most = PER_ROW * max(1, int((top - STRIPS) / ROW))
        for i, name in enumerate(list(_captions(snapshot))[:most]):
            x, y = left + pitch * (i % PER_ROW), top - ROW * (i // PER_ROW)
            figure.write(x, y, name.replace('_', ' '), color=DIM, fontsize=7.5, va='top')
            self.artists.append(figure.write(x, y - 0.19, '', color=BRIGHT, fontsize=13, va='top'))
        self.bottom: float = top - ROW * (-(-len(self.artists) // PER_ROW)) - 0.15

    def update(self, snapshot: Snapshot) -> None:
        for artist, value in zip(self.artists, _captions(snapshot).values(), strict=False):
            artist.set_text(f'{value:,.0f}' if value == round(value) else f'{value:,.2f}')


def _captions(snapshot: Snapshot) -> dict[str, float]:
    return {'map': snapshot.map_id, **snapshot.values}


class _Strips:
    """The pixels of each camera: a strip of colour and below it one of depth, brighter where nearer."""

    def __init__(
        self, figure: Picture, snapshot: Snapshot, *, left: float, right: float, top: float, bottom: float
    ) -> None:
        self.artists: list[Any] = []
        agents, sights = hues(len(snapshot.positions)), list(_sights(snapshot))
        pitch = min((top - bottom) / len(sights), 3.2)
        for row, sight in enumerate(sights):
            y, label = top - row * pitch, min(0.24, 0.3 * pitch)
            style = {'fontsize': 33 * label, 'va': 'center'}
            figure.write(left, y - label / 2, sight.name, color=agents[sight.agent], **style)
            if row == 0:
                figure.write(right, y - label / 2, 'colour above, depth below', color=DIM, ha='right', **style)
            room = 0.86 * pitch - label
            self._add(figure, left, y - label - 0.66 * room, right - left, 0.66 * room)
            self._add(figure, left, y - label - room, right - left, 0.31 * room)

    def _add(self, figure: Picture, left: float, bottom: float, width: float, height: float) -> None:
        axes = figure.axes_at(left, bottom, width, height)
        blank = np.zeros((1, 1))
        self.artists.append(axes.imshow(blank, aspect='auto', interpolation='nearest', cmap='gray', vmin=0, vmax=1))

    def update(self, snapshot: Snapshot) -> None:
        strips = [strip for sight in _sights(snapshot) for strip in (shown(sight.rgb.T)[None], sight.depth[None])]
        for artist, strip in zip(self.artists, strips, strict=True):
            artist.set_data(strip)
            artist.set_extent((0, 1, 0, 1))
