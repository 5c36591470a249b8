"""Suites: sets of fixed episodes by name, which are played in one rollout, kept in a folder, and known by a hash."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Int

from megastep.checks import check_paths
from megastep.env.navigation import GeodesicField
from megastep.evaluation.episodes import ARRAYS, Episodes
from megastep.evaluation.registry import Task
from megastep.evaluation.standard import sets as standard
from megastep.maps.geometry import Geometry
from megastep.maps.mapset import MapSet
from megastep.maps.splitting import check_disjoint
from megastep.maps.storage import atomic, digests, json_files, temporaries
from megastep.maps.words import counted
from megastep.world.device import default_device

VERSION = '2'
"""The version of the layout of a suite's folder. A folder of any other is refused."""

HASH_VERSION = '1'
"""The version of what a suite's hash is of."""

MANIFEST = 'suite.json'
"""The file of a suite's folder that says what is in it. It is written last: the others' names have their hashes."""

OURS = re.compile(r'(.+\.[0-9a-f]{16}\.(maps|episodes)|geodesics\.[0-9a-f]{16}|\..+\.[0-9a-f]{16})\.safetensors')
"""The names of a folder's files that saving a suite there removes, unless they are the suite's."""

NAME, LONGEST = re.compile(r'\w[\w .,+-]*'), 150
"""The names of sets, and the most bytes that one has: they name files."""

MANIFEST_HASH = 'manifest_sha256'
"""The manifest's entry that the others hash to. Suites of version 0.2 have none."""


class Packed(NamedTuple):
    """A suite's episodes in one list, and its maps in one set.

    Args:
        episodes: All episodes, those of the first set first.
        sets: The number of the set that each is of.
        numbers: Its number there.
    """

    episodes: Episodes
    sets: Int[np.ndarray, ' episode']
    numbers: Int[np.ndarray, ' episode']


