"""Random numbers: a stream for each env or each episode, the same anywhere and however many there are."""

import numpy as np
import pytest
import torch

from megastep import numba, triton
from megastep.world.random_numbers import DRAW, MANY, STEP, EnvStreams, KeyedStreams, mixed, wrapped

MASK = 2**64 - 1


def streams(keys, steps=None, device='cpu'):
    keys = torch.as_tensor(keys, dtype=torch.int64, device=device)
    found = KeyedStreams(keys, torch.zeros_like(keys) if steps is None else torch.as_tensor(steps).to(keys))
    found.phase('act')
    return found


def splitmix(word):
    """The finaliser as it is published, in Python's whole numbers."""
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & MASK
    return word ^ (word >> 31)


def test_words_are_mixed_as_splitmix64_does():
    words = [0, 1, 2**63, MASK, 0x9E3779B97F4A7C15, 12345678901234567890]
    found = mixed(torch.tensor([wrapped(word) for word in words]))
    assert [word & MASK for word in found.tolist()] == [splitmix(word) for word in words]


def test_the_first_of_splitmix64_s_own_numbers():
    """SplitMix64 with seed 0 gives this first: the state is the seed plus the golden gamma."""
    assert int(mixed(torch.tensor([wrapped(0x9E3779B97F4A7C15)]))) & MASK == 0xE220A8397B1DCDAF


def test_a_row_s_numbers_depend_on_its_key_and_step_alone():
    many, one = streams([5, 6, 7], [1, 2, 3]), streams([6], [2])
    for draw in ('integers', 'uniform_', 'normal_', 'exponential_'):
        given = [(3, 4), (1, 4)] if draw == 'integers' else [torch.empty(3, 4), torch.empty(1, 4)]
        all_rows, row = (getattr(stream, draw)(shape) for stream, shape in zip((many, one), given, strict=True))
        assert torch.equal(all_rows[1:2], row)


def test_phases_begin_counting_anew():
    """However often something was drawn in one phase, the next draws the same."""
    found = []
    for draws in (0, 1, 5):
        stream = streams([1, 2])
        for _ in range(draws):
            stream.integers((2, 3))
        stream.phase('begin')
        found.append(stream.integers((2, 3)))
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def test_no_two_draws_are_the_same():
    stream = streams(range(50), [0] * 25 + [1] * 25)
    drawn = []
    for phase in ('act', 'begin', 'noise'):
        stream.phase(phase)
        drawn += [stream.integers((50, 20)).flatten() for _ in range(3)]
    words = torch.cat(drawn)
    assert len(words.unique()) == len(words)


def test_numbers_are_distributed_as_they_should():
    stream = streams(np.random.default_rng(0).integers(2**62, size=2000))
    uniform = stream.uniform_(torch.empty(2000, 50), -3.0, 5.0)
    assert -3 <= uniform.min() < -2.99 and 4.99 < uniform.max() < 5
    assert uniform.mean() == pytest.approx(1, abs=0.03)
    normal = stream.normal_(torch.empty(2000, 50))
    assert normal.mean() == pytest.approx(0, abs=0.02)
    assert normal.std() == pytest.approx(1, abs=0.02)
    assert (normal.abs() < 1.96).float().mean() == pytest.approx(0.95, abs=0.005)
    exponential = stream.exponential_(torch.empty(2000, 50))
    assert exponential.min() >= 0 and exponential.isfinite().all()
    assert exponential.mean() == pytest.approx(1, abs=0.02)
    integers = stream.integers((2000, 50))
    assert integers.min() >= 0 and integers.max() <= MANY
    counts = (integers % 7).flatten().bincount()
    assert counts.float().std() / counts.float().mean() < 0.03
    neighbours = stream.uniform_(torch.empty(2000, 2))
    assert np.corrcoef(neighbours.T.numpy())[0, 1] == pytest.approx(0, abs=0.08)


