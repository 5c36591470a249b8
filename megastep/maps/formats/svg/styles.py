"""SVG styles: what attributes, style sheets and style attributes say of an element, and whether it can be seen.

Of CSS, selectors of tags, classes and ids are understood, also several of them after one another or as children; rules
with other selectors, and those under ``@media`` and the like, are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
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

COMPOUND = re.compile(r'(?P<tag>[A-Za-z][\w-]*|\*)?(?P<marks>(?:[.#][\w.#-]*)?)')
MARK = re.compile(r'[.#][\w-]+')
CLEAR = re.compile(r'none|transparent|(?:rgba|hsla)\([^)]*[,/]\s*0*\.?0*%?\s*\)|#[0-9a-f]{6}00|#[0-9a-f]{3}0')


class Compound(NamedTuple):
    """A part of a selector: what one element must be."""

    tag: str
    ids: frozenset[str]
    classes: frozenset[str]
    child: bool
    """It must be the very parent of the element that the next part means."""

    def matches(self, element: Element) -> bool:
        """True if an element is so."""
        if self.tag not in ('', '*', name(element)) or not self.ids <= {element.get('id', '')}:
            return False
        return not self.classes or self.classes <= set(element.get('class', '').split())


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
        """What the rules say of an element, the more specific over the less."""
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
    """What is said of an element itself: its attributes, over these style sheets, over these its style attribute."""
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
    width = style.get('stroke-width', '1').removesuffix('px')
    return 'stroke' in style and not _is_clear(style, 'stroke') and _amount(width) != 0


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
    return {key: value for key, value in found.items() if key in PROPERTIES and value}


def _is_clear(style: Style, paint: str) -> bool:
    colour = style.get(paint, 'black')[:LONGEST_COLOUR].strip().lower()
    return CLEAR.fullmatch(colour) is not None or _amount(style.get(f'{paint}-opacity')) == 0


def _amount(text: str | None) -> float:
    """A number or a percentage; 1 where it says nothing that can be read."""
    try:
        return float((text or '1').strip().removesuffix('%'))
    except ValueError:
        return 1.0


def _rules(texts: Sequence[str]) -> Iterator[Rule]:
    """The rules of style sheets in order, without those that aren't understood."""
    for text in texts:
        for selectors, body in _blocks(_without_comments(text)):
            said = declarations(body)
            for selector in selectors.split(',') if said else ():
                parts = _parts(selector)
                if parts:
                    weights = (len(part.ids) for part in parts), (len(part.classes) for part in parts)
                    tags = sum(part.tag not in ('', '*') for part in parts)
                    yield Rule(parts, said, (sum(weights[0]), sum(weights[1]), tags, 0))


def _without_comments(text: str) -> str:
    kept, at = [], 0
    while (begin := text.find('/*', at)) >= 0:
        kept.append(text[at:begin])
        end = text.find('*/', begin + 2)
        at = len(text) if end < 0 else end + 2
    return ' '.join([*kept, text[at:]]).replace('<!--', ' ').replace('-->', ' ')


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """Selectors and declarations; rules under an @ are passed over, with all their braces."""
    at = 0
    while (begin := text.find('{', at)) >= 0:
        head = text[at:begin].rpartition(';')[2].strip()
        end = _closing(text, begin) if head.startswith('@') else text.find('}', begin)
        end = len(text) if end < 0 else end
        if not head.startswith('@'):
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
    words = selector.replace('>', ' > ').split()
    parts: list[Compound] = []
    child = False
    for word in reversed(words):
        if word == '>':
            child = True
            continue
        match = COMPOUND.fullmatch(word)
        marks = MARK.findall(match['marks']) if match else []
        if match is None or len(''.join(marks)) < len(match['marks']) or len(parts) >= MOST_PARTS:
            return ()
        ids = frozenset(mark[1:] for mark in marks if mark[0] == '#')
        classes = frozenset(mark[1:] for mark in marks if mark[0] == '.')
        parts.append(Compound(match['tag'] or '', ids, classes, child))
        child = False
    return tuple(parts)


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
