"""Synthetic results of an evaluation, of which the truth is known."""

import numpy as np

from megastep.evaluation.results import Results


def scores(rng, runs, maps, episodes, *, mean=1.5, run=0.4, by_map=1.0, both=0.3):
    """Successes of episodes, (run, map, episode): logits of an agent, its run, the map and both together."""
    return rng.random((runs, maps, episodes)) < chances(rng, runs, maps, mean, run, by_map, both)[..., None]


def chances(rng, runs, maps, mean, run, by_map, both):
    own = run * rng.standard_normal((runs, 1)) + by_map * rng.standard_normal((1, maps))
    return 1 / (1 + np.exp(-mean - own - both * rng.standard_normal((runs, maps))))


def rows(values, *, agent='ours', in_set='houses', **columns):
    """The columns of a table of episodes, from successes (run, map, episode)."""
    run, number, episode = (index.ravel() for index in np.indices(values.shape))
    count = values.size
    episode = number * values.shape[2] + episode
    told = {name: np.resize(value, count) for name, value in columns.items()}
    names = {'agent': np.full(count, agent), 'set': np.full(count, in_set)}
    return {**names, 'run': run, 'map': number, 'episode': episode, 'success': values.ravel().astype(float), **told}


def joined(*tables):
    return {name: np.concatenate([np.asarray(table[name]) for table in tables]) for name in tables[0]}


def results(*, seed=0, runs=5, maps=20, episodes=4, agents=('ours',), sets=('houses',), **options):
    """Results of some agents in some sets, the later ones of each the worse."""
    rng = np.random.default_rng(seed)
    paths = rng.uniform(1, 20, (1, maps, episodes)).repeat(runs, 0).ravel()
    tables = []
    for i, agent in enumerate(agents):
        for j, name in enumerate(sets):
            values = scores(rng, runs, maps, episodes, mean=2.0 - 0.5 * i - 0.7 * j)
            spl = values.ravel() * rng.uniform(0.7, 1, values.size)
            tables.append(rows(values, agent=agent, in_set=name, spl=spl, shortest_path=paths))
    return Results(joined(*tables), scores=('success', 'spl'), **options)
