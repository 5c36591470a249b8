"""Runner of episodes: a step of an env as the task's hooks make it up, and how episodes begin and end."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from gymnasium.vector import AutoresetMode
from jaxtyping import Bool, Int64, Shaped
from torch import Tensor

from megastep.env.episode_info import Tally, check_info, tally
from megastep.env.hooks import TaskHooks
from megastep.env.interface.actions import ActionBatch
from megastep.env.nested import copied
from megastep.env.noise import Noises
from megastep.world.core import Core, place
from megastep.world.episode_queue import FOREVER
from megastep.world.kernels import compile_ahead


class EpisodeRunner:
    """Runner of a task's episodes: calls its hooks in a step, begins episodes, and keeps their statistics.

    Args:
        task: The env, whose hooks are called.
        core: The worlds.
        actions: Batches of its actions.
        noise: Noise in its actions and observations.
        autoreset_mode: How envs that have ended begin anew.
        most_steps: After how many steps episodes are truncated, whatever the task says; None if never.

    Attributes:
        lengths: How many steps each env's episode has had: (env,) int64.
        returns: The rewards each agent has had in this episode: (env, agent).
        rewards: Those of the last step.
        over: The envs whose episode has ended: (env,) bool.
        nobody: None of the envs.
    """

    def __init__(
        self,
        task: TaskHooks,
        core: Core,
        actions: ActionBatch,
        noise: Noises,
        *,
        autoreset_mode: AutoresetMode,
        most_steps: int | None,
    ) -> None:
        self._task, self._core, self._actions, self._noise = task, core, actions, noise
        self._autoreset_mode, self._most_steps = autoreset_mode, most_steps
        self.lengths, self.over, self.nobody = core.clocks[0], core.over, torch.zeros_like(core.over)
        self.returns = torch.zeros((core.num_envs, core.num_agents), device=core.device)
        self.rewards = torch.zeros_like(self.returns)
        self._limits: Int64[Tensor, ' env'] = torch.full_like(
            self.lengths, FOREVER if most_steps is None else most_steps
        )
        nothing = self.rewards, self.nobody, self.nobody
        compile_ahead(core.device, partial(core.tick, self.nobody), partial(self._counted, nothing, self.nobody))

    @property
    def has_limits(self) -> bool:
        """True if episodes are truncated after some time, if the task doesn't end them before."""
        episodes = self._core.episodes
        return self._most_steps is not None or (episodes is not None and episodes.has_limits)

    @property
    def statistics(self) -> dict[str, Tensor]:
        """The statistics of the episodes, which are part of each env's state."""
        return {'lengths': self.lengths, 'returns': self.returns, 'rewards': self.rewards, 'over': self.over}

    def find_limits(self) -> None:
        """Finds after how many steps episodes are truncated: a fixed one's own limit, if it has one, or the env's."""
        episodes = self._core.episodes
        if episodes is not None and episodes.has_limits:
            self._limits = episodes.limited(self._most_steps)

    def begin_outside(self, mask: Bool[Tensor, ' env']) -> Any:
        """Begins new episodes in the envs in the mask, outside of a step. Returns all rows' observations."""
        self._begin(mask)
        self._core.accept_maps(mask)
        self.over.masked_fill_(mask, False)
        self.rewards.masked_fill_(mask[:, None], 0)
        return self._first_observations(mask)

    def advance(self, *tensors: Tensor) -> tuple[Any, ...]:
        """A step, which may be captured in a CUDA graph; what it returns may be overwritten by the next."""
        if self._autoreset_mode is AutoresetMode.DISABLED:
            return self._moved(tensors, self.nobody)
        outputs = self._moved(tensors, self.over)  # with SAME_STEP, of those alone that have been moved to another map
        return self._begun_anew(*copied(outputs)) if self._autoreset_mode is AutoresetMode.SAME_STEP else outputs

    def _moved(self, tensors: Sequence[Tensor], resets: Bool[Tensor, ' env']) -> tuple[Any, ...]:
        """Moves every env on by one step, but begins new episodes in some instead."""
        actions, faulty = self._actions.cleaned(tensors)
        if faulty is not None:
            self._core.non_finite.add_(faulty > resets[:, None])
        self._core.random.phase('act')
        self._task._act(self._noise.act(actions))
        if self._core.episodes is not None:
            self._core.episodes.walk(self._core.agents.positions)
        self._start(resets)
        self._noise.step(resets)
        self._core.tick(resets)
        self._core.random.phase('observe')
        observations = self._noise.observe(self._task._observe())
        self._core.random.phase('outcome')
        outcome = self._task._outcome()
        counted = self._counted(outcome, resets)
        if self._core.episodes is not None:
            self._core.episodes.tick(self._core.agents.positions)
        told = self._task._info()
        check_info(told, self._core)
        info = {
            'episode': {'return': counted.returns, 'length': counted.lengths,
                        't': counted.seconds, 'map_ids': counted.map_ids},
            '_episode': counted.ended,
            **{name: self._rows(values) for name, values in told.items()},
        }  # fmt: skip
        return observations, counted.rewards, counted.terminated, counted.truncated, info

    def _counted(self, outcome: tuple[Tensor, Tensor, Tensor], resets: Bool[Tensor, ' env']) -> Tally:
        """Counts a step's outcome in the episodes' statistics."""
        return tally(self._core, outcome, resets, self._limits, rewards=self.rewards, returns=self.returns)

    def _begun_anew(
        self, final: Any, rewards: Tensor, terminated: Tensor, truncated: Tensor, info: dict[str, Any]
    ) -> tuple[Any, ...]:
        """A step's outputs once the envs that it ended have begun new episodes."""
        self._begin(self.over)
        ended = info['_episode']
        info = {**info, 'final_obs': final, '_final_obs': ended, 'final_info': info, '_final_info': ended}
        observations = self._first_observations(self.over)
        self.over.zero_()
        return observations, rewards, terminated, truncated, info

    def _begin(self, mask: Bool[Tensor, ' env']) -> None:
        """Begins new episodes, and their statistics, in the envs in the mask."""
        self._start(mask)
        self._noise.begin(mask)
        self.lengths.masked_fill_(mask, 0)
        self.returns.masked_fill_(mask[:, None], 0)

    def _start(self, mask: Bool[Tensor, ' env']) -> None:
        """Has the envs in the mask take the next of the fixed episodes, if there are any, and respawns them."""
        episodes = self._core.episodes
        self._core.random.phase('begin')
        if episodes is not None:
            episodes.take(mask, self._core.map_ids)
        self._task._respawn(mask)
        if episodes is not None:
            place(self._core, mask)  # whatever a task's own spawns have drawn
            self._core.turn.masked_fill_(mask, 0)
        self._core.random.phase('noise')

    def _first_observations(self, mask: Bool[Tensor, ' env']) -> Any:
        """All rows' observations, once the envs in the mask have begun new episodes."""
        self._core.random.phase('observe')
        observations = self._noise.observe(self._task._observe())
        if self._core.episodes is not None:
            self._core.episodes.tick(self._core.agents.positions, mask)
        return observations

    def _rows(self, values: Shaped[Tensor, '*agent']) -> Shaped[Tensor, ' row']:
        """Values with one a row, of values with one an env or one an agent."""
        agents = values if values.ndim > 1 else values[:, None].expand(self.returns.shape)
        return agents.flatten(0, 1)
