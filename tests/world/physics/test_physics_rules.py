"""Moves in random worlds: against the oracle, alike where the worlds are, and never out of bounds."""

import math

import numpy as np
import oracle
import pytest
import torch
import worlds
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import array

from megastep.maps.geometry import AGENT_RADIUS, Geometry
from megastep.world import physics, textures
from megastep.world.core import Core
from megastep.world.scenery import Scenery

SIDES = textures.SIDES
SKIN = 1e-4
"""A disc stops this far, in metres, before it touches."""
ROUNDING = 1e-5
"""Metres by which float32 may be off: it places a point 20 m from the origin to 2e-6 m."""


# The oracle's sweep


def assert_first_contact(core, maps, seed, top_speed):
    """Holds if every agent, one an env, stops where the oracle says that it first touches, give or take the skin.

    At a slant the skin, and rounding, make more of a difference along the way; so the oracle sweeps discs that are a
    skin larger and smaller.
    """
    rng = np.random.default_rng(seed)
    speeds = top_speed * rng.uniform(0, 1, core.num_envs) ** 2
    turns = rng.uniform(0, 2 * np.pi, core.num_envs)
    velocities = torch.from_numpy(speeds[:, None] * np.stack([np.cos(turns), np.sin(turns)], axis=-1)).float()
    core.agents.velocities.copy_(velocities[:, None])
    before, moves = array(core.agents.positions[:, 0]), array(core.agents.velocities[:, 0]) / core.fps
    progress = array(physics.advance(core, response='stop')[:, 0])
    after, contacts = array(core.agents.positions[:, 0]), array(core.contacts[:, 0]).astype(int)
    for env in range(core.num_envs):
        walls = maps[int(core.map_ids[env])].walls
        early, soon = oracle.first_contact(before[env], moves[env], AGENT_RADIUS + 2 * SKIN, walls)
        late, _ = oracle.first_contact(before[env], moves[env], AGENT_RADIUS, walls)
        assert early - 1e-6 <= progress[env] <= late + 1e-6
        np.testing.assert_allclose(after[env], before[env] + progress[env] * moves[env], atol=ROUNDING)
        if contacts[env] >= 0:
            nearest = oracle.clearances(after[env][None], walls[contacts[env] - SIDES][None])[0]
            assert nearest == pytest.approx(AGENT_RADIUS + SKIN, abs=SKIN)
        else:
            assert progress[env] == 1
        if early == 1:
            assert soon == contacts[env] == -1
        if late < 1:
            assert contacts[env] >= SIDES


@pytest.mark.parametrize('top_speed', [5, 100, 1000])
def test_discs_stop_where_the_rules_say(top_speed, device, poisoned):
    maps = [worlds.cluttered(seed) for seed in range(6)]
    core = worlds.scattered(maps, 120, 1, device=device, seed=top_speed)
    assert_first_contact(core, maps, top_speed, top_speed)


def test_discs_stop_in_houses_where_the_rules_say(device):
    maps = worlds.houses(4)
    core = Core(Scenery.pack(maps, device=device), num_envs=64)
    assert_first_contact(core, maps, 0, 60)


# Invariants


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 40), turn=st.floats(-math.pi, math.pi))
def test_turning_the_world_turns_the_first_contact(seed, turn, device):
    geometry = worlds.cluttered(seed)
    core = worlds.scattered([geometry], 8, 1, device=device, seed=seed)
    rng = np.random.default_rng(seed)
    core.agents.velocities.copy_(torch.from_numpy(rng.normal(0, 10, (8, 1, 2))))
    rotation = oracle.rotation(turn)
    walls = geometry.walls @ rotation.T
    shift = 1 - walls.min((0, 1))
    positions = array(core.agents.positions) @ rotation.T + shift
    turned = worlds.core_at(
        [Geometry(walls=walls + shift, spawns=positions[:, 0])], positions, core.agents.angles, device=device
    )
    turned.agents.velocities.copy_(torch.from_numpy(array(core.agents.velocities) @ rotation.T))
    walls_of = [array(world.scenery.walls.vals) for world in (core, turned)]
    moves = [array(world.agents.velocities[:, 0]) / world.fps for world in (core, turned)]
    starts = [array(world.agents.positions[:, 0]) for world in (core, turned)]
    progress = [array(physics.advance(world)[:, 0]) for world in (core, turned)]
    for env in range(8):
        bounds = [
            oracle.first_contact(starts[k][env], moves[k][env], AGENT_RADIUS + grown, walls_of[k])[0]
            for k in (0, 1)
            for grown in (0, 2 * SKIN)
        ]
        assert min(bounds) - 1e-6 <= progress[0][env] <= max(bounds) + 1e-6
        assert min(bounds) - 1e-6 <= progress[1][env] <= max(bounds) + 1e-6


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 40), response=st.sampled_from(physics.RESPONSES))
def test_the_same_moves_have_the_same_outcome(seed, response, device):
    def outcome():
        core = worlds.scattered([worlds.cluttered(seed)], 4, 2, device=device, seed=seed)
        core.agents.velocities.copy_(torch.from_numpy(np.random.default_rng(seed).normal(0, 10, (4, 2, 2))))
        progress = physics.advance(core, response=response)
        return torch.cat([core.agents.positions, core.agents.velocities, progress[..., None]], dim=-1), core.contacts

    (states, contacts), (again, contacts_again) = outcome(), outcome()
    assert torch.equal(states, again)
    assert torch.equal(contacts, contacts_again)