class Suite(Mapping[str, Episodes]):
    """Suite of fixed episodes: a mapping from the names of sets, such as ``'test'``, to `Episodes`.

    Args:
        sets: The episodes of each set, all of one task, agents of one radius, and as many of them.
        name: What to call the suite.
        version: Its version, if it has one.

    Raises:
        ValueError: if there are no sets, a name can't be that of a file, or sets don't go together.
    """

    def __init__(self, sets: Mapping[str, Episodes], *, name: str = '', version: str = '') -> None:
        self._sets, self.name, self.version = dict(sets), name, version
        self._folder: Path | None = None
        self._fields: dict[torch.device, GeodesicField] = {}
        _check(self._sets)

    @classmethod
    def of(cls, suite: Suite | Mapping[str, Episodes] | Episodes | str | Path) -> Suite:
        """A suite of what may stand for one: episodes, episodes by name, or the folder of a suite."""
        if isinstance(suite, Suite):
            return suite
        if isinstance(suite, (str, Path)):
            return cls.load(suite)
        if isinstance(suite, Episodes):
            return cls({'episodes': suite})
        if isinstance(suite, Mapping):
            return cls(suite)
        kinds = 'a Suite, the folder of one, Episodes, or these by name'
        raise ValueError(f'suite must be {kinds}, got {type(suite).__name__}.')

    @classmethod
    def standard(cls, task: str | Task, **options: Any) -> Suite:
        """The standard suite of a task: see `megastep.evaluation.standard.sets`.

        Args:
            task: The task's name, or a `Task` with options.
            options: What `megastep.evaluation.standard.sets.standard_sets` takes.

        Raises:
            ValueError: if the task has no standard suite.
        """
        sets = standard.standard_sets(task, **options)
        return cls(sets, name='standard', version=standard.VERSION)

    def __getitem__(self, name: str) -> Episodes:
        if name not in self._sets:
            raise KeyError(f'{name!r} is none of the sets {", ".join(self._sets)}.')
        return self._sets[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sets)

    def __len__(self) -> int:
        """The number of sets."""
        return len(self._sets)

    @property
    def task(self) -> str:
        """The task that the episodes are of."""
        return next(iter(self.values())).task

    @property
    def num_episodes(self) -> int:
        """The number of episodes of all sets together."""
        return sum(map(len, self.values()))

    @cached_property
    def maps(self) -> MapSet:
        """The maps of all sets in one, in the order of the sets: those that are evaluated in."""
        return MapSet.concat([episodes.maps for episodes in self.values()])

    @cached_property
    def packed(self) -> Packed:
        """All episodes in one list."""
        sizes, counts = [len(each.maps) for each in self.values()], [len(each) for each in self.values()]
        arrays = {name: np.concatenate([getattr(each, name) for each in self.values()]) for name in ARRAYS}
        arrays['map_ids'] = arrays['map_ids'] + np.repeat(np.cumsum([0, *sizes[:-1]]), counts)
        radius = next(iter(self.values())).agent_radius
        return Packed(
            Episodes(self.maps, self.task, **arrays, agent_radius=radius),
            np.repeat(np.arange(len(counts)), counts),
            np.concatenate([np.arange(count) for count in counts]),
        )

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the sets' names and their episodes' hashes, in hexadecimal."""
        hashes = sorted([name, episodes.sha256] for name, episodes in self.items())
        return hashlib.sha256(json.dumps([HASH_VERSION, hashes]).encode()).hexdigest()

    def geodesic_field(self, device: str | torch.device | None = None, *, progress: bool = False) -> GeodesicField:
        """The geodesic field of all maps, computed once; a suite that was loaded keeps it in its folder.

        Args:
            device: Where it is to be; by default the GPU if there is one.
            progress: Show a bar, if it has to be computed.
        """
        place = default_device(device)
        if place not in self._fields:
            options: dict[str, Any] = {'agent_radius': next(iter(self.values())).agent_radius, 'progress': progress}
            if self._folder is not None and os.access(self._folder, os.W_OK):
                path = self._folder / f'geodesics.{self.sha256[:16]}.safetensors'
                self._fields[place] = GeodesicField.kept(path, self.maps, place, **options)
            else:
                self._fields[place] = GeodesicField.pack(self.maps, place, **options)
        return self._fields[place]

    def check_disjoint(self, train: MapSet | Sequence[Geometry], *, apart_from: Sequence[str] = ()) -> None:
        """Checks that no map of the suite, turned, mirrored or moved, is one that an agent was trained in.

        Args:
            train: The maps that it was trained in.
            apart_from: The names of sets that may overlap, such as ``['train']``.

        Raises:
            ValueError: if one is; it says which.
        """
        train = train if isinstance(train, MapSet) else MapSet(train)
        for name, episodes in self.items():
            if name not in apart_from:
                check_disjoint(train.walls, episodes.maps.walls, names=('the maps trained in', f'set {name!r}'))

    def save(self, folder: str | Path) -> None:
        """Writes the suite to a folder, atomically: the folder has the suite that it had, or this one.

        The folder is made if it isn't there, and gets a file of maps and one of episodes a set. Files of the suite that
        was there are removed once this one's are safely on disk. Of two writers the later wins.
        """
        check_paths(folder=folder)
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        manifest = {
            'suite': VERSION, 'name': self.name, 'version': self.version, 'task': self.task, 'sha256': self.sha256,
            'sets': {name: episodes.sha256 for name, episodes in self.items()},
        }  # fmt: skip
        manifest[MANIFEST_HASH] = digests.entries_digest(manifest, MANIFEST_HASH)
        with temporaries.alone(folder):
            kept = [f'geodesics.{self.sha256[:16]}.safetensors']
            for name, episodes in self.items():
                drawn, maps = _files(folder, name, episodes.sha256)
                episodes.maps.save(maps)
                episodes.save(drawn)
                kept += [drawn.name, maps.name]
            atomic.replace(folder / MANIFEST, json.dumps(manifest, indent=1).encode())
            others = '|'.join(map(re.escape, kept))
            temporaries.clear_matching(folder, re.compile(f'(?!({others})$){OURS.pattern}'))

    @classmethod
    def load(cls, folder: str | Path) -> Suite:
        """Reads a suite that `save` wrote.

        Raises:
            ValueError: if there is none, a file is missing or damaged, or it is of another version.
        """
        folder = Path(folder)
        manifest = _manifest(folder)
        try:
            sets = {name: _set(folder, name, sha256) for name, sha256 in manifest['sets'].items()}
        except (OSError, ValueError):
            if _manifest(folder) == manifest:
                raise
            return cls.load(folder)  # another suite has taken its place meanwhile
        suite = cls(sets, name=manifest.get('name', ''), version=manifest.get('version', ''))
        if suite.sha256 != manifest.get('sha256'):
            raise ValueError(f'{folder} is damaged: the suite hashes to {suite.sha256}, and should to another.')
        suite._folder = folder
        return suite

    def describe(self) -> str:
        """Description of the suite, a line a set: episodes, maps, shortest paths, hash."""
        lines = [f'{self.name or "suite"} {self.version}'.strip() + f': {self.task}, sha256 {self.sha256}']
        return '\n'.join([*lines, *(f'  {name}: {_line(episodes)}' for name, episodes in self.items())])

    def __repr__(self) -> str:
        return f'Suite({self.name or self.task}: {counted(self.num_episodes, "episode")} in {", ".join(self)})'


def _manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a suite's folder: the hashes of its sets' episodes by name, and what the suite is."""
    path = folder / MANIFEST
    try:
        manifest = json_files.read_json(path)
        found, sets = manifest['suite'], dict(manifest['sets'])
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ValueError(f'{folder} must be the folder of a suite: there is no {MANIFEST} in it.') from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f'{path} is damaged: {type(error).__name__}: {error}.') from error
    if found != VERSION:
        raise ValueError(f'{path} must be of version {VERSION}, got {found!r}.')
    if manifest.get(MANIFEST_HASH, expected := digests.entries_digest(manifest, MANIFEST_HASH)) != expected:
        raise ValueError(f'{path} is damaged: it hashes to {expected}, and should to another.')
    for name, sha256 in sets.items():
        if not _is_name(name):
            raise ValueError(f'{path} is damaged: {name!r} names no set.')
        if not isinstance(sha256, str) or not re.fullmatch('[0-9a-f]{64}', sha256):
            raise ValueError(f'{path} is damaged: set {name!r} has no hash.')
    return {**manifest, 'sets': sets}


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and bool(NAME.fullmatch(name)) and len(os.fsencode(name)) <= LONGEST


