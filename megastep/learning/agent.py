"""Trained agents: loaded from where they were trained or saved, to act, to be evaluated, and to be handed on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor
from torch.utils._pytree import tree_leaves

import megastep
from megastep.env import Env
from megastep.env.nested import to_tensors
from megastep.evaluation.entry_points import MakesEnv
from megastep.evaluation.opponents import Opponents
from megastep.evaluation.registry import Task
from megastep.learning import card
from megastep.learning.model.policy import Actor, Policy
from megastep.learning.model.spaces import Spaces
from megastep.learning.run.checkpoints import MANIFEST, WEIGHTS, last_good, load_weights, verified, weights_file
from megastep.learning.run.distributed import device_for
from megastep.learning.run.run_config import RunConfig, fingerprint
from megastep.learning.run.run_folder import Run
from megastep.learning.settings import LARGEST_SEED, Settings
from megastep.maps import storage
from megastep.maps.mapset import MapSet

ROWS = 64
"""The number of rows, at most, of an env that an agent makes, unless told otherwise."""

CONFIG, MODEL, CARD = 'config.json', 'model.safetensors', 'README.md'
"""The files of a saved agent, by the names that the Hugging Face hub has for them."""

SAVED = ('env', 'options', 'opponents', 'scores', 'spaces', 'settings', 'maps', 'frames', 'results')
"""What is saved of an agent beside its weights."""


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
        env_maker: What makes its env, if that isn't to be found by its name.
        greedy: Take the likeliest action; otherwise draw one.
        seed: Seeds what is drawn.
    """

    policy: Policy
    settings: Settings
    about: Mapping[str, Any]
    folder: Path
    maps_file: Path | None = None
    env_maker: str | MakesEnv | None = None
    greedy: bool = False
    seed: int = 0
    _actor: Actor | None = field(default=None, init=False, repr=False)
    _rows: int = field(default=0, init=False, repr=False)

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
            ValueError: if begins isn't (row,) bool.
        """
        device = self.policy.value.weight.device
        observations = to_tensors(observations, device)
        rows = len(tree_leaves(observations)[0])
        begins = torch.zeros(rows, dtype=torch.bool) if begins is None else torch.as_tensor(begins)
        if begins.dtype != torch.bool or begins.shape != (rows,):
            raise ValueError(f'begins must be bool of shape ({rows},), got {begins.dtype} of {tuple(begins.shape)}.')
        if self._actor is None or rows != self._rows:
            self._actor, self._rows = self.actor(rows, greedy=self.greedy, seed=self.seed), rows
        return self._actor(observations, begins.to(device))

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
        env = task.make(chosen, count, device=place, seed=seed, **options)
        for name, known, found in zip(Spaces._fields, self.policy.spaces, Spaces.of(env), strict=True):
            if known != found:
                raise ValueError(f"the env's {name} space must be the agent's, {known}, got {found}.")
        return env

    def opponents(self, env: Env) -> Opponents | None:
        """The scripted opponents that it was trained among, in an env that it has made; None if there were none."""
        return self.task.opponents(env, self.about['opponents'])

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
        path.mkdir(parents=True, exist_ok=True)
        weights = weights_file(self.policy)
        config = {
            'library_name': 'megastep', 'version': megastep.__version__, **self.about,
            'settings': asdict(self.settings), 'weights_sha256': hashlib.sha256(weights).hexdigest(),
        }  # fmt: skip
        storage.replace(path / MODEL, weights)
        storage.replace(path / CARD, card.of(config).encode())
        storage.replace(path / CONFIG, json.dumps(config, indent=1).encode())
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
        return _load(Path(folder), _saved, **options)


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
            saved by `Agent.save_pretrained`.
        task: What makes its env, if that isn't found by its name: a class of ``__main__``, for example.
        device: Where it acts; by default on the GPU if there is one.
        greedy: Take the likeliest action; otherwise draw one.
        seed: Seeds what is drawn.

    Raises:
        ValueError: naming what is missing, damaged or of another version.
    """
    path = Path(folder)
    if (path / CONFIG).is_file():
        how = _saved
    elif (path / MANIFEST).is_file():
        how = _checkpoint
    else:
        how = _run
    return _load(path, how, task=task, device=device, greedy=greedy, seed=seed)


@dataclass(frozen=True)
class _Stored:
    """An agent as it is on disk."""

    weights: Path
    settings: Settings
    about: dict[str, Any]
    maps_file: Path | None = None


def _load(
    path: Path,
    how: Any,
    *,
    task: str | MakesEnv | None = None,
    device: str | torch.device | None = None,
    greedy: bool = False,
    seed: int = 0,
) -> Agent:
    if not isinstance(seed, int) or not 0 <= seed <= LARGEST_SEED:
        raise ValueError(f'seed must be an integer from 0 to {LARGEST_SEED}, got {seed!r}.')
    if task is not None:
        Task.of(task)
    place, stored = device_for(device), how(path)
    try:
        spaces = Spaces.of_json(stored.about['spaces'])
    except ValueError as error:
        raise ValueError(f'{path} is damaged: {error}') from error
    policy = Policy(spaces.observation, spaces.action, stored.settings.width, auxiliary_space=spaces.auxiliary)
    load_weights(policy, stored.weights)
    return Agent(
        policy.to(place), stored.settings, stored.about, path, stored.maps_file,
        env_maker=task, greedy=greedy, seed=seed,
    )  # fmt: skip


def _run(folder: Path) -> _Stored:
    """The agent of a run's last checkpoint."""
    run = Run(folder)
    return _of_run(run, run.read(), last_good(run.checkpoints))


def _checkpoint(folder: Path) -> _Stored:
    """The agent of a checkpoint in a run's folder."""
    run = Run(folder.resolve().parents[1])
    if not run.description.is_file():
        raise ValueError(f'{folder} must lie in the folder of its run, which says what its weights are for.')
    return _of_run(run, run.read(), folder)


def _of_run(run: Run, config: RunConfig, checkpoint: Path) -> _Stored:
    manifest = verified(checkpoint)
    known = {name: value for name, value in config.json().items() if name in SAVED and name != 'settings'}
    results = run.results(manifest['updates'])
    about = {**known, 'frames': manifest['frames'], 'results': results}
    return _Stored(checkpoint / WEIGHTS, config.settings, about, run.maps)


def _saved(folder: Path) -> _Stored:
    """The agent that was saved in a folder."""
    path, weights = folder / CONFIG, folder / MODEL
    try:
        values = json.loads(path.read_text())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ValueError(f'{folder} holds no saved agent: there is no {CONFIG} in it.') from error
    except ValueError as error:
        raise ValueError(f'{path} is damaged: {error}.') from error
    if not isinstance(values, dict) or values.get('library_name') != 'megastep':
        raise ValueError(f'{path} must be that of an agent which megastep saved, and is none.')
    if missing := sorted({*SAVED, 'weights_sha256'} - set(values)):
        raise ValueError(f'{path} is damaged, or of another version: it lacks {", ".join(missing)}.')
    try:
        settings = Settings(**values['settings'])
    except (TypeError, ValueError) as error:
        raise ValueError(f'{path} is damaged, or of another version: {error}.') from error
    if not weights.is_file():
        raise ValueError(f'{weights} is missing.')
    if hashlib.sha256(weights.read_bytes()).hexdigest() != values['weights_sha256']:
        raise ValueError(f'{weights} is damaged: it is not what was saved.')
    return _Stored(weights, settings, {name: values[name] for name in SAVED if name != 'settings'})
