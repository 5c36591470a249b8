"""The family of maps: a pure function from random numbers and parameters to a plan."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from megastep.mapgen.parameters import Choice, Parameter, checked, tabulated
from megastep.mapgen.plan import Plan
from megastep.mapgen.rng import Rng
from megastep.mapgen.variations.options import OPTIONS, apply_options

__all__ = ['Build', 'Choice', 'Family', 'Parameter']

Build = Callable[..., Plan]


@dataclass(frozen=True)
class Family:
    """A family of maps: one kind of them. The same family, version, seed and index give the same map for ever.

    Args:
        name: Its key in `FAMILIES`.
        version: A number that changes whenever its maps do.
        about: One sentence on what its maps are like.
        parameters: The parameters that it takes, by name. The options that every family takes are added to them, but
            for those that have the name of one of its own.
        build: The function that makes a plan from an `Rng` and its own parameters, by keyword.
    """

    name: str
    version: int
    about: str
    parameters: Mapping[str, Parameter | Choice]
    build: Build

    def __post_init__(self) -> None:
        options = {name: option for name, option in OPTIONS.items() if name not in self.parameters}
        object.__setattr__(self, 'parameters', MappingProxyType({**self.parameters, **options}))

    def __reduce__(self) -> tuple[type[Family], tuple[Any, ...]]:
        """Pickling: by its own parameters, as a read-only view of all can't be pickled."""
        return Family, (self.name, self.version, self.about, self._own, self.build)

    def __repr__(self) -> str:
        own, shared = len(self._own), len(self.options)
        return f'Family({self.name!r}, version={self.version}, {own} parameters and {shared} options)'

    def _repr_html_(self) -> str:
        """The parameters as a table, for a notebook, and below them the options that every family takes."""
        own, shared = self._own, {name: self.parameters[name] for name in self.options}
        return (
            f'<div><p><b>{html.escape(self.name)}</b>, version {self.version}: {html.escape(self.about)}</p>'
            f'{tabulated("parameter", own)}<p>Options that every family takes:</p>{tabulated("option", shared)}</div>'
        )

    @property
    def _own(self) -> dict[str, Parameter | Choice]:
        """The parameters but for the options."""
        options = self.options
        return {name: each for name, each in self.parameters.items() if name not in options}

    @property
    def options(self) -> tuple[str, ...]:
        """The names of those parameters that are options every family takes, rather than its own."""
        return tuple(name for name, option in OPTIONS.items() if self.parameters[name] is option)

    def rng(self, seed: int, index: int) -> Rng:
        """The random number generator of one map."""
        return Rng(f'{self.name}/{self.version}/{seed}/{index}')

    def complete(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The complete parameters: those given, checked, and the defaults of the others.

        Raises:
            ValueError: if the family has no such parameter, or a value is out of its range.
        """
        if unknown := sorted(set(given) - set(self.parameters)):
            known = ', '.join(sorted(self.parameters))
            raise ValueError(f'{self.name} has no parameter {unknown[0]!r}; it has {known}.')
        values = {name: given.get(name, parameter.default) for name, parameter in self.parameters.items()}
        return {name: checked(f'{self.name}: {name}', values[name], self.parameters[name]) for name in values}

    def draw(self, rng: Rng, parameters: Mapping[str, Any]) -> Plan:
        """The plan of a map, without the options.

        Args:
            rng: The random number generator of this map.
            parameters: All that the family takes, as `complete` gives them.

        Raises:
            ValueError: if there is no such map: the parameters don't go together. The message begins with the family's
                name and a colon; any other is a bug.
        """
        options = self.options
        return self.build(rng, **{name: value for name, value in parameters.items() if name not in options})

    def vary(self, plan: Plan, rng: Rng, parameters: Mapping[str, Any]) -> Plan:
        """The plan with the options applied, of the same generator and parameters that `draw` made it of."""
        return apply_options(plan, rng.fork('options'), {name: parameters[name] for name in self.options})
