"""Makes the pictures of generated maps: `python docs/pictures.py` writes them into docs/images."""

from __future__ import annotations

from pathlib import Path

from megastep import mapgen, plotting

IMAGES = Path(__file__).parent / 'images'

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


if __name__ == '__main__':
    plotting.gallery(mapgen.generate('house', 12, seed=SEED)).savefig(IMAGES / 'gallery.png', dpi=120)
    families().savefig(IMAGES / 'families.png', dpi=120)
    options().savefig(IMAGES / 'options.png', dpi=120)
