"""Plays an exact number of episodes in every row of an env, and says how they went."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from gymnasium.vector import AutoresetMode
from jaxtyping import Bool, Float, Int
from torch import Tensor

from megastep.env import Env
from megastep.evaluation.opponents import Opponents
from megastep.learning.model.policy import Policy
from megastep.learning.rollout import scores

GLANCE = 16
"""After so many steps it is asked again whether all have ended: asking waits for the device."""

Act = Callable[[Any, Bool[Tensor, ' row']], Tensor]
"""Picks all rows' actions, given their observations and in which of them an episode has just begun."""


class Actor:
    """A policy that acts, and remembers what it saw since each episode began.

    Args:
        policy: The policy.
        rows: How many rows the env has.
        greedy: Take the likeliest action; otherwise draw one.
        seed: Seeds what is drawn.
    """

    def __init__(self, policy: Policy, rows: int, *, greedy: bool = False, seed: int = 0) -> None:
        self._policy, self._greedy, self._memory = policy, greedy, policy.blank(rows)
        self._generator = torch.Generator(self._memory.device).manual_seed(seed)

    @torch.no_grad()
    def __call__(self, observations: Any, begins: Bool[Tensor, ' row']) -> Tensor:
        """Picks the next actions, given what is seen and where an episode begins with it."""
        choice = self._policy.choice
        numbers, _, self._memory, _ = self._policy.step(observations, self._memory, begins)
        drawn = choice.mode(numbers) if self._greedy else choice.sample(numbers, self._generator)
        return choice.actions(drawn)


@dataclass(frozen=True)
class Evaluation:
    """How episodes went: as many in each row."""

    scores: dict[str, Float[Tensor, 'row episode']]
    """By name: ``'return'``, ``'length'`` in steps, and what the env's info says of an episode."""
    map_ids: Int[Tensor, 'row episode']
    """Which map each episode was in."""

    def means(self) -> dict[str, float]:
        """Each score's mean over all episodes."""
        return {name: float(values.mean()) for name, values in self.scores.items()}

    def spreads(self) -> dict[str, float]:
        """Each score's standard deviation among all episodes; 0 if there is only one."""
        return {name: float(values.std(correction=0)) for name, values in self.scores.items()}

    def by_map(self, name: str) -> dict[int, float]:
        """A score's mean in each map there were episodes in."""
        values, ids = self.scores[name].flatten(), self.map_ids.flatten()
        return {number: float(values[ids == number].mean()) for number in ids.unique().tolist()}


class EpisodeRecorder:
    """Notes the first few episodes that end in each row, without waiting for the device."""

    def __init__(self, rows: int, episodes: int, device: torch.device) -> None:
        self._counts = torch.zeros(rows, dtype=torch.int64, device=device)
        self._shape, self._episodes = (rows, episodes), episodes
        self._pages: dict[str, Tensor] = {}

    def note(self, info: dict[str, Any]) -> None:
        """Notes how the episodes went that a step ended."""
        wanted = info['_episode'] & (self._counts < self._episodes)
        place = self._counts.clamp(max=self._episodes - 1)[:, None]
        for name, values in {**scores(info), 'map_ids': info['episode']['map_ids']}.items():
            page = self._pages.setdefault(name, torch.zeros(self._shape, dtype=values.dtype, device=values.device))
            page.scatter_(1, place, torch.where(wanted[:, None], values[:, None], page.gather(1, place)))
        self._counts += wanted

    def is_full(self) -> bool:
        """Whether all rows have had their episodes. Waits for the device."""
        return bool((self._counts == self._episodes).all())

    def evaluation(self, rows: Bool[Tensor, ' row'] | None = None) -> Evaluation:
        """What has been noted, of all rows or of some."""
        chosen = slice(None) if rows is None else rows
        pages = {name: page[chosen].cpu() for name, page in self._pages.items()}
        ids = pages.pop('map_ids')
        return Evaluation({name: page.double() for name, page in pages.items()}, ids)


@torch.no_grad()
def evaluate(
    policy: Policy | Act,
    env: Env,
    episodes: int = 1,
    *,
    greedy: bool = False,
    seed: int = 0,
    opponents: Opponents | None = None,
) -> Evaluation:
    """Plays episodes until every row has had as many.

    The first ones that end in each row count, so that short episodes don't count more than long ones. Rows stay in
    their maps: where ``num_envs`` is a multiple of the number of maps, all maps count alike.

    Args:
        policy: What acts: a `Policy`, or a function from observations and where episodes begin to actions.
        env: The env, in Gymnasium's NEXT_STEP mode. It is reset with the seed.
        episodes: How many episodes each row has.
        greedy: Whether a `Policy` takes the likeliest action; otherwise it draws one.
        seed: Seeds the env and what is drawn.
        opponents: Who acts by a script; their rows are left out of what is returned. By default nobody.

    Raises:
        ValueError: if episodes is below 1, or the env is of another autoreset mode.
    """
    if not isinstance(episodes, int) or episodes < 1:
        raise ValueError(f'episodes must be an integer of at least 1, got {episodes!r}.')
    if (mode := env.metadata['autoreset_mode']) is not AutoresetMode.NEXT_STEP:
        raise ValueError(f"the env's autoreset_mode must be NEXT_STEP, got {mode}.")
    act = Actor(policy, env.num_envs, greedy=greedy, seed=seed) if isinstance(policy, Policy) else policy
    book, steps = EpisodeRecorder(env.num_envs, episodes, env.device), play(among(act, opponents), env, seed=seed)
    next(steps)
    while not book.is_full():
        for info in islice(steps, GLANCE):
            book.note(info)
    return book.evaluation(None if opponents is None else ~opponents.rows)


def among(act: Act, opponents: Opponents | None) -> Act:
    """The same, but for opponents that act by a script, if there are any."""
    if opponents is None:
        return act
    rows, script = opponents

    def played(observations: Any, begins: Bool[Tensor, ' row']) -> Tensor:
        return torch.where(rows, script(observations), act(observations, begins))

    return played


def play(act: Act, env: Env, *, seed: int = 0, options: dict[str, Any] | None = None) -> Iterator[dict[str, Any]]:
    """Resets an env, and steps it for as long as it is asked to.

    Args:
        act: Picks the actions.
        env: The env, in Gymnasium's NEXT_STEP mode.
        seed: Seeds the env.
        options: Of the reset.

    Yields:
        The info of the reset, then each step's.
    """
    observations, info = env.reset(seed=seed, options=options)
    yield info
    begins = torch.ones(env.num_envs, dtype=torch.bool, device=env.device)
    over = torch.zeros_like(begins)
    while True:
        observations, _, terminated, truncated, info = env.step(act(observations, begins))
        begins, over = over, terminated | truncated
        yield info
