"""Leagues of opponents: policies, which may be recurrent, that others are trained or evaluated against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Int
from torch import Tensor
from torch.utils._pytree import tree_map

from megastep.env import Env
from megastep.evaluation.agent_streams import drawn_by_episode
from megastep.evaluation.opponents import Memory, Opponents
from megastep.evaluation.play import Act, SupportsActor


@runtime_checkable
class SupportsState(Protocol):
    """Actor that says what it keeps from step to step, so that it can be kept with all else that a run depends on."""

    state: dict[str, Tensor]
    """Tensors by name, with a row for each of its rows, written in place."""
    generator: torch.Generator
    """What it draws with."""


def league(
    env: Env, policies: Sequence[SupportsActor], count: int = 1, *, greedy: bool = False, seed: int = 0
) -> Opponents:
    """League of opponents: the last agents of each world act by policies, which may be recurrent.

    The worlds are dealt out to the policies in turn, for good, so that many of them take no longer than one, and each
    map that has as many worlds as there are policies has them all. All opponents of a world act by the same. In fixed
    episodes they draw from a stream of each episode's own, so that those of one policy are the same in any batch.

    Args:
        env: The env.
        policies: The policies, such as trained agents: at most as many as there are worlds.
        count: How many opponents each world has.
        greedy: Take the likeliest action; otherwise draw one.
        seed: Seeds what is drawn.

    Raises:
        ValueError: if there are no policies or more than worlds, or nobody but opponents would be left in a world.
    """
    worlds, agents = env.core.num_envs, env.core.num_agents
    if not 1 <= len(policies) <= worlds:
        raise ValueError(f'policies must be from 1 to {worlds}, one a world, got {len(policies)}.')
    mask = last_agents(env, count)
    turns = torch.arange(env.num_envs, device=env.device) // agents % len(policies)
    seats: list[Seat] = []
    memories: list[Memory] = []
    for number, policy in enumerate(policies):
        rows = (mask & (turns == number)).nonzero()[:, 0]
        actor = policy.actor(len(rows), greedy=greedy, seed=seed + number)
        memories += [Memory(rows, actor.state, actor.generator)] if isinstance(actor, SupportsState) else []
        seats.append(Seat(rows, drawn_by_episode(actor, env, seed + number, rows)))
    return Opponents(mask, Seats(seats, env.num_envs), tuple(memories))


def last_agents(env: Env, count: int) -> Bool[Tensor, ' row']:
    """The rows of the last agents of each world.

    Args:
        env: The env.
        count: How many of each world.

    Raises:
        ValueError: if there are none, or nobody else would be left.
    """
    agents = env.core.num_agents
    if not isinstance(count, int) or not 1 <= count < agents:
        raise ValueError(f'opponents must be an integer from 1 to {agents - 1}, for worlds of {agents}, got {count!r}.')
    return torch.arange(env.num_envs, device=env.device) % agents >= agents - count


class Seat(NamedTuple):
    """Seat at the table: who acts in some rows."""

    rows: Int[Tensor, ' chosen']
    """The rows' numbers."""
    act: Act
    """Picks their actions."""


class Seats:
    """Actor for all rows, in which each seat acts in its own; what it does in rows that nobody has isn't to be used.

    Args:
        seats: The seats.
        num_rows: How many rows there are.
    """

    def __init__(self, seats: Sequence[Seat], num_rows: int) -> None:
        self._seats, self._num_rows = seats, num_rows

    def __call__(self, observations: Any, begins: Bool[Tensor, ' row']) -> Any:
        """The next actions, nested as their space is, given what is seen and where an episode begins with it."""
        actions: Any = None
        for rows, act in self._seats:
            chosen = tree_map(lambda values, rows=rows: values.index_select(0, rows), (observations, begins))
            acted = act(*chosen)
            if actions is None:
                actions = tree_map(lambda values: values.new_zeros((self._num_rows, *values.shape[1:])), acted)
            tree_map(lambda whole, part, rows=rows: whole.index_copy_(0, rows, part), actions, acted)
        return actions
