"""SVG styles: what attributes, style sheets and style attributes say of an element, and whether it can be seen.

Of CSS, selectors of tags, classes, ids and attributes are understood, also several of them after one another or as
children. Rules with other selectors, and those under ``@media`` and the like, are left alone; `unread` names those that
may matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from string import ascii_letters
from typing import NamedTuple
from xml.etree.ElementTree import Element

Style = Mapping[str, str]

INHERITED = ('visibility', 'stroke', 'fill', 'stroke-opacity', 'fill-opacity', 'stroke-width')
PROPERTIES = {*INHERITED, 'display', 'opacity', 'transform', 'transform-origin'}
"""The properties that matter here."""

MOST_RULES = 1 << 12
"""A file has at most so many selectors."""

MOST_PARTS = 8
"""A selector has at most so many parts."""

BRACE = re.compile('[{}]')
LONGEST_COLOUR = 64
"""What a colour is said with after so many characters doesn't matter."""

GEOMETRY = frozenset({'x', 'y', 'cx', 'cy', 'r', 'rx', 'ry', 'width', 'height'})
"""The properties that say where rectangles, circles and ellipses are, in styles as in attributes (SVG 2)."""

QUOTED = r'"[^"]{0,256}"|\'[^\']{0,256}\''
ATTRIBUTE = re.compile(
    rf'\[\s*(?P<name>[\w-]+)\s*(?:(?P<how>[~|^$*]?=)\s*(?P<value>{QUOTED}|[^\s\]"\']+)\s*(?P<any_case>[iI])?\s*)?\]'
)
BRACKETS = re.compile(rf'\[(?:{QUOTED}|[^\[\]"\']){{0,256}}\]')
"""An attribute's selector: what separates selectors may stand in it."""
COMPOUND = re.compile(r'(?P<tag>[A-Za-z][\w-]*|\*)?(?P<marks>[.#\w-]*)')
MARK = re.compile(r'[.#][\w-]+')
PASSING = re.compile(r':(?:hover|focus(?:-within|-visible)?|active|visited|target|before|after|:[\w-]+)\b')
"""What holds only while somebody points at an element, or of what isn't an element."""
AT_RULES_OF_SHOWN = re.compile(r'@(?:media(?!\s+print\s*$)|supports|layer|container|scope)\b')
"""Blocks of rules that may hold where the picture is shown."""
CLEAR = re.compile(r'none|transparent|(?:rgba|hsla)\([^)]*[,/]\s*0*\.?0*%?\s*\)|#[0-9a-f]{6}00|#[0-9a-f]{3}0')


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


class Rule(NamedTuple):
    """A selector, the innermost part first, and what it says."""

    parts: tuple[Compound, ...]
    declarations: Style
    weight: tuple[int, int, int, int]
    """How specific it is: ids, classes, tags; and its place among the rules."""


class Sheet:
    """The rules of a file's style sheets, found by what the innermost part of their selectors asks for."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._rules: dict[str, list[Rule]] = {}
        for count, rule in enumerate(_rules(texts)):
            if count >= MOST_RULES:
                raise ValueError(f'style sheets must have at most {MOST_RULES} selectors, got more.')
            inner = rule.parts[0]
            key = next((f'#{one}' for one in inner.ids), next((f'.{one}' for one in inner.classes), inner.tag))
            self._rules.setdefault(key, []).append(rule._replace(weight=(*rule.weight[:3], count)))

    def declarations(self, element: Element, ancestors: Sequence[Element]) -> dict[str, str]:
        """The rules' declarations of an element, the more specific over the less."""
        keys = [name(element), '*', '', f'#{element.get("id", "")}']
        keys += [f'.{one}' for one in element.get('class', '').split()]
        found = [rule for key in dict.fromkeys(keys) for rule in self._rules.get(key, ())]
        found = [rule for rule in found if _selects(rule.parts, element, ancestors)]
        return {
            key: value for rule in sorted(found, key=lambda r: r.weight) for key, value in rule.declarations.items()
        }


def name(element: Element) -> str:
    """An element's tag without its namespace; empty for comments."""
    return element.tag.rpartition('}')[2] if isinstance(element.tag, str) else ''


def own(element: Element, ancestors: Sequence[Element], sheet: Sheet) -> Style:
    """An element's own declarations: its attributes, over these style sheets, over these its style attribute."""
    attributes = {key: value for key, value in element.attrib.items() if key in PROPERTIES and key != 'transform'}
    return {**attributes, **sheet.declarations(element, ancestors), **declarations(element.get('style', ''))}


def inherited(parent: Style, said: Style) -> Style:
    """An element's style: what is said of it, and what it inherits."""
    kept = {key: value for key, value in parent.items() if key in INHERITED}
    return {**kept, **{key: value for key, value in said.items() if value != 'inherit'}}


def hides_all(style: Style) -> bool:
    """True if neither an element nor anything in it is shown."""
    return style.get('display') == 'none' or _amount(style.get('opacity')) == 0


