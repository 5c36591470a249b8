"""Folder of a run: its configuration, its log, its checkpoints, and what is refused."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from megastep.checks import check_paths
from megastep.learning.run import episode_log
from megastep.learning.run.checkpoints import MANIFEST, found, last_good, verified
from megastep.learning.run.run_config import CONFIG_HASH, RunConfig
from megastep.maps.mapset import MapSet
from megastep.maps.storage import atomic, digests, json_files, regular_files

if TYPE_CHECKING:
    from megastep.plotting import Picture

RUN = 'run.json'
"""The file with the configuration of a run."""

UNBEGUN = (
    'holds a run that ended before its first checkpoint, so there is nothing to go on from: --resume auto begins anew, '
    "as does --overwrite; in Python, resume='auto' or overwrite=True."
)


@dataclass(frozen=True)
class Run:
    """Folder of a run.

    >>> Run('runs/a').curves()  # doctest: +SKIP

    Args:
        folder: Its path.
    """

    folder: Path

    def __post_init__(self) -> None:
        check_paths(folder=self.folder)
        object.__setattr__(self, 'folder', Path(self.folder))

    @property
    def description(self) -> Path:
        """The file with the configuration."""
        return self.folder / RUN

    @property
    def log(self) -> Path:
        """The file with a line an update."""
        return self.folder / 'log.jsonl'

    @property
    def episodes(self) -> Path:
        """The file with a row an episode of evaluations, and a map of training: see `read_episodes`."""
        return self.folder / episode_log.NAME

    @property
    def curves_file(self) -> Path:
        """The picture of the learning curves, as they were last drawn."""
        return self.folder / 'curves.png'

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.folder / 'checkpoints'

    @property
    def maps(self) -> Path:
        """The file of the maps that are trained in."""
        return self.folder / 'maps.safetensors'

    @property
    def opponents(self) -> Path:
        """The folder of the trained agents that it is trained among, as they were when it began."""
        return self.folder / 'opponents'

    @property
    def coming_opponents(self) -> Path:
        """The folder of the opponents of a run that is to begin here, until `begin` puts them in their place."""
        return self.folder / '.opponents'

    @property
    def lock(self) -> Path:
        """The file that the process which trains here has locked. It stays; the lock goes with the process."""
        return self.folder / '.lock'

    @contextmanager
    def held(self) -> Iterator[None]:
        """Makes the folder if need be, and meanwhile keeps other processes from training in it.

        Raises:
            ValueError: if one does.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            lock = FileLock(self.lock).acquire(timeout=0)
        except Timeout as error:
            raise ValueError(f'{self.folder} must be of one process at a time; another trains in it.') from error
        except OSError as error:
            raise ValueError(f'{self.lock} must be on a file system that can lock files: {error.strerror}.') from error
        with lock:
            yield

    def check_new(self, *, overwrite: bool) -> None:
        """Checks that a run can begin here.

        Raises:
            ValueError: if there is something already, unless it is a run that may be overwritten.
        """
        if not self.folder.exists() or (self.folder.is_dir() and all(map(self._is_ours, self.folder.iterdir()))):
            return
        if not self.description.is_file():
            raise ValueError(f'{self.folder} must be a new folder, or one of a run; it holds something else.')
        if overwrite:
            return
        if not found(self.checkpoints):
            raise ValueError(f'{self.folder} {UNBEGUN}')
        remedy = (
            '--resume goes on with it, --overwrite begins anew in its place; in Python, resume=True or overwrite=True'
        )
        raise ValueError(f'{self.folder} holds a run: {remedy}.')

    def _is_ours(self, path: Path) -> bool:
        """True if a path in the folder is what a run that was killed as it began leaves before all else."""
        if path in (self.opponents, self.coming_opponents):
            return path.is_dir() and all(agent.name.isdecimal() for agent in path.iterdir())
        return path in (self.lock, self.maps) or path.name.startswith((f'.{self.maps.name}.', f'.{RUN}.'))

    @property
    def can_go_on(self) -> bool:
        """True if there is a checkpoint to go on from."""
        return bool(found(self.checkpoints))

    def is_of(self, launch: str | None) -> bool:
        """True if there is a run here that the processes of this launch have begun."""
        return launch is not None and self.description.is_file() and self.read().launch == launch

    def begin(self, config: RunConfig, maps: MapSet) -> None:
        """Writes down the configuration of a run that begins, in place of what another has left in the folder.

        Args:
            config: The configuration.
            maps: The maps that are trained in, of which the folder gets a copy.
        """
        shutil.rmtree(self.checkpoints, ignore_errors=True)  # first: without these nobody goes on with what is here
        shutil.rmtree(self.opponents, ignore_errors=True)
        if self.coming_opponents.exists():
            os.replace(self.coming_opponents, self.opponents)
        for path in (self.log, self.episodes, self.curves_file, *self.folder.glob('events.out.tfevents.*')):
            path.unlink(missing_ok=True)
        maps.save(self.maps)
        self._write(config)

    def read(self) -> RunConfig:
        """The run's configuration.

        Raises:
            ValueError: if there is no run here, or one of another version, or it isn't what was written.
        """
        try:
            values = json_files.read_json(self.description)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise ValueError(f'{self.folder} holds no run: there is no {self.description.name} in it.') from error
        except ValueError as error:
            raise ValueError(f'{self.description} is damaged: {error}') from error
        hashed = isinstance(values, dict) and CONFIG_HASH in values
        sha256 = values.pop(CONFIG_HASH) if hashed else None
        config = RunConfig.of_json(values, self.description)  # first: it says what is wrong where it can
        if hashed and sha256 != digests.entries_digest(values, CONFIG_HASH):
            raise ValueError(
                f'{self.description} is damaged, or was changed, which it may be once {CONFIG_HASH} is taken out of it.'
            )
        return config

    def check_same(self, config: RunConfig) -> None:
        """Checks that the run can be resumed with a configuration.

        Raises:
            ValueError: if there is no run here, or it was begun otherwise; it says where the two differ.
        """
        self.read().check_same(config, self.folder)

    def go_on(self, config: RunConfig, updates: int) -> None:
        """Prepares the folder for a run that goes on.

        Args:
            config: With which configuration. What isn't binding is written down in place of what it was begun with.
            updates: What the logs say of later ones is removed: they are made again.
        """
        self._write(self.read().gone_on(config))
        shutil.rmtree(self.coming_opponents, ignore_errors=True)  # of one that was to take this one's place
        lines = [line for line in self.lines() if line['updates'] <= updates]
        atomic.replace(self.log, ''.join(json.dumps(line) + '\n' for line in lines).encode())
        episode_log.keep(self.episodes, updates)

    def _write(self, config: RunConfig) -> None:
        values = json.loads(json.dumps(config.json()))
        values[CONFIG_HASH] = digests.entries_digest(values, CONFIG_HASH)
        atomic.replace(self.description, json.dumps(values, indent=1).encode())

    def lines(self) -> list[dict[str, Any]]:
        """The log's lines. One whose writing was cut short, or that is no line of a log, is left out."""
        try:
            with regular_files.open_regular(self.log) as file:
                texts = file.read().decode(errors='replace').splitlines()
        except FileNotFoundError:
            return []
        except ValueError as error:
            raise ValueError(f'{self.log} {error}') from error
        return [line for line in map(_parsed, texts) if _is_line(line)]

    def curves(self) -> Picture:
        """Learning curves, of what the log has by now: a notebook shows them.

        Raises:
            ValueError: if there is no run here, or no update has been made.
        """
        from megastep import plotting  # here, as processes that don't lead draw nothing

        if not (lines := self.lines()):
            self.read()
            raise ValueError(f'{self.folder} has no curves yet: its log holds no update.')
        return plotting.curves(lines, self.read().scores)

    def results(self, updates: int) -> dict[str, dict[str, float]]:
        """The mean scores that the log has last after so many updates: those in ``'training'``, and an evaluation's."""
        names, found = ('return', 'length', *self.read().scores), {}
        for line in self.lines():
            if line['updates'] <= updates and ('evaluation' in line or 'return' in line):
                place = 'evaluation' if 'evaluation' in line else 'training'
                means = line.get('evaluation', line)
                found[place] = {name: means[name] for name in names if means.get(name) is not None}
        return found


def _is_line(line: Any) -> bool:
    """True if something is a line of a log: all of them say after how many updates, steps and seconds they were."""
    return (
        isinstance(line, dict)
        and all(type(line.get(name)) is int for name in ('updates', 'frames'))
        and type(line.get('seconds')) in (int, float)
    )


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def origin_of(weights: Path, run: Run) -> Path:
    """The checkpoint whose weights a run begins with: the one that is named, or the last of the run that is.

    Raises:
        ValueError: if there is none, or it is damaged, or lies in the folder of the run that begins.
    """
    if run.folder.resolve() in (weights.resolve(), *weights.resolve().parents):
        raise ValueError(f'weights must be of a run in another folder than {run.folder}, got {weights}.')
    if (weights / MANIFEST).is_file():
        verified(weights)
        return weights
    before = Run(weights)
    before.read()
    return last_good(before.checkpoints)
