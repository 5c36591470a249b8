"""Writes the real apartments that megastep ships, and the figures of them.

    python -m benchmarks.apartments apartments.geojsonl real-floorplan-statistics.json

Both files are of the hand-annotated floors of art-programmer/FloorplanTransformation (MIT).
"""

from __future__ import annotations

import json
import lzma
import sys
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from megastep import MapSet
from megastep.maps import stats as metrics
from megastep.maps.apartments import FILE

RECIPE = {
    'family': 'real apartments',
    'version': 1,
    'seed': None,
    'parameters': {},
    'source': 'https://github.com/art-programmer/FloorplanTransformation',
    'licence': 'MIT',
}
"""How the maps were made, but for the floors' names."""

FIGURES = Path(metrics.__file__).with_name('apartments.json')

MEASURED = ('walls', 'area', 'wall_length', 'width', 'height', 'visible', 'detour_mean', 'detour_p95') + (
    'closest_obstacle',
    'visibility',
    'dispersion',
    'characteristic_dimension',
    'tortuosity',
)
"""What the apartments' walls alone say: not all of their rooms are annotated."""

KNOWN = {
    'rooms': 'cells',
    'doors': 'interior_openings',
    'opening_width': 'interior_opening_width_m',
    'area': 'area_m2',
    'room_area': 'cell_area_m2',
    'aspect': 'cell_aspect',
    'rectangularity': 'rectangularity',
    'diameter': 'graph_diameter',
    'loops': 'graph_loops',
    'mean_degree': 'mean_degree',
}
NAVIGATION = {'visible': 'isovist_frac', 'detour_mean': 'nav_mean', 'detour_p95': 'nav_p95'}
"""What the floors' statistics are called in the file."""

SHARES = {'p5': 0.05, 'p25': 0.25, 'median': 0.5, 'p75': 0.75, 'p95': 0.95}


def main(maps: str, floors: str) -> None:
    real = MapSet.from_geojson(maps)
    names = [json.loads(line)['id'] for line in Path(maps).read_text(encoding='utf-8').splitlines()]
    ship(MapSet(real, recipe={**RECIPE, 'names': names}))
    figures = {'apartments': apartments(real), 'floors': known(json.loads(Path(floors).read_text(encoding='utf-8')))}
    FIGURES.write_text(written(figures) + '\n', encoding='utf-8')


def ship(maps: MapSet) -> None:
    """Writes the maps that `real_apartments` reads."""
    with TemporaryDirectory() as folder:
        path = Path(folder, 'maps.safetensors')
        maps.save(path)
        FILE.write_bytes(lzma.compress(path.read_bytes(), preset=9 | lzma.PRESET_EXTREME))


def written(figures: dict[str, Any], depth: int = 0) -> str:
    """JSON with a list a line."""
    if not isinstance(figures, dict):
        return json.dumps(figures)
    indent = '  ' * depth
    lines = [f'{indent}  {json.dumps(key)}: {written(value, depth + 1)}' for key, value in figures.items()]
    return '{\n' + ',\n'.join(lines) + f'\n{indent}}}'


def apartments(maps: MapSet) -> dict[str, Any]:
    """Percentiles of what the apartments are like."""
    about = f'Percentiles of {len(maps)} annotated apartments of art-programmer/FloorplanTransformation (MIT).'
    shares = np.arange(0, 101, 2) / 100
    stats = maps.stats(*MEASURED)
    values = {name: np.nanquantile(column, shares).round(4).tolist() for name, column in stats.items()}
    return {'about': about, 'shares': shares.tolist(), 'values': values}


def known(statistics: dict[str, Any]) -> dict[str, Any]:
    """Values and the shares of the floors' distributions that are at most these."""
    about = 'Quantiles of 1,365 annotated floors of art-programmer/FloorplanTransformation, and of 325 of them for '
    floors = statistics['r2v']
    found = {name: floors[key] for name, key in KNOWN.items()}
    found |= {name: floors['navigation'][key] for name, key in NAVIGATION.items()}
    points = {name: [(figures[key], share) for key, share in SHARES.items()] for name, figures in found.items()}
    histogram = floors['interior_opening_hist']
    ends = [float(interval.partition('-')[2]) for interval in histogram]
    points['opening_width'] += list(zip(ends, np.round(list(accumulate(histogram.values())), 3), strict=True))[:-1]
    points['opening_width'].sort()
    return {'about': about + ', '.join(NAVIGATION) + '.', 'points': points}


if __name__ == '__main__':
    main(*sys.argv[1:])
