"""What every task derives from: a vector env in torch tensors, on the device that its worlds are on."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
import torch
from gymnasium.error import ClosedEnvironmentError, ResetNeeded
from gymnasium.vector.utils import batch_space
from jaxtyping import Bool, Float, Int, Shaped, UInt8
from torch import Tensor

from megastep import snapshot
from megastep.capture import Captured
from megastep.core import Cameras, Core, checked_map_ids
from megastep.outputs import copied

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from megastep.plotting import StatePlot
    from megastep.snapshot import Snapshot

RENDER_MODES = (None, 'rgb_array')
OPTIONS = ('reset_mask', 'map_ids')


class Env(gymnasium.vector.VectorEnv):
    """Runs episodes of a task in many envs at once, with Gymnasium's NEXT_STEP autoreset.

    A task builds its modules, hands its core, cameras and spaces to ``Env.__init__``, and defines `_respawn`, `_act`,
    `_observe` and `_outcome`. In a step they are called in the order ``_act, _respawn, _observe, _outcome``, always for
    all envs: the outcomes of those that were respawned are dropped. A reset calls ``_respawn, _observe``.

    To a learner each agent is a row: ``num_envs`` is the core's ``num_envs * num_agents``, and rows go env by env. An
    env ends for all its agents at once.

    On a GPU the second step is captured in a CUDA graph, and from then on a step is a replay of it. So Python runs in
    the first two steps alone: what the four methods branch on, and the tensors that they read, must stay the same.
    What a task keeps from step to step it writes in place; a tensor that a step assigns to an attribute afresh is good
    until that step ends. A step that can't be captured raises a `CaptureError` that names the line.

    Args:
        core: The worlds.
        cameras: What the agents look at them with.
        action_space: One agent's actions.
        observation_space: One agent's observations.
        render_mode: ``'rgb_array'``, to call `render`.
        cuda_graph: Whether steps run from a CUDA graph; by default on a GPU, unless the core is ``checked``.
        copy: Whether what a step or reset returns is a copy. If not, the next step or reset may overwrite it.

    Attributes:
        core: The worlds.
        cameras: What the agents look at them with.
        lengths: How many steps each env's episode has had: (env,) int64.
        returns: The rewards each agent has had in this episode: (env, agent).

    Raises:
        ValueError: if the render mode isn't known, or a CUDA graph is asked for where there can't be one.
    """

    metadata = {'render_modes': ['rgb_array'], 'autoreset_mode': gymnasium.vector.AutoresetMode.NEXT_STEP}

    def __init__(
        self,
        core: Core,
        cameras: Cameras,
        *,
        action_space: gymnasium.Space,
        observation_space: gymnasium.Space,
        render_mode: str | None = None,
        cuda_graph: bool | None = None,
        copy: bool = True,
    ) -> None:
        if render_mode not in RENDER_MODES:
            raise ValueError(f'render_mode must be one of {", ".join(map(repr, RENDER_MODES))}, got {render_mode!r}.')
        self.core, self.cameras, self.device, self.render_mode = core, cameras, core.device, render_mode
        self.num_envs = core.num_envs * core.num_agents
        self.single_action_space, self.single_observation_space = action_space, observation_space
        self.metadata = {**self.metadata, 'render_fps': core.fps}
        self.lengths = torch.zeros(core.num_envs, dtype=torch.int64, device=core.device)
        self.returns = torch.zeros((core.num_envs, core.num_agents), device=core.device)
        self._rewards = torch.zeros_like(self.returns)
        self._over = torch.zeros(core.num_envs, dtype=torch.bool, device=core.device)
        self._nothing = torch.zeros((), device=core.device)
        self._copy, self._begun = copy, False
        self._run = self._captured() if _uses_graph(core, cuda_graph) else self._eagerly
        self._picture: StatePlot | None = None

    @cached_property
    def action_space(self) -> gymnasium.Space:  # type: ignore[override]
        """All rows' actions, as Gymnasium would batch them. Made on use: it is as large as a batch."""
        return batch_space(self.single_action_space, self.num_envs)

    @cached_property
    def observation_space(self) -> gymnasium.Space:  # type: ignore[override]
        """All rows' observations, as Gymnasium would batch them. Made on use: it is larger than a batch."""
        return batch_space(self.single_observation_space, self.num_envs)

    def _respawn(self, mask: Bool[Tensor, ' env']) -> None:
        """Begins new episodes in the envs in the mask, by masked writes."""
        raise NotImplementedError

    def _act(self, actions: Int[Tensor, 'env agent']) -> None:
        """Moves the agents for one step."""
        raise NotImplementedError

    def _observe(self) -> Any:
        """Returns all rows' observations."""
        raise NotImplementedError

    def _outcome(self) -> tuple[Float[Tensor, 'env agent'], Bool[Tensor, ' env'], Bool[Tensor, ' env']]:
        """Returns the step's rewards, and which envs it terminated and truncated."""
        raise NotImplementedError

    @torch.no_grad()
    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begins new episodes, in all envs or in some.

        Args:
            seed: Seeds the core's generator, so that what follows can be repeated.
            options: ``'reset_mask'``: (row,) bool, begins new episodes in these rows' envs only. ``'map_ids'``: (env,)
                int, the maps that the envs that are reset move to. Checking map ids waits for the GPU, as does copying
                a mask from another device; nothing else here does.

        Returns:
            All rows' observations, and an empty info.

        Raises:
            ClosedEnvironmentError: if the env is closed.
            ResetNeeded: if only some envs are to be reset before all have been once.
            ValueError: if an option isn't known, or its dtype or shape or a map id is wrong.
        """
        self._check_open()
        mask, map_ids = self._parsed(options or {})
        if mask is not None and not self._begun:
            raise ResetNeeded('the first reset must be of all envs: call env.reset() before resetting some.')
        super().reset(seed=seed)
        if seed is not None:
            self.core.generator.manual_seed(seed)
        if mask is None:
            mask = torch.ones_like(self._over)
            self.core.turn.zero_()
        self.core.map_ids.copy_(torch.where(mask, map_ids, self.core.map_ids))
        self._respawn(mask)
        self._over.masked_fill_(mask, False)
        self.lengths.masked_fill_(mask, 0)
        self.returns.masked_fill_(mask[:, None], 0)
        self._rewards.masked_fill_(mask[:, None], 0)
        self._begun = True
        observations = self._observe()
        return (copied(observations) if self._copy else observations), {}

    @torch.no_grad()
    def step(
        self, actions: Int[Tensor, ' row']
    ) -> tuple[Any, Float[Tensor, ' row'], Bool[Tensor, ' row'], Bool[Tensor, ' row'], dict[str, Any]]:
        """Moves every env on by one step. An env whose last step was an episode's last begins a new one instead.

        Args:
            actions: Integers on the env's device. Those for envs that begin a new episode are ignored.

        Returns:
            All rows' observations, rewards, whether their episode terminated, whether it was truncated, and info:
            ``'episode'`` has each row's ``'return'``, ``'length'`` and ``'map_ids'`` up to now, and ``'_episode'``
            says in which rows the episode ended, so that these are final.

        Raises:
            ClosedEnvironmentError: if the env is closed.
            ResetNeeded: if it hasn't been reset.
            ValueError: if the actions have the wrong type, shape or device.
        """
        self._check_open()
        if not self._begun:
            raise ResetNeeded('env.step() needs env.reset() to be called first.')
        self._check_actions(actions)
        return self._run(actions.long().reshape(self.returns.shape))

    def _advance(self, actions: Int[Tensor, 'env agent']) -> tuple[Any, Tensor, Tensor, Tensor, dict[str, Any]]:
        """A step, which may be captured in a CUDA graph; what it returns may be overwritten by the next."""
        resets = self._over
        self._act(actions)
        self._respawn(resets)
        self.lengths.add_(1).masked_fill_(resets, 0)
        observations = self._observe()
        rewards, terminated, truncated = self._outcome()
        torch.where(resets[:, None], self._nothing, rewards, out=self._rewards)
        self.returns.masked_fill_(resets[:, None], 0).add_(self._rewards)
        going = ~resets
        terminated, truncated = terminated & going, truncated & going
        torch.logical_or(terminated, truncated, out=self._over)
        info = {
            'episode': {'return': self._rows(self.returns), 'length': self._rows(self.lengths),
                        'map_ids': self._rows(self.core.map_ids)},
            '_episode': self._rows(self._over),
        }  # fmt: skip
        return observations, self._rows(self._rewards), self._rows(terminated), self._rows(truncated), info

    def _captured(self) -> Captured:
        name, remedy = f"{type(self).__name__}'s step", 'make the env with cuda_graph=False'
        actions = torch.zeros(self.returns.shape, dtype=torch.int64, device=self.device)
        return Captured(self._advance, actions, self.core.generator, name=name, remedy=remedy, copy=self._copy)

    def _eagerly(self, actions: Int[Tensor, 'env agent']) -> Any:
        outputs = self._advance(actions)
        return copied(outputs) if self._copy else outputs

    def state(self, env: int) -> Snapshot:
        """Copies one env off the device, to be drawn by `plot_state`. Waits for the GPU.

        Raises:
            ValueError: if there is no such env.
            ClosedEnvironmentError: if this vector env is closed.
            ResetNeeded: if it hasn't been reset.
        """
        self._check_open()
        if not self._begun:
            raise ResetNeeded('env.state() needs env.reset() to be called first.')
        if not 0 <= env < self.core.num_envs:
            raise ValueError(f'env must be from 0 to {self.core.num_envs - 1}, got {env}.')
        values = {'reward': self._rewards[env].mean(), 'return': self.returns[env].mean(), 'length': self.lengths[env]}
        return snapshot.take(self.core, self.cameras, env, **values)

    @staticmethod
    def plot_state(state: Snapshot) -> Figure:
        """Draws what `state` returned."""
        from megastep import plotting  # here, so that training needs no drawing library

        return plotting.plot_state(state)

    def render(self) -> tuple[UInt8[np.ndarray, 'height width 3']]:
        """Draws the first env, as one frame in a tuple.

        Raises:
            ValueError: if the render mode isn't ``'rgb_array'``.
        """
        if self.render_mode != 'rgb_array':
            raise ValueError(f"env.render() needs render_mode='rgb_array', got {self.render_mode!r}.")
        from megastep import plotting  # here, so that training needs no drawing library

        state = self.state(0)
        if self._picture is None:
            self._picture = plotting.StatePlot(state)
        self._picture.update(state)
        return (self._picture.frame(),)

    def _rows(self, values: Shaped[Tensor, '*agent']) -> Shaped[Tensor, ' row']:
        """Values with one a row, of values with one an env or one an agent."""
        agents = values if values.ndim == 2 else values[:, None].expand(self.returns.shape)
        return agents.reshape(-1)

    def _parsed(self, options: dict[str, Any]) -> tuple[Bool[Tensor, ' env'] | None, Int[Tensor, ' env']]:
        """Which envs to reset, None for all, and the maps that they are to stand in."""
        if unknown := sorted(set(options) - set(OPTIONS)):
            raise ValueError(f'options may have {" and ".join(OPTIONS)}, got {", ".join(map(repr, unknown))}.')
        mask, map_ids = options.get('reset_mask'), options.get('map_ids')
        ids = self.core.map_ids if map_ids is None else checked_map_ids(map_ids, self.core.num_envs, self.core.scenery)
        if mask is None:
            return None, ids
        mask = torch.as_tensor(mask)
        if mask.dtype != torch.bool:
            raise ValueError(f'reset_mask must be bool, got {mask.dtype}.')
        if mask.shape != (self.num_envs,):
            raise ValueError(f'reset_mask must have shape ({self.num_envs},), got {tuple(mask.shape)}.')
        return mask.to(self.device).view(self.returns.shape).any(dim=1), ids

    def _check_open(self) -> None:
        if self.closed:
            raise ClosedEnvironmentError(f'{type(self).__name__} has been closed.')

    def _check_actions(self, actions: Tensor) -> None:
        if not isinstance(actions, Tensor):
            raise ValueError(f'actions must be a torch tensor, got {type(actions).__name__}.')  # noqa: TRY004
        if actions.dtype == torch.bool or actions.is_floating_point() or actions.is_complex():
            raise ValueError(f'actions must be integers, got {actions.dtype}.')
        if actions.shape != (self.num_envs,):
            raise ValueError(f'actions must have shape ({self.num_envs},), got {tuple(actions.shape)}.')
        if actions.device != self.device:
            raise ValueError(f'actions must be on {self.device}, got {actions.device}.')


def _uses_graph(core: Core, asked: bool | None) -> bool:
    """Whether an env's steps run from a CUDA graph."""
    possible = core.device.type == 'cuda' and not core.checked
    if asked and not possible:
        why = 'a checked core waits for the GPU in every step' if core.checked else f'the core is on {core.device}'
        raise ValueError(f'cuda_graph must be False or None here, got True: {why}.')
    return possible if asked is None else asked
