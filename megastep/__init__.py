"""Reinforcement-learning environments at a hundred million frames a second on one GPU."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from megastep.maps import caches

if TYPE_CHECKING:
    from megastep import mapgen
    from megastep.learning.agent import load
    from megastep.maps.geometry import Geometry, Room
    from megastep.maps.mapset import MapSet
    from megastep.maps.ragged import Ragged
    from megastep.world import physics, rendering
    from megastep.world.cameras import Cameras
    from megastep.world.core import Agents, Core
    from megastep.world.scenery import Scenery

caches.provide()

__version__ = '0.2.0'
__all__ = [
    'Agents', 'Cameras', 'Core', 'Geometry', 'MapSet', 'Ragged', 'Room', 'Scenery', 'load', 'mapgen', 'physics',
    'rendering',
]  # fmt: skip

_HOMES = {
    'Agents': 'world.core', 'Cameras': 'world.cameras', 'Core': 'world.core', 'Geometry': 'maps.geometry',
    'MapSet': 'maps.mapset', 'Ragged': 'maps.ragged', 'Room': 'maps.geometry', 'Scenery': 'world.scenery',
    'load': 'learning.agent',
}  # fmt: skip
_MODULES = {'mapgen': 'mapgen', 'physics': 'world.physics', 'rendering': 'world.rendering'}


def __getattr__(name: str) -> Any:
    """Imports a public name on first use, so that `megastep --help` and the generator's workers need no torch."""
    if name in _MODULES:
        return import_module(f'{__name__}.{_MODULES[name]}')
    if name not in _HOMES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    value = globals()[name] = getattr(import_module(f'{__name__}.{_HOMES[name]}'), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
