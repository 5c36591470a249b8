"""A run's folder: how the run was begun, its log, its checkpoints, and what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

import megastep
from megastep.learning.registry import Task
from megastep.learning.run.checkpoints import MANIFEST, last_good, verified
from megastep.learning.run.distributed import ProcessGroup, launch
from megastep.learning.settings import Settings
from megastep.maps import recipes, storage
from megastep.maps.mapset import MapSet

BINDING = ('env', 'options', 'opponents', 'maps', 'settings', 'processes', 'device')
"""What a run has to be resumed with as it was begun: what comes of it depends on it."""


@dataclass(frozen=True)
class Run:
    """A run's folder.

    Args:
        folder: Where it is.
    """

    folder: Path

    @property
    def description(self) -> Path:
        """The file that says how the run was begun."""
        return self.folder / 'run.json'

    @property
    def log(self) -> Path:
        """The file with a line an update."""
        return self.folder / 'log.jsonl'

    @property
    def curves(self) -> Path:
        """The picture of how learning goes."""
        return self.folder / 'curves.png'

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.folder / 'checkpoints'

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
        """Looks whether a run can begin here.

        Raises:
            ValueError: if there is something already, unless it is a run that may be overwritten.
        """
        if not self.folder.exists() or (self.folder.is_dir() and set(self.folder.iterdir()) <= {self.lock}):
            return
        if not self.description.is_file():
            raise ValueError(f'{self.folder} must be a new folder, or one of a run; it holds something else.')
        if not overwrite:
            raise ValueError(
                f'{self.folder} holds a run: --resume goes on with it, --overwrite begins anew in its place.'
            )

    def is_of(self, launch: str | None) -> bool:
        """Whether there is a run here that the processes of this launch have begun."""
        return launch is not None and self.description.is_file() and self.read().get('launch') == launch

    def begin(self, about: Mapping[str, Any]) -> None:
        """Writes down how a run is begun, in place of what another has left in the folder.

        Args:
            about: How it is begun, as JSON can hold it.
        """
        shutil.rmtree(self.checkpoints, ignore_errors=True)
        for path in (self.log, self.curves, *self.folder.glob('events.out.tfevents.*')):
            path.unlink(missing_ok=True)
        storage.replace(self.description, json.dumps(about, indent=1).encode())

    def read(self) -> dict[str, Any]:
        """How the run was begun.

        Raises:
            ValueError: if there is no run here.
        """
        try:
            about = json.loads(self.description.read_text())
        except (FileNotFoundError, NotADirectoryError) as error:
            raise ValueError(f'{self.folder} holds no run: there is no {self.description.name} in it.') from error
        except ValueError as error:
            raise ValueError(f'{self.description} is damaged: {error}.') from error
        if not isinstance(about, dict) or not {*BINDING, 'files', 'course'} <= set(about):
            raise ValueError(f'{self.description} does not say how a run was begun.')
        for name in ('options', 'settings', 'files', 'course'):
            if not isinstance(value := about[name], dict):
                raise ValueError(f'{self.description} is damaged: {name} must be an object, got {value!r}.')  # noqa: TRY004
        return about

    def check_same(self, about: Mapping[str, Any]) -> None:
        """Looks whether a run can be resumed.

        Raises:
            ValueError: if there is no run here, or it was begun otherwise; it says where the two differ.
        """
        begun = self.read()
        for name in BINDING:
            for place in recipes.differences(begun[name], about[name], name):
                was, given = _at(begun, place), _at(about, place)
                raise ValueError(
                    f'{self.folder} was begun with {place} {was}, got {given}: '
                    'resume with the arguments that the run was begun with.'
                )

    def go_on(self, about: Mapping[str, Any], updates: int) -> None:
        """Prepares the folder for a run that goes on.

        Args:
            about: How it goes on. What isn't binding is written down in place of what it was begun with, but for the
                weights, and for maps that have no file.
            updates: What the log says of later ones is removed: they are made again.
        """
        begun = self.read()
        named = {name: path for name, path in about['files'].items() if path is not None and name != 'weights'}
        begun.update(files={**begun['files'], **named}, course=dict(about['course']))
        storage.replace(self.description, json.dumps(begun, indent=1).encode())
        lines = [line for line in self.lines() if line['updates'] <= updates]
        storage.replace(self.log, ''.join(json.dumps(line) + '\n' for line in lines).encode())

    def lines(self) -> list[dict[str, Any]]:
        """The log's lines. One whose writing was cut short, or that is no line of a log, is left out."""
        texts = self.log.read_text().splitlines() if self.log.exists() else []
        return [line for line in map(_parsed, texts) if isinstance(line, dict) and 'updates' in line]


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _at(about: Mapping[str, Any], place: str) -> Any:
    """What stands at a place, such as ``'settings.width'``."""
    found: Any = about
    for name in place.split('.'):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def fingerprint(maps: MapSet) -> dict[str, Any]:
    """What tells maps from others: how many they are, and the SHA-256 of their walls, lights and spawns."""
    return {'count': len(maps), 'sha256': maps.digest('walls', 'lights', 'spawns')}


def described(
    task: Task,
    maps: MapSet,
    settings: Settings,
    group: ProcessGroup,
    *,
    opponents: int,
    files: Mapping[str, str | None],
    course: Mapping[str, Any],
) -> dict[str, Any]:
    """How a run is begun, as its folder says it.

    Args:
        task: What is learnt.
        maps: In which maps.
        settings: How.
        group: By which processes.
        opponents: Among how many agents that act by a script.
        files: Where the maps and the weights are from.
        course: How long, and how often it is looked at: what may be another when the run goes on.
    """
    return {
        'env': task.name,
        'options': dict(task.options),
        'opponents': opponents,
        'maps': fingerprint(maps),
        'settings': asdict(settings),
        'processes': group.size,
        'device': group.device.type,
        'files': dict(files),
        'course': dict(course),
        'launch': launch(),
        'version': megastep.__version__,
    }


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
