"""Progress displays of a run: a text bar in a terminal, and curves that move in a notebook."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from tqdm import tqdm

SHOWN = 2
"""The number of scores that the bar shows: of PointGoal, success and SPL."""


class Progress(Protocol):
    """Progress display: is told of updates and evaluations, and shows them."""

    def add_update(self, frames: int, values: Mapping[str, float]) -> None:
        """Shows an update, after so many steps."""

    def add_evaluation(self, frames: int, means: Mapping[str, float]) -> None:
        """Shows an evaluation's mean scores, after so many steps."""

    def close(self) -> None:
        """Shows the end."""


def in_notebook() -> bool:
    """True in a notebook's kernel, which can show pictures and replace them."""
    ipython = sys.modules.get('IPython')
    return ipython is not None and hasattr(ipython.get_ipython(), 'kernel')


def progress(scores: Sequence[str], lines: Sequence[Mapping[str, Any]], *, frames: int, total: int) -> Progress:
    """A progress display that fits where the process runs.

    Args:
        scores: The env's scores, the most telling first: see `Env.scores`.
        lines: The lines of the log of what has been made before.
        frames: How many steps have been made already.
        total: How many will have been made in the end.
    """
    if in_notebook():
        from megastep.learning.run.notebook_curves import NotebookCurves  # here, as other processes draw nothing

        return NotebookCurves(scores, lines, frames=frames, total=total)
    return TextBar(scores, frames=frames, total=total)


class NoProgress:
    """Progress display that shows nothing."""

    def add_update(self, frames: int, values: Mapping[str, float]) -> None: ...
    def add_evaluation(self, frames: int, means: Mapping[str, float]) -> None: ...
    def close(self) -> None: ...


class TextBar:
    """Text bar of a terminal, with the scores that tell most, or the return if there are none."""

    def __init__(self, scores: Sequence[str], *, frames: int, total: int) -> None:
        self._names, self._frames = scores[:SHOWN] or ('return',), frames
        self._bar = tqdm(total=total, initial=frames, unit=' steps', unit_scale=True, smoothing=0.3)
        self._shown: dict[str, str] = {}

    def add_update(self, frames: int, values: Mapping[str, float]) -> None:
        """Shows an update, after so many steps."""
        self._bar.update(frames - self._frames)
        self._frames = frames
        self._show('', values)

    def add_evaluation(self, frames: int, means: Mapping[str, float]) -> None:
        """Shows an evaluation's mean scores."""
        self._show('test ', means)

    def _show(self, prefix: str, values: Mapping[str, float]) -> None:
        self._shown |= {f'{prefix}{name}': f'{values[name]:.3g}' for name in self._names if name in values}
        self._bar.set_postfix(self._shown, refresh=False)

    def close(self) -> None:
        """Leaves the bar as it is."""
        self._bar.close()
