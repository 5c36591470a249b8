"""A step's kernels around the physics and the renderer: against their twins, and against known answers."""

import math

import numpy as np
import pytest
import torch
import worlds
from paths import moved
from twins import draw_on_cpu, twin

from megastep import numba, triton
from megastep.env.motion.discrete import _impulses
from megastep.env.navigation import GeodesicField
from megastep.env.spawning import FarSpawns
from megastep.world.core import Core
from megastep.world.scenery import Scenery

SIZES = [(1, 1), (3, 2), (131, 1), (67, 3)]
"""Envs and agents: odd on purpose, and more than a block and no multiple of it."""


def core_of(num_envs, num_agents, device, seed=0):
    """Agents that are anywhere, go any way and face anywhere."""
    spawns = [(1.5 + 0.5 * i, 2) for i in range(6)]
    scenery = Scenery.pack([worlds.box(spawns=spawns)], num_agents=num_agents, device=device)
    core, rng = Core(scenery, num_envs, seed=seed), np.random.default_rng(seed)
    for values, low, high in (
        (core.agents.positions, 1, 5),
        (core.agents.velocities, -3, 3),
        (core.agents.angles, -180, 180),
        (core.agents.angular_velocities, -300, 300),
    ):
        values.copy_(torch.from_numpy(rng.uniform(low, high, values.shape)))
    return core


def guarded(shape, dtype, device, filled=7):
    """A buffer with a row beyond its end, which nobody may write."""
    return torch.full((shape[0] + 1, *shape[1:]), filled, dtype=dtype, device=device)


@pytest.mark.parametrize('num_envs, num_agents', SIZES)
@pytest.mark.parametrize('remaining', [0.0, 0.7])
def test_pushes_are_alike(num_envs, num_agents, remaining, device):
    core = core_of(num_envs, num_agents, device)
    copy = twin(core)
    numbers = torch.from_numpy(np.random.default_rng(1).integers(-1, 8, (num_envs, num_agents)))
    triton.push(core, numbers.to(device), _impulses(core, 2.0, 90.0), remaining)
    numba.push(copy, numbers, _impulses(copy, 2.0, 90.0), remaining)
    for name in ('velocities', 'angular_velocities'):
        mine, known = getattr(core.agents, name).cpu(), getattr(copy.agents, name)
        torch.testing.assert_close(mine, known, rtol=1e-6, atol=1e-5)


def test_a_push_without_momentum_forgets_whatever_was(device):
    for kernels, place in ((numba, 'cpu'), (triton, device)):
        core = core_of(2, 1, place)
        core.agents.velocities.fill_(torch.nan)
        kernels.push(core, torch.tensor([[1], [-1]], device=place), _impulses(core, 2.0, 90.0), 0.0)
        assert core.agents.velocities[1].tolist() == [[0, 0]]
        assert core.agents.velocities[0].norm().item() == pytest.approx(2)


@pytest.mark.parametrize('num_envs, num_agents', SIZES)
def test_inertial_sensors_are_alike(num_envs, num_agents, device):
    core = core_of(num_envs, num_agents, device)
    copy, rows = twin(core), num_envs * num_agents
    felt, known = guarded((rows, 3), torch.float32, device), torch.empty(rows, 3)
    triton.inertial(core, felt[:rows])
    numba.inertial(copy, known)
    torch.testing.assert_close(felt[:rows].cpu(), known, rtol=1e-6, atol=1e-5)
    assert (felt[rows] == 7).all()


@pytest.mark.parametrize('num_envs, num_agents', SIZES)
def test_point_goal_sensors_are_alike(num_envs, num_agents, device):
    core = core_of(num_envs, num_agents, device)
    copy, rows = twin(core), num_envs * num_agents
    points = torch.from_numpy(np.random.default_rng(2).uniform(1, 5, (num_envs, num_agents, 2))).float()
    points[0, 0] = copy.agents.positions[0, 0]  # one stands on it
    found, known = guarded((rows, 3), torch.float32, device), torch.empty(rows, 3)
    triton.point(points.to(device), core.agents.positions, core.agents.angles, found[:rows])
    numba.point(points, copy.agents.positions, copy.agents.angles, known)
    torch.testing.assert_close(found[:rows].cpu(), known, rtol=1e-6, atol=2e-6)
    assert (found[rows] == 7).all()
    facing = math.radians(copy.agents.angles[0, 0])
    assert known[0].tolist() == pytest.approx([0, math.cos(facing), -math.sin(facing)], abs=1e-6)


