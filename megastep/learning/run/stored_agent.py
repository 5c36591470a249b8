"""Stored agents: the policies of runs, of their checkpoints and of folders that agents were saved in."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

import megastep
from megastep.checks import check_paths
from megastep.learning import card, pretrained
from megastep.learning.model.policy import Policy
from megastep.learning.model.spaces import Spaces
from megastep.learning.run.checkpoints import (
    MANIFEST,
    WEIGHTS,
    check_fits,
    last_good,
    load_weights,
    verified,
    weights_file,
)
from megastep.learning.run.run_config import CONFIG_HASH, RunConfig
from megastep.learning.run.run_folder import Run
from megastep.learning.settings import Settings
from megastep.maps.storage import atomic, digests, json_files, temporaries

CONFIG, MODEL, CARD = 'config.json', 'model.safetensors', 'README.md'
"""The files of a saved agent, by the names that the Hugging Face hub has for them."""

SAVED = ('env', 'options', 'opponents', 'scores', 'spaces', 'settings', 'maps', 'frames', 'results')
"""What is saved of an agent beside its weights."""

PROVENANCE = ('command', 'commit', 'tests')
"""What is saved as well of an agent that says how it was made: the command, the code's commit, and its scores by set of
maps, each with a 95 % confidence interval."""

OPPONENTS = 'opponents'
"""The folder with the trained agents that a run or a saved agent learnt among: saved agents themselves. A saved agent's
has their hash after this name, which its configuration has as `KEPT`; before version 0.3 it had none."""

KEPT = 'opponents_folder'

OURS = re.compile(r'model\.[0-9a-f]{16}\.safetensors')
"""The names of weights that have been written, and not yet put in the place of those before."""

KINDS: Mapping[str, type] = MappingProxyType(
    {
        'env': str, 'options': dict, 'opponents': int, 'scores': list, 'spaces': dict, 'settings': dict, 'maps': dict,
        'frames': int, 'results': dict, 'weights_sha256': str,
    }
)  # fmt: skip
"""The kinds of value of a configuration, by name."""


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
            with torch.device('meta'):  # which allocates nothing
                outline = self._policy(spaces)
        except (ValueError, RuntimeError) as error:
            raise ValueError(f'{self.folder} is damaged: {error}') from error
        check_fits(outline, self.weights)  # so that a policy takes no more memory than the file is long
        policy = self._policy(spaces)
        load_weights(policy, self.weights)
        return policy.to(device)

    def _policy(self, spaces: Spaces) -> Policy:
        return Policy(
            spaces.observation, spaces.action, self.settings.width,
            auxiliary_space=spaces.auxiliary, action_bins=self.settings.action_bins,
        )  # fmt: skip


def save(
    folder: Path,
    policy: Policy,
    settings: Settings,
    about: Mapping[str, Any],
    dtype: torch.dtype = torch.float32,
    opponents: Sequence[StoredAgent] = (),
) -> None:
    """Saves an agent in the Hugging Face hub's layout: its configuration, its weights, and a model card.

    The folder has the agent that it had, or this one: its configuration is what counts, and names the others by their
    hashes. Of two writers the later wins.

    Args:
        folder: Where to; made if it isn't there.
        policy: The policy.
        settings: What it was trained with.
        about: What else is known of it, as `SAVED` and `PROVENANCE` name it.
        dtype: The type that the weights are rounded to.
        opponents: The trained agents that it learnt among.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = weights_file(policy, dtype)
    sha256 = hashlib.sha256(weights).hexdigest()
    with temporaries.alone(folder):
        atomic.replace(folder / _written(sha256), weights)
        kept = _kept_beside(opponents, folder)
        config = {
            'library_name': 'megastep', 'version': megastep.__version__, **about,
            'settings': asdict(settings), 'weights_sha256': sha256, **({KEPT: kept.name} if kept else {}),
        }  # fmt: skip
        config[CONFIG_HASH] = digests.entries_digest(json.loads(json.dumps(config)), CONFIG_HASH)
        atomic.replace(folder / CONFIG, json.dumps(config, indent=1).encode())
        os.replace(folder / _written(sha256), folder / MODEL)
        atomic.replace(folder / CARD, card.of(config).encode())
        temporaries.clear_matching(folder, OURS)
        _clear_opponents(folder, kept)


def _written(sha256: str) -> str:
    """The name of weights until they are in the place of those before."""
    return f'model.{sha256[:16]}.safetensors'


