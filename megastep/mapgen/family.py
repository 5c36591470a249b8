"""What a family of maps is: a pure function from words and parameters to a floorplan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from megastep.geometry import Geometry
from megastep.mapgen.words import Words

Build = Callable[..., Geometry]


@dataclass(frozen=True)
class Parameter:
    """A number that a family takes, or a pair of them: from the least to the greatest that a map may draw.

    Args:
        default: The value where none is given. A pair takes pairs; whole numbers take whole numbers.
        least: The least value.
        most: The greatest value.
        unit: What it is measured in.
        about: What it says of a map.
    """

    default: float | tuple[float, float]
    least: float
    most: float
    unit: str
    about: str


@dataclass(frozen=True)
class Family:
    """A kind of map. The same family, version, seed and index give the same map for ever.

    Args:
        name: What `generate` calls it.
        version: Changes whenever its maps do.
        about: One sentence on what its maps are like.
        parameters: What it takes, by name.
        build: Makes a map from `Words` and the parameters, by keyword.
    """

    name: str
    version: int
    about: str
    parameters: Mapping[str, Parameter]
    build: Build

    def words(self, seed: int, index: int) -> Words:
        """The random words of one map."""
        return Words(f'{self.name}/{self.version}/{seed}/{index}')

    def complete(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters given, checked, and the defaults of the others.

        Raises:
            ValueError: if the family has no such parameter, or a value is out of its range.
        """
        if unknown := sorted(set(given) - set(self.parameters)):
            known = ', '.join(sorted(self.parameters))
            raise ValueError(f'{self.name} has no parameter {unknown[0]!r}; it has {known}.')
        values = {name: given.get(name, parameter.default) for name, parameter in self.parameters.items()}
        return {name: _checked(f'{self.name}: {name}', values[name], self.parameters[name]) for name in values}


def _checked(subject: str, value: Any, parameter: Parameter) -> Any:
    """A parameter's value as plain numbers, if it has the right form and lies in its range."""
    if not isinstance(parameter.default, tuple):
        return _checked_number(subject, value, parameter, type(parameter.default))
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise ValueError(f'{subject} must be a pair of numbers, got {value!r}.')
    low, high = (_checked_number(subject, number, parameter, type(parameter.default[0])) for number in value)
    if low > high:
        raise ValueError(f'{subject} must be a pair of which the first is at most the second, got {value!r}.')
    return low, high


def _checked_number(subject: str, value: Any, parameter: Parameter, kind: type) -> Any:
    try:
        number = kind(value)
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is None or isinstance(value, bool | str) or number != value:
        raise ValueError(f'{subject} must be a {"whole " if kind is int else ""}number, got {value!r}.')
    unit = f' {parameter.unit}' if parameter.unit else ''
    if not parameter.least <= number <= parameter.most:
        raise ValueError(f'{subject} must be from {parameter.least} to {parameter.most}{unit}, got {value!r}.')
    return number
