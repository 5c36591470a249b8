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

from megastep.maps.formats.svg.selectors import Compound, name, parts_of, selects, specificity, split

Style = Mapping[str, str]

INHERITED = ('visibility', 'stroke', 'fill', 'stroke-opacity', 'fill-opacity', 'stroke-width')
PROPERTIES = {*INHERITED, 'display', 'opacity', 'transform', 'transform-origin'}
"""The properties that matter here."""

MOST_RULES = 1 << 12
"""A file has at most so many selectors."""

BRACE = re.compile('[{}]')
LONGEST_COLOUR = 64
"""What a colour is said with after so many characters doesn't matter."""

GEOMETRY = frozenset({'x', 'y', 'cx', 'cy', 'r', 'rx', 'ry', 'width', 'height'})
"""The properties that say where rectangles, circles and ellipses are, in styles as in attributes (SVG 2)."""

PASSING = re.compile(r':(?:hover|focus(?:-within|-visible)?|active|visited|target|before|after|:[\w-]+)\b')
"""What holds only while somebody points at an element, or of what isn't an element."""
AT_RULES_OF_SHOWN = re.compile(r'@(?:media(?!\s+print\s*$)|supports|layer|container|scope)\b')
"""Blocks of rules that may hold where the picture is shown."""
CLEAR = re.compile(r'none|transparent|(?:rgba|hsla)\([^)]*[,/]\s*0*\.?0*%?\s*\)|#[0-9a-f]{6}00|#[0-9a-f]{3}0')


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
        found = [rule for rule in found if selects(rule.parts, element, ancestors)]
        return {
            key: value for rule in sorted(found, key=lambda r: r.weight) for key, value in rule.declarations.items()
        }


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
                found += [one.strip() for one in _selectors(head) if not parts_of(one) and not _passes(one)]
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
            for parts in filter(None, map(parts_of, _selectors(head) if said else ())):
                yield Rule(parts, said, (*specificity(parts), 0))


def _selectors(text: str) -> list[str]:
    """The selectors before a rule's declarations: what separates them may also stand in brackets."""
    return split(text, ',')


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
