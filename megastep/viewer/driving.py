"""Driving: an env that a person steers one agent of, step by step, while the others act by a policy or at random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from megastep.checks import check_numbers, check_seed, is_integer
from megastep.env import Env
from megastep.maps.geometry import Geometry
from megastep.maps.mapset import MapSet
from megastep.maps.segments import clearances, windings
from megastep.viewer import page
from megastep.viewer.document import document, moment
from megastep.viewer.floorplan import checked_maps
from megastep.viewer.replay import acting, check_env, gathered
from megastep.viewer.sending import can_send, send
from megastep.viewer.steering import steered, wish_of
from megastep.viewer.tape import Tape
from megastep.viewer.track import split

FURTHEST = 10_000.0
"""The largest coordinate of a place, in metres."""

REQUEST = {'held', 'driving', 'agent', 'place', 'reset'}
"""What a request may hold."""


class Drive:
    """Session of driving: steps an env as it is asked to, and says what is then to be seen.

    Args:
        env: The env, in Gymnasium's NEXT_STEP mode. It is reset first.
        agent: What acts for agents that nobody drives, as `Replay.record` takes it; by default at random.
        number: The number of the env that is shown and driven.
        maps: The maps that the env stands in, if rooms and doors are to be shown.
        seed: Seeds the env, and what is drawn.

    Attributes:
        sends: Whether agents can be sent somewhere: see `megastep.viewer.sending`.

    Raises:
        ValueError: if the env can't be driven, there is no such number, the maps are others, or the seed is none.
    """

    largest_request = 10_000
    """The size of a request, in bytes, at most."""

    def __init__(
        self,
        env: Env,
        agent: Any = None,
        *,
        number: int = 0,
        maps: MapSet | Geometry | Sequence[Geometry] | None = None,
        seed: int = 0,
    ) -> None:
        check_env(env)
        check_seed(seed)
        most = env.core.num_envs - 1
        if not is_integer(number) or not 0 <= number <= most:
            raise ValueError(f'number must be an integer from 0 to {most}, got {number!r}.')
        self.number = int(number)
        steered(env, wish_of([]))  # raises if keys mean nothing there
        self.sends = can_send(env)
        self.env, self._maps, self._seed = env, checked_maps(maps, env.core.scenery), seed
        self._act = acting(agent, env, seed)
        self._tape = Tape(env, [self.number], 1)
        self._steps, self.driven = 0, 0
        self.reset()

    def reset(self) -> None:
        """Begins new episodes in all envs."""
        self._observations, info = self.env.reset(seed=self._seed + self._steps)
        self._begins = torch.ones(self.env.num_envs, dtype=torch.bool, device=self.env.device)
        self._over = torch.zeros_like(self._begins)
        self._look(info)

    def document(self) -> dict[str, Any]:
        """The present moment, as a replay of one frame, and whether agents can be sent somewhere."""
        found = document(gathered(self.env, [self.track], self.env.snapshot(self.number), self._maps, None))
        return {**found, 'sends': self.sends}

    def html(self) -> str:
        """The page, which asks its server for each step."""
        return page.render_drive(self.document())

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Takes a step, and returns what is then to be seen.

        Args:
            request: ``'held'``: what the keys that are held do, of `steering.KEYS`. ``'driving'``: whether they steer
                the agent, rather than who acts for all; by default they do. ``'agent'``: the agent that is driven.
                ``'place'``: x and y, in metres, that it is put at, if it is free there; or that it is sent to, if it
                isn't driven and agents can be sent. ``'reset'``: begin anew.

        Raises:
            ValueError: naming what is unknown or out of range in it.
        """
        asked = _checked(request)
        driven, most = asked.get('agent', self.driven), self.env.core.num_agents - 1
        if not is_integer(driven) or not 0 <= driven <= most:
            raise ValueError(f'agent must be from 0 to {most}, got {driven!r}.')
        self.driven, wish = driven, wish_of(asked.get('held', []))
        if asked.get('reset'):
            self.reset()
        else:
            driving, place = asked.get('driving', True), asked.get('place')
            put = self.place if driving or not self.sends else self.send
            placed = place is None or put(*place)
            self._step(steered(self.env, wish, self._steps) if driving else None)
            return {**moment(self.track), 'placed': placed}
        return {**moment(self.track), 'placed': True}

    def place(self, x: float, y: float) -> bool:
        """Puts the driven agent somewhere, at rest. Returns whether it is free there; if not, nothing happens.

        Raises:
            ValueError: if the place isn't finite.
        """
        _check_place(x, y)
        core, point = self.env.core, np.array([[x, y]])
        walls = core.scenery.walls[int(core.map_ids[self.number])].cpu().numpy().astype(float)
        others = np.delete(core.agents.positions[self.number].cpu().numpy(), self.driven, axis=0)
        apart = np.linalg.norm(others - point, axis=1) > 2.02 * core.agent_radius
        if windings(point, walls)[0] != 1 or clearances(point, walls)[0] < 1.01 * core.agent_radius or not apart.all():
            return False
        core.agents.positions[self.number, self.driven] = torch.tensor([x, y], device=core.device)
        core.agents.velocities[self.number, self.driven] = 0
        return True

    def send(self, x: float, y: float) -> bool:
        """Sends the agent somewhere, as if its episode began here. Returns whether there is a way there.

        Raises:
            ValueError: if the place isn't finite.
        """
        _check_place(x, y)
        if sent := send(self.env, self.number, x, y):
            self._over[self.number * self.env.core.num_agents + self.driven] = True  # what acts shall forget its errand
        return sent

    @torch.no_grad()
    def _step(self, action: Any) -> None:
        actions = self._act(self._observations, self._begins)
        if action is not None:
            row = self.number * self.env.core.num_agents + self.driven
            actions = _replaced(actions, row, action)
        self._observations, _, terminated, truncated, info = self.env.step(actions)
        self._begins, self._over = self._over, terminated | truncated
        self._steps += 1
        self._look(info, terminated)

    def _look(self, info: Mapping[str, Any], terminated: Any = None) -> None:
        self._tape.restart()
        self._tape.add(info, terminated)
        (self.track,) = split(self._tape.arrays(), [self.number])


