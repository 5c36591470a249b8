"""The sets of the standard suite: which maps each has, and the episodes in them."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from megastep import mapgen
from megastep.evaluation.entry_points import MakesEnv
from megastep.evaluation.episodes import Episodes
from megastep.evaluation.registry import Task
from megastep.evaluation.standard.holdouts import holdouts
from megastep.maps.apartments import real_apartments
from megastep.maps.mapset import MapSet

VERSION = '1'
"""The version of the standard suite. Another has other maps or episodes."""

SEED = 1_000_003
"""The seed of generated maps: one that nobody trains with."""

OWN, OTHER = 100, 32
"""The number of maps in each set of the task's own family, and of each other family."""

PER_MAP = 8
"""The number of episodes in each map."""

SIZES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        'apartments': ('flats',),
        'arena': ('width', 'height'),
        'box': ('width', 'height'),
        'cave': ('width', 'height'),
        'column': ('width', 'height'),
        'hotel': ('guest_rooms',),
        'house': ('rooms',),
        'maze': ('width', 'height'),
        'office': ('rooms',),
        'rooms': ('rooms',),
        'track': ('size',),
        'voronoi': ('rooms',),
        'warehouse': ('rows',),
    }
)
"""The parameters that say how large a family's maps are."""

LARGER = (1.2, 2.3)
"""Larger maps are from and to so many times as large as the largest: of houses of up to 14 rooms, 17 to 32 rooms."""

NARROWER: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        **dict.fromkeys(('apartments', 'house', 'rooms', 'voronoi'), MappingProxyType({'wide': 0.0})),
        'arena': MappingProxyType({'passage': 0.8}),
        'maze': MappingProxyType({'corridor': (0.75, 0.9)}),
    }
)
"""The parameters by which a family's doors and passages are narrower."""

TOYS = ('box', 'column')
"""Families whose maps are all alike."""

TRIED = 3
"""The number of maps of a set that it is tried in whether a task can be played there."""

LEVELS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        'freedoom1.wad': ('E1M1', 'E1M5', 'E1M8', 'E2M2', 'E2M3', 'E2M8', 'E3M1', 'E3M2', 'E3M6', 'E3M8'),
        'freedoom2.wad': (
            'MAP01', 'MAP02', 'MAP04', 'MAP06', 'MAP07', 'MAP13', 'MAP14', 'MAP17', 'MAP21', 'MAP28', 'MAP29', 'MAP30',
            'MAP31', 'MAP32',
        ),
    }
)  # fmt: skip
"""Freedoom's 24 levels of the fewest walls, of 68, by their files: the others needn't be read."""


def standard_sets(task: str | MakesEnv | Task, *, per_map: int = PER_MAP, **options: Any) -> dict[str, Episodes]:
    """Draws the episodes of the standard suite of a task, by the names of the sets: see `standard_maps`.

    Args:
        task: The task's name, what makes its env, or a `Task` with options.
        per_map: How many episodes each map has.
        options: What `Episodes.draw` takes.
    """
    what = task if isinstance(task, Task) else Task.of(task)
    return {name: Episodes.draw(maps, what, per_map, **options) for name, maps in standard_maps(what).items()}


def standard_maps(task: str | MakesEnv | Task) -> dict[str, MapSet]:
    """The map sets of the standard suite of a task: what its agents haven't seen, nearest to what they have first.

    They are the family that the task is learnt in by default (100 maps); the same with larger maps, and with narrower
    doors, where the family can be so (100 each); each other family (32 each); 200 real apartments; the 24 smallest
    levels of Freedoom, where vizdoom is installed; and the hand-made hold-outs. Sets that the task can't be played in
    are left out, as all but tracks are for races. Generating them takes 15 s, and nothing but the version changes them.

    Args:
        task: The task's name, what makes its env, or a `Task` with options.

    Raises:
        ValueError: if there is no such task, or it can't be made in maps of its own family.
    """
    what = task if isinstance(task, Task) else Task.of(task)
    own, sets = _own_family(what)
    what.trial(next(iter(sets.values()))[:1])  # says what is wrong with the task itself
    others = [family for family in mapgen.FAMILIES if family not in (own, *TOYS)]
    sets |= {family: maps for family in others if (maps := _other_family(what, family)) is not None}
    further = {'real apartments': real_apartments(), 'Freedoom': freedoom(), 'hold-outs': holdouts()}
    return sets | {name: maps for name, maps in further.items() if maps is not None and _are_played_in(what, maps)}


def freedoom() -> MapSet | None:
    """The 24 smallest levels of Freedoom, fewest walls first, as vizdoom has them; None where it isn't installed."""
    found = importlib.util.find_spec('vizdoom')
    if found is None or found.origin is None:
        return None
    folder = Path(found.origin).parent
    levels = MapSet.concat([MapSet.from_wad(folder / game, levels=names) for game, names in LEVELS.items()])
    return levels[np.argsort(levels.walls.widths, kind='stable')]


def _own_family(task: Task) -> tuple[str, dict[str, MapSet]]:
    """The family that the task is learnt in, and its sets; '' and one set if that isn't one family's maps."""
    default = task.default_maps(seed=SEED)
    families = set(default.families.tolist())
    family = families.pop() if len(families) == 1 else ''
    if family not in mapgen.FAMILIES or default.recipe is None:
        return '', {'default': default[: min(OWN, len(default))]}
    parameters = {name: _plain(value) for name, value in default.recipe['parameters'].items()}
    changes: dict[str, Mapping[str, Any] | None] = {
        family: {},
        f'{family}, larger': {name: _larger(family, name, parameters[name]) for name in SIZES[family]},
        f'{family}, narrower': NARROWER.get(family),
    }
    return family, {
        name: mapgen.generate(family, OWN, seed=SEED, **{**parameters, **change})
        for name, change in changes.items()
        if change is not None
    }


def _plain(value: Any) -> Any:
    """A parameter as it was given: JSON makes lists of pairs."""
    return tuple(value) if isinstance(value, list) else value


def _larger(family: str, name: str, value: Any) -> Any:
    """A parameter of larger maps: a range beyond its greatest value, as far as the family allows."""
    largest = mapgen.FAMILIES[family].parameters[name].most  # type: ignore[union-attr]  # none of `SIZES` is a choice
    whole = isinstance(value, int) or (isinstance(value, tuple) and isinstance(value[0], int))
    most = value[1] if isinstance(value, tuple) else value
    ends = [min(share * most, largest) for share in LARGER]
    ends = [round(end) for end in ends] if whole else ends
    return tuple(ends) if isinstance(value, tuple) else ends[1]


def _other_family(task: Task, family: str) -> MapSet | None:
    """Maps of a family, if the task can be played in the first."""
    if not _are_played_in(task, mapgen.generate(family, 1, seed=SEED)):
        return None
    return mapgen.generate(family, OTHER, seed=SEED)


def _are_played_in(task: Task, maps: MapSet) -> bool:
    """True if a task can be played in some maps, as far as the first few tell."""
    try:
        task.trial(maps[:TRIED])
    except ValueError:
        return False
    return True
