"""Words for counts, as people read them."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """A count and what is counted: ``'1 map'``, ``'2,000 maps'``."""
    return f'{count:,} {noun}{"" if count == 1 else "s"}'
