"""State of the simulation: many envs in packed maps, and the agents that move in them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from megastep.checks import check_counts, check_numbers, check_seed, is_integer
from megastep.world.buffers import check_mask, tensor_of
from megastep.world.device import check_default_dtype
from megastep.world.episode_queue import EpisodeQueue, FixedEpisodes, check_episodes
from megastep.world.kernels import implementation
from megastep.world.markers import Markers
from megastep.world.random_numbers import EnvStreams, KeyedStreams, wrapped
from megastep.world.scenery import Scenery


@dataclass(frozen=True, eq=False)
class Agents:
    """The agents' state. The tensors are allocated once and written in place.

    Args:
        positions: Where they are, in metres.
        velocities: In metres per second.
        angles: Which way they face, in degrees anticlockwise from +x.
        angular_velocities: In degrees per second.
    """

    positions: Float[Tensor, 'env agent 2']
    velocities: Float[Tensor, 'env agent 2']
    angles: Float[Tensor, 'env agent']
    angular_velocities: Float[Tensor, 'env agent']

    def __repr__(self) -> str:
        num_envs, num_agents = self.angles.shape
        return f'Agents(num_envs={num_envs}, num_agents={num_agents}, device={str(self.angles.device)!r})'

    @classmethod
    def zeros(cls, num_envs: int, num_agents: int, device: torch.device) -> Agents:
        """Agents at rest at the origin."""
        plane, line = (num_envs, num_agents, 2), (num_envs, num_agents)
        return cls(*(torch.zeros(shape, device=device) for shape in (plane, plane, line, line)))


class Core:
    """The state of many envs in packed maps: which map each is in, and its agents.

    Agents start at spawns of their map, facing any way.

    Args:
        scenery: The maps.
        num_envs: How many envs there are.
        fps: How many steps a second has.
        seed: Seeds all the core's randomness.
        map_ids: The map each env stands in: (env,) int; by default spread evenly over the maps.
        checked: Whether every step checks that velocities are finite, and that no env was moved to another map in
            mid-episode, which waits for the GPU.
        num_markers: How many markers each env has.
        solid: Whether agents collide with markers, those that are there, as with discs that stand still.
        episodes: The fixed episodes that envs play, each in turn; by default envs draw what they begin with.
        spawned: Whether agents are put at spawns; if not, `respawn` does it, and until then they are at the origin.

    Attributes:
        map_ids: The map each env stands in: (env,) int64. Assigning others moves the envs whose map changes: their
            agents are put at spawns there, and their episode is over. Written in place, they are to be those of envs
            whose episode is over; a ``checked`` core refuses others in the next step of an `Env`.
        over: The envs whose episode is over, so that the next step of an `Env` begins a new one: (env,) bool.
        agents: The agents' state.
        markers: What cameras see beside walls and agents; at first none of them is there.
        contacts: What each agent touched in the last step: (env, agent) int32, -1 for nothing, else a line's number.
        non_finite: How often each agent's action was NaN, or its velocity NaN or infinite, and so taken as zero: (env,
            agent) int32.
        stops: How often each agent had to stop where it was because rounding left no safe move: (env, agent) int32.
        turn: Counts each env's steps; decides which of its agents moves first: (env,).
        clocks: How many steps each env's episode has had, and the number of the step that its random numbers are in:
            (2, env).
        streams: The envs' random numbers, a stream for each.
        random: What all randomness is drawn from: these streams, or those of the fixed episodes that are played.
        generator: A generator of the core's own, of which nothing here draws: what it gives an env depends on how many
            there are.
        episodes: The queue of the fixed episodes that are played; None if there are none.
        watchers: Functions that are called with the cameras and the view of whatever is rendered; of what runs from a
            CUDA graph they learn nothing.

    Raises:
        ValueError: if the scenery is none, num_envs is below 1, the seed isn't one of 64 bits, fps isn't above 0,
            map_ids has the wrong shape or dtype or names a map that isn't there, num_markers is below 0, or PyTorch's
            default dtype isn't float32.
    """

    def __init__(
        self,
        scenery: Scenery,
        num_envs: int,
        fps: float = 10,
        seed: int = 0,
        map_ids: Int[Tensor, ' env'] | None = None,
        checked: bool = False,
        num_markers: int = 0,
        solid: bool = False,
        episodes: FixedEpisodes | None = None,
        spawned: bool = True,
    ) -> None:
        check_default_dtype()
        if not isinstance(scenery, Scenery):
            got = type(scenery).__name__
            raise ValueError(f'scenery must be a Scenery, got {got}: Scenery.pack makes one of maps.')  # noqa: TRY004
        check_counts(num_envs=num_envs)
        check_numbers(fps=fps)
        if not 0 < fps < math.inf:
            raise ValueError(f'fps must be above 0 and finite, got {fps}.')
        check_seed(seed)
        if not is_integer(num_markers) or num_markers < 0:
            raise ValueError(f'num_markers must be an integer of at least 0, got {num_markers!r}.')
        num_envs, num_markers = int(num_envs), int(num_markers)
        self.scenery, self.num_envs, self.fps, self.device = scenery, num_envs, float(fps), scenery.device
        self.num_agents, self.agent_radius = scenery.num_agents, scenery.agent_radius
        self.generator = torch.Generator(self.device).manual_seed(int(seed))
        spread = torch.arange(num_envs, device=self.device) * scenery.num_maps // num_envs
        self._map_ids = spread if map_ids is None else checked_map_ids(map_ids, num_envs, scenery)
        self.agents = Agents.zeros(num_envs, self.num_agents, self.device)
        self.num_markers, self.solid = num_markers, solid
        self.markers = Markers.absent(num_envs, num_markers, self.device)
        self.contacts = torch.full((num_envs, self.num_agents), -1, dtype=torch.int32, device=self.device)
        self.non_finite = torch.zeros_like(self.contacts)
        self.stops = torch.zeros_like(self.contacts)
        self.turn = torch.zeros(num_envs, dtype=torch.int64, device=self.device)
        self.clocks = torch.zeros((2, num_envs), dtype=torch.int64, device=self.device)
        self.streams = EnvStreams(int(seed), self.clocks[1])
        self.random: KeyedStreams = self.streams
        self.episodes: EpisodeQueue | None = None
        self.over = torch.zeros(num_envs, dtype=torch.bool, device=self.device)
        self.checked = checked
        self.watchers: list[Callable[[Any, Any], None]] = []
        self._known = self._map_ids.clone()
        if spawned:
            respawn(self, torch.ones(num_envs, dtype=torch.bool, device=self.device))
        if episodes is not None:
            self.play(episodes)

    def play(self, episodes: FixedEpisodes) -> None:
        """Has envs that begin anew play fixed episodes from now on. A step that has been captured doesn't see it.

        Raises:
            ValueError: if they are of other agents, or of maps that aren't there.
        """
        check_episodes(episodes, self.scenery)
        self.episodes = EpisodeQueue(episodes, self.num_envs, self.fps, self.device)
        self.random = self.episodes.random

    def seed(self, seed: int, mask: Bool[Tensor, ' env'] | None = None) -> None:
        """Seeds the generator, and the random numbers of the envs in the mask, or of all.

        Raises:
            ValueError: if the seed isn't one of 64 bits.
        """
        check_seed(seed)
        self.generator.manual_seed(int(seed))
        self.streams.restart(int(seed), mask)

    def seed_each(self, seeds: Iterable[int], mask: Bool[Tensor, ' env'] | None = None) -> None:
        """Seeds the random numbers of each of the envs in the mask, or of all, by a seed of its own.

        Raises:
            ValueError: if there isn't a seed for each env, or the envs play fixed episodes, which have seeds.
        """
        seeds = list(seeds)
        if self.episodes is not None:
            raise ValueError('seed must be one where fixed episodes are played, which have their own, got several.')
        if len(seeds) != self.num_envs:
            raise ValueError(f'seed must be one, or one for each of {self.num_envs} envs, got {len(seeds)}.')
        for each in seeds:
            check_seed(each)
        self.streams.restart(torch.tensor([wrapped(int(each)) for each in seeds], device=self.device), mask)

    def __repr__(self) -> str:
        sizes = f'num_envs={self.num_envs}, num_agents={self.num_agents}, num_maps={self.scenery.num_maps}'
        return f'Core({sizes}, fps={self.fps:g}, device={str(self.device)!r})'

    @property
    def map_ids(self) -> Int[Tensor, ' env']:
        """The map each env stands in."""
        return self._map_ids

    @map_ids.setter
    def map_ids(self, ids: Int[Tensor, ' env']) -> None:
        ids = checked_map_ids(ids, self.num_envs, self.scenery)
        moved = ids != self._map_ids
        self._map_ids.copy_(ids)  # a CUDA graph goes on reading the same tensor
        self.over.logical_or_(moved)
        self.accept_maps(moved)
        self.streams.count(moved)
        self.random.phase('reset')
        respawn(self, moved)
        self.streams.count(moved)

    def accept_maps(self, mask: Bool[Tensor, ' env']) -> None:
        """Takes it that the envs in the mask may stand in the maps that they stand in: they have begun anew there."""
        torch.where(mask, self._map_ids, self._known, out=self._known)

    def check_maps(self) -> None:
        """Raises if `map_ids` was written in place where an episode isn't over. Waits for the GPU.

        Raises:
            ValueError: naming the first such env, whose agents are now outside their map.
        """
        wrong = (self._map_ids != self._known) & ~self.over
        if wrong.any():
            env = int(wrong.nonzero()[0])
            raise ValueError(
                f'map_ids may be written in place only where an episode is over, but that of env {env} was changed '
                f'from {int(self._known[env])} to {int(self._map_ids[env])} in mid-episode: assign core.map_ids, or '
                "reset with options={'map_ids': ...}."
            )

    def tick(self, begins: Bool[Tensor, ' env']) -> None:
        """Counts a step in all envs; in those that begin an episode with it, none has been made."""
        implementation(self.device).tick(self, begins)

    @property
    def first_marker_line(self) -> int:
        """The number of an env's first marker among its lines, whatever its map: after those of the most walls.

        Waits for the GPU when first asked.
        """
        return self.num_agents * self.scenery.lines_per_agent + self.scenery.most_walls

    def check(self) -> None:
        """Raises if an agent's action or velocity was NaN or infinite since the last check. Waits for the GPU.

        Raises:
            ValueError: naming the first such env and agent.
        """
        counts = self.non_finite.to('cpu', copy=True)
        self.non_finite.zero_()
        if counts.any():
            env, agent = counts.nonzero()[0].tolist()
            others = int((counts > 0).sum()) - 1
            raise ValueError(
                f'actions and velocities must be finite, but those of env {env}, agent {agent} were not, '
                f'{counts[env, agent]} times' + (f', nor were those of {others} other agents.' if others else '.')
            )


def checked_map_ids(map_ids: Int[Tensor, ' env'], num_envs: int, scenery: Scenery) -> Int[Tensor, ' env']:
    """A copy of map ids on the scenery's device, if there is one for each env and each is a map's number."""
    ids = tensor_of('map_ids', map_ids)
    if ids.dtype == torch.bool or ids.is_floating_point() or ids.is_complex():
        raise ValueError(f'map_ids must be integers, got {ids.dtype}.')
    if ids.shape != (num_envs,):
        raise ValueError(f'map_ids must have shape ({num_envs},), got {tuple(ids.shape)}.')
    ids = ids.to(torch.int64)  # not all comparisons know of all types without a sign
    bad = ids[(ids < 0) | (ids >= scenery.num_maps)]
    if len(bad):
        raise ValueError(f'map_ids must be from 0 to {scenery.num_maps - 1}, got {int(bad[0])}.')
    return ids.to(scenery.device, copy=True)


def respawn(core: Core, mask: Bool[Tensor, ' env']) -> None:
    """Puts the agents of some envs at random spawns of their map: facing anywhere, at rest, touching nothing.

    The first agent of an env gets any spawn, and the others those that follow it at a random stride, so that no two
    get the same one. Where fixed episodes are played, they say where.

    Args:
        core: The envs.
        mask: Which of them.

    Raises:
        ValueError: if the mask isn't a bool for each env.
    """
    check_mask(mask, (core.num_envs,), core.device)
    if core.episodes is not None and core.episodes.places:
        return place(core, mask)
    return implementation(core.device).respawn(core, mask, core.random.draw())


def place(core: Core, mask: Bool[Tensor, ' env']) -> None:
    """Puts the agents of some envs where the fixed episodes that they play begin, at rest, touching nothing.

    It does nothing where there are none, or these don't say where.

    Args:
        core: The envs.
        mask: Which of them.
    """
    if core.episodes is None or not core.episodes.places:
        return
    agents, wide = core.agents, mask[:, None]
    positions, bearings = core.episodes.starts
    torch.where(wide[..., None], positions, agents.positions, out=agents.positions)
    torch.where(wide, bearings, agents.angles, out=agents.angles)
    agents.velocities.masked_fill_(wide[..., None], 0)
    agents.angular_velocities.masked_fill_(wide, 0)
    core.contacts.masked_fill_(wide, -1)
