"""Points of learning curves in bounded memory, however long a run is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from megastep.plotting.curves import LEFT_OUT

MOST = 256
"""The most points that a curve has."""


class CurvePoints:
    """Points of several curves, by name: the means of windows of steps, which double as the curves grow."""

    def __init__(self) -> None:
        self._curves: dict[str, _Curve] = {}

    def add(self, frames: int, values: Mapping[str, Any]) -> None:
        """Adds a point to the curve of each value that is a finite number."""
        for name, value in values.items():
            if name not in LEFT_OUT and isinstance(value, (int, float)) and math.isfinite(value):
                self._curves.setdefault(name, _Curve()).add(frames, value)

    def curves(self) -> dict[str, Float[np.ndarray, 'point 2']]:
        """Steps and values of each curve, at most `MOST` points, in the order in which they came up."""
        return {name: curve.points() for name, curve in self._curves.items()}


class _Curve:
    """One curve. Its last window isn't full."""

    def __init__(self) -> None:
        self._means: list[tuple[float, float]] = []
        self._window: list[tuple[float, float]] = []
        self._wide = 1

    def add(self, frames: int, value: float) -> None:
        self._window.append((frames, value))
        if len(self._window) < self._wide:
            return
        self._means.append(_mean(self._window))
        self._window = []
        if len(self._means) == MOST:
            self._means = [_mean(self._means[i : i + 2]) for i in range(0, MOST, 2)]
            self._wide *= 2

    def points(self) -> Float[np.ndarray, 'point 2']:
        return np.array([*self._means, *([_mean(self._window)] if self._window else [])], dtype=float)


def _mean(points: list[tuple[float, float]]) -> tuple[float, float]:
    """The mean value, at the last of the steps."""
    return points[-1][0], sum(value for _, value in points) / len(points)
