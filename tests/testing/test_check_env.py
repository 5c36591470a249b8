"""All envs keep their promises, and an env that breaks one is found out."""

import re
from typing import NamedTuple

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Text
from gymnasium.vector import AutoresetMode
from rollouts import make
from walks import EYES, LIVES, TWO_RAYS, Walk
from worlds import box

from envs import Explorer, Minimal
from megastep.env.nested import mismatch
from megastep.env.spawning import RandomLifespans
from megastep.testing import check_env

NEXT_STEP, SAME_STEP, DISABLED = AutoresetMode
CLOSET = box(1, 1, 2, 2)


@pytest.mark.parametrize('task', [Minimal, Explorer])
@pytest.mark.parametrize('mode', list(AutoresetMode))
@pytest.mark.parametrize(
    'device, graph',
    [
        ('cpu', False),
        pytest.param('cuda', False, marks=pytest.mark.gpu),
        pytest.param('cuda', True, marks=pytest.mark.gpu),
    ],
)
def test_every_env_passes(task, mode, device, graph):
    options = {'autoreset_mode': mode, 'cuda_graph': graph, 'device': device, **LIVES[task]}
    check_env(make(task, num_envs=4, maps=[CLOSET], cameras=TWO_RAYS, **options))


def test_an_env_that_overwrites_what_it_returned_passes_if_it_says_so(device):
    check_env(make(Minimal, num_envs=4, cameras=EYES, device=device, copy=False, shortest=2, longest=5))


def test_an_explorer_with_cameras_of_several_kinds_passes(device):
    check_env(make(Explorer, num_envs=3, maps=[CLOSET], cameras=EYES, device=device, patience=0.1))


def test_an_env_that_draws_passes(device):
    check_env(make(Minimal, num_envs=2, device=device, render_mode='rgb_array', shortest=2, longest=5))


class Flawed(Walk):
    """Changes what a step returns by a function of the env, the outputs, and those of the step before."""

    def __init__(self, flaw, mode=NEXT_STEP):
        super().__init__(mode)
        self._flaw, self._before = flaw, None

    def step(self, actions):
        outputs = super().step(actions)
        changed = self._flaw(self, list(outputs), self._before or outputs)
        self._before = outputs
        return tuple(changed)


def put(index, function):
    """A flaw that changes one of a step's outputs."""

    def flaw(env, outputs, before):
        outputs[index] = function(outputs[index])
        return outputs

    return flaw


def noted(changes):
    """A flaw that changes info."""
    return put(4, lambda info: {**info, **changes(info)})


def shows_the_next_episode(env, outputs, before):
    """As if a step that ends an episode had reset already: its observation is a spawn, whatever the agent did."""
    ended = outputs[2] | outputs[3]
    outputs[0] = torch.where(ended[:, None], env.core.scenery.spawns[0][3], outputs[0])
    return outputs


def final_is_the_next_episode(env, outputs, before):
    outputs[4]['final_obs'] = outputs[0]
    return outputs


def pays_when_resetting(env, outputs, before):
    outputs[1] = outputs[1] + (before[2] | before[3])
    return outputs


def ends_twice(env, outputs, before):
    outputs[2] = outputs[2] | (before[3] & ~before[2])
    return outputs


