"""Overlays: what a task has drawn into pictures of an env, beside its map and agents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Shaped
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Points:
    """Overlay of points of interest, such as agents' goals: each is drawn as a square on its corner.

    Args:
        positions: Where they are, in metres.
        colours: Theirs, in linear RGB; by default an only one has the colour of goals, and of several the first has
            the first agent's own, and so on.
        labels: What is written beside each; by default nothing.

    Raises:
        ValueError: if a shape is wrong, or there are not as many colours or labels as points.
    """

    positions: Float[np.ndarray, 'point 2'] | Any
    colours: Float[np.ndarray, 'point 3'] | Any = None
    labels: Sequence[str] = ()

    def __post_init__(self) -> None:
        check_shape('positions', self.positions, (None, 2))
        _check_colours(self.colours, len(self.positions))
        if len(self.labels) not in (0, len(self.positions)):
            raise ValueError(f'labels must be as many as points, {len(self.positions)}, got {len(self.labels)}.')


@dataclass(frozen=True, eq=False)
class Segments:
    """Overlay of line segments, such as shots.

    Args:
        ends: Where each begins and ends, in metres; NaN where there is none.
        colours: Theirs, in linear RGB; by default the first has the first agent's own colour, and so on.

    Raises:
        ValueError: if a shape is wrong, or there are not as many colours as segments.
    """

    ends: Float[np.ndarray, 'segment 2 2'] | Any
    colours: Float[np.ndarray, 'segment 3'] | Any = None

    def __post_init__(self) -> None:
        check_shape('ends', self.ends, (None, 2, 2))
        _check_colours(self.colours, len(self.ends))


@dataclass(frozen=True, eq=False)
class Shares:
    """Overlay of shares that agents have, such as of their health: as much is drawn of a ring around each.

    Args:
        values: Each agent's, from 0 to 1.

    Raises:
        ValueError: if the shape is wrong.
    """

    values: Float[np.ndarray, ' agent'] | Any

    def __post_init__(self) -> None:
        check_shape('values', self.values, (None,))


@dataclass(frozen=True, eq=False)
class Discs:
    """Overlay of discs, such as a core's markers.

    Args:
        positions: Where their middles are, in metres.
        radii: In metres.
        colours: Theirs, in linear RGB; by default the first has the first agent's own colour, and so on.

    Raises:
        ValueError: if a shape is wrong, or there are not as many radii or colours as discs.
    """

    positions: Float[np.ndarray, 'disc 2'] | Any
    radii: Float[np.ndarray, ' disc'] | Any
    colours: Float[np.ndarray, 'disc 3'] | Any = None

    def __post_init__(self) -> None:
        check_shape('positions', self.positions, (None, 2))
        check_shape('radii', self.radii, (len(self.positions),))
        _check_colours(self.colours, len(self.positions))


@dataclass(frozen=True, eq=False)
class Marks:
    """Overlay of events: agents to whom something has just happened. Films leave a mark at the place for a moment.

    Args:
        agents: Whether it has, for each agent.
        meaning: Of what sort it is: ``'success'``, where the agent is, or ``'death'``, where it was a step ago.

    Raises:
        ValueError: if the shape is wrong, or there is no such meaning.
    """

    agents: Bool[np.ndarray, ' agent'] | Any
    meaning: str

    def __post_init__(self) -> None:
        check_shape('agents', self.agents, (None,))
        if self.meaning not in ('success', 'death'):
            raise ValueError(f"meaning must be 'success' or 'death', got {self.meaning!r}.")


Overlay = Points | Segments | Shares | Discs | Marks
"""Something that a picture of an env shows beside its map and agents."""


def check_overlay(overlay: Any, place: int, env: int) -> None:
    """Raises a `ValueError` unless what an env has drawn in some place among its overlays is one."""
    if not isinstance(overlay, Overlay):
        kinds = 'Points, Segments, Shares, Discs or Marks'
        raise ValueError(f'overlay {place} of env {env} must be {kinds}, got {overlay!r}.')  # noqa: TRY004


class BatchedOverlay:
    """Batched overlay: an overlay of each env, as the tensors that they are drawn from and how one is drawn.

    A recording copies its envs' rows of the tensors and has them drawn when it is over, all together. So a step costs
    less than where `Env` is asked for each env's overlays, and many envs cost what one does.

    >>> goals = BatchedOverlay(Points, positions=torch.zeros(8, 1, 2))  # one point in each of 8 envs
    >>> goals[3].positions
    tensor([[0., 0.]])

    Args:
        draw: A function of one env's fields, by name, that returns its overlay: `Points`, `Segments`, `Shares`, `Discs`
            and `Marks` are such. It depends on nothing else that changes, and is one that `torch.vmap` takes: it may
            compute with tensors, but not decide anything by their values.
        fields: What it is drawn from: tensors with an axis of envs before their own, (env, ...), and whatever else
            holds for all envs, such as labels.

    Attributes:
        draw: The function.
        fields: The fields.
    """

    def __init__(self, draw: Callable[..., Overlay], **fields: Any) -> None:
        self.draw, self.fields = draw, fields

    @property
    def tensors(self) -> dict[str, Shaped[Tensor, 'env ...']]:
        """The fields that have a row for each env."""
        return {name: value for name, value in self.fields.items() if isinstance(value, Tensor)}

    def __getitem__(self, env: int) -> Overlay:
        """The overlay of one env.

        Raises:
            ValueError: if no field is a tensor, or not all of them have as many rows.
        """
        counts = {name: len(value) if value.ndim else 0 for name, value in self.tensors.items()}
        if not counts:
            got = ', '.join(self.fields) or 'nothing'
            raise ValueError(f'a batched overlay must have a tensor with a row for each env, got {got}.')
        if len(set(counts.values())) > 1:
            got = ', '.join(f'{count} of {name}' for name, count in counts.items())
            raise ValueError(f'tensors of a batched overlay must have a row for each env, got {got}.')
        return self.drawn({name: value[env] for name, value in self.tensors.items()})

    def drawn(self, rows: Mapping[str, Tensor]) -> Overlay:
        """The overlay of an env whose rows of the tensors these are."""
        return self.draw(**{**self.fields, **rows})

    def __repr__(self) -> str:
        return f'{type(self).__name__}({self.draw!r}, {", ".join(self.fields)})'


def check_shape(name: str, values: np.ndarray | Tensor, shape: tuple[int | None, ...]) -> None:
    """Raises ValueError unless an array has a shape, in which None stands for any size."""
    found = tuple(values.shape)
    if len(found) != len(shape) or any(size not in (None, got) for size, got in zip(shape, found, strict=True)):
        expected = ', '.join('any' if size is None else str(size) for size in shape)
        raise ValueError(f'{name} must have shape ({expected}), got {found}.')


def _check_colours(colours: np.ndarray | Tensor | None, count: int) -> None:
    if colours is not None:
        check_shape('colours', colours, (count, 3))
