"""Configuration of a run: the task, its maps, the settings and the course, as the run's folder has it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from megastep.checks import check_counts, check_numbers, plain
from megastep.learning.settings import Settings
from megastep.maps import recipes
from megastep.maps.mapset import MapSet

EARLIER = 'e5d9a83'
"""The last commit whose runs and checkpoints have other names in them, and aren't read any more."""

RENAMED = {
    'minibatches': 'num_minibatches', 'discount': 'gamma', 'trace': 'gae_lambda', 'clip': 'clip_coef',
    'value_weight': 'vf_coef', 'entropy_weight': 'ent_coef', 'auxiliary_weight': 'auxiliary_coef',
}  # fmt: skip
"""The settings that had other names then, by these."""

CONFIG_HASH = 'config_sha256'
"""The configuration's entry that the others hash to. Without it, as before version 0.3, they are taken as they are."""

BINDING = ('env', 'options', 'opponents', 'maps', 'settings', 'processes', 'device')
"""The fields that a run has to be resumed with as it was begun: what comes of it depends on them."""


@dataclass(frozen=True)
class RunConfig:
    """Configuration of a run.

    Args:
        env: The task's name.
        options: What its env takes that isn't as it is by default.
        opponents: How many agents of each world don't learn.
        scores: The env's scores: see `Env.scores`.
        spaces: What one agent observes, does and may be taught to predict: see `Spaces.json`.
        maps: What tells its maps from others: see `fingerprint`.
        settings: The hyperparameters.
        processes: How many processes train together.
        device: The type of the devices that they compute on.
        steps: How many steps are made, of all processes; rounded up to whole updates.
        eval_every: How many seconds lie between evaluations.
        eval_episodes: How many episodes each map has in an evaluation.
        greedy: Whether the policy takes the likeliest action in evaluations.
        checkpoint_every: How many seconds lie between checkpoints.
        keep: How many checkpoints stay.
        maps_file: The file of its maps, if they have one.
        eval_maps_file: The file of the maps that it is evaluated in, if they have one.
        weights: The folder of the run, or of the checkpoint, whose weights it began with, if it did.
        launch: What tells the launch of its processes from others: see `distributed.launch`.
        version: megastep's.
        opponents_from: The folders of the trained agents that these act as; if there are none, they act by a script.

    Raises:
        ValueError: if the steps, an interval or a count is out of range.
    """

    env: str
    options: Mapping[str, Any]
    opponents: int
    scores: tuple[str, ...]
    spaces: Mapping[str, Any]
    maps: Mapping[str, Any]
    settings: Settings
    processes: int
    device: str
    steps: float
    eval_every: float
    eval_episodes: int
    greedy: bool
    checkpoint_every: float
    keep: int
    maps_file: str | None
    eval_maps_file: str | None
    weights: str | None
    launch: str | None
    version: str
    opponents_from: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            object.__setattr__(self, name, plain(value))
        check_numbers(steps=self.steps)
        if not 1 <= self.steps < math.inf:
            raise ValueError(f'steps must be at least 1 and finite, got {self.steps}.')
        check_numbers(eval_every=self.eval_every, checkpoint_every=self.checkpoint_every)
        for name in ('eval_every', 'checkpoint_every'):
            if not getattr(self, name) >= 0:
                raise ValueError(f'{name} must be at least 0 seconds, got {getattr(self, name)}.')
        check_counts(eval_episodes=self.eval_episodes, keep=self.keep)

    @property
    def steps_per_update(self) -> int:
        """The number of steps, of all processes, that an update takes."""
        return self.settings.num_envs * self.settings.horizon * self.processes

    @property
    def updates(self) -> int:
        """The number of updates that are made."""
        return math.ceil(self.steps / self.steps_per_update)

    def json(self) -> dict[str, Any]:
        """The configuration as JSON has it."""
        return {**asdict(self), 'scores': list(self.scores), 'opponents_from': list(self.opponents_from)}

    @classmethod
    def of_json(cls, values: Any, path: Path) -> RunConfig:
        """The configuration that a file has.

        Args:
            values: What is in the file.
            path: The file, in the run's folder.

        Raises:
            ValueError: naming the file or the folder, if it is none, or that of another version.
        """
        if not isinstance(values, dict) or 'settings' not in values:
            raise ValueError(f'{path} does not say how a run was begun.')
        _check_objects(values, path, 'settings')
        _check_settings(values['settings'], path)
        _check_fields(values, path)
        _check_objects(values, path, 'options', 'maps', 'spaces')
        try:
            settings = Settings(**values['settings'])
            tuples = {name: tuple(values[name]) for name in ('scores', 'opponents_from') if name in values}
            return cls(**{**values, 'settings': settings, **tuples})
        except (TypeError, ValueError) as error:
            raise ValueError(f'{path} is damaged: {error}') from error

    def check_same(self, given: RunConfig, folder: Path) -> None:
        """Compares what is binding.

        Args:
            given: The configuration that the run, begun with this one, is to go on with.
            folder: The run's.

        Raises:
            ValueError: if the two differ; it says where.
        """
        begun, asked = self.json(), given.json()
        for name in BINDING:
            for place in recipes.differences(begun[name], asked[name], name):
                raise ValueError(
                    f'{folder} was begun with {place} {_at(begun, place)}, got {_at(asked, place)}: '
                    'resume with the arguments that the run was begun with.'
                )

    def gone_on(self, given: RunConfig) -> RunConfig:
        """The configuration of a run that was begun with this one and goes on with another.

        What isn't binding is as it is given, but for the weights, and for maps that have no file.
        """
        return replace(
            self, steps=given.steps, eval_every=given.eval_every, eval_episodes=given.eval_episodes,
            greedy=given.greedy, checkpoint_every=given.checkpoint_every, keep=given.keep,
            maps_file=given.maps_file or self.maps_file, eval_maps_file=given.eval_maps_file or self.eval_maps_file,
        )  # fmt: skip