FLAWS = [
    (put(0, lambda seen: seen.numpy()), "step's observations must be a torch tensor, got ndarray"),
    (put(0, torch.Tensor.double), r'observations must be torch.float32 of shape \(6, 2\) on cpu, got torch.float64'),
    (put(0, lambda seen: seen[:5]), r'torch.float32 of shape \(6, 2\) on cpu, got torch.float32 of shape \(5, 2\)'),
    (put(0, lambda seen: seen.to('meta')), r'on cpu, got torch.float32 of shape \(6, 2\) on meta'),
    (put(0, lambda seen: seen.clone().requires_grad_()), 'must not require a gradient, but does'),
    (put(0, lambda seen: seen + 9), 'observations must lie from 0 to 10, got 1'),
    (put(0, lambda seen: seen * torch.nan), r'observations must lie from 0 to 10, got nan at \(0, 0\)'),
    (put(0, lambda seen: {'place': seen}), 'observations must be a torch tensor, got dict'),
    (
        put(0, lambda seen: seen + 0.1 * torch.rand(())),
        'the same seed must give the same rollout, but step 0 differs in observations: is it drawn from a generator',
    ),
    (noted(lambda info: {'luck': torch.rand(6)}), r"the same rollout, but step 0 differs in info\['luck'\]: is it"),
    (put(1, torch.Tensor.long), 'rewards must be torch.float32 or torch.float64 of shape .* got torch.int64'),
    (put(1, torch.Tensor.tolist), 'rewards must be a torch tensor, got list'),
    (put(1, lambda rewards: rewards * torch.inf), 'rewards must be finite, got'),
    (put(2, torch.Tensor.int), 'terminated must be torch.bool of shape .* got torch.int32'),
    (put(3, lambda truncated: truncated[None]), r'truncated must be torch.bool .* of shape \(1, 6\)'),
    (put(3, torch.zeros_like), 'episodes must end within 30 steps to be checked, got none that did'),
    (put(4, lambda info: [info]), "step's info must be a dictionary, got list"),
    (noted(lambda info: {'_goal': info['_episode']}), "info must have 'goal', as it has its mask '_goal', but has not"),
    (noted(lambda info: {'_episode': info['_episode'].int()}), r"info\['_episode'\] must be torch.bool"),
    (noted(lambda info: {'_episode': ~info['_episode']}), r"info\['_episode'\] must be where episodes ended"),
    (noted(lambda info: {'goal': torch.zeros(3)}), r"info\['goal'\] must have 6 rows on cpu, got \(3,\) on cpu"),
    (
        noted(lambda info: {'episode': {**info['episode'], 'return': info['episode']['return'] + 1}}),
        r"info\['episode'\]\['return'\] must be .* as summed up, got",
    ),
    (
        noted(lambda info: {'episode': {**info['episode'], 'length': info['episode']['length'] * 2}}),
        r"info\['episode'\]\['length'\] must be .* as summed up, got",
    ),
    (pays_when_resetting, r"the step after an episode's last must pay 0, got \[1.0"),
    (ends_twice, "the step after an episode's last must not end one, but did in rows"),
    (
        shows_the_next_episode,
        "the observation that an episode ends in must be of its own last step, but doesn't depend",
    ),
    (lambda env, outputs, before: outputs[:4], 'env.step() must return five things'),
]


@pytest.mark.parametrize('flaw, message', FLAWS)
def test_finds_a_flaw(flaw, message):
    with pytest.raises(AssertionError, match=message.replace('()', r'\(\)')):
        check_env(Flawed(flaw), steps=30)


@pytest.mark.parametrize(
    'flaw, message',
    [
        (noted(lambda info: {'final_obs': None, '_final_obs': None}), r'_final_obs.* must be a torch tensor'),
        (put(4, lambda info: {'episode': info['episode']}), "info must have 'final_obs' when an episode ends"),
        (noted(lambda info: {'_final_info': ~info['_episode']}), r"info\['_final_info'\] must be where episodes ended"),
        (noted(lambda info: {'final_obs': info['final_obs'] + 9}), r"info\['final_obs'\] must lie from 0 to 10"),
        (final_is_the_next_episode, "last observation must be followed by a new episode's first, got the same one"),
    ],
)
def test_finds_a_flaw_of_same_step(flaw, message):
    with pytest.raises(AssertionError, match=message):
        check_env(Flawed(flaw, SAME_STEP), steps=30)


@pytest.mark.parametrize('mode', list(AutoresetMode))
@pytest.mark.parametrize('num_agents', [1, 2])
def test_without_a_flaw_it_passes(mode, num_agents):
    check_env(Walk(mode, num_agents=num_agents))


class Overwriting(Walk):
    def _observe(self):
        return self.core.agents.positions.flatten(0, 1)

    def step(self, actions):
        self.core.agents.positions.flatten(0, 1)
        return self._observe(), *super().step(actions)[1:]


