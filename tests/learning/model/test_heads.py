"""What makes vectors of observations and actions of vectors, over all sorts of spaces."""

import math

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Sequence, Text, Tuple
from hypothesis import given
from hypothesis import settings as options
from hypothesis import strategies as st
from torch.utils._pytree import tree_leaves, tree_map

from megastep.learning import intake, output
from megastep.learning.model.distributions import distribution
from megastep.learning.model.features import Features

SHAPES = st.lists(st.integers(1, 3), max_size=3).map(tuple)
BOUNDS = st.sampled_from([(0, 1), (-2, 6), (-np.inf, np.inf), (0, np.inf), (-np.inf, 3)])
BOXES = st.builds(lambda bounds, shape: Box(*bounds, shape, dtype=np.float32), BOUNDS, SHAPES)
LEAVES = st.one_of(
    BOXES,
    st.builds(lambda n, start: Discrete(n, start=start), st.integers(1, 5), st.integers(-3, 3)),
    st.builds(MultiDiscrete, st.lists(st.integers(1, 4), min_size=1, max_size=3)),
    st.builds(lambda start: MultiDiscrete([[2, 3], [4, 1]], start=start), st.just([[1, -1], [0, 5]])),
    st.builds(MultiBinary, st.one_of(st.integers(1, 4), st.just((2, 3)))),
)
NESTS = st.recursive(
    LEAVES,
    lambda parts: st.one_of(
        st.builds(Tuple, st.lists(parts, min_size=1, max_size=3)),
        st.builds(Dict, st.dictionaries(st.sampled_from('abcd'), parts, min_size=1, max_size=3)),
    ),
    max_leaves=5,
)
PICTURES = st.just(Dict(rgb=Box(0, 1, (2, 3, 16)), depth=Box(0, 255, (2, 16), dtype=np.uint8), goal=Discrete(3)))


def samples(space, count, seed=0):
    """Some of a space's values, as a tensor for each leaf."""
    space.seed(seed)
    samples = [space.sample() for _ in range(count)]
    return tree_map(lambda *values: torch.from_numpy(np.stack(values)), *samples)


