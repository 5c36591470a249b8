"""Pictures of envs: a snapshot that draws itself in a notebook, and frames in which agents leave trails."""

from __future__ import annotations

import base64
import html
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from megastep.world.snapshot import Snapshot

if TYPE_CHECKING:
    from megastep.plotting import Picture, StatePlot


class EnvSnapshot(Snapshot):
    """Snapshot of an env, which draws itself in a notebook as `Env.plot_state` does."""

    def _repr_html_(self) -> str:
        png = base64.b64encode(plot(self)._repr_png_()).decode()
        return f'<img alt="{html.escape(repr(self))}" style="max-width:100%" src="data:image/png;base64,{png}">'


def plot(snapshot: Snapshot) -> Picture:
    """Draws a snapshot."""
    from megastep import plotting  # here, so that training needs no drawing library

    return plotting.plot_state(snapshot)


class Frames:
    """Frames of envs, drawn one after the other. A copy of them begins anew: what has been drawn isn't pickled."""

    def __init__(self) -> None:
        self._plots: dict[int, StatePlot] = {}

    def next(self, env: int, snapshot: Snapshot) -> UInt8[np.ndarray, 'height width 3']:
        """Draws an env, with the trails that its agents have left in the frames before.

        Args:
            env: The env's number.
            snapshot: The env as it is now.
        """
        from megastep import plotting  # here, so that training needs no drawing library

        if env not in self._plots:
            self._plots[env] = plotting.StatePlot(snapshot)
        self._plots[env].update(snapshot)
        return self._plots[env].frame()

    def __reduce__(self) -> tuple[type[Frames], tuple[()]]:
        return Frames, ()