@pytest.mark.parametrize('shape', [(1,), (131,), (5, 27)])
@pytest.mark.parametrize('sense', [1, -1])
def test_rotations_are_alike(shape, sense, device):
    rng = np.random.default_rng(3)
    vectors = torch.from_numpy(rng.normal(size=(*shape, 2))).float()
    angles = torch.from_numpy(rng.uniform(-400, 400, shape)).float()
    found = triton.turned(vectors.to(device), angles.to(device), sense).cpu()
    torch.testing.assert_close(found, numba.turned(vectors, angles, sense), rtol=1e-6, atol=1e-5)
    wide = triton.turned(vectors.to(device), angles.flatten()[:1].to(device).view([1] * len(shape)), sense)
    assert wide.shape == vectors.shape  # the two are broadcast


@pytest.mark.parametrize('num_envs', [1, 131])
def test_steps_are_counted_alike(num_envs, device):
    core = core_of(num_envs, 1, device)
    core.clocks.copy_(torch.arange(2 * num_envs).view(2, num_envs))
    copy, begins = twin(core), torch.arange(num_envs) % 3 == 0
    copy.clocks.copy_(core.clocks)
    triton.tick(core, begins.to(device))
    numba.tick(copy, begins)
    assert torch.equal(core.clocks.cpu(), copy.clocks)
    assert copy.clocks[0].tolist() == [0 if e % 3 == 0 else e + 1 for e in range(num_envs)]
    assert copy.clocks[1].tolist() == [num_envs + e + 1 for e in range(num_envs)]


@pytest.mark.parametrize('num_envs', [1, 131])
def test_lives_are_counted_down_and_budgets_spent_alike(num_envs, device):
    core, found = core_of(num_envs, 1, device), []
    core.clocks[0] = torch.arange(num_envs) % 40
    copy, counts = twin(core), torch.arange(num_envs, dtype=torch.int32) % 7
    copy.clocks.copy_(core.clocks)
    for kernels, each, where in ((triton, core, device), (numba, copy, 'cpu')):
        left, expired, spent = (guarded((num_envs,), kind, where) for kind in (torch.int64, torch.int8, torch.int8))
        left[:num_envs] = torch.arange(num_envs) % 5
        kernels.count_down(left[:num_envs], expired[:num_envs].view(torch.bool))
        kernels.spend(each, counts.to(where), 12, 2.5, spent[:num_envs].view(torch.bool))
        found.append([value.cpu().tolist() for value in (left, expired, spent)])
    assert found[0] == found[1]
    left, expired, spent = found[0]
    assert left == [e % 5 - 1 for e in range(num_envs)] + [7]
    assert expired == [e % 5 <= 1 for e in range(num_envs)] + [7]
    assert spent == [e % 40 >= 12 + 2.5 * (e % 7) for e in range(num_envs)] + [7]


@pytest.mark.parametrize('low, high', [(0, 6), (-2, 0), (5, 5)])
def test_numbers_that_are_no_action_become_one_below_the_least(low, high, device):
    numbers = torch.tensor([-(2**63), -3, -2, -1, 0, 1, 5, 6, 7, 2**63 - 1] * 13)
    expected = torch.where((numbers >= low) & (numbers <= high), numbers, low - 1)
    for kernels, where in ((triton, device), (numba, 'cpu')):
        cleaned = guarded(numbers.shape, torch.int64, where)
        kernels.clean(numbers.to(where), low, high, cleaned[:-1])
        assert torch.equal(cleaned[:-1].cpu(), expected)
        assert cleaned[-1] == 7


@pytest.mark.parametrize('spreads', [True, False])
def test_lives_begin_alike(spreads, device):
    core = core_of(131, 1, device)
    core.turn.copy_(torch.arange(131) % 2)
    copy, mask = twin(core), torch.arange(131) % 3 != 1
    draw, left = core.random.draw(), guarded((131,), torch.int64, device, filled=99)
    triton.renew(core, mask.to(device), draw, left[:131], 15, 20, spreads=spreads)
    known = torch.full((131,), 99)
    numba.renew(copy, mask, draw_on_cpu(draw), known, 15, 20, spreads=spreads)
    assert torch.equal(left[:131].cpu(), known)
    assert left[131] == 99
    assert (known[~mask] == 99).all()
    assert (known[mask] < 15).any() == spreads


