"""Reinforcement-learning environments at a hundred million frames a second on one GPU."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from megastep import mapgen, physics, rendering
    from megastep.core import Agents, Cameras, Core
    from megastep.geometry import Geometry, Room
    from megastep.mapset import MapSet
    from megastep.ragged import Ragged
    from megastep.scenery import Scenery

__version__ = '0.1.0'
__all__ = [
    'Agents', 'Cameras', 'Core', 'Geometry', 'MapSet', 'Ragged', 'Room', 'Scenery', 'mapgen', 'physics', 'rendering',
]  # fmt: skip

_HOMES = {
    'Agents': 'core', 'Cameras': 'core', 'Core': 'core', 'Geometry': 'geometry', 'MapSet': 'mapset',
    'Ragged': 'ragged', 'Room': 'geometry', 'Scenery': 'scenery',
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Imports a public name on first use, so that `megastep --help` and the generator's workers need no torch."""
    if name not in __all__:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    if name not in _HOMES:
        return import_module(f'{__name__}.{name}')
    value = globals()[name] = getattr(import_module(f'{__name__}.{_HOMES[name]}'), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
