import numpy as np
import pytest
import torch
from worlds import box, core_at

from megastep.env.combat import EVENTS, Combat, Score

HALL = box(1, 1, 21, 5, spawns=[(2 + i, 3) for i in range(8)])


def crowd(num_agents, num_envs=1, **options):
    places = [[(2 + i, 3) for i in range(num_agents)]] * num_envs
    return core_at([HALL], places, [[0] * num_agents] * num_envs, **options)


def fire(combat, *targets, triggers=None):
    events = combat.step(torch.tensor(targets), None if triggers is None else torch.tensor(triggers))
    return dict(zip(EVENTS, events.tolist(), strict=True))


def test_two_who_shoot_each_other_both_die():
    combat = Combat(crowd(2), health=1)
    events = fire(combat, [1, 0])
    assert all(events[name] == [[1, 1]] for name in EVENTS)
    assert combat.health.tolist() == [[0, 0]]


def test_a_kill_is_put_down_to_one_in_turn():
    core = crowd(4)
    combat, killers = Combat(core, health=1, cooldown=0), []
    for turn in range(4):
        core.turn.fill_(turn)
        events = fire(combat, [3, 3, -1, -1])
        assert (events['hits'], events['wounds'], events['deaths']) == ([[1, 1, 0, 0]], [[0, 0, 0, 2]], [[0, 0, 0, 1]])
        killers.append(events['kills'][0].index(1))
        assert sum(events['kills'][0]) == 1
        combat.reset(combat.health <= 0)
    assert killers == [0, 1, 0, 0]  # of agents 0 and 1 the first from agent `turn` on, round and round


def test_an_agent_takes_as_many_hits_as_it_has_health():
    combat, healths = Combat(crowd(2), health=3, cooldown=0), []
    while not healths or healths[-1] > 0:
        fire(combat, [1, -1])
        healths.append(combat.health[0, 1].item())
    assert healths == [2, 1, 0]
    combat.reset(torch.tensor([[False, True]]))
    assert combat.health.tolist() == [[3, 3]]


@pytest.mark.parametrize(
    'cooldown, fps, period', [(0, 10, 1), (0.1, 10, 1), (0.25, 10, 3), (0.5, 10, 5), (0.5, 20, 10)]
)
def test_shots_are_apart(cooldown, fps, period):
    combat = Combat(crowd(2, fps=fps), health=100, cooldown=cooldown)
    shots = [fire(combat, [1, -1])['shots'][0][0] for _ in range(3 * period)]
    assert shots == ([1] + [0] * (period - 1)) * 3


def test_what_is_observed():
    combat = Combat(crowd(2), health=4, cooldown=0.5)
    fire(combat, [1, -1])
    observed = combat.observe()
    assert observed['health'].tolist() == [[1.0], [0.75]]
    assert observed['cooldown'].flatten().tolist() == pytest.approx([0.8, 0])
    assert all(combat.spaces[name].contains(values[1].numpy()) for name, values in observed.items())


def test_a_trigger_fires_at_nobody_too():
    combat = Combat(crowd(3), cooldown=0.5)
    events = fire(combat, [1, 2, -1], triggers=[[True, False, True]])
    assert (events['aims'], events['shots'], events['hits']) == ([[1, 1, 0]], [[1, 0, 1]], [[1, 0, 0]])
    assert combat.waits.tolist() == [[4, 0, 4]]


def test_every_wound_has_a_shooter():
    """Random targets for a while: each event is what counting one by one gives."""
    generator = torch.Generator().manual_seed(0)
    core = crowd(5, num_envs=30)
    combat = Combat(core, health=2, cooldown=0.2)
    for _ in range(40):
        core.turn.add_(1)
        targets = torch.randint(-1, 5, (30, 5), generator=generator)
        before, ready = combat.health.clone(), combat.waits == 0
        aims, shots, hits, wounds, kills, deaths = combat.step(targets)
        assert torch.equal(aims == 1, targets >= 0)
        assert torch.equal(hits == 1, ready & (targets >= 0)) and torch.equal(shots, hits)
        counted = [[sum(t == victim for t in row) for victim in range(5)] for row in targets.where(ready, -1).tolist()]
        assert wounds.tolist() == counted
        assert torch.equal(combat.health, before - wounds)
        assert torch.equal(deaths == 1, combat.health <= 0)
        assert torch.equal(kills.sum(1), deaths.sum(1))
        assert (kills <= hits).all()
        combat.reset(combat.health <= 0)


@pytest.mark.parametrize(
    'options, message',
    [
        ({'health': 0}, 'health must be an integer of at least 1, got 0'),
        ({'health': 2.5}, 'health must be an integer of at least 1, got 2.5'),
        ({'cooldown': -1}, 'cooldown must be at least 0 s and finite, got -1'),
        ({'cooldown': np.nan}, 'cooldown must be at least 0 s and finite, got nan'),
    ],
)
def test_rejects_impossible_combat(options, message):
    with pytest.raises(ValueError, match=message):
        Combat(crowd(2), **options)


def test_a_score_counts_and_pays():
    core = crowd(3, num_envs=2)
    combat, score = Combat(core, health=1, cooldown=0), Score(core, {'hits': 2.0, 'deaths': -3.0})
    earned = [score.step(combat.step(torch.tensor([[1, 0, -1], [2, -1, -1]]))).tolist() for _ in range(2)]
    assert earned == [[[-1, -1, 0], [2, 0, -3]]] * 2
    counts = {name: count.tolist() for name, count in score.by_name().items()}
    assert list(counts) == list(EVENTS)
    assert (counts['hits'], counts['wounds']) == ([[2, 2, 0], [2, 0, 0]], [[2, 2, 0], [0, 0, 2]])
    score.reset(torch.tensor([False, True]))
    assert score.by_name()['hits'].tolist() == [[2, 2, 0], [0, 0, 0]]
    assert torch.equal(score.state['counts'][0], score.counts[:, 0])


@pytest.mark.parametrize(
    'values, message',
    [
        ({'aims': 1, 'wins': 2, 'losses': 3}, 'values may be of aims, shots, hits, .*, got losses, wins'),
        ({'hits': np.inf}, 'hits must be finite, got inf'),
    ],
)
def test_rejects_impossible_scores(values, message):
    with pytest.raises(ValueError, match=message):
        Score(crowd(2), values)
