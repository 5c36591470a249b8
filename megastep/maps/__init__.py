"""Floorplans as data: one map, many maps, on disk and in memory, and what is known of them; no torch."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from megastep.maps.stats.comparison import compare

__all__ = ['compare']


def __getattr__(name: str) -> Any:
    """Imports `compare` on first use, so that what needs no map needs no NumPy."""
    if name != 'compare':
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    from megastep.maps.stats.comparison import compare

    return compare