def normal(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@options(max_examples=40, deadline=None)
@given(space=st.one_of(NESTS, PICTURES), width=st.integers(1, 9))
def test_an_intake_takes_whatever_the_space_holds(space, width):
    layers = intake(space, width, torch.Generator().manual_seed(0))
    observations = samples(space, 6)
    found = layers(observations)
    assert found.shape == (6, width) and found.isfinite().all()
    features = layers.features(observations)
    assert features.shape == (6, layers.features.size)
    folded = tree_map(lambda values: values.unflatten(0, (2, 3)), observations)
    assert torch.equal(layers.features(folded), features.unflatten(0, (2, 3)))


@options(max_examples=40, deadline=None)
@given(space=NESTS, seed=st.integers(0, 99))
def test_different_observations_have_different_features(space, seed):
    """But for those far outside of what a float32 can tell apart."""
    space.seed(seed)
    one, other = samples(space, 2, seed), samples(space, 2, seed + 1)
    same = all(torch.equal(a, b) for a, b in zip(tree_leaves(one), tree_leaves(other), strict=True))
    assert torch.equal(Features(space)(one), Features(space)(other)) == same


def test_known_features():
    space = Dict(
        box=Box(np.array([0, -2, -np.inf, 0], np.float32), np.array([4, 2, np.inf, 1e30], np.float32)),
        number=Discrete(3, start=5),
        numbers=MultiDiscrete([2, 3]),
        bits=MultiBinary(2),
    )
    observation = {
        'box': torch.tensor([4.0, 0, 1 - math.e, math.e - 1]),
        'number': torch.tensor(6),
        'numbers': torch.tensor([1, 0]),
        'bits': torch.tensor([1, 0], dtype=torch.int8),
    }
    expected = {'box': [1, 0, -1, 1], 'number': [0, 1, 0], 'numbers': [0, 1, 1, 0, 0], 'bits': [1, -1]}
    written = torch.tensor([value for name in space.spaces for value in expected[name]]).float()
    torch.testing.assert_close(Features(space)(observation), written)


def test_a_picture_in_bytes_is_scaled():
    features = Features(Box(0, 255, (1, 2), dtype=np.uint8))
    torch.testing.assert_close(features(torch.tensor([[0, 255]], dtype=torch.uint8)), torch.tensor([-1.0, 1.0]))


@options(max_examples=40, deadline=None)
@given(space=NESTS)
def test_what_an_output_draws_are_actions_of_the_space(space):
    layer, family = output(space, 4, torch.Generator().manual_seed(0)), distribution(space)
    logits = layer(normal(5, 3, 4)).detach()
    samples = family.sample(logits, torch.Generator().manual_seed(0))
    actions = family.actions(samples)
    for i in np.ndindex(5, 3):
        action = tree_map(lambda values, i=i: values[i].numpy(), actions)
        assert space.contains(typed(space, action)), (space, action)
    for values in (family.log_prob(logits, samples), family.entropy(logits)):
        assert values.shape == (5, 3) and values.isfinite().all()
    again = family.sample(logits, torch.Generator().manual_seed(0))
    assert all(torch.equal(a, b) for a, b in zip(tree_leaves(samples), tree_leaves(again), strict=True))


def typed(space, action):
    """An action in the type that its space has."""
    if isinstance(space, Dict):
        return {name: typed(part, action[name]) for name, part in space.spaces.items()}
    if isinstance(space, Tuple):
        return tuple(typed(part, value) for part, value in zip(space.spaces, action, strict=True))
    array = np.asarray(action).astype(space.dtype)
    return array if isinstance(space, Box) else array[()]


@options(max_examples=40, deadline=None)
@given(space=NESTS)
def test_the_mode_is_the_likeliest(space):
    family = distribution(space)
    logits = normal(4, family.size)
    best = family.log_prob(logits, family.mode(logits))
    for seed in range(5):
        samples = family.sample(logits, torch.Generator().manual_seed(seed))
        assert (family.log_prob(logits, samples) <= best + 1e-5).all()


DISTRIBUTIONS = [
    Discrete(4, start=2),
    MultiDiscrete([2, 3]),
    MultiBinary(2),
    Box(-1, 3, (2,)),
    Dict(a=Discrete(3), b=Tuple([Box(-np.inf, np.inf, ()), Discrete(2)])),
]


@pytest.mark.parametrize('space', DISTRIBUTIONS, ids=str)
def test_what_is_drawn_is_as_likely_as_it_is_said_to_be(space):
    """Entropy is the mean of minus the log-probability."""
    family, count = distribution(space), 40_000
    logits = normal(family.size).expand(count, -1)
    samples = family.sample(logits, torch.Generator().manual_seed(0))
    logs = family.log_prob(logits, samples)
    error = 5 * logs.std().item() / math.sqrt(count)
    assert -logs.mean().item() == pytest.approx(family.entropy(logits)[0].item(), abs=error)


@pytest.mark.parametrize('space', [MultiDiscrete([2, 3]), Discrete(4), MultiBinary(3)], ids=str)
def test_integers_are_drawn_as_often_as_their_probability_says(space):
    family, count = distribution(space), 40_000
    logits = normal(family.size).expand(count, -1)
    samples = family.sample(logits, torch.Generator().manual_seed(0))
    for values in samples.unique(dim=0):
        share = (samples == values).all(dim=-1).float().mean().item()
        assert share == pytest.approx(family.log_prob(logits[0], values).exp().item(), abs=2.5 / math.sqrt(count))


@pytest.mark.parametrize('space', [MultiDiscrete([2, 3]), Discrete(4), MultiBinary(3)], ids=str)
def test_probabilities_add_up_to_one(space):
    family = distribution(space)
    logits = normal(family.size)
    counts = [2, 3] if isinstance(space, MultiDiscrete) else [4] if isinstance(space, Discrete) else [2] * 3
    every = torch.cartesian_prod(*(torch.arange(count) for count in counts)).reshape(-1, len(counts))
    assert family.log_prob(logits.expand(len(every), -1), every).exp().sum().item() == pytest.approx(1, abs=1e-5)


def test_a_density_is_that_of_a_normal_distribution():
    family = distribution(Box(-1, 1, (2,)))
    logits, samples = normal(5, 4), normal(5, 2)
    means, stds = logits[:, :2], logits[:, 2:].clamp(-2, 1).exp()
    expected = torch.distributions.Normal(means, stds).log_prob(samples).sum(dim=-1)
    torch.testing.assert_close(family.log_prob(logits, samples), expected)


def test_actions_beyond_a_box_are_clipped_to_it():
    low, high = np.array([[-1, 0, -np.inf, 5], [3, np.inf, np.inf, 1e30]], np.float32)
    family = distribution(Box(low, high))
    samples = torch.tensor([[0.0, 0.5, 7.0, 1.0], [9.0, -1.0, -7.0, -1.0], [-9.0, 2.0, 0.0, 0.0]])
    assert family.actions(samples).tolist() == [[1, 0.5, 7, 6], [3, 0, -7, 5], [-1, 2, 0, 5]]


BINS = 5


def test_a_real_takes_evenly_spaced_values_from_bound_to_bound():
    family = distribution(Box(np.array([-1, 0], np.float32), np.array([3, 0.5], np.float32)), BINS)
    samples = torch.tensor([[0, 0], [2, 1], [4, 4]])
    assert family.actions(samples).tolist() == [[-1, 0], [1, 0.125], [3, 0.5]]
    assert family.entropy(torch.zeros(family.size)).item() == pytest.approx(2 * math.log(BINS))


@options(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), bins=st.integers(2, 40))
def test_what_is_drawn_of_bins_is_in_the_box(seed, bins):
    low = normal(2, 3).numpy()[0] * 10.0 ** (seed % 7 - 3)
    space = Dict(a=Tuple([Box(low, low + np.abs(normal(3).numpy()) * (seed + 1))]), b=Discrete(2))
    family = distribution(space, bins)
    actions = family.actions(family.sample(normal(50, family.size), torch.Generator().manual_seed(seed)))
    assert all(space['a'][0].contains(action) for action in actions['a'][0].numpy())
    highest = family.actions({'a': (torch.full((1, 3), bins - 1),), 'b': torch.zeros(1, 1)})
    assert space['a'][0].contains(highest['a'][0][0].numpy())


