"""Makes the documents' pictures: `python docs/pictures.py` writes them into docs/images.

`python docs/pictures.py --run runs/pointgoal-0` writes the one of an agent that has learnt PointGoal.
"""

from __future__ import annotations

from pathlib import Path

import tyro

import megastep
from megastep import mapgen, plotting
from megastep.evaluation.play import play
from megastep.evaluation.standard.holdouts import holdouts
from megastep.plotting.states import StatePlot

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


def main(run: Path | None = None) -> None:
    """Makes the pictures of maps, or that of a run's agent."""
    if run is not None:
        on_the_way(run).savefig(IMAGES / 'pointgoal.png', dpi=100)
        return
    plotting.gallery(mapgen.generate('house', 12, seed=SEED)).savefig(IMAGES / 'gallery.png', dpi=120)
    families().savefig(IMAGES / 'families.png', dpi=120)
    options().savefig(IMAGES / 'options.png', dpi=120)
    standard_holdouts().savefig(IMAGES / 'holdouts.png', dpi=80)


if __name__ == '__main__':
    tyro.cli(main)
