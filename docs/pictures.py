"""Makes the documents' pictures: `python docs/pictures.py` writes them into docs/images.

`python docs/pictures.py --run runs/pointgoal-0` writes the one of an agent that has learnt PointGoal.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import tyro
from PIL import Image

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

OSM = {
    'room': [('office', 0, 0, 4, 4), ('office', 4, 0, 8, 4), ('kitchen', 8, 0, 11, 4), ('toilet', 0, 6, 3, 9)]
    + [('office', 3, 6, 7, 9), ('storage', 7, 6, 11, 9)],
    'corridor': [('corridor', 0, 4, 11, 6)],
    'door': [(2, 4), (6, 4), (9.5, 4), (1.5, 6), (5, 6), (9, 6)],
}
"""A storey as OpenStreetMap has it: rooms and corridors by kind, left, bottom, right and top; and doors."""

RPLAN = [
    (0, 0, 0, 130, 90), (3, 134, 0, 40, 38), (2, 134, 42, 40, 48), (1, 0, 94, 84, 56), (7, 88, 94, 86, 56, 1),
    (17, 130, 8, 4, 14), (17, 130, 62, 4, 14), (17, 40, 90, 14, 4), (17, 104, 90, 14, 4),
]  # fmt: skip
"""An apartment's areas in pixels: what they are for, left, top, width, height, and perhaps the room's number."""

DOOM = [
    [(0, 80), (80, 0), (240, 0), (320, 80), (320, 140), (420, 140), (420, 60), (580, 60), (580, 260), (420, 260)]
    + [(420, 180), (320, 180), (320, 240), (240, 320), (80, 320), (0, 240)],
    *([(x, y), (x, y + 30), (x + 30, y + 30), (x + 30, y)] for x in (90, 200) for y in (90, 200)),
]
"""The outlines of a level's lines, in Doom's units: a hall with pillars, and what lies behind it."""

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


def write_osm(path: Path) -> None:
    """Writes a storey in degrees of longitude and latitude, at 45 degrees north."""

    def feature(shape, corners, **tags):
        degrees = [[10 + x / 78_847, 45 + y / 111_132] for x, y in corners]
        coordinates = [degrees] if shape == 'Polygon' else degrees[0]
        geometry = {'type': shape, 'coordinates': coordinates}
        return {'type': 'Feature', 'geometry': geometry, 'properties': {**tags, 'level': '0'}}

    areas = [
        feature('Polygon', [(x, y), (w, y), (w, h), (x, h), (x, y)], indoor=indoor, room=kind)
        for indoor in ('room', 'corridor')
        for kind, x, y, w, h in OSM[indoor]
    ]
    doors = [feature('Point', [door], indoor='door') for door in OSM['door']]
    path.write_text(json.dumps({'type': 'FeatureCollection', 'features': areas + doors}))


def write_rplan(path: Path) -> None:
    """Writes an apartment as pixels, each of which says what it is for."""
    pixels = np.zeros((256, 256, 4), np.uint8)
    pixels[..., 1:] = 13, 0, 255
    for use, left, top, width, height, *number in RPLAN:
        pixels[50 + top :, 40 + left :][:height, :width, 1:3] = use, sum(number)
    Image.fromarray(pixels).save(path)


def write_wad(path: Path) -> None:
    """Writes a level of Doom as text (UDMF)."""
    text, count = 'namespace = "doom"; thing { type = 1; x = 160; y = 160; }', 0
    for outline in DOOM:
        for i, (x, y) in enumerate(outline):
            end = count + (i + 1) % len(outline)
            text += f'vertex {{ x = {x}; y = {y}; }} linedef {{ v1 = {count + i}; v2 = {end}; sidefront = 0; }}'
        count += len(outline)
    lumps = [(b'MAP01', b''), (b'TEXTMAP', text.encode()), (b'ENDMAP', b'')]
    header = struct.pack('<4sii', b'PWAD', len(lumps), 12 + len(text))
    places = [12, 12, 12 + len(text)]
    entries = [struct.pack('<ii8s', at, len(lump), name) for at, (name, lump) in zip(places, lumps, strict=True)]
    path.write_bytes(header + text.encode() + b''.join(entries))


def importers(folder: Path):
    """A map of each format, of files of the tests and of some that are written into a folder."""
    cave, turn = mapgen.generate('cave', 1, seed=SEED), np.linspace(0, 2 * np.pi, 120, endpoint=False)
    track = np.stack([22 * np.cos(turn) + 4 * np.cos(3 * turn), 14 * np.sin(turn)], axis=1)
    (folder / 'track.csv').write_text('\n'.join(f'{x},{y},1.5,1.5' for x, y in track.tolist()))
    (folder / 'plan.svg').write_text(PLAN)
    write_osm(folder / 'osm.geojson')
    write_rplan(folder / 'rplan.png')
    write_wad(folder / 'doom.wad')
    found = {
        'SVG': MapSet.from_svg(folder / 'plan.svg', layers={'walls': 'walls', 'doors': 'doors', 'rooms': 'rooms'}),
        'CubiCasa': MapSet.from_cubicasa(FILES / 'svg' / 'cubicasa.svg'),
        'GeoJSON': MapSet.from_geojson(FILES / 'geojson' / 'door.json'),
        'DXF': MapSet.from_dxf(FILES / 'other' / 'l.dxf'),
        'IMDF': MapSet.from_imdf(FILES / 'other' / 'imdf.geojson'),
        'OpenStreetMap': MapSet.from_osm(folder / 'osm.geojson'),
        'HouseExpo': MapSet.from_houseexpo(FILES / 'other' / 'house-expo.json'),
        'MSD': MapSet.from_msd(FILES / 'other' / 'msd.csv'),
        'RPLAN': MapSet.from_rplan(folder / 'rplan.png'),
        'Doom': MapSet.from_wad(folder / 'doom.wad'),
        'ROS': MapSet.from_occupancy(cave.to_occupancy(folder), simplify=0.05),
        'maze as text': MapSet.from_grid(MAZE, resolution=1.5),
        'centre line': MapSet.from_centreline(folder / 'track.csv', scale=0.4),
    }
    return plotting.gallery([maps[0] for maps in found.values()], len(found), COUNT, captions=list(found))


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
