"""Learning curves that move beneath a notebook's cell, in one display that is replaced."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from IPython.display import display

from megastep.maps import picture
from megastep.plotting.curve_points import CurvePoints
from megastep.plotting.live_curves import live_curves

REFRESH = 1.0
"""The seconds between two drawings, at least."""


class NotebookCurves:
    """Learning curves beneath a notebook's cell, in one display that is replaced, at most once a second."""

    def __init__(self, scores: Sequence[str], lines: Sequence[Mapping[str, Any]], *, frames: int, total: int) -> None:
        self._scores, self._frames, self._total = scores, frames, total
        self._trained, self._tested = CurvePoints(), CurvePoints()
        for line in lines:
            known = self._tested if 'evaluation' in line else self._trained
            known.add(line['frames'], line.get('evaluation', line))
        self._begun, self._start = frames, time.monotonic()
        self._drawn = self._start
        self._handle = display(_Html(self._picture(' ')), display_id=True)

    def add_update(self, frames: int, values: Mapping[str, float]) -> None:
        """Shows an update, after so many steps."""
        self._frames = frames
        self._trained.add(frames, values)
        self._show()

    def add_evaluation(self, frames: int, means: Mapping[str, float]) -> None:
        """Shows an evaluation's mean scores, after so many steps."""
        self._tested.add(frames, means)
        self._show()

    def close(self) -> None:
        """Shows where it has ended, in a picture that stays with the notebook."""
        drawn = self._picture(f'in {_clock(time.monotonic() - self._start)}')
        self._handle.update(_Html(picture.image(drawn, f'learning curves of {self._frames:,} steps')))

    def _show(self) -> None:
        now = time.monotonic()
        if now - self._drawn < REFRESH:
            return
        self._drawn, rate = now, (self._frames - self._begun) / (now - self._start)
        left = _clock((self._total - self._frames) / rate) if rate else '?'
        self._handle.update(_Html(self._picture(f'{rate:,.0f} a second · {left} left')))

    def _picture(self, words: str) -> str:
        caption = f'{self._frames:,} of {self._total:,} steps · {words}'
        share = self._frames / max(self._total, 1)
        return live_curves(self._trained.curves(), self._tested.curves(), self._scores, share=share, caption=caption)


class _Html:
    """HTML for IPython to show; where it can't be shown, nothing is."""

    def __init__(self, text: str) -> None:
        self._text = text

    def _repr_html_(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return 'learning curves'


def _clock(seconds: float) -> str:
    """A duration, as clocks have it: 0:05, 12:30, 1:00:00."""
    minutes, rest = divmod(round(seconds), 60)
    return f'{minutes // 60}:{minutes % 60:02}:{rest:02}' if minutes >= 60 else f'{minutes}:{rest:02}'
