"""Stored agents: the policies of runs, of their checkpoints and of folders that agents were saved in."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

import megastep
from megastep.checks import check_paths
from megastep.learning import card, pretrained
from megastep.learning.model.policy import Policy
from megastep.learning.model.spaces import Spaces
from megastep.learning.run.checkpoints import MANIFEST, WEIGHTS, last_good, load_weights, verified, weights_file
from megastep.learning.run.run_config import RunConfig
from megastep.learning.run.run_folder import Run
from megastep.learning.settings import Settings
from megastep.maps import storage

CONFIG, MODEL, CARD = 'config.json', 'model.safetensors', 'README.md'
"""The files of a saved agent, by the names that the Hugging Face hub has for them."""

SAVED = ('env', 'options', 'opponents', 'scores', 'spaces', 'settings', 'maps', 'frames', 'results')
"""What is saved of an agent beside its weights."""

PROVENANCE = ('command', 'commit', 'tests')
"""What is saved as well of an agent that says how it was made: the command, the code's commit, and its scores by set of
maps, each with a 95 % confidence interval."""

OPPONENTS = 'opponents'
"""The folder, in that of a saved agent, with the trained agents that it learnt among: saved agents themselves."""


@dataclass(frozen=True)
class StoredAgent:
    """Stored agent: where its weights are, and what they are of.

    Args:
        folder: Where it was asked for.
        weights: The file of its weights.
        settings: What it was trained with.
        about: What else is known of it, as `SAVED` names it.
        maps_file: The file of the maps that it was trained in, if it is there.
        opponents: The folders of the trained agents that it learnt among, if there were any.
    """

    folder: Path
    weights: Path
    settings: Settings
    about: dict[str, Any]
    maps_file: Path | None = None
    opponents: tuple[Path, ...] = ()

    @classmethod
    def find(cls, folder: str | Path) -> StoredAgent:
        """Finds the agent of a folder: that of a run, whose last checkpoint it is, of a checkpoint or of a saved agent.

        Where there is no such folder, it is that of a pretrained agent of the name, if there is one.

        Raises:
            ValueError: naming what is missing, damaged or of another version.
        """
        check_paths(folder=folder)
        path = Path(folder)
        if not path.exists():
            path = pretrained.folder(str(folder)) or path
        if not path.exists():
            known = ', '.join(pretrained.names())
            raise ValueError(f'there is no folder {path}, nor does an agent of that name come with megastep: {known}.')
        if (path / CONFIG).is_file():
            return saved(path)
        return _checkpoint(path) if (path / MANIFEST).is_file() else _run(path)

    def policy(self, device: torch.device) -> Policy:
        """Reads the policy.

        Raises:
            ValueError: naming the file that is damaged.
        """
        try:
            spaces = Spaces.of_json(self.about['spaces'])
        except ValueError as error:
            raise ValueError(f'{self.folder} is damaged: {error}') from error
        policy = Policy(
            spaces.observation, spaces.action, self.settings.width,
            auxiliary_space=spaces.auxiliary, action_bins=self.settings.action_bins,
        )  # fmt: skip
        load_weights(policy, self.weights)
        return policy.to(device)


def save(
    folder: Path, policy: Policy, settings: Settings, about: Mapping[str, Any], dtype: torch.dtype = torch.float32
) -> None:
    """Saves an agent in the Hugging Face hub's layout: its configuration, its weights, and a model card.

    Args:
        folder: Where to; made if it isn't there.
        policy: The policy.
        settings: What it was trained with.
        about: What else is known of it, as `SAVED` and `PROVENANCE` name it.
        dtype: The type that the weights are rounded to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = weights_file(policy, dtype)
    config = {
        'library_name': 'megastep', 'version': megastep.__version__, **about,
        'settings': asdict(settings), 'weights_sha256': hashlib.sha256(weights).hexdigest(),
    }  # fmt: skip
    storage.replace(folder / MODEL, weights)
    storage.replace(folder / CARD, card.of(config).encode())
    storage.replace(folder / CONFIG, json.dumps(config, indent=1).encode())


def keep_opponents(agents: Sequence[StoredAgent], folder: Path) -> None:
    """Saves agents in a folder of their own, in place of those that are in it: ``000``, ``001`` and so on."""
    shutil.rmtree(folder, ignore_errors=True)
    for number, agent in enumerate(agents):
        save(folder / f'{number:03}', agent.policy(torch.device('cpu')), agent.settings, agent.about)


def kept_opponents(folder: Path) -> tuple[Path, ...]:
    """The folders of the agents that `keep_opponents` saved, in order."""
    return tuple(sorted(path for path in folder.glob('*') if path.name.isdecimal()))


def _run(folder: Path) -> StoredAgent:
    """The agent of a run's last checkpoint."""
    run = Run(folder)
    return _of_run(folder, run, run.read(), last_good(run.checkpoints))


def _checkpoint(folder: Path) -> StoredAgent:
    """The agent of a checkpoint in a run's folder."""
    run = Run(folder.resolve().parents[1])
    if not run.description.is_file():
        raise ValueError(f'{folder} must lie in the folder of its run, which says what its weights are for.')
    return _of_run(folder, run, run.read(), folder)


def _of_run(folder: Path, run: Run, config: RunConfig, checkpoint: Path) -> StoredAgent:
    manifest = verified(checkpoint)
    known = {name: value for name, value in config.json().items() if name in SAVED and name != 'settings'}
    results = run.results(manifest['updates'])
    about = {**known, 'frames': manifest['frames'], 'results': results}
    weights, opponents = checkpoint / WEIGHTS, kept_opponents(run.opponents)
    return StoredAgent(folder, weights, config.settings, about, run.maps, opponents)


def saved(folder: Path) -> StoredAgent:
    """The agent that was saved in a folder.

    Raises:
        ValueError: naming the file that is missing, damaged or of another version.
    """
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
    about = {name: values[name] for name in (*SAVED, *PROVENANCE) if name != 'settings' and name in values}
    return StoredAgent(folder, weights, settings, about, opponents=kept_opponents(folder / OPPONENTS))
