"""Trained agents: loaded from where they were trained or saved, to act, to be evaluated, and to be handed on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from megastep.checks import is_integer
from megastep.env import Env
from megastep.env.nested import mismatch, to_tensors
from megastep.evaluation.entry_points import MakesEnv
from megastep.evaluation.opponents import Opponents
from megastep.evaluation.registry import Task
from megastep.learning.model.policy import Actor, Policy
from megastep.learning.model.spaces import Spaces
from megastep.learning.run.distributed import device_for
from megastep.learning.run.kept_fields import field_option
from megastep.learning.run.run_config import fingerprint
from megastep.learning.run.run_folder import Run
from megastep.learning.run.stored_agent import StoredAgent, save, saved
from megastep.learning.settings import LARGEST_SEED, Settings
from megastep.maps.mapset import MapSet
from megastep.world.buffers import tensor_of
from megastep.world.kernels import check_not_forked

ROWS = 64
"""The number of rows, at most, of an env that an agent makes, unless told otherwise."""


@dataclass(eq=False)
class Agent:
    """Trained agent: a policy, and what it has learnt. It acts, and keeps its hidden state by row.

    `load` makes it. It is a policy to `megastep.evaluation.evaluate_in`.

    Args:
        policy: The policy.
        settings: What it was trained with.
        about: What else is known of it, as `SAVED` names it.
        folder: Where it was loaded from.
        maps_file: The file of the maps that it was trained in, if it is there.
        opponents_from: The folders of the trained agents that it learnt among, if there were any.
        env_maker: What makes its env, if that isn't to be found by its name.
        greedy: Take the likeliest action; otherwise draw one.
        seed: Seeds what is drawn.
    """

    policy: Policy
    settings: Settings
    about: Mapping[str, Any]
    folder: Path
    maps_file: Path | None = None
    opponents_from: tuple[Path, ...] = ()
    env_maker: str | MakesEnv | None = None
    greedy: bool = False
    seed: int = 0
    _actor: Actor | None = field(default=None, init=False, repr=False)
    _rows: int = field(default=0, init=False, repr=False)

    def __repr__(self) -> str:
        numbers = sum(parameter.numel() for parameter in self.policy.parameters())
        return f'Agent({self.about["env"]}, {self.about["frames"]:,} steps, {numbers:,} weights, {str(self.folder)!r})'

    @cached_property
    def task(self) -> Task:
        """The task that it has learnt.

        Raises:
            ValueError: if the env can't be found by its name, and wasn't handed over; or takes other options now.
        """
        if self.env_maker is not None:
            return Task.of(self.env_maker, self.about['options'])
        try:
            return Task.of(self.about['env'], self.about['options'])
        except ValueError as error:
            message = f'{self.folder} is of {self.about["env"]}, which must be found or handed over as task: {error}'
            raise ValueError(message) from error

    @cached_property
    def maps(self) -> MapSet:
        """The maps that it was trained in.

        Raises:
            ValueError: if they aren't there, or are others.
        """
        if self.maps_file is None or not self.maps_file.is_file():
            where = self.folder if self.maps_file is None else self.maps_file
            raise ValueError(f'{where} must have the maps that were trained in, got none: hand some over as maps.')
        maps = MapSet.load(self.maps_file)
        if fingerprint(maps) != self.about['maps']:
            raise ValueError(f'{self.maps_file} is damaged, or has other maps than were trained in.')
        return maps

    def __call__(self, observations: Any, begins: Bool[Tensor, ' row'] | None = None) -> Any:
        """The next actions, nested as their space is.

        Args:
            observations: All rows', nested as their space is.
            begins: (row,) In which rows an episode begins with these observations, so that nothing is remembered; by
                default in none, but in all when it acts for the first time, or for another number of rows than before.

        Raises:
            ValueError: if observations aren't those of the policy's space, or begins isn't (row,) bool.
        """
        device = self.policy.value.weight.device
        observations = to_tensors(observations, device, 'observations')
        rows = next((len(leaf) for leaf in tree_leaves(observations) if leaf.ndim), 0)
        if self._actor is None or rows != self._rows:
            self._check(observations, rows)
        begins = torch.zeros(rows, dtype=torch.bool, device=device) if begins is None else tensor_of('begins', begins)
        if begins.dtype != torch.bool or begins.shape != (rows,):
            raise ValueError(f'begins must be bool of shape ({rows},), got {begins.dtype} of {tuple(begins.shape)}.')
        if self._actor is None or rows != self._rows:
            self._actor, self._rows = self.actor(rows, greedy=self.greedy, seed=self.seed), rows
        return self._actor(observations, begins.to(device))

    def _check(self, observations: Any, rows: int) -> None:
        """Raises unless these are the observations of at least one row."""
        space, device = self.policy.spaces.observation, self.policy.value.weight.device
        given = tree_map(Tensor.detach, observations)
        if flaw := mismatch('observations', given, space, max(rows, 1), device, values=False, types=False):
            raise ValueError(flaw)

    def actor(self, rows: int, *, greedy: bool = False, seed: int = 0) -> Actor:
        """An actor of its own for so many rows, which shares nothing with this one but the policy: see `Actor`."""
        return self.policy.actor(rows, greedy=greedy, seed=seed)

    def env(
        self,
        maps: MapSet | str | Path | None = None,
        num_envs: int | None = None,
        *,
        device: str | torch.device | None = None,
        seed: int = 0,
        **options: Any,
    ) -> Env:
        """Makes its env again, with the options that it was trained with.

        Args:
            maps: The maps, or their file; by default those that it was trained in.
            num_envs: How many agents there are in all; by default 64, or as many as worlds of several agents allow.
            device: Where they are; by default where the policy is.
            seed: Seeds the env.
            options: What the env takes that is to be otherwise than in training.

        Raises:
            ValueError: if the env can't be made so, or what agents observe or do in it isn't what this one knows.
        """
        task = self.task
        chosen = MapSet.load(maps) if isinstance(maps, (str, Path)) else self.maps if maps is None else maps
        agents = options.get('num_agents', task.num_agents)
        count = max(1, ROWS // agents) * agents if num_envs is None else num_envs
        place = self.policy.value.weight.device if device is None else device_for(device)
        if not {'geodesic_field', 'agent_radius'} & set(options):
            options |= field_option(task, chosen, maps if isinstance(maps, (str, Path)) else None, place)
        env = task.make(chosen, count, device=place, seed=seed, **options)
        for name, known, found in zip(Spaces._fields, self.policy.spaces, Spaces.of(env), strict=True):
            if known != found:
                raise ValueError(f"the env's {name} space must be the agent's, {known}, got {found}.")
        return env

    def opponents(self, env: Env) -> Opponents | None:
        """The opponents that it was trained among, in an env that it has made; None if there were none."""
        policies = [agent.policy(env.device) for agent in self._stored_opponents]
        return self.task.opponents(env, self.about['opponents'], policies, seed=self.seed)

    @property
    def _stored_opponents(self) -> list[StoredAgent]:
        return [StoredAgent.find(folder) for folder in self.opponents_from]

    def save_pretrained(self, folder: str | Path) -> Path:
        """Saves the agent in the Hugging Face hub's layout: its configuration, its weights, and a model card.

        `load` and `from_pretrained` read it. Maps aren't saved with it. To push it, hand the folder to the hub's
        library: ``huggingface_hub.upload_folder(repo_id='me/explorer', folder_path=folder)``.

        Args:
            folder: Where to; made if it isn't there. What else is in it stays.

        Returns:
            The folder.

        Raises:
            ValueError: if it is no folder, or that of a run.
        """
        path = Path(folder)
        if path.exists() and not path.is_dir():
            raise ValueError(f'folder must be a folder to save an agent in, got {path}, a file.')
        if Run(path).description.exists():
            raise ValueError(f'folder must be another than that of a run, got {path}.')
        save(path, self.policy, self.settings, self.about, opponents=self._stored_opponents)
        return path

    @classmethod
    def from_pretrained(cls, folder: str | Path, **options: Any) -> Agent:
        """Loads an agent that `save_pretrained` saved.

        Args:
            folder: Where it was saved.
            options: As `load` takes them.

        Raises:
            ValueError: naming the file that is missing, damaged or of another version.
        """
        return _load(saved(Path(folder)), **options)


def load(
    folder: str | Path,
    *,
    task: str | MakesEnv | None = None,
    device: str | torch.device | None = None,
    greedy: bool = False,
    seed: int = 0,
) -> Agent:
    """Loads a trained agent.

    >>> agent = megastep.load('runs/a')  # doctest: +SKIP
    >>> actions = agent(observations, begins)  # doctest: +SKIP

    Args:
        folder: That of a run, whose last checkpoint it is; of one checkpoint in a run's folder; or of an agent that was
            saved by `Agent.save_pretrained`. Or the name of an agent that comes with megastep:
            ``'pointgoal'``, ``'explorer'`` or ``'deathmatch'``.
        task: What makes its env, if that isn't found by its name: a class of ``__main__``, for example.
        device: Where it acts; by default on the GPU if there is one.
        greedy: Take the likeliest action; otherwise draw one.
        seed: Seeds what is drawn.

    Raises:
        ValueError: naming what is missing, damaged or of another version.
        RuntimeError: in a process that was forked from one that has used megastep on a CPU.
    """
    return _load(StoredAgent.find(folder), task=task, device=device, greedy=greedy, seed=seed)


def _load(
    stored: StoredAgent,
    *,
    task: str | MakesEnv | None = None,
    device: str | torch.device | None = None,
    greedy: bool = False,
    seed: int = 0,
) -> Agent:
    check_not_forked()
    if not is_integer(seed) or not 0 <= seed <= LARGEST_SEED:
        raise ValueError(f'seed must be an integer from 0 to {LARGEST_SEED}, got {seed!r}.')
    if task is not None:
        Task.of(task)
    return Agent(
        stored.policy(device_for(device)), stored.settings, stored.about, stored.folder, stored.maps_file,
        stored.opponents, env_maker=task, greedy=greedy, seed=seed,
    )  # fmt: skip
