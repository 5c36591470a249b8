"""Makes the documents' pictures: `python docs/pictures.py` writes them into docs/images.

`python docs/pictures.py --run runs/pointgoal-0` writes the one of an agent that has learnt PointGoal.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import tyro

import megastep
from megastep import MapSet, mapgen, plotting
from megastep.evaluation.play import play
from megastep.evaluation.standard.holdouts import holdouts
from megastep.plotting.states import StatePlot

IMAGES = Path(__file__).parent / 'images'

FILES = Path(__file__).parents[1] / 'tests' / 'maps' / 'files'

PLAN = """<svg xmlns="http://www.w3.org/2000/svg" fill="none" stroke="black">
<g id="walls"><path d="M0 0H900V600H0Z M0 380H560V0 M560 240H900 M560 380V600"/></g>
<g id="doors"><path d="M560 280V370"/><path d="M200 380H290"/><path d="M560 440V530"/><path d="M650 240H740"/></g>
<g id="rooms"><rect id="Bedroom" width="560" height="380"/><rect id="Kitchen" x="560" width="340" height="240"/>
<rect id="LivingRoom" y="380" width="560" height="220"/></g></svg>"""

MAZE = """
***********
*P  *     *
*** * *** *
*   *   * *
* ***** * *
*     * * *
* *** * * *
* *     *G*
***********
"""

FAMILIES = ('house', 'apartments', 'office', 'hotel', 'warehouse') + (
    'rooms',
    'voronoi',
    'maze',
    'cave',
    'arena',
    'track',
)

COUNT = 5
"""How many maps of each family are drawn: the first ones."""

SEED, INDEX = 0, 18
"""The house that is drawn with each option."""

OPTIONS = {
    'chamfers': 0.7,
    'curves': 0.7,
    'columns': 10.0,
    'furniture': (5, 10),
    'rotation': (25.0, 25.0),
}


def families():
    """A row of each family's first maps, by its defaults."""
    maps = {name: mapgen.generate(name, COUNT, seed=SEED) for name in FAMILIES}
    return plotting.rows(maps, notes={name: mapgen.FAMILIES[name].about for name in FAMILIES}, columns=COUNT)


def options():
    """One house as it is, with each option, and with all of them."""
    chosen = [{}, *({name: value} for name, value in OPTIONS.items()), OPTIONS]
    maps = [mapgen.make('house', INDEX, seed=SEED, rooms=(12, 12), **values) for values in chosen]
    return plotting.gallery(maps, captions=['as it is', *OPTIONS, 'all of these'])


def standard_holdouts():
    """The hand-made hold-outs by name."""
    maps = holdouts()
    return plotting.gallery(maps, len(maps), COUNT, captions=maps.recipe['names'])


def on_the_way(folder, house=4, shortest=9.0, left=12):
    """A trained agent some steps before its goal, towards the end of a long way in a house that it hasn't seen."""
    agent = megastep.load(folder, device='cpu', greedy=True)
    maps = mapgen.generate('house', house + 1, seed=1, rooms=(10, 14))[house:]
    env = agent.env(maps, 1, nearest=shortest, furthest=2 * shortest)
    moments = play(agent, env)
    next(moments)
    states = [env.snapshot(0)]
    while not next(moments)['_episode']:
        states.append(env.snapshot(0))
    plot = StatePlot(states[0])
    for state in states[1:-left]:
        plot.update(state)
    return plot.figure


def importers(folder: Path):
    """A map of each format, of files of the tests and of some that are written into a folder."""
    cave, turn = mapgen.generate('cave', 1, seed=SEED), np.linspace(0, 2 * np.pi, 120, endpoint=False)
    track = np.stack([22 * np.cos(turn) + 4 * np.cos(3 * turn), 14 * np.sin(turn)], axis=1)
    (folder / 'track.csv').write_text('\n'.join(f'{x},{y},1.5,1.5' for x, y in track.tolist()))
    (folder / 'plan.svg').write_text(PLAN)
    found = {
        'SVG': MapSet.from_svg(folder / 'plan.svg', layers={'walls': 'walls', 'doors': 'doors', 'rooms': 'rooms'}),
        'CubiCasa': MapSet.from_cubicasa(FILES / 'svg' / 'cubicasa.svg'),
        'GeoJSON': MapSet.from_geojson(FILES / 'geojson' / 'door.json'),
        'DXF': MapSet.from_dxf(FILES / 'other' / 'l.dxf'),
        'IMDF': MapSet.from_imdf(FILES / 'other' / 'imdf.geojson'),
        'HouseExpo': MapSet.from_houseexpo(FILES / 'other' / 'house-expo.json'),
        'MSD': MapSet.from_msd(FILES / 'other' / 'msd.csv'),
        'Doom': MapSet.from_wad(FILES / 'wad' / 'n_E1M10.wad'),
        'ROS': MapSet.from_occupancy(cave.to_occupancy(folder), simplify=0.05),
        'maze as text': MapSet.from_grid(MAZE, resolution=1.5),
        'centre line': MapSet.from_centreline(folder / 'track.csv', scale=0.5),
    }
    return plotting.gallery([maps[0] for maps in found.values()], captions=list(found))


def main(run: Path | None = None) -> None:
    """Makes the pictures of maps, or that of a run's agent."""
    if run is not None:
        on_the_way(run).savefig(IMAGES / 'pointgoal.png', dpi=100)
        return
    plotting.gallery(mapgen.generate('house', 12, seed=SEED)).savefig(IMAGES / 'gallery.png', dpi=120)
    families().savefig(IMAGES / 'families.png', dpi=120)
    options().savefig(IMAGES / 'options.png', dpi=120)
    standard_holdouts().savefig(IMAGES / 'holdouts.png', dpi=80)
    with TemporaryDirectory() as folder:
        importers(Path(folder)).savefig(IMAGES / 'importers.png', dpi=90)


if __name__ == '__main__':
    tyro.cli(main)
