"""Values as a command line has them."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any


def literal(text: str) -> Any:
    """The value of a text: a number, a pair or whatever else Python reads, or a word; None if it is none of these."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text if text.isidentifier() else None
    return None if isinstance(value, str) else value  # a word has no quotation marks


def check_once(subject: str, texts: Sequence[str]) -> None:
    """Raises a `ValueError` if a name has two values, or one beside those of its parts: `layers` and `layers.doors`."""
    names = [text.partition('=')[0] for text in texts]
    if any(names.count(name) > 1 or name.rpartition('.')[0] in names for name in names):
        raise ValueError(f'{subject} must name each once, got {" ".join(texts)}.')
