"""CSS selectors: of tags, classes, ids and attributes, also several of them after one another or as children."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from xml.etree.ElementTree import Element

MOST_PARTS = 8
"""A selector has at most so many parts."""

QUOTED = r'"[^"]{0,256}"|\'[^\']{0,256}\''
ATTRIBUTE = re.compile(
    rf'\[\s*(?P<name>[\w-]+)\s*(?:(?P<how>[~|^$*]?=)\s*(?P<value>{QUOTED}|[^\s\]"\']+)\s*(?P<any_case>[iI])?\s*)?\]'
)
BRACKETS = re.compile(rf'\[(?:{QUOTED}|[^\[\]"\']){{0,256}}\]')
"""An attribute's selector: what separates selectors may stand in it."""
COMPOUND = re.compile(r'(?P<tag>[A-Za-z][\w-]*|\*)?(?P<marks>[.#\w-]*)')
MARK = re.compile(r'[.#][\w-]+')


class Attribute(NamedTuple):
    """An attribute that an element must have, and perhaps what it must say (Selectors, level 4, chapter 6)."""

    name: str
    how: str
    value: str
    any_case: bool

    def matches(self, element: Element) -> bool:
        """True if an element has it."""
        said, wanted = element.get(self.name), self.value
        if said is None or not self.how:
            return said is not None
        if self.any_case:
            said, wanted = said.lower(), wanted.lower()
        return {
            '=': said == wanted,
            '~=': wanted in said.split(),
            '|=': said == wanted or said.startswith(f'{wanted}-'),
            '^=': bool(wanted) and said.startswith(wanted),
            '$=': bool(wanted) and said.endswith(wanted),
            '*=': bool(wanted) and wanted in said,
        }[self.how]


class Compound(NamedTuple):
    """A part of a selector: what one element must be."""

    tag: str
    ids: frozenset[str]
    classes: frozenset[str]
    attributes: tuple[Attribute, ...]
    child: bool
    """It must be the very parent of the element that the next part means."""

    def matches(self, element: Element) -> bool:
        """True if an element is so."""
        if self.tag not in ('', '*', name(element)) or not self.ids <= {element.get('id', '')}:
            return False
        if self.classes and not self.classes <= set(element.get('class', '').split()):
            return False
        return all(attribute.matches(element) for attribute in self.attributes)


def name(element: Element) -> str:
    """An element's tag without its namespace; empty for comments."""
    return element.tag.rpartition('}')[2] if isinstance(element.tag, str) else ''


def parts_of(selector: str) -> tuple[Compound, ...]:
    """A selector's parts, the innermost first; none if it isn't understood."""
    brackets = BRACKETS.findall(selector)
    words = BRACKETS.sub('\0', selector).replace('>', ' > ').split()
    parts: list[Compound] = []
    child = False
    for word in reversed(words):
        if word == '>':
            child = True
            continue
        held = [brackets.pop() for _ in range(word.count('\0'))]
        part = _compound(word.replace('\0', ''), held, child=child)
        if part is None or len(parts) >= MOST_PARTS:
            return ()
        parts.append(part)
        child = False
    return tuple(parts)


def _compound(word: str, brackets: Sequence[str], *, child: bool) -> Compound | None:
    """A part of a selector, without and with its brackets; nothing if it isn't understood."""
    match = COMPOUND.fullmatch(word)
    attributes = [ATTRIBUTE.fullmatch(one) for one in brackets]
    marks = MARK.findall(match['marks']) if match else []
    if match is None or ''.join(marks) != match['marks'] or None in attributes:
        return None
    return Compound(
        match['tag'] or '',
        frozenset(mark[1:] for mark in marks if mark[0] == '#'),
        frozenset(mark[1:] for mark in marks if mark[0] == '.'),
        tuple(_attribute(one) for one in attributes if one),
        child,
    )


def _attribute(match: re.Match[str]) -> Attribute:
    value = match['value'] or ''
    value = value[1:-1] if value[:1] in ('"', "'") else value
    return Attribute(match['name'], match['how'] or '', value, match['any_case'] is not None)


def selects(parts: Sequence[Compound], element: Element, ancestors: Sequence[Element]) -> bool:
    """True if a selector means an element. Of several ancestors that a part could mean, the nearest is taken."""
    if not parts[0].matches(element):
        return False
    left = list(ancestors)
    return all(_finds(part, left) for part in parts[1:])


def _finds(part: Compound, left: list[Element]) -> bool:
    """Takes ancestors, the innermost first, up to the one that a part means; false if there is none."""
    while left:
        if part.matches(left.pop()):
            return True
        if part.child:
            return False
    return False


def specificity(parts: Sequence[Compound]) -> tuple[int, int, int]:
    """The number of ids, of classes and attributes, and of tags that a selector names."""
    return (
        sum(len(part.ids) for part in parts),
        sum(len(part.classes) + len(part.attributes) for part in parts),
        sum(part.tag not in ('', '*') for part in parts),
    )


def split(text: str, separator: str) -> list[str]:
    """Splits a text at separators that stand in no brackets."""
    kept = BRACKETS.findall(text)
    pieces, found = iter(kept), BRACKETS.sub('\0', text).split(separator)
    return [''.join(next(pieces) if letter == '\0' else letter for letter in piece) for piece in found]
