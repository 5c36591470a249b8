"""Shards: the finished parts of a map set that is being generated, as files in a folder beside it."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from megastep.maps import recipes
from megastep.maps.mapset import MapSet

SHARD_NAME = re.compile(r'(\d+)-(\d+)-([0-9a-f]{16})\.safetensors')
"""The name of a shard's file: the numbers of its first map and of the one after its last, and its recipe's key."""


@dataclass(frozen=True)
class Shards:
    """The shards of one map set. Each is there whole or not at all.

    Args:
        out: The file that the set is to be written to.
        recipe: The recipe of the set.
    """

    out: Path
    recipe: Mapping[str, Any]

    @property
    def folder(self) -> Path:
        """The folder that the shards are in."""
        return self.out.with_name(f'{self.out.name}.shards')

    @property
    def key(self) -> str:
        """A hash of the recipe, which tells its shards from those of another."""
        written = json.dumps(self.recipe, sort_keys=True)
        return hashlib.sha256(written.encode()).hexdigest()[:16]

    def check(self, *, resume: bool) -> None:
        """Checks the shards that there are.

        Raises:
            ValueError: if there are any, and either they are of another recipe or ``resume`` is false.
        """
        for path in sorted(self.folder.glob('*.safetensors')):
            if not (name := SHARD_NAME.fullmatch(path.name)):
                continue  # a shard that was being written when its process was killed
            if not resume:
                raise ValueError(
                    f'{self.folder} holds maps of a run that did not end: resume it, or remove the folder.'
                )
            if name[3] != self.key:
                places = recipes.differences(MapSet.load(path).recipe, self.recipe)
                raise ValueError(
                    f'{self.folder} holds maps of another recipe, which differs in {", ".join(places)}: '
                    'resume with the arguments that the run was begun with, or remove the folder.'
                )

    def path(self, start: int, stop: int) -> Path:
        """The file of the maps from number ``start`` to just before ``stop``."""
        return self.folder / f'{start:08}-{stop:08}-{self.key}.safetensors'

    def save(self, maps: MapSet, start: int, stop: int) -> None:
        """Writes a shard, and makes the folder for the first."""
        self.folder.mkdir(exist_ok=True)
        maps.save(self.path(start, stop))

    def load(self, start: int, stop: int) -> MapSet | None:
        """Reads a shard into memory, if it is there.

        Raises:
            ValueError: if its content isn't what was written.
        """
        if not (path := self.path(start, stop)).exists():
            return None
        maps = MapSet.load(path)
        maps.verify()
        return MapSet.concat([maps])  # copies, so that no file stays open

    def replace(self, maps: MapSet) -> MapSet:
        """Writes the whole set, removes the shards, and opens the set."""
        maps.save(self.out)
        shutil.rmtree(self.folder)
        return MapSet.load(self.out)