@pytest.mark.gpu
def test_are_the_same_on_a_gpu():
    for draw in ('integers', 'uniform_', 'normal_'):
        found = []
        for device in ('cpu', 'cuda'):
            given = (3, 40) if draw == 'integers' else torch.empty(3, 40, device=device)
            found.append(getattr(streams([1, -2, 3], [4, 5, 6], device), draw)(given).cpu())
        assert torch.equal(*found) if draw != 'normal_' else torch.allclose(*found, atol=1e-5)


def test_integers_are_hashes_of_keys_and_counters():
    """A number is SplitMix64's hash of a sum, as it is written down here in whole numbers, without its sign."""
    stream, first = streams([5, -6], [0, 3]), (1 << 32) + 1
    found = stream.integers((2, 2))
    for row, (key, step) in enumerate(((5, 0), (-6, 3))):
        for place in range(2):
            state = key + step * STEP + wrapped(first * DRAW) + place * 0x5851F42D4C957F2D
            assert int(found[row, place]) == splitmix(state & MASK) & MANY


@pytest.mark.parametrize('kind', [None, 0, 1, 2])
def test_triton_and_numba_draw_the_same(kind, device):
    """The numbers are more than a block and no multiple of it; what lies beyond them in memory stays as it is."""
    keys = torch.from_numpy(np.random.default_rng(0).integers(-(2**62), 2**62, 67))
    steps, found = torch.arange(67) % 5, []
    for kernels, place in ((triton, device), (numba, 'cpu')):
        dtype = torch.int64 if kind is None else torch.float32
        padded = torch.full((68, 7), 7, dtype=dtype, device=place)
        given = keys.to(place), steps.to(place), -12345678901234567
        if kind is None:
            kernels.draw_integers(*given, padded[:67])
        else:
            kernels.draw_reals(*given, -2.0, 5.0, padded[:67], kind)
        assert (padded[67] == 7).all()
        found.append(padded[:67].cpu())
    if kind in (None, 0):
        assert torch.equal(*found)
    torch.testing.assert_close(*found, atol=1e-5, rtol=1e-5)


def test_other_kinds_of_tensors_are_filled_too():
    plain = streams([1, 2]).uniform_(torch.empty(2, 3))
    assert torch.equal(streams([1, 2]).uniform_(torch.empty(2, 3, dtype=torch.float64)), plain.double())
    assert torch.equal(streams([1, 2]).uniform_(torch.empty(3, 2).T), plain)
    assert streams([1, 2]).normal_(torch.empty(2, 0)).shape == (2, 0)


def env_streams(seed, num_envs):
    return EnvStreams(seed, torch.zeros(num_envs, dtype=torch.int64))


def test_an_env_s_numbers_depend_on_the_seed_and_its_own_number_alone():
    many, few, other = env_streams(7, 50), env_streams(7, 3), env_streams(8, 3)
    words = [stream.integers((len(stream.keys), 4)) for stream in (many, few, other)]
    assert torch.equal(words[0][:3], words[1])
    assert len(torch.cat([words[0], words[2]]).unique()) == 53 * 4
    assert len(env_streams(2**64 - 1, 9).keys.unique()) == 9


def test_streams_begin_anew_in_some_envs():
    stream = env_streams(7, 4)
    stream.steps.add_(5)
    before, mask = stream.keys.clone(), torch.tensor([True, False, False, True])
    stream.restart(9, mask)
    assert stream.steps.tolist() == [0, 5, 5, 0]
    assert torch.equal(stream.keys, torch.where(mask, env_streams(9, 4).keys, before))


def test_a_phase_that_comes_twice_in_a_step_draws_other_numbers():
    stream, drawn = env_streams(0, 20), []
    for phase in ('act', 'begin', 'noise', 'begin', 'noise'):
        stream.phase(phase)
        drawn.append(stream.integers((20, 2)))
    assert len(torch.cat(drawn).unique()) == 5 * 40
    stream.phase('act')
    assert torch.equal(stream.integers((20, 2)), drawn[0])
    stream.count(torch.arange(20) < 10)
    stream.phase('act')
    assert torch.equal(stream.integers((20, 2))[10:], drawn[0][10:])
    stream.phase('act')
    assert not torch.isin(stream.integers((20, 2))[:10], drawn[0]).any()
