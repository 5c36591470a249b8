"""The base class of tasks: a Gymnasium vector env in torch tensors, on the device that its worlds are on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import gymnasium
import torch
from gymnasium.error import ClosedEnvironmentError, ResetNeeded
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space
from jaxtyping import Bool, Float
from torch import Tensor

from megastep.checks import check_seed, is_integer
from megastep.env import arguments
from megastep.env.cuda_graph import CudaGraph
from megastep.env.episode_info import name_shortly
from megastep.env.episode_runner import EpisodeRunner
from megastep.env.interface.actions import ActionBatch
from megastep.env.interface.drawable import Drawable
from megastep.env.interface.pictures import Frames
from megastep.env.interface.restorable import Restorable
from megastep.env.interface.state import check_rows
from megastep.env.nested import copied, mismatch
from megastep.env.noise import Noises
from megastep.env.noise.protocol import Maker
from megastep.env.parts import Part, parts_of
from megastep.env.variation import check_amounts
from megastep.world.cameras import CameraRig, checked
from megastep.world.core import Core, checked_map_ids
from megastep.world.episode_queue import FixedEpisodes
from megastep.world.kernels import check_not_forked, compile_ahead, untraced


class Env(Drawable, Restorable, gymnasium.vector.VectorEnv):
    """Vector env of a task: runs its episodes in many envs at once, as Gymnasium has it.

    A task builds the parts that it is made of, hands its core, cameras and spaces to ``Env.__init__``, and defines
    `_act`, `_observe` and `_outcome`, and `_info` if it has more to say: see `TaskHooks`, which has everything that a
    task may say of itself.

    Those of an env's attributes that have ``reset(mask)``, ``state`` or both are its parts: see `megastep.env.parts`.
    They are found at the first reset. `_respawn` resets them all, in the order in which they became attributes, unless
    the task says otherwise, and `get_state` has their state, by the attributes' names without leading underscores.

    How an env that has ended begins anew is Gymnasium's ``autoreset_mode``:

    - ``NEXT_STEP``: the next step begins a new episode in it, and ignores its action.
    - ``SAME_STEP``: the same step does, and returns the new episode's first observation. ``info['final_obs']`` and
      ``info['final_info']`` have what the old one ended in, for the rows in ``'_final_obs'`` and ``'_final_info'``.
      Such a step ends with another ``_respawn, _observe``, so everything is drawn twice.
    - ``DISABLED``: nothing does, until `reset` is called with the ended rows as its ``reset_mask``. An env that isn't
      reset goes on, and may end again.

    Assigning ``core.map_ids`` ends the episodes of the envs that it moves to other maps: the next step begins new ones
    in them, and ignores their actions; with ``DISABLED``, reset them.

    To a learner each agent is a row: ``num_envs`` is the core's ``num_envs * num_agents``, and rows go env by env. An
    env ends for all its agents at once.

    On a GPU the second step is captured in a CUDA graph, and from then on a step is a replay of it. So Python runs in
    the first two steps alone: what the methods branch on, and the tensors that they read, must stay the same. What a
    task keeps from step to step it writes in place, and names as ``kept`` if it isn't a part's; a tensor that a step
    assigns to an attribute afresh is good until that step ends. A step that can't be captured raises a `CaptureError`
    that names the line.

    Args:
        core: The worlds.
        cameras: What the agents look at them with: `Cameras`, or several kinds of them by name.
        action_space: One agent's actions.
        observation_space: One agent's observations.
        kept: What the task itself keeps from step to step, beside the core and its parts: tensors with a row for each
            env.
        render_mode: ``'rgb_array'``, to call `render`.
        autoreset_mode: How envs that have ended begin anew; also in ``metadata``.
        cuda_graph: Whether steps run from a CUDA graph; by default on a GPU, unless the core is ``checked``.
        copy: Whether what a step or reset returns stays as it is for as long as something in this process holds it: a
            tensor, a view, an array that shares its memory. If not, the next step or reset may overwrite it. On a GPU
            a step's outputs aren't copied for who lets go of those before; who reads them on a stream of their own must
            hold them until that is done, `record_stream` isn't enough.
        time_limit: After how many seconds episodes are truncated, whatever the task says.
        max_episode_steps: After how many steps they are, if that is to be said instead, as Gymnasium does.
        episodes: The fixed episodes that are played, if the core hasn't got them already: see `make_world`.
        noise: Noise of one's own, as functions that make it for an env: see `megastep.env.noise`.
        amounts: How much there is of each of `megastep.env.noise.NOISES`, by name, such as ``depth_noise=0.1``.

    Attributes:
        core: The worlds.
        cameras: What the agents look at them with.
        autoreset_mode: How envs that have ended begin anew.
        copy: Whether what a step or reset returns stays as it is.
        cuda_graph: Whether steps run from a CUDA graph.
        lengths: How many steps each env's episode has had: (env,) int64.
        returns: The rewards each agent has had in this episode: (env, agent).

    Raises:
        TypeError: if an option isn't known: it says which are.
        ValueError: if a mode isn't known, the cameras are neither `Cameras` nor such by name, what is kept has no row
            for each env, or a CUDA graph is asked for where there can't be one.
    """

    metadata = {'render_modes': ['rgb_array'], 'autoreset_mode': AutoresetMode.NEXT_STEP}

    def __init__(
        self,
        core: Core,
        cameras: CameraRig,
        *,
        action_space: gymnasium.Space,
        observation_space: gymnasium.Space,
        kept: Mapping[str, Tensor] | None = None,
        render_mode: str | None = None,
        autoreset_mode: AutoresetMode = AutoresetMode.NEXT_STEP,
        cuda_graph: bool | None = None,
        copy: bool = True,
        time_limit: float | None = None,
        max_episode_steps: int | None = None,
        noise: Sequence[Maker] = (),
        episodes: FixedEpisodes | None = None,
        **amounts: float,
    ) -> None:
        arguments.check_modes(render_mode, autoreset_mode)
        check_amounts(type(self), amounts)
        self.core, self.cameras, self.device, self.render_mode = core, checked(cameras), core.device, render_mode
        self.autoreset_mode = autoreset_mode
        self.num_envs = core.num_envs * core.num_agents
        self.single_action_space, self.single_observation_space = action_space, observation_space
        self.metadata = {**self.metadata, 'render_fps': core.fps, 'autoreset_mode': autoreset_mode}
        check_rows('kept', {} if kept is None else kept, core.num_envs, core.device)
        self._kept_tensors = dict(kept or {})
        self.copy, self._has_begun = copy, False
        self.cuda_graph = arguments.uses_graph(core, cuda_graph)
        self._most = arguments.most_steps(core.fps, time_limit, max_episode_steps)
        self._action_batch, self._noise = ActionBatch(action_space, core), Noises(self, noise, amounts)
        runner = self._episode_runner = EpisodeRunner(
            self, core, self._action_batch, self._noise, autoreset_mode=autoreset_mode, most_steps=self._most
        )
        self.lengths, self.returns, self._nobody = runner.lengths, runner.returns, runner.nobody
        self._run_step = self._captured() if self.cuda_graph else self._eagerly
        if episodes is not None:
            core.play(episodes)
        self._parts: dict[str, Part] = {}
        self._frame_drawer = Frames()
        compile_ahead(self.device, self._render_view)

    @cached_property
    def action_space(self) -> gymnasium.Space:  # type: ignore[override]
        """All rows' actions, as Gymnasium would batch them. Made on use: it is as large as a batch."""
        return batch_space(self.single_action_space, self.num_envs)

    @cached_property
    def observation_space(self) -> gymnasium.Space:  # type: ignore[override]
        """All rows' observations, as Gymnasium would batch them. Made on use: it is larger than a batch."""
        return batch_space(self.single_observation_space, self.num_envs)

    @untraced
    @torch.no_grad()
    def reset(
        self, *, seed: int | Sequence[int] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begins new episodes, in all envs or in some.

        Args:
            seed: Seeds the random numbers of the envs that are reset, so that what follows can be repeated. A list has
                a seed for each env.
            options: ``'reset_mask'``: (row,) bool, begins new episodes in these rows' envs only. ``'map_ids'``: (env,)
                int, the maps that the envs that are reset move to. Checking map ids waits for the GPU, as does copying
                a mask from another device; nothing else here does.

        Returns:
            All rows' observations, and an empty info.

        Raises:
            ClosedEnvironmentError: if the env is closed.
            ResetNeeded: if only some envs are to be reset before all have been once.
            ValueError: if an option isn't known, its dtype or shape or a map id is wrong, or the seed is none; or if,
                the first time, observations aren't of their space's kind.
        """
        self._check_open()
        options = options or {}
        arguments.check_options(options)
        some, map_ids = options.get('reset_mask'), options.get('map_ids')
        if map_ids is not None:
            map_ids = checked_map_ids(map_ids, self.core.num_envs, self.core.scenery)
        mask = ~self._nobody if some is None else arguments.reset_envs(some, self.core)
        if some is not None and not self._has_begun:
            raise ResetNeeded('the first reset must be of all envs: call env.reset() before resetting some.')
        if seed is not None:
            self._seed(seed, mask)
        self.core.streams.count(mask)
        self.core.random.phase('reset')
        if some is None:
            self.core.turn.zero_()
            if self.core.episodes is not None:
                self.core.episodes.restart()
        if map_ids is not None:
            self.core.map_ids.copy_(torch.where(mask, map_ids, self.core.map_ids))
        first, self._has_begun = not self._has_begun, True
        try:
            observations = self._begin(mask, first)
        except BaseException:  # an interrupt too: agents may not have been placed yet
            self._has_begun = not first
            raise
        self.core.streams.count(mask)
        return (copied(observations) if self.copy else observations), {}

    def _begin(self, mask: Bool[Tensor, ' env'], first: bool) -> Any:
        """Begins new episodes in the envs in the mask. Returns all rows' observations."""
        if first:
            self._find_parts()
            self._episode_runner.find_limits()
        observations = self._episode_runner.begin_outside(mask)
        if first:
            self._check_observations(observations)
        return observations

    def _seed(self, seed: int | Sequence[int], mask: Bool[Tensor, ' env']) -> None:
        """Seeds the envs in the mask: all by one seed, or each by its own."""
        if (
            isinstance(seed, Iterable) and not isinstance(seed, str) and getattr(seed, 'ndim', 1) > 0
        ):  # or of one number
            return self.core.seed_each(seed, mask)
        check_seed(seed)
        one = int(seed)  # type: ignore[arg-type]
        super().reset(seed=one)
        return self.core.seed(one, mask)

    def _find_parts(self) -> None:
        """Finds the parts among the attributes. From now on they are these: a CUDA graph sees no others."""
        self._parts = parts_of(self)
        if taken := sorted({'core', 'episode', 'shared', 'task', 'world'} & set(self._parts)):
            raise ValueError(f'a part may not be called {taken[0]!r}: a state has something else by that name.')
        for name, tensors in self.state_tensors().items():
            check_rows(f'state of {name}', tensors, self.core.num_envs, self.device)

    def _check_observations(self, observations: Any) -> None:
        """Raises unless observations are of the kind that their space says; values aren't looked at."""
        expected = self.single_observation_space, self.num_envs, self.device
        if (flaw := mismatch('what _observe returns', observations, *expected, values=False)) is not None:
            raise ValueError(flaw)

    @property
    def has_limits(self) -> bool:
        """True if episodes are truncated after some time, should the task never end them."""
        return self._episode_runner.has_limits

    @untraced
    def step(
        self, actions: Any
    ) -> tuple[Any, Float[Tensor, ' row'], Bool[Tensor, ' row'], Bool[Tensor, ' row'], dict[str, Any]]:
        """Moves every env on by one step. With NEXT_STEP, one that has ended begins a new episode instead.

        Args:
            actions: A row for each agent, nested as the action space is, in whatever `torch.as_tensor` takes; tensors
                on the env's device aren't copied. Those for envs that begin a new episode are ignored. Values aren't
                checked, which would wait for the GPU, but made harmless: an integer that is no action becomes one below
                the space's least (-1 in a `Discrete` that starts at 0), which moves nothing; a real is clipped to the
                box; NaN counts as 0, and is counted for ``core.check()``.

        Returns:
            All rows' observations, rewards, whether their episode terminated, whether it was truncated, and info:
            ``'episode'`` has each row's ``'return'``, ``'length'`` and ``'map_ids'`` up to now, and ``'_episode'``
            says in which rows the episode ended, so that these are final. Gymnasium's names are there too: ``'r'``,
            ``'l'`` and ``'t'``, the length in the world's seconds. What else the task says holds for all rows.

        Raises:
            ClosedEnvironmentError: if the env is closed.
            ResetNeeded: if it hasn't been reset.
            ValueError: if the actions have other parts, shapes or types than the space's.
        """
        self._check_begun('step')
        if self.core.checked:
            self.core.check_maps()
        outputs = self._run_step(*self._action_batch.tensors(actions))
        name_shortly(outputs[-1])
        if self.core.checked:
            self.core.accept_maps(~self._nobody)  # those that the task itself has moved, as it began new episodes
        return outputs

    def _captured(self) -> CudaGraph:
        name, remedy = f"{type(self).__name__}'s step", 'make the env with cuda_graph=False'
        return CudaGraph(
            self._episode_runner.advance, self._action_batch.examples(), [self.core.generator],
            stream=torch.cuda.Stream(self.device), name=name, remedy=remedy, copy=self.copy, graphs=3, owner=self,
        )  # fmt: skip

    @torch.no_grad()
    def _eagerly(self, *tensors: Tensor) -> Any:
        outputs = self._episode_runner.advance(*tensors)
        return copied(outputs) if self.copy else outputs

    def _check_begun(self, method: str, env: int | None = None) -> None:
        """Raises if the env is closed or hasn't been reset, or if one of its envs is asked for that isn't there."""
        self._check_open()
        if not self._has_begun:
            raise ResetNeeded(f'env.{method}() needs env.reset() to be called first.')
        if env is not None and not (is_integer(env) and 0 <= env < self.core.num_envs):
            raise ValueError(f'env must be from 0 to {self.core.num_envs - 1}, got {env!r}.')

    def _check_open(self) -> None:
        if self.device.type == 'cpu':
            check_not_forked()
        if self.closed:
            raise ClosedEnvironmentError(f'{type(self).__name__} has been closed.')
