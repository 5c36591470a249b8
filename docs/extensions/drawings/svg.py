"""SVG in metres: lines, shapes and words, whose colours the site's style sheet decides by their classes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

Point = Sequence[float]


class Picture:
    """A picture: x is right and y is up.

    Args:
        low: Its lower left corner.
        high: Its upper right corner.
        scale: Pixels to a unit.
    """

    def __init__(self, low: Point, high: Point, scale: float = 60) -> None:
        self._low, self._high, self._scale = low, high, scale
        self._parts: list[str] = []

    def _at(self, point: Point) -> tuple[str, str]:
        x, y = (point[0] - self._low[0]) * self._scale, (self._high[1] - point[1]) * self._scale
        return f'{x:.1f}', f'{y:.1f}'

    def line(self, points: Sequence[Point] | np.ndarray, style: str, *, closed: bool = False) -> None:
        """Draws a line through points; a polygon if it is closed."""
        places = ' '.join(','.join(self._at(point)) for point in points)
        self._parts.append(f'<{"polygon" if closed else "polyline"} class="{style}" points="{places}"/>')

    def arrow(self, start: Point, end: Point, style: str) -> None:
        """Draws an arrow."""
        along = np.subtract(end, start) / np.hypot(*np.subtract(end, start)) * 9 / self._scale
        across = np.array([-along[1], along[0]]) / 2.2
        self.line([start, end], style)
        self.line([end - along + across, end, end - along - across], style)

    def circle(self, middle: Point, radius: float, style: str) -> None:
        """Draws a circle."""
        x, y = self._at(middle)
        self._parts.append(f'<circle class="{style}" cx="{x}" cy="{y}" r="{radius * self._scale:.1f}"/>')

    def words(self, point: Point, text: str, style: str = 'note', anchor: str = 'middle') -> None:
        """Writes words at a point."""
        x, y = self._at(point)
        self._parts.append(f'<text class="{style}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>')

    def svg(self, alt: str) -> str:
        """The picture, with what it shows in words."""
        width, height = (np.subtract(self._high, self._low) * self._scale).round().astype(int)
        head = f'<svg role="img" aria-label="{escape(alt)}" viewBox="0 0 {width} {height}" width="{width}">'
        return f'{head}{"".join(self._parts)}</svg>'


def arc(middle: Point, radius: float, first: float, last: float, count: int = 24) -> np.ndarray:
    """Points of an arc between two angles in degrees."""
    turns = np.radians(np.linspace(first, last, count))
    return np.asarray(middle) + radius * np.stack([np.cos(turns), np.sin(turns)], axis=-1)
