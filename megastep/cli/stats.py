"""The command `megastep stats`: compares sets of maps with one another and with real homes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from megastep import plotting
from megastep.maps.mapset import MapSet
from megastep.maps.stats import apartments
from megastep.maps.stats.table import HASHES, STATISTICS
from megastep.maps.words import counted

Stats = Mapping[str, np.ndarray]

NAMES, SET = 26, 45
"""The widths, in letters, of the statistics' names in the table, and of what there is of a set."""


def run(paths: Sequence[Path], out: Path, *, workers: int) -> None:
    """Prints what the maps in some files are like, as many sets side by side as there is room for, and draws it.

    Args:
        paths: Files of map sets.
        out: The picture to write.
        workers: How many threads to use.
    """
    sets = {path.name if len({path.name for path in paths}) == len(paths) else str(path): path for path in paths}
    loaded = {name: MapSet.load(path) for name, path in sets.items()}
    stats = {name: maps.stats(workers=workers, progress=True) for name, maps in loaded.items()}
    console = Console()
    across = max(1, (console.width - NAMES) // SET)
    for first in range(0, len(sets), across):
        console.print(tabulate({name: loaded[name] for name in list(sets)[first : first + across]}, stats))
    console.print(
        'KS: the Kolmogorov-Smirnov distance to 200 real apartments, and the least that it can be to 1,365 real floors '
        'of which quantiles are known: 0 is the same, 1 has nothing in common.',
        style='dim',
    )
    drawn = {name: comparable(maps, stats[name]) for name, maps in loaded.items()}
    known = apartments.reference()
    plotting.distributions(drawn, {**known.floors, **known.apartments}).savefig(out)
    print(f'How the statistics are distributed is drawn in {out}.')


def tabulate(sets: Mapping[str, MapSet], stats: Mapping[str, Stats]) -> Table:
    """A row a statistic; for each set its median, its 5th and 95th percentile, and the distances to real homes."""
    table = Table(box=None)
    table.add_column('', overflow='fold')
    for name, maps in sets.items():
        head = f'{escape(name)}\n{counted(len(maps), "map")}\nmedian (5 % to 95 %)'
        table.add_column(head, justify='right', overflow='fold')
        table.add_column('KS 200', justify='right', overflow='fold')
        table.add_column('KS 1,365', justify='right', overflow='fold')
    distances = {name: apartments.distances(maps, stats[name]) for name, maps in sets.items()}
    for statistic in STATISTICS:
        cells = [cell for name in sets for cell in _cells(statistic, stats[name], distances[name])]
        table.add_row(statistic.replace('_', ' '), *cells)
    return table


def comparable(maps: MapSet, stats: Stats) -> Stats:
    """The statistics as they are compared with real ones: of all rooms and openings, where of real ones those are."""
    known = apartments.reference()
    floors = apartments.as_floors(maps, stats)
    return {name: floors[name] if name in known.floors.keys() - known.apartments else stats[name] for name in stats}


def _cells(statistic: str, stats: Stats, distances: Mapping[str, apartments.Distances]) -> list[str]:
    values = stats[statistic]
    if statistic in HASHES:
        return [f'{len(np.unique(values)):,} different', '', '']
    near = distances.get(statistic, apartments.Distances(np.nan, np.nan))
    return [_spread(values[np.isfinite(values)]), *('' if np.isnan(each) else f'{each:.2f}' for each in near)]


def _spread(values: np.ndarray) -> str:
    if not len(values):
        return '-'
    low, middle, high = np.quantile(values, (0.05, 0.5, 0.95))
    return f'{_written(middle)} ({_written(low)} to {_written(high)})'


def _written(value: float) -> str:
    """A number with three digits or, if it is above a thousand, all those before the point."""
    return f'{value:,.0f}' if abs(value) >= 1000 else f'{value:.3g}'
