"""Random numbers: one stream for all envs as PyTorch draws it, or one for each episode, the same anywhere."""

import numpy as np
import pytest
import torch

from megastep.world.random_numbers import MANY, KeyedStreams, SharedStream, mixed, wrapped

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


def test_the_shared_stream_is_the_generator_s():
    stream, generator = SharedStream(torch.Generator().manual_seed(3)), torch.Generator().manual_seed(3)
    stream.phase('act')
    assert torch.equal(stream.integers((4, 2)), torch.randint(MANY, (4, 2), generator=generator))
    expected = torch.empty(4).uniform_(-2, 3, generator=generator)
    assert torch.equal(stream.uniform_(torch.empty(4), -2, 3), expected)
    assert torch.equal(stream.normal_(torch.empty(4)), torch.empty(4).normal_(generator=generator))