class Careless(Walk):
    """Resets everything, whatever the mask."""

    def _respawn(self, mask):
        super()._respawn(torch.ones_like(mask) if mask.any() else mask)


class Obedient(Walk):
    """Doesn't ignore the actions of a step that resets."""

    def step(self, actions):
        outputs = super().step(actions)
        self.core.agents.positions[..., 0].add_(0.001 * actions.view(-1, 1))
        return outputs


class Tiring(Walk):
    """Pays less with every step, which it counts where no state could hold it."""

    def reset(self, *, options=None, **arguments):
        self.num_steps = self.num_steps if options else 0
        return super().reset(options=options, **arguments)

    def _act(self, actions):
        super()._act(actions)
        self.num_steps += 1

    def _outcome(self):
        rewards, *ends = super()._outcome()
        return rewards - 0.01 * self.num_steps, *ends


class Blind(Walk):
    def __init__(self, frames):
        super().__init__(render_mode='rgb_array')
        self._frames = frames

    def render(self):
        return self._frames


class Immortal(Walk):
    def close_extras(self, **kwargs):
        self.num_closings = getattr(self, 'num_closings', 0) + 1

    def close(self, **kwargs):
        pass


def renamed(**attributes):
    env = Walk()
    for name, value in attributes.items():
        setattr(env, name, value)
    return env


class Heedless(Walk):
    """Begins new episodes everywhere, whatever the mask; and only time ends them, everywhere at once."""

    def __init__(self):
        super().__init__(longest=100, time_limit=0.5)

    def _respawn(self, mask):
        super()._respawn(mask | mask.any())


ENVS = [
    (Heedless, 'a reset by mask must leave the other rows as they were, but changed the observations of rows'),
    (lambda: renamed(scores='success'), "env.scores must be a tuple of names, got the text 'success'"),
    (
        lambda: renamed(scores=('gain',)),
        r"info must have all of env.scores, got \['episode', '_episode'\], without gain",
    ),
    (lambda: renamed(measures=('way',)), r'info must have all of env.measures, got .*, without way'),
    (Overwriting, 'what step returned must stay as it is, but a later step or reset overwrote it'),
    (lambda: Careless(DISABLED), 'a reset by mask must leave the other rows as they were, but changed'),
    (Tiring, r'must repeat what came after it, but step \d+ differs in \w+: does the state hold everything'),
    (Obedient, "the actions of the step after an episode's last must be ignored, but are not"),
    (lambda: Blind(np.zeros((4, 4, 3), np.uint8)), 'must return frames in a tuple, got ndarray'),
    (lambda: Blind((np.zeros((4, 4, 3)),)), r'frames must be uint8 arrays .* got float64 of \(4, 4, 3\)'),
    (lambda: Blind((None,)), 'frames must be uint8 arrays .* got NoneType'),
    (Immortal, r'env.closed must be True after env.close\(\), got False'),
    (lambda: renamed(device='cpu'), "env.device must be a torch.device, got 'cpu'"),
    (lambda: renamed(num_envs=0), 'env.num_envs must be above 0, got 0'),
    (lambda: renamed(single_action_space=7), 'env.single_action_space must be a Space, got 7'),
    (lambda: renamed(observation_space=Box(0, 1, (6, 2))), 'env.observation_space must be the batched single space'),
    (lambda: renamed(metadata={}), r"metadata\['autoreset_mode'\] must be an AutoresetMode, got None"),
    (lambda: renamed(render_mode='human'), r"env.render_mode must be None or in \['rgb_array'\], got 'human'"),
    (lambda: renamed(lower_is_better=('crashes',)), r"lower_is_better must be among its scores, .* got \('crashes',\)"),
    (lambda: gymnasium.make('CartPole-v1'), 'env must be a VectorEnv, got'),
    (lambda: gymnasium.make_vec('CartPole-v1', 2), 'env.device must be a torch.device, got None'),
]


@pytest.mark.parametrize('make_env, message', ENVS)
def test_finds_an_env_that_breaks_a_promise(make_env, message):
    with pytest.raises(AssertionError, match=message):
        check_env(make_env(), steps=30)


