"""Figures and patches that all pictures share: a figure that needs no set-up, and areas with holes."""

from __future__ import annotations

import io
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline
from matplotlib.text import Text

from megastep.maps.segments import windings
from megastep.maps.storage import atomic

DEEP = 0.14
"""Walls are drawn as a band this deep around the free space, in metres."""

INK, FADED, RULE, FAINT = '#757b86', '#868c97', '#808080', 0.25
"""Greys for pictures without a ground of their own, which read on light pages and on dark ones: what is written, with a
contrast of 4 to 1 to either, what beside, with 3.3 to 1, and thin lines, with how opaque they are."""

JOIN = 1e-5
"""Wall ends nearer than this, in metres, meet."""


class Picture(Figure):
    """matplotlib figure that shows itself in a notebook without any set-up, and touches no state of pyplot's.

    Without a ``colour`` the page is seen through it.
    """

    def __init__(self, *, width: float, height: float, colour: str = 'none', dpi: float = 100) -> None:
        # matplotlib cuts pixels off to integers, and 1.15 * 100 is 114.99...
        inches = [math.nextafter(side, math.inf) for side in (width, height)]
        super().__init__(figsize=(inches[0], inches[1]), dpi=dpi, facecolor=colour)
        FigureCanvasAgg(self)

    def savefig(self, fname: Any, **options: Any) -> None:
        """Writes the picture, to a file as a whole or not at all: what stood there before stays until then."""
        if not isinstance(fname, (str, os.PathLike)):
            super().savefig(fname, **options)
            return
        with atomic.replacing(Path(fname)) as beside:
            super().savefig(beside, **options)

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format='png', dpi=200)
        return buffer.getvalue()

    def axes_at(self, left: float, bottom: float, width: float, height: float) -> Axes:
        """Adds bare axes at a place given in inches from the lower left corner."""
        across, up = self.get_size_inches()
        axes = self.add_axes((left / across, bottom / up, width / across, height / up))
        axes.set_axis_off()
        axes.set_facecolor('none')
        return axes

    def panel_at(self, left: float, bottom: float, width: float, height: float, name: str) -> Axes:
        """Adds axes for a statistic of that name, with scales and thin lines."""
        axes = self.axes_at(left, bottom, width, height)
        axes.set_axis_on()
        axes.set_title(
            name.replace('_', ' '), loc='left', fontsize=9, color=INK, fontweight='bold', pad=4, parse_math=False
        )
        axes.tick_params(labelsize=7, colors=FADED, length=2)
        axes.grid(color=RULE, alpha=FAINT, linewidth=0.6)
        axes.spines[['top', 'right']].set_visible(False)
        axes.spines[['left', 'bottom']].set_color(FADED)
        return axes

    def write(self, x: float, y: float, text: str, **style: Any) -> Text:
        """Adds text at a place given in inches from the lower left corner."""
        across, up = self.get_size_inches()
        return self.text(x / across, y / up, text, parse_math=False, **style)


def frame_on(axes: Axes, low: Float[np.ndarray, ' 2'], high: Float[np.ndarray, ' 2']) -> None:
    """Fits the metres from one corner to another into the axes, in the middle and undistorted."""
    box = axes.get_window_extent()
    scale = max((high[0] - low[0]) / box.width, (high[1] - low[1]) / box.height)
    (x, y), across, up = (low + high) / 2, scale * box.width / 2, scale * box.height / 2
    axes.set(xlim=(x - across, x + across), ylim=(y - up, y + up))


def free_space(walls: Float[np.ndarray, 'wall 2 2']) -> shapely.Geometry:
    """Free space: the area to the left of walls."""
    noded = shapely.union_all(shapely.linestrings(walls), grid_size=JOIN)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    middles = shapely.get_coordinates(shapely.point_on_surface(faces))
    return shapely.union_all(faces[windings(middles, walls) > 0])


def patch(area: shapely.Geometry, **style: Any) -> PathPatch:
    """A filled area, holes and all."""
    polygons = [part for part in shapely.get_parts(area) if isinstance(part, shapely.Polygon) and not part.is_empty]
    rings = [ring for polygon in shapely.orient_polygons(polygons) for ring in (polygon.exterior, *polygon.interiors)]
    paths = [Outline(shapely.get_coordinates(ring), closed=True) for ring in rings]
    # Not snapped to pixels: those with only upright and level sides would be, and come apart from those without.
    return PathPatch(Outline.make_compound_path(*paths), linewidth=0, snap=False, **style)
