"""Roles of what is drawn: which layers, elements or classes are walls, doors, openings, rooms, spawns, or nothing.

Names are compared without regard to case, and may be patterns: ``A-WALL*``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple

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


class Pick(NamedTuple):
    """Patterns of names and the role of what bears such a name."""

    patterns: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, picked: Picked, subject: str) -> Pick:
        """What a user picks, as patterns and roles.

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


def _listed(names: Names, subject: str) -> list[str]:
    listed = [names] if isinstance(names, str) else list(names)
    if not listed or not all(isinstance(name, str) and name for name in listed):
        raise ValueError(f'{subject} must be names, got {names!r}.')
    return [name.lower() for name in listed]


def plain(picked: Picked) -> dict[str, list[str]] | list[str] | None:
    """What a user picks, as JSON can hold it."""
    if picked is None:
        return None
    if isinstance(picked, Mapping):
        return {role: [names] if isinstance(names, str) else list(names) for role, names in picked.items()}
    return [picked] if isinstance(picked, str) else list(picked)


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
        if words:
            return ' '.join(words).lower()
    return 'room'
