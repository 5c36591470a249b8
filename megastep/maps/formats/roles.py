"""Roles of what is drawn: which layers, elements or classes are walls, doors, openings, rooms, spawns, or nothing.

Names are compared without regard to case, and may be patterns: ``A-WALL*``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple, NoReturn

ROLES = ('walls', 'doors', 'openings', 'rooms', 'spawns', 'ignored')

Names = str | Iterable[str]

Picked = Names | Mapping[str, Names] | None
"""Names of what is walls; or names by role."""

LETTERS = re.compile(
    r'(?:.*[\s_.-])?(?:text|label|glyph|letter|annotation|dimension|font)s?(?:[\s_.:0-9-].*)?', re.DOTALL
)
"""Names of what is written rather than built."""

SPAWNS = re.compile(r'(?:spawn|start)s?(?:[\s_-]?[0-9]+)?')
"""Names of what says where agents start."""

ANONYMOUS = re.compile(r'(?:path|rect|polygon|polyline|line|g|svg|use|circle|ellipse|layer)[_-]?[0-9_-]*')
"""Names that drawing programs give by themselves."""

LONGEST = 200
"""Of longer names the beginning counts."""

MOST_PATTERNS = 256

MOST_NAMED = 12
"""A message names at most so many."""


class Pick(NamedTuple):
    """Patterns of names and the role of what bears such a name."""

    patterns: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, picked: Picked, subject: str) -> Pick:
        """A user's picks, as patterns and roles.

        Raises:
            ValueError: if it is neither names nor names by role, or there are too many.
        """
        if picked is None:
            return cls()
        by_role = picked if isinstance(picked, Mapping) else {'walls': picked}
        if wrong := [role for role in by_role if role not in ROLES]:
            raise ValueError(f'{subject} must be names of walls, or names by {", ".join(ROLES)}, got {wrong[0]!r}.')
        found = [(pattern, role) for role, names in by_role.items() for pattern in _listed(names, subject)]
        if len(found) > MOST_PATTERNS:
            raise ValueError(f'{subject} must be at most {MOST_PATTERNS} names, got {len(found)}.')
        return cls(tuple(found))

    def role(self, names: Iterable[str]) -> str | None:
        """The role of what bears these names; nothing if none of them was picked."""
        for name in names:
            for pattern, role in self.patterns:
                if fnmatchcase(name[:LONGEST].lower(), pattern):
                    return role
        return None


def refuse_unpicked(found: Mapping[str, Iterable[str]]) -> NoReturn:
    """Raises the `ValueError` of a file in which nothing is picked as wall, with the names to pick from.

    Args:
        found: The names that a file has, by what they could be picked with.
    """
    named = {subject: sorted(set(filter(None, names))) for subject, names in found.items()}
    there = [
        f'{subject} {", ".join(repr(name[:40]) for name in names[:MOST_NAMED])}'
        + (f' and {len(names) - MOST_NAMED} more' if len(names) > MOST_NAMED else '')
        for subject, names in named.items()
        if names
    ]
    raise ValueError(f'nothing is picked as walls: there are {"; ".join(there) or "no " + " or ".join(named)}.')


def _listed(names: Names, subject: str) -> list[str]:
    listed = [names] if isinstance(names, str) else list(names) if isinstance(names, Iterable) else []
    if not listed or not all(isinstance(name, str) and name for name in listed):
        raise ValueError(f'{subject} must be names, got {names!r}.')
    return [name.lower() for name in listed]


def plain(picked: Picked) -> dict[str, list[str]] | list[str] | None:
    """A user's picks, as JSON can hold them. What can't be picked with stays as it is: `Pick.of` refuses it."""
    if isinstance(picked, Mapping):
        return {role: plain(names) for role, names in picked.items()}  # type: ignore[misc]
    if isinstance(picked, str):
        return [picked]
    return list(picked) if isinstance(picked, Iterable) else picked


def guessed(names: Iterable[str]) -> str | None:
    """The role that names speak of by themselves: letters are ignored, and spawns are spawns."""
    for name in names:
        if LETTERS.fullmatch(name[:LONGEST].lower()):
            return 'ignored'
        if SPAWNS.fullmatch(name[:LONGEST].lower()):
            return 'spawns'
    return None


def room_kind(names: Iterable[str]) -> str:
    """A room's kind, of the first name that a person gave: ``'LivingRoom'`` and ``'living_room 2'`` are the same."""
    for name in names:
        if ANONYMOUS.fullmatch(name[:LONGEST].lower()):
            continue
        words = re.findall(r'[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![^\W\d_A-Z])', name[:LONGEST])
        if len(words) > 1 and words[0].lower() == 'rooms':  # as `MapSet.to_dxf` calls its layers: ROOMS-BEDROOM
            del words[0]
        if words:
            return ' '.join(words).lower()
    return 'room'