def _files(folder: Path, name: str, sha256: str) -> tuple[Path, Path]:
    """The files of a set's episodes and maps. Other episodes or maps have other names."""
    episodes, maps = (folder / f'{name}.{sha256[:16]}.{part}.safetensors' for part in ('episodes', 'maps'))
    return episodes, maps


def _set(folder: Path, name: str, sha256: str) -> Episodes:
    """A set of a suite's folder."""
    files = _files(folder, name, sha256)
    if missing := [file for file in files if not file.is_file()]:
        raise ValueError(f'{missing[0]} is missing.')
    return Episodes.load(*files)


def _line(episodes: Episodes) -> str:
    """A line on a set of episodes."""
    paths = episodes.shortest_paths
    quartiles = np.nanpercentile(paths, [0, 50, 100]) if episodes.has_goals else None
    lengths = '' if quartiles is None else ', shortest paths {:.1f} to {:.1f} to {:.1f} m'.format(*quartiles)
    many = f'{counted(len(episodes), "episode")} in {counted(len(episodes.maps), "map")}'
    return f'{many}{lengths}, sha256 {episodes.sha256[:12]}'


def _check(sets: Mapping[str, Episodes]) -> None:
    """Raises unless sets go together."""
    if not sets:
        raise ValueError('a suite must have at least 1 set of episodes, got 0.')
    for name, episodes in sets.items():
        if not _is_name(name):
            known = f'a name of letters, digits and ., +-, of at most {LONGEST} bytes'
            raise ValueError(f'a set must have {known}, got {str(name)[:LONGEST]!r}.')
        if not isinstance(episodes, Episodes):
            raise ValueError(f'set {name!r} must be Episodes, got {type(episodes).__name__}.')  # noqa: TRY004
    first, *others = sets.items()
    for what in ('task', 'num_agents', 'agent_radius'):
        expected = getattr(first[1], what)
        for name, episodes in others:
            if (found := getattr(episodes, what)) != expected:
                raise ValueError(f'set {name!r} must have the {what} of {first[0]!r}, {expected}, got {found}.')