@pytest.mark.parametrize('num_envs', [1, 33])
def test_ways_to_goals_are_tracked_and_scored_alike(num_envs, device, poisoned):
    maps = [worlds.halved_box(), *worlds.houses(2)]
    core = Core(Scenery.pack(maps, device=device), num_envs, seed=2)
    copy, rng = twin(core), np.random.default_rng(num_envs)
    shape, kept, field = (num_envs, 1), [], GeodesicField.pack(maps, 'cpu')
    goals = torch.from_numpy(rng.integers(0, 4, shape))
    contacts, mask = torch.from_numpy(rng.integers(-1, 2, shape)).int(), torch.arange(num_envs) % 3 == 0
    last = copy.agents.positions + torch.from_numpy(rng.normal(0, 0.1, (*shape, 2))).float()
    travelled, remaining = (torch.from_numpy(rng.uniform(1, 9, shape)).float() for _ in range(2))
    for kernels, each, place in ((triton, core, device), (numba, copy, 'cpu')):
        each.contacts.copy_(contacts)
        values = last, travelled, remaining, torch.full(shape, 5, dtype=torch.int32)
        buffers = [torch.cat([value, value[:1]]).to(place) for value in values]
        way = [buffer[:num_envs] for buffer in buffers]
        nearer, walked, spl, soft_spl, distance, *measures = (torch.empty(shape, device=place) for _ in range(9))
        kernels.track(each, moved(field, place), goals.to(place), way, nearer, walked)
        success = torch.empty(shape, dtype=torch.bool, device=place)
        kernels.reached(way[0] + 0.1, each.agents.positions, 0.15, success)
        scores = torch.empty_like(success), spl, soft_spl, distance, torch.empty_like(way[3]), *measures
        kernels.score(success, travelled.to(place), way[0], way, scores)
        rewards = torch.full((num_envs + 1, 1), 7.0, device=place)
        kernels.pay(nearer, walked, success, 1.5, 0.25, 2.5, rewards[:num_envs])
        assert rewards[num_envs] == 7
        found = [nearer, walked, rewards[:num_envs], *scores, *(value.clone() for value in way)]
        kernels.set_out(mask.to(place), each.agents.positions + 1, remaining.to(place) + 1, way)
        assert all(torch.equal(buffer[num_envs].cpu(), value[0]) for buffer, value in zip(buffers, values, strict=True))
        assert success.all()
        kept.append([value.cpu() for value in (*found, *way)])
    for one, other in zip(*kept, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-6, equal_nan=True)
    nearer, walked, rewards, arrived, _, _, distance, counted, *measures, last, went, left, collided = kept[1][:-4]
    torch.testing.assert_close(rewards, 1.5 * nearer - 0.25 * walked + 2.5)
    assert all(map(torch.equal, measures, (travelled, went, last[..., 0], last[..., 1])))
    begun = kept[1][-4:]
    assert arrived.all() and torch.equal(distance, left) and torch.equal(counted, collided)
    torch.testing.assert_close(nearer, remaining - left)
    torch.testing.assert_close(went, travelled + walked)
    assert torch.equal(collided, 5 + (contacts >= 0))
    assert (begun[-1][mask] == 0).all() and (begun[-3][mask] == 0).all()


@pytest.mark.parametrize('num_envs, num_agents', [(1, 2), (67, 3), (131, 8)])
@pytest.mark.parametrize('at_will', [True, False])
def test_fights_are_alike(num_envs, num_agents, at_will, device, poisoned):
    rng, shape = np.random.default_rng(num_agents), (num_envs, num_agents)
    targets = torch.from_numpy(rng.integers(-1, num_agents, shape)).int()
    triggers = torch.from_numpy(rng.random(shape) < 0.6) if at_will else None
    health, waits = torch.from_numpy(rng.integers(1, 4, shape)), torch.from_numpy(rng.integers(0, 3, shape))
    turns, values, found = torch.arange(num_envs), torch.tensor([0.1, 0, 0.25, -0.25, 1, -1]), []
    for kernels, place in ((triton, device), (numba, 'cpu')):
        kept = [torch.cat([value, value[:1]]).to(place) for value in (health, waits)]
        points, rests = (value[:num_envs] for value in kept)
        events, counts = (torch.full((6, *shape), 3, device=place) for _ in range(2))
        wants = None if triggers is None else triggers.to(place)
        kernels.fight(targets.to(place), wants, turns.to(place), points, rests, events, 5)
        worth = torch.empty(shape, device=place)
        kernels.reward(events, values.to(place), counts, worth)
        assert all(torch.equal(value[num_envs].cpu(), was[0]) for value, was in zip(kept, (health, waits), strict=True))
        found.append([value.cpu() for value in (points, rests, events, counts, worth)])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-6)
    points, rests, events, counts, _ = found[1]
    aims, shots, hits, wounds, kills, deaths = events
    assert torch.equal(counts, 3 + events)
    assert torch.equal(points, health - wounds)
    assert torch.equal(deaths, (points <= 0).long())
    assert torch.equal(hits.sum(1), wounds.sum(1)) and torch.equal(kills.sum(1), deaths.sum(1))
    assert torch.equal(aims, (targets >= 0).long())
    assert torch.equal(shots > 0, (waits <= 0) & (triggers if at_will else targets >= 0))
    assert torch.equal(rests, (waits - 1).clamp(min=0) + 4 * shots)