@pytest.mark.parametrize(
    'bins, space, message',
    [
        (1, Box(-1, 1, (2,)), 'the bins of a real must be 0, or at least 2, got 1'),
        (-3, Box(-1, 1, (2,)), 'the bins of a real must be 0, or at least 2, got -3'),
        (5, Tuple([Box(0, np.inf, (2,))]), r'actions of 5 bins must have bounds, got Box\(0.0, inf'),
    ],
)
def test_rejects_bins(bins, space, message):
    with pytest.raises(ValueError, match=message):
        distribution(space, bins)


def test_at_first_all_actions_are_about_equally_likely():
    family, layer = distribution(Discrete(7)), output(Discrete(7), 64, torch.Generator().manual_seed(0))
    assert family.entropy(layer(normal(64))).item() == pytest.approx(math.log(7), abs=1e-2)


@pytest.mark.parametrize('space', [Text(3), Sequence(Discrete(2)), Dict(a=Tuple([Text(3)]))], ids=str)
def test_rejects_other_spaces(space):
    with pytest.raises(ValueError, match=r'observations must be Box, .* got '):
        intake(space, 4)
    with pytest.raises(ValueError, match=r'actions must be Discrete, .* got '):
        output(space, 4)


def test_rejects_spaces_of_nothing():
    with pytest.raises(ValueError, match='observations must have values, got '):
        intake(Dict(), 4)
    with pytest.raises(ValueError, match=r'actions must be Discrete, .* got '):
        output(Dict(), 4)
    with pytest.raises(ValueError, match=r'a Box of reals, .* got '):
        output(Box(0, 4, (2,), dtype=np.int64), 4)