class Forgetful(RandomLifespans):
    """A part that doesn't name what it keeps."""

    @property
    def state(self):
        return {}


class Track(NamedTuple):
    places: torch.Tensor


class Odometer:
    """A part whose state is nested, in things that may be none of a part's own."""

    def __init__(self, core):
        self._core, self.named = core, torch.zeros(core.num_envs, 1)
        self.tracks = {'all': [Track(torch.zeros(1, core.num_envs))]}
        self.constant = torch.zeros(core.num_envs)
        self.total = torch.zeros(())

    @property
    def state(self):
        return {'named': self.named}

    def step(self):
        self.named.add_(1)
        self.tracks['all'][0].places.copy_(self._core.agents.positions[:, 0, 0])
        self.fresh = self.named.clone()
        self.total.add_(1)


class Measured(Walk):
    """Keeps tensors, and whichever it is told to are named."""

    def __init__(self, kept=(), part=None, lifespans=None, **options):
        kept = {name: torch.zeros(6) for name in kept}
        self.count = kept.get('count', torch.zeros(6))
        super().__init__(kept=kept, **options)
        if lifespans is not None:
            self._lifespans = lifespans(self.core, 2, 5)
        self._part = None if part is None else part(self.core)

    def _act(self, actions):
        super()._act(actions)
        self.count.add_(1)
        if self._part is not None:
            self._part.step()


@pytest.mark.parametrize(
    'options, lost',
    [
        ({}, 'env.count'),
        ({'kept': ['count'], 'lifespans': Forgetful}, 'env._lifespans.left'),
        ({'kept': ['count'], 'part': Odometer}, "env._part.tracks['all'][0].places"),
        ({'lifespans': Forgetful, 'part': Odometer}, 'env.count, env._lifespans.left, '),
    ],
)
def test_names_what_an_env_keeps_but_its_state_lacks(options, lost):
    message = f'env.get_state() must hold every tensor that is kept from step to step, but lacks {lost}'
    with pytest.raises(AssertionError, match=re.escape(message)):
        check_env(Measured(**options), steps=30)


def test_what_is_named_or_made_afresh_is_not_lost():
    check_env(Measured(kept=['count']), steps=30)


@pytest.mark.gpu
@pytest.mark.parametrize('graph', [False, True])
def test_names_what_a_state_lacks_on_a_gpu(graph):
    """The tensors that a graph's steps make are the same ones in every step, and are no false alarm."""
    options = {'device': 'cuda', 'cuda_graph': graph}
    check_env(Walk(**options), steps=30)
    env = Walk(**options)
    env._lifespans = Forgetful(env.core, 2, 5)
    with pytest.raises(AssertionError, match=r'but lacks env\._lifespans\.left: a part names what'):
        check_env(env, steps=30)


def test_says_which_spaces_tensors_cannot_have():
    sentence = mismatch('observations', torch.zeros(3), Text(4), 3, torch.device('cpu'))
    assert sentence == 'the space of observations must be one of tensors, got Text.'


class Waiting(Walk):
    def _act(self, actions):
        super()._act(actions)
        self.core.agents.positions.sum().item()


@pytest.mark.gpu
def test_finds_an_env_that_waits_for_the_gpu():
    with pytest.raises(AssertionError, match=r'env.step\(\) must not wait for the GPU, but does'):
        check_env(Waiting(device='cuda', cuda_graph=False), steps=30)


@pytest.mark.parametrize(
    'given, got', [(None, 'NoneType'), (lambda: None, 'function'), (Explorer, 'the class Explorer: give one of it')]
)
def test_what_is_no_env_is_named(given, got):
    with pytest.raises(AssertionError, match=f'env must be a VectorEnv, got {got}'):
        check_env(given)


@pytest.mark.parametrize('steps', [0, 'a'])
def test_there_must_be_steps(steps):
    with pytest.raises(ValueError, match=f'steps must be an integer of at least 1, got {steps!r}'):
        check_env(Walk(), steps=steps)
