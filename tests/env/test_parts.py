"""Parts are found among an env's attributes, begin anew in their order, and their state is the env's."""

import pytest
import torch
from rollouts import actions_of, copied, equal
from walks import Walk
from worlds import box, core_at

from megastep.env.combat import Combat
from megastep.env.parts import agents_in, parts_of
from megastep.env.spawning import FarSpawns


class Counter:
    """Counts its resets and steps in each env."""

    def __init__(self, num_envs):
        self.resets, self.steps = (torch.zeros(num_envs, dtype=torch.int64) for _ in range(2))

    @property
    def state(self):
        return {'resets': self.resets, 'steps': self.steps}

    def reset(self, mask):
        self.resets.add_(mask)

    def step(self):
        self.steps.add_(1)


class Logged:
    """Has nothing to keep, and notes when it is reset."""

    def __init__(self, log, name):
        self._log, self._name = log, name

    def reset(self, mask):
        self._log.append((self._name, mask.tolist()))


class Kept:
    """Begins anew by itself, and has something to keep."""

    def __init__(self, **state):
        self.state = state


class Counting(Walk):
    """A walk with more parts: those it is given, and one that counts."""

    def __init__(self, **parts):
        self._counter = Counter(6)
        for name, part in parts.items():
            setattr(self, name, part)
        super().__init__()

    def _act(self, actions):
        super()._act(actions)
        self._counter.step()


def test_parts_are_what_begins_anew_or_keeps_something_each_once_in_order():
    class Owner:
        pass

    owner, log = Owner(), []
    owner.number, owner._second, owner.first = 3, Logged(log, 'second'), Kept(goal=torch.zeros(2))
    owner.again, owner.kind, owner.tensor = owner._second, Counter, torch.zeros(3)
    assert parts_of(owner) == {'second': owner._second, 'first': owner.first}
    assert list(parts_of(owner)) == ['second', 'first']


def test_an_env_resets_its_parts_in_the_order_of_its_attributes():
    log = []
    env = Counting(_b=Logged(log, 'b'), _a=Logged(log, 'a'))
    env.reset(seed=0)
    env.reset(options={'reset_mask': torch.arange(6) < 2})
    everyone, some = [True] * 6, [True] * 2 + [False] * 4
    assert log == [('b', everyone), ('a', everyone), ('b', some), ('a', some)]
    assert env._counter.resets.tolist() == [2, 2, 1, 1, 1, 1]


def test_steps_reset_the_parts_of_envs_that_have_ended():
    env = Counting()
    env.reset(seed=0)
    ended, resets = torch.zeros(6, dtype=torch.int64), torch.ones(6, dtype=torch.int64)
    for step in range(12):
        resets += ended
        ended = env.step(actions_of(env, step))[3].long()
        assert torch.equal(env._counter.resets, resets)
    assert resets.sum() > 12


def test_a_state_holds_what_parts_keep():
    env = Counting(extra=Kept(goal=torch.arange(6)))
    env.reset(seed=0)
    for step in range(3):
        env.step(actions_of(env, step))
    state = env.get_state()
    others = ('core', 'episode', 'shared', 'world')
    assert {name: set(tensors) for name, tensors in state.items() if name not in others} == {
        'task': set(), 'counter': {'resets', 'steps'}, 'extra': {'goal'}, 'lifespans': {'left'},
    }  # fmt: skip
    later = [copied(env.step(actions_of(env, step))) for step in range(9)]
    env.extra.state['goal'].zero_()
    env.set_state(state)
    assert env.extra.state['goal'].tolist() == list(range(6)) and env._counter.steps.tolist() == [3] * 6
    assert equal(later, [copied(env.step(actions_of(env, step))) for step in range(9)])


@pytest.mark.parametrize(
    'parts, message',
    [
        ({'_count': Kept(), 'count': Kept()}, "parts must have names of their own, got two called 'count'"),
        ({'_episode': Kept()}, "a part may not be called 'episode': a state has something else by that name"),
        (
            {'_goals': Kept(at=torch.zeros(5))},
            r"state of goals\['at'\] must be a tensor on cpu with 6 rows, got cpu of",
        ),
        ({'_goals': Kept(at=3)}, r"state of goals\['at'\] must be a tensor on cpu with 6 rows, got int"),
    ],
)
def test_rejects_parts_that_cannot_be_kept(parts, message):
    with pytest.raises(ValueError, match=message):
        Counting(**parts).reset()


def test_a_state_must_be_tensors_by_name():
    part = Kept()
    part.state = [torch.zeros(6)]
    with pytest.raises(ValueError, match='state of goals must be tensors by name, got list'):
        Counting(_goals=part).reset()


def crowd():
    hall = box(1, 1, 21, 5, spawns=[(2 + i, 3) for i in range(8)])
    return core_at([hall], [[(2, 3), (3, 3), (4, 3)]] * 3, [[0, 0, 0]] * 3)


def test_a_mask_of_envs_is_of_all_their_agents():
    core = crowd()
    envs = torch.tensor([True, False, True])
    agents = torch.tensor([[True] * 3, [False] * 3, [True] * 3])
    assert torch.equal(agents_in(envs, core), agents)
    assert agents_in(agents, core) is agents


FIRST = torch.tensor([True, False, False])
"""An env, or in each an agent: there are as many of the one as of the other, so they could be mixed up."""


def test_far_spawns_begin_anew_agent_by_agent_or_env_by_env():
    cores = [crowd() for _ in range(2)]
    for core, mask in zip(cores, (FIRST, agents_in(FIRST, cores[0])), strict=True):
        FarSpawns(core).reset(mask)
    assert equal(*([core.agents.positions, core.agents.angles] for core in cores))
    assert torch.equal(cores[0].agents.positions[1:], crowd().agents.positions[1:])


def test_health_begins_anew_agent_by_agent_or_env_by_env():
    combat = Combat(crowd(), health=4)
    combat.health.fill_(1)
    combat.reset(FIRST)
    assert combat.health.tolist() == [[4, 4, 4], [1, 1, 1], [1, 1, 1]]
    combat.reset(FIRST.expand(3, 3))
    assert combat.health.tolist() == [[4, 4, 4], [4, 1, 1], [4, 1, 1]]