def _checked(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """A request whose parts are of the kinds that they should be."""
    if not isinstance(request, Mapping):
        raise ValueError(f'a request must be an object, got {type(request).__name__}.')  # noqa: TRY004
    if unknown := sorted(set(request) - REQUEST):
        raise ValueError(f'a request may hold {", ".join(sorted(REQUEST))}, got {unknown[0]!r}.')
    for name in ('driving', 'reset'):
        if not isinstance(request.get(name, False), bool):
            raise ValueError(f'{name} must be true or false, got {request[name]!r}.')  # noqa: TRY004
    held, place = request.get('held', []), request.get('place')
    if not isinstance(held, Sequence) or isinstance(held, str) or not all(isinstance(key, str) for key in held):
        raise ValueError(f'held must be a list of what keys do, got {held!r}.')
    if place is not None and (not isinstance(place, Sequence) or len(place) != 2):
        raise ValueError(f'place must be two numbers, got {place!r}.')
    return request


def _check_place(x: float, y: float) -> None:
    for value in (x, y):
        check_numbers(place=value)
        if not -FURTHEST <= value <= FURTHEST:
            raise ValueError(f'place must be finite and up to {FURTHEST:,.0f} m from the origin, got {x}, {y}.')


def _replaced(actions: Any, row: int, action: Any) -> Any:
    """A batch of actions with another in one row."""
    if isinstance(actions, Mapping):
        return {name: _replaced(value, row, action[name]) for name, value in actions.items()}
    if isinstance(actions, torch.Tensor):
        changed = actions.clone()
        changed[row] = torch.as_tensor(action, dtype=actions.dtype, device=actions.device)
        return changed
    copied = np.array(actions)
    copied[row] = action
    return copied
