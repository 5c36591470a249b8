"""Hooks of a task: the methods that its env's class defines, and what it says of itself, with their defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, SupportsFloat

import gymnasium
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from megastep import mapgen
from megastep.env.episode_starts import EpisodeStarts, RandomStarts
from megastep.env.parts import Part, Resettable
from megastep.world.overlays import BatchedOverlay, Overlay
from megastep.world.rendering import View

if TYPE_CHECKING:
    from megastep.maps.mapset import MapSet


class TaskHooks:
    """Hooks of a task: all that an env's class may say and do otherwise.

    `_act`, `_observe` and `_outcome` have to be defined; all else has a default. In a step they are called in the order
    ``_act, _respawn, _observe, _outcome, _info``, always for all envs: the outcomes of those that were respawned are
    dropped. A reset calls ``_respawn, _observe``.
    """

    auxiliary_space: gymnasium.Space | None = None
    """Space of one agent's `auxiliary` targets; None if there are none."""

    observation_name: str | None = None
    """The name that noise knows observations by, if they aren't several by name."""

    scores: tuple[str, ...] = ()
    """The names of the infos that say how well an episode went, the most telling first; return and length always do."""

    lower_is_better: tuple[str, ...] = ()
    """The scores of which less is better, such as collisions; of all others more is."""

    measures: tuple[str, ...] = ()
    """The names of the infos that say what else is known of an episode: kept with its scores, but in no mean."""

    episode_starts: EpisodeStarts | None = RandomStarts()
    """Distribution of the starts, and goals if there are any, of fixed episodes: see `megastep.evaluation.Episodes`.
    None if the env is to place its agents itself, by what it draws from `Core.random`."""

    _parts: dict[str, Part]
    """The parts that the env has found among its attributes, by name."""

    def _act(self, actions: Any) -> None:
        """Moves the agents for one step.

        Args:
            actions: (env, agent, ...), nested as the action space is, and cleaned of what isn't in it: see `Env.step`.
        """
        raise NotImplementedError(f'{type(self).__name__} must define _act.')

    def _respawn(self, mask: Bool[Tensor, ' env']) -> None:
        """Begins new episodes in the envs in the mask, by masked writes: by default in all parts, in order.

        It is called before every `_observe`.
        """
        for part in self._parts.values():
            if isinstance(part, Resettable):
                part.reset(mask)

    def _observe(self) -> Any:
        """Returns all rows' observations. Doing so twice must be the same as doing so once."""
        raise NotImplementedError(f'{type(self).__name__} must define _observe.')

    def _render_view(self) -> View | dict[str, View] | None:
        """Renders what an observation is made of, for `_observe`; by default nothing.

        It is called as the env is made, too, for the kernels that it launches, which are compiled in the background
        then: nothing is rendered.
        """
        return None

    def _outcome(self) -> tuple[Float[Tensor, 'env agent'], Bool[Tensor, ' env'], Bool[Tensor, ' env']]:
        """Returns the step's rewards, and which envs it terminated and truncated."""
        raise NotImplementedError(f'{type(self).__name__} must define _outcome.')

    def _info(self) -> dict[str, Shaped[Tensor, 'env ...']]:
        """Returns what the task adds to a step's info: tensors of (env,) or (env, agent)."""
        return {}

    def _overlays(self, env: int) -> Sequence[Overlay]:
        """Returns what the task has drawn into pictures of one env, beside its map and agents.

        By default that is its part of `_batched_overlays`. Whichever of the two is defined further down, or in the same
        class the batched one, is what recordings ask for.
        """
        return [overlay[env] for overlay in self._batched_overlays()]

    def _values(self, env: int) -> Mapping[str, SupportsFloat]:
        """Returns what numbers the task has written beside pictures of one env, by name.

        By default these are its part of `_batched_values`, as with overlays.
        """
        return {name: value[env] for name, value in self._batched_values().items()}

    def _batched_overlays(self) -> Sequence[BatchedOverlay]:
        """Returns what the task has drawn into pictures of all envs, so that recording many costs what one does."""
        return ()

    def _batched_values(self) -> Mapping[str, Shaped[Tensor, 'env ...']]:
        """Returns what numbers the task has written beside pictures of all envs, by name: tensors of (env,)."""
        return {}

    def auxiliary(self) -> Any:
        """Auxiliary targets: what agents aren't told, but would act better if they knew, and may be taught to predict.

        It is nested as `auxiliary_space` is, a row for each agent, and goes with the last observations: it is asked for
        after steps and resets. It is captured in CUDA graphs as steps are, and changes nothing.
        """
        raise NotImplementedError(f'{type(self).__name__} must define auxiliary, for it has an auxiliary_space.')

    @classmethod
    def default_maps(cls, *, seed: int = 0) -> MapSet:
        """The map set that the task is learnt in unless another is given: 256 houses, unless the task says otherwise.

        Args:
            seed: Another seed gives other maps.
        """
        return mapgen.generate('house', 256, seed=seed)

    def scripted_opponent(self) -> Callable[[Any], Any] | None:
        """A policy that needs no learning, for agents to learn against; None if the task has none.

        Returns:
            A function from all rows' observations to all rows' actions, nested as their spaces are.
        """
        return None


def is_batched(task: TaskHooks, name: str) -> bool:
    """True if a task says something for all envs at once, rather than for one: see `TaskHooks._overlays`.

    Args:
        task: The task.
        name: ``'overlays'`` or ``'values'``.
    """
    for members in map(vars, (task, *type(task).__mro__)):
        if f'_batched_{name}' in members or f'_{name}' in members:
            return f'_batched_{name}' in members
    raise AssertionError(f'{type(task).__name__} has no hook for {name}.')