def soak(maps, num_envs, num_agents, steps, *, response, device, seed=0):
    """Pushes agents about at random, and checks after each step that no rule is broken.

    Speeds are of every size from 0.1 to 1,000 m/s, and a push lasts for a few steps, so that agents come to lean on
    walls and crowd into corners.
    """
    core = Core(Scenery.pack(maps, num_agents=num_agents, device=device), num_envs=num_envs, seed=seed)
    draw = torch.Generator(core.device).manual_seed(seed)
    walls = [geometry.walls for geometry in maps]
    in_map = [torch.nonzero(core.map_ids == number)[:, 0] for number in range(len(maps))]
    apart = 9 * torch.eye(num_agents, device=core.device)
    for step in range(steps):
        u = torch.rand((3, num_envs, num_agents), device=core.device, generator=draw)
        turns, speeds = 2 * math.pi * u[0], 10 ** (4 * u[1] - 1)
        pushes = torch.stack([turns.cos(), turns.sin()], dim=-1) * speeds[..., None]
        core.agents.velocities.copy_(torch.where(u[2][..., None] < 0.4, pushes, core.agents.velocities))
        speeds = core.agents.velocities.norm(dim=-1)
        progress = physics.advance(core, response=response)
        assert ((progress >= 0) & (progress <= 1)).all()
        assert (core.agents.velocities.norm(dim=-1) <= speeds * 1.0001 + 1e-6).all()
        assert (torch.cdist(core.agents.positions, core.agents.positions) + apart).min() > 2 * AGENT_RADIUS - ROUNDING
        for number, envs in enumerate(in_map):
            points = array(core.agents.positions[envs]).reshape(-1, 2)
            assert oracle.clearances(points, walls[number]).min() > AGENT_RADIUS - ROUNDING
            if step % 25 == 24:
                assert oracle.inside(points, walls[number]).all()
    return core


@pytest.mark.parametrize('response', physics.RESPONSES)
def test_nothing_ever_overlaps_or_leaves_a_house(response, device):
    soak(worlds.houses(4), 80, 3, 200, response=response, device=device)


def test_nothing_ever_overlaps_or_leaves_a_cluttered_room(device):
    soak([worlds.cluttered(seed) for seed in range(10)], 200, 1, 500, response='slide', device=device)


def test_nothing_ever_overlaps_or_leaves_a_polygon(device):
    soak(
        [worlds.polygon(3), worlds.polygon(97), worlds.polygon(7, radius=0.5)],
        24,
        1,
        300,
        response='slide',
        device=device,
    )


def test_nothing_is_held_for_good(device):
    """After any moves there is a way on: a centimetre in one of sixteen directions."""
    core = soak(worlds.houses(4), 80, 1, 100, response='slide', device=device, seed=1)
    positions, free = core.agents.positions.clone(), torch.zeros(80, device=core.device)
    for turn in np.arange(16) * (2 * math.pi / 16):
        core.agents.positions.copy_(positions)
        core.agents.velocities[:] = torch.tensor([math.cos(turn), math.sin(turn)]) * 0.01 * core.fps
        free = torch.maximum(free, physics.advance(core)[:, 0])
    assert (free == 1).all()


# Larger, on a GPU


@pytest.mark.gpu
@pytest.mark.parametrize('response', physics.RESPONSES)
def test_nothing_ever_overlaps_or_leaves_many_houses(response, device):
    soak(worlds.houses(16), 304, 3, 100, response=response, device=device)


@pytest.mark.gpu
def test_many_discs_stop_where_the_rules_say(device):
    maps = worlds.houses(16)
    core = Core(Scenery.pack(maps, device=device), num_envs=304)
    assert_first_contact(core, maps, 1, 200)
