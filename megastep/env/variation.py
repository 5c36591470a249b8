"""Variation: worlds that differ from those that agents are used to, by keywords that every env takes.

That is domain randomisation where an agent learns in them, and distribution shift where it is only evaluated there.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from numpy.typing import ArrayLike

from megastep.checks import LARGEST_SEED, is_integer
from megastep.env.noise import NOISES
from megastep.maps.geometry import AGENT_RADIUS, Geometry
from megastep.maps.mapset import MapSet
from megastep.world import physics
from megastep.world.cameras import CameraRig, checked, map_by_name
from megastep.world.core import Core, respawn
from megastep.world.episode_queue import FixedEpisodes
from megastep.world.kernels import compile_ahead
from megastep.world.scenery import Scenery, bake, relight

SHARED: Mapping[str, type] = MappingProxyType(
    {
        **dict.fromkeys(('fov', 'light', 'agent_radius', 'time_limit', *NOISES), float),
        'colours': int,
        'palette': str,
        'action_lag': int,
        'max_episode_steps': int,
    }
)
"""The types of what every env takes by keyword to be varied, but for what isn't a word or a number."""


def check_amounts(kind: type, amounts: Mapping[str, float]) -> None:
    """Raises unless all that a class of envs hands on as amounts of noise is noise.

    Raises:
        TypeError: if it isn't, as of any keyword that isn't known: it says which are.
    """
    if unknown := sorted(set(amounts) - set(NOISES)):
        takes = inspect.signature(kind).parameters.values()
        own = [parameter.name for parameter in takes if parameter.kind is inspect.Parameter.KEYWORD_ONLY]
        names = dict.fromkeys((*own, *SHARED, 'noise'))
        raise TypeError(f'{kind.__name__} has no option {unknown[0]!r}; it has {", ".join(names)}.')


class World(NamedTuple):
    """The world that an env is made in."""

    core: Core
    cameras: CameraRig
    options: dict[str, Any]
    """What was asked for beside, which is for `Env`."""


def make_world(
    maps: MapSet | Sequence[Geometry],
    num_envs: int,
    device: str | torch.device | None = None,
    *,
    num_agents: int = 1,
    num_markers: int = 0,
    solid: bool = False,
    fps: float = 10,
    seed: int = 0,
    cameras: CameraRig,
    fov: float | None = None,
    colours: int | None = None,
    palette: str | ArrayLike = 'standard',
    light: float = 1.0,
    agent_radius: float = AGENT_RADIUS,
    episodes: FixedEpisodes | None = None,
    displacements: bool = False,
    **options: Any,
) -> World:
    """Packs an env's maps, and makes its core and cameras, all as usual or varied.

    Args:
        maps: The maps.
        num_envs: How many envs there are.
        device: Where they are; by default the GPU if there is one.
        num_agents: How many agents each has.
        num_markers: How many markers each has: see `Core`.
        solid: Whether agents collide with them.
        fps: How many steps a second has.
        seed: Seeds the walls' colours and the envs.
        cameras: What the agents see with: one kind of cameras, or several by name.
        fov: Every camera's field of view in degrees, if it isn't to be its own.
        colours: Seeds the walls' colours alone.
        palette: What colours walls have: see `Scenery.pack`.
        light: What the lights' intensities are multiplied by.
        agent_radius: An agent's radius, in metres.
        episodes: The fixed episodes that envs play, each in turn: see `megastep.evaluation.Episodes`.
        displacements: Whether steps ask `physics.advance` for them: its kernel is compiled meanwhile.
        options: What is handed on to `Env`.

    Raises:
        ValueError: if something is out of range: see `Scenery.pack`, `Core` and `Cameras`.
    """
    cameras = checked(cameras)
    if colours is not None and (not is_integer(colours) or not 0 <= colours <= LARGEST_SEED):
        raise ValueError(f'colours must be an integer from 0 to {LARGEST_SEED}, got {colours!r}.')
    if fov is not None:
        cameras = map_by_name(lambda kind: replace(kind, fov=fov), cameras)
    scenery = Scenery.pack(
        maps, num_agents, device, seed if colours is None else colours,
        palette=palette, light=light, agent_radius=agent_radius, baked=False,
    )  # fmt: skip
    core = Core(scenery, num_envs, fps=fps, seed=seed, num_markers=num_markers, solid=solid, spawned=False)
    moved = torch.empty_like(core.agents.positions) if displacements else None
    compile_ahead(core.device, partial(physics.advance, core, displacements=moved), partial(bake, scenery))
    respawn(core, torch.ones(core.num_envs, dtype=torch.bool, device=core.device))
    relight(scenery)
    if episodes is not None:
        core.play(episodes)
    return World(core, cameras, options)
