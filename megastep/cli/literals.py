"""Values as a command line has them."""

from __future__ import annotations

import ast
from typing import Any


def literal(text: str) -> Any:
    """The value of a text: a number, a pair or whatever else Python reads, or a word; None if it is none of these."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text if text.isidentifier() else None
    return None if isinstance(value, str) else value  # a word has no quotation marks
