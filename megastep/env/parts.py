"""Parts that tasks are made of: the protocol that they share, and how an env finds them among its attributes.

A part has as much of this as it needs, and no base class:

- ``reset(mask)`` begins anew in the envs in the mask, by masked writes.
- ``state`` names the tensors that it keeps from step to step, each with a row for each env and written in place.
- ``step(...)`` is called once a step, by a task's `Env._act`.
- ``check_state(state, map_ids)`` refuses what its state can't be, before it is written.
- ``observe(...)`` is called for observations, by a task's `Env._observe`. Twice must be the same as once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from jaxtyping import Bool
from torch import Tensor

from megastep.world.buffers import check_mask
from megastep.world.core import Core


@runtime_checkable
class Resettable(Protocol):
    """A part that begins anew with an episode."""

    def reset(self, mask: Bool[Tensor, ' env']) -> None:
        """Begins anew in the envs in the mask, by masked writes."""


@runtime_checkable
class Stateful(Protocol):
    """A part that keeps tensors from step to step."""

    @property
    def state(self) -> Mapping[str, Tensor]:
        """The tensors that it keeps, by name: with a row for each env, allocated once and written in place."""


@runtime_checkable
class Checking(Protocol):
    """A part that knows what its state can't be."""

    def check_state(self, state: Mapping[str, Tensor], map_ids: Tensor) -> None:
        """Raises a `ValueError` if a state of tensors like its own, of envs in these maps, can't be."""


Part = Resettable | Stateful
"""A part of a task that an env finds: one that begins anew, that keeps something, or both."""


def parts_of(owner: object) -> dict[str, Part]:
    """Finds the parts among an object's attributes, as `torch.nn.Module` finds modules.

    Returns:
        Each part once, by its attribute's name without leading underscores, in the order in which they were set.

    Raises:
        ValueError: if two parts go by one name.
    """
    parts: dict[str, Part] = {}
    for attribute, value in vars(owner).items():
        if isinstance(value, type) or not isinstance(value, Resettable | Stateful):
            continue
        if any(value is part for part in parts.values()):
            continue
        name = attribute.lstrip('_')
        if name in parts:
            raise ValueError(f'parts must have names of their own, got two called {name!r}.')
        parts[name] = value
    return parts


def part_of(owner: object, kinds: type | tuple[type, ...]) -> Any:
    """The first of an object's parts that is of a kind, or of one of several; None if none is."""
    return next((part for part in parts_of(owner).values() if isinstance(part, kinds)), None)


def agents_in(mask: Bool[Tensor, ' env'] | Bool[Tensor, 'env agent'], core: Core) -> Bool[Tensor, 'env agent']:
    """All agents of the envs in a mask; a mask of agents stays as it is.

    Raises:
        ValueError: if the mask isn't a bool for each env, or for each agent.
    """
    crowd = (core.num_envs, core.num_agents)
    of_agents = getattr(mask, 'ndim', 1) == 2
    check_mask(mask, crowd if of_agents else crowd[:1], core.device)
    return mask if of_agents else mask[:, None].expand(crowd)