def fingerprint(maps: MapSet) -> dict[str, Any]:
    """Fingerprint of a map set: the number of maps, and the SHA-256 of their walls, lights and spawns."""
    return {'count': len(maps), 'sha256': maps.digest('walls', 'lights', 'spawns')}


def _check_objects(values: Mapping[str, Any], path: Path, *names: str) -> None:
    for name in names:
        if not isinstance(value := values.get(name, {}), dict):
            raise ValueError(f'{path} is damaged: {name} must be an object, got {value!r}.')  # noqa: TRY004


def _check_fields(values: Mapping[str, Any], path: Path) -> None:
    """Raises unless a configuration has the fields that it has in this version."""
    known = {field.name for field in fields(RunConfig)}
    needed = {field.name for field in fields(RunConfig) if field.default is MISSING}
    for odd, what in ((needed - set(values), 'lacks'), (set(values) - known, 'has')):
        if odd:
            names = ', '.join(sorted(odd))
            raise ValueError(f'{path.parent} was begun by another version: {path.name} {what} {names}.')


def _check_settings(settings: Mapping[str, Any], path: Path) -> None:
    """Raises unless settings have the names that they have in this version."""
    if before := [name for name in settings if name in RENAMED]:
        now = ', '.join(RENAMED[name] for name in before)
        which = 'which is' if len(before) == 1 else 'which are'
        raise ValueError(
            f'{path.parent} was begun by an earlier version: its settings have {", ".join(before)}, {which} {now} now; '
            f'train anew, or use commit {EARLIER}.'
        )
    known = {field.name for field in fields(Settings)}
    for odd, what in ((known - set(settings), 'lack'), (set(settings) - known, 'have')):
        if odd:
            names = ', '.join(sorted(odd))
            raise ValueError(f'{path.parent} was begun by another version: its settings {what} {names}.')


def _at(values: Mapping[str, Any], place: str) -> Any:
    """The value at a place, such as ``'settings.width'``."""
    found: Any = values
    for name in place.split('.'):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