@pytest.mark.parametrize('num_envs, num_agents', [(1, 2), (67, 3)])
def test_who_begins_anew_and_what_is_left_is_told_alike(num_envs, num_agents, device, poisoned):
    rng, shape = np.random.default_rng(num_agents), (num_envs, num_agents)
    health, waits = torch.from_numpy(rng.integers(-1, 5, shape)), torch.from_numpy(rng.integers(0, 4, shape))
    mask, found = torch.arange(num_envs) % 5 == 3, []
    for kernels, place in ((triton, device), (numba, 'cpu')):
        anew, shares = guarded(shape, torch.int8, place), guarded((2, *shape), torch.float32, place)
        kernels.fallen(mask.to(place), health.to(place), anew[:num_envs].view(torch.bool))
        kernels.gauge(health.to(place), waits.to(place), 4, 3, shares[:2])
        assert (anew[num_envs] == 7).all() and (shares[2] == 7).all()
        found.append([value.cpu() for value in (anew[:num_envs].bool(), shares[:2])])
    assert all(torch.equal(*each) for each in zip(*found, strict=True))
    assert torch.equal(found[0][0], mask[:, None] | (health <= 0))
    assert torch.equal(found[0][1], torch.stack([health / 4, waits / 3]))


@pytest.mark.parametrize('num_envs, num_agents, first, rays', [(1, 2, 0, 1), (7, 3, 4, 9)])
def test_aims_are_alike(num_envs, num_agents, first, rays, device, poisoned):
    rng, shape = np.random.default_rng(rays), (num_envs, num_agents, 2, 17)
    lines = torch.from_numpy(rng.integers(-1, num_agents * 8 + 9, shape)).int()
    distances = torch.from_numpy(rng.uniform(0, 10, shape)).float().masked_fill(lines < 0, torch.inf)
    keys, found = torch.from_numpy(rng.permutation(rays) * num_agents * 8).int(), []
    for kernels, place in ((triton, device), (numba, 'cpu')):
        targets = guarded((num_envs, num_agents), torch.int32, place)
        given = [value.to(place) for value in (lines, distances, keys)]
        kernels.aim(*given, targets[:num_envs], 8.0, num_agents * 8, 8, first)
        assert (targets[num_envs] == 7).all()
        found.append(targets[:num_envs].cpu())
    assert torch.equal(*found)
    window = lines[:, :, 0, first : first + rays]
    shown = (window < num_agents * 8) & (distances[:, :, 0, first : first + rays] <= 8)
    best = torch.where(shown, keys + window, -1).amax(-1)
    assert torch.equal(found[1], torch.where(best >= 0, best % (num_agents * 8) // 8, -1).int())


@pytest.mark.parametrize('num_envs, num_agents, candidates', [(1, 2, 2), (67, 3, 5), (131, 4, 8)])
@pytest.mark.parametrize('spread', [30.0, 180.0])
def test_agents_are_put_far_from_others_alike(num_envs, num_agents, candidates, spread, device):
    maps = [worlds.box(1, 1, 6, 6, spawns=[(1.5 + x, 1.5 + y) for x in range(4) for y in range(4)])]
    core = Core(Scenery.pack(maps, num_agents=num_agents, device=device), num_envs, seed=3)
    core.agents.velocities.fill_(2)
    copy = twin(core)
    mask = torch.from_numpy(np.random.default_rng(num_envs).random((num_envs, num_agents)) < 0.5)
    kept = copy.agents.positions.clone()
    spawns, draws = FarSpawns(core, candidates=candidates, spread=spread), (core.random.draw(), core.random.draw())
    windows, firsts = spawns._windows, spawns._firsts
    triton.respawn_apart(core, mask.to(device), *draws, windows, firsts, spread)
    on_cpu = [draw_on_cpu(draw) for draw in draws]
    numba.respawn_apart(copy, mask, *on_cpu, windows.cpu(), firsts.cpu(), spread)
    assert torch.equal(core.agents.positions.cpu(), copy.agents.positions)
    assert torch.equal(copy.agents.positions[~mask], kept[~mask])
    assert torch.equal(core.agents.velocities.cpu(), copy.agents.velocities)
    assert (copy.agents.velocities[mask] == 0).all() and (copy.agents.velocities[~mask] == 2).all()
    torch.testing.assert_close(core.agents.angles.cpu(), copy.agents.angles, rtol=1e-6, atol=1e-4)
    assert torch.equal(core.contacts.cpu(), copy.contacts)