def is_stroked(style: Style) -> bool:
    """True if it is said that an outline is drawn."""
    return 'stroke' in style and not _is_clear(style, 'stroke') and _amount(style.get('stroke-width')) != 0


def is_filled(style: Style, tag: str) -> bool:
    """True if an inside is painted."""
    return tag != 'line' and not _is_clear(style, 'fill')


def is_seen(style: Style, tag: str) -> bool:
    """True if a shape can be seen, or nothing at all is said of how it is painted."""
    if style.get('visibility') in ('hidden', 'collapse'):
        return False
    if 'stroke' not in style and ('fill' not in style or (tag == 'line' and not _is_clear(style, 'fill'))):
        return True
    return is_stroked(style) or is_filled(style, tag)


def declarations(text: str) -> dict[str, str]:
    """The properties that a list of declarations gives, of those that matter here."""
    pairs = (part.partition(':') for part in text.split(';'))
    found = {key.strip().lower(): value.replace('!important', '').strip() for key, _, value in pairs}
    return {key: value for key, value in found.items() if (key in PROPERTIES or key in GEOMETRY) and value}


def _is_clear(style: Style, paint: str) -> bool:
    colour = style.get(paint, 'black')[:LONGEST_COLOUR].strip().lower()
    return CLEAR.fullmatch(colour) is not None or _amount(style.get(f'{paint}-opacity')) == 0


def _amount(text: str | None) -> float:
    """A number, whatever its unit; 1 where it says nothing that can be read."""
    try:
        return float((text or '1').strip().rstrip('%' + ascii_letters))
    except ValueError:
        return 1.0


def unread(texts: Sequence[str]) -> list[str]:
    """The selectors that aren't understood, of rules that matter, and the heads of blocks that may hold."""
    found: list[str] = []
    for text in texts:
        for head, body in _blocks(_without_comments(text)):
            if head.startswith('@'):
                found += [head] if AT_RULES_OF_SHOWN.match(head) and _may_matter(body) else []
            elif declarations(body):
                found += [one.strip() for one in _selectors(head) if not _parts(one) and not _passes(one)]
    return [' '.join(one.split()) for one in dict.fromkeys(found) if one]


def _passes(selector: str) -> bool:
    """True if a selector means nothing that is there while nobody points at the picture."""
    return PASSING.search(selector) is not None and ':not' not in selector


def _may_matter(body: str) -> bool:
    """True if the rules of a block name a property that matters here."""
    return any(declarations(rule) for rule in re.split('[{}]', body))


def _rules(texts: Sequence[str]) -> Iterator[Rule]:
    """The rules of style sheets in order, without those that aren't understood."""
    for text in texts:
        for head, body in _blocks(_without_comments(text)):
            said = {} if head.startswith('@') else declarations(body)
            for parts in filter(None, map(_parts, _selectors(head) if said else ())):
                yield Rule(parts, said, (*_specificity(parts), 0))


def _specificity(parts: Sequence[Compound]) -> tuple[int, int, int]:
    """The number of ids, of classes and attributes, and of tags that a selector names."""
    return (
        sum(len(part.ids) for part in parts),
        sum(len(part.classes) + len(part.attributes) for part in parts),
        sum(part.tag not in ('', '*') for part in parts),
    )


def _selectors(text: str) -> list[str]:
    """The selectors before a rule's declarations: what separates them may also stand in brackets."""
    return _split(text, ',')


def _split(text: str, separator: str) -> list[str]:
    """Splits a text at separators that stand in no brackets."""
    kept = BRACKETS.findall(text)
    pieces, found = iter(kept), BRACKETS.sub('\0', text).split(separator)
    return [''.join(next(pieces) if letter == '\0' else letter for letter in piece) for piece in found]


def _without_comments(text: str) -> str:
    kept, at = [], 0
    while (begin := text.find('/*', at)) >= 0:
        kept.append(text[at:begin])
        end = text.find('*/', begin + 2)
        at = len(text) if end < 0 else end + 2
    return ' '.join([*kept, text[at:]]).replace('<!--', ' ').replace('-->', ' ')


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """Selectors and declarations; of what is under an @, the whole block."""
    at = 0
    while (begin := text.find('{', at)) >= 0:
        head = text[at:begin].rpartition(';')[2].strip()
        end = _closing(text, begin) if head.startswith('@') else text.find('}', begin)
        end = len(text) if end < 0 else end
        yield head, text[begin + 1 : end]
        at = end + 1


def _closing(text: str, begin: int) -> int:
    depth = 0
    for match in BRACE.finditer(text, begin):
        depth += 1 if match[0] == '{' else -1
        if not depth:
            return match.start()
    return -1


def _parts(selector: str) -> tuple[Compound, ...]:
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


def _selects(parts: Sequence[Compound], element: Element, ancestors: Sequence[Element]) -> bool:
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