def _kept_beside(agents: Sequence[StoredAgent], folder: Path) -> Path | None:
    """Saves agents in a folder of their own in another, which is there whole or not at all. None for none."""
    if not agents:
        return None
    texts = [json.dumps([digests.file_digest(agent.weights), agent.about, asdict(agent.settings)]) for agent in agents]
    path = folder / f'{OPPONENTS}.{hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:16]}'
    if not path.exists():
        beside = path.with_name(f'.{path.name}')
        keep_opponents(agents, beside)
        os.replace(beside, path)
    return path


def _clear_opponents(folder: Path, kept: Path | None) -> None:
    """Removes the opponents that an agent had before, and those whose writer was killed. What else is there stays."""
    for unfinished in folder.glob(f'.{OPPONENTS}.*'):
        shutil.rmtree(unfinished)
    for old in folder.glob(f'{OPPONENTS}*'):
        if old != kept:
            for agent in kept_opponents(old):
                shutil.rmtree(agent)
            with suppress(OSError):  # something else is in it, or it is a file
                old.rmdir()


def keep_opponents(agents: Sequence[StoredAgent], folder: Path) -> None:
    """Saves agents in a folder of their own, in place of those that are in it: ``000``, ``001`` and so on."""
    shutil.rmtree(folder, ignore_errors=True)
    for number, agent in enumerate(agents):
        save(folder / f'{number:03}', agent.policy(torch.device('cpu')), agent.settings, agent.about)


def kept_opponents(folder: Path) -> tuple[Path, ...]:
    """The folders of the agents that `keep_opponents` saved, in order."""
    return tuple(sorted(path for path in folder.glob('*') if path.name.isdecimal() and (path / CONFIG).is_file()))


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
    values = _config(folder)
    try:
        settings = Settings(**values['settings'])
    except (TypeError, ValueError) as error:
        raise ValueError(f'{folder / CONFIG} is damaged, or of another version: {error}.') from error
    weights = _weights(folder, values['weights_sha256'])
    if weights is None:
        if _config(folder) != values:
            return saved(folder)  # another agent has taken its place meanwhile
        problem = 'is damaged: it is not what was saved' if (folder / MODEL).is_file() else 'is missing'
        raise ValueError(f'{folder / MODEL} {problem}.')
    about = {name: values[name] for name in (*SAVED, *PROVENANCE) if name != 'settings' and name in values}
    return StoredAgent(folder, weights, settings, about, opponents=kept_opponents(_opponents(folder, values)))


def _config(folder: Path) -> dict[str, Any]:
    """The configuration of a saved agent."""
    path = folder / CONFIG
    try:
        values = json_files.read_json(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ValueError(f'{folder} holds no saved agent: there is no {CONFIG} in it.') from error
    except ValueError as error:
        raise ValueError(f'{path} is damaged: {error}') from error
    if not isinstance(values, dict) or values.get('library_name') != 'megastep':
        raise ValueError(f'{path} must be that of an agent which megastep saved, and is none.')
    if missing := sorted(set(KINDS) - set(values)):
        raise ValueError(f'{path} is damaged, or of another version: it lacks {", ".join(missing)}.')
    if values.get(CONFIG_HASH, expected := digests.entries_digest(values, CONFIG_HASH)) != expected:
        raise ValueError(f'{path} is damaged, or was changed, which it may be once {CONFIG_HASH} is taken out of it.')
    for name, kind in KINDS.items():
        if type(values[name]) is not kind:
            raise ValueError(f'{path} is damaged: {name} must be {kind.__name__}, got {str(values[name])[:100]!r}.')
    return values


def _weights(folder: Path, sha256: str) -> Path | None:
    """The file of a saved agent's weights, if there is one that hashes to what was saved."""
    for path in (folder / _written(sha256), folder / MODEL):
        with suppress(FileNotFoundError, ValueError):
            if digests.file_digest(path) == sha256:
                return path
    return None


def _opponents(folder: Path, values: Mapping[str, Any]) -> Path:
    """The folder of the agents that a saved agent learnt among."""
    name = values.get(KEPT, OPPONENTS)
    if name != OPPONENTS and not (isinstance(name, str) and re.fullmatch(rf'{OPPONENTS}\.[0-9a-f]{{16}}', name)):
        raise ValueError(f'{folder / CONFIG} is damaged: {KEPT} names no folder of opponents, {str(name)[:100]!r}.')
    if KEPT in values and not (folder / name).is_dir():
        raise ValueError(f'{folder / name} is missing.')
    return folder / name
