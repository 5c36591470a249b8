"""Agents collide with solid markers as with discs that stand still."""

import math

import numpy as np
import pytest
import torch
import worlds
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import array

from megastep.maps.geometry import AGENT_RADIUS
from megastep.world import physics, textures

SIDES = textures.SIDES
SKIN = 1e-4
"""A disc stops this far, in metres, before it touches."""
ROUNDING = 1e-5


def marked(markers, positions, *, device='cpu', solid=True, geometry=None):
    """A room with agents, one env for each entry of ``positions``, and the same markers in each: x, y, radius."""
    geometry = worlds.box(1, 1, 11, 11) if geometry is None else geometry
    angles = np.zeros(np.shape(positions)[:2])
    core = worlds.core_at([geometry], positions, angles, device=device, num_markers=len(markers), solid=solid)
    values = torch.tensor(markers, dtype=torch.float32, device=core.device)
    core.markers.positions[:], core.markers.radii[:] = values[:, :2], values[:, 2]
    core.markers.visible[:] = True
    return core


def push(core, x, y):
    """Moves all agents by so many metres, as far as they get."""
    core.agents.velocities[:] = torch.tensor([x, y], dtype=torch.float32, device=core.device) * core.fps
    return physics.advance(core)


def test_an_agent_stops_at_a_marker(device, poisoned):
    core = marked([(9, 9, 0.1), (6, 5, 0.5)], [[(3, 5)]], device=device)
    progress = push(core, 4, 0)
    way = 3 - 0.5 - AGENT_RADIUS
    assert core.agents.positions[0, 0].tolist() == pytest.approx([3 + way, 5], abs=2 * SKIN)
    assert progress.item() == pytest.approx(way / 4, abs=SKIN)
    assert core.contacts.item() == core.first_marker_line + 1 == SIDES + 4 + 1
    assert core.agents.velocities.abs().max() < 1e-3
    assert core.stops.item() == 0


def test_an_agent_slides_along_a_marker(device):
    """What is left of its velocity goes along the tangent where it touched."""
    core = marked([(6, 5, 0.5)], [[(3, 5.3)]], device=device)
    push(core, 4, 0)
    reach = 0.5 + AGENT_RADIUS
    touched = math.asin(0.3 / reach)
    assert core.agents.velocities[0, 0].norm().item() < 40 * math.sin(touched) + 0.1
    (x, y) = core.agents.positions[0, 0].tolist()
    assert x > 6 - reach * math.cos(touched) + 0.1 and y > 5.4
    assert math.hypot(x - 6, y - 5) > reach
    assert core.contacts.item() == core.first_marker_line


def test_with_stop_it_stays_where_it_touches(device):
    core = marked([(6, 5, 0.5)], [[(3, 5.3)]], device=device)
    core.agents.velocities[:] = torch.tensor([40.0, 0], device=core.device)
    physics.advance(core, response='stop')
    assert core.agents.positions[0, 0, 1].item() == pytest.approx(5.3, abs=ROUNDING)
    assert core.agents.velocities.tolist() == [[[0, 0]]]


def test_however_fast_it_does_not_jump_over(device):
    for metres, off in ((10, 2 * SKIN), (100, 1e-3), (1e6, 1e-2)):  # of a long move rounding leaves a rest, sideways
        core = marked([(6, 5, 0.02)], [[(3, 5)]], device=device)
        push(core, metres, 0)
        reach = 0.02 + AGENT_RADIUS
        assert 6 - reach - off <= core.agents.positions[0, 0, 0].item() <= 6 - reach


def test_turning_is_not_impeded(device):
    core = marked([(6, 5, 0.5)], [[(6 - 0.5 - AGENT_RADIUS - SKIN, 5)]], device=device)
    core.agents.angular_velocities[:] = 900
    push(core, 1, 0)
    assert core.agents.angles.item() == pytest.approx(90)


@pytest.mark.parametrize('x, radius', [(6, 0), (6, -1), (6, math.nan), (math.nan, 0.5), (math.inf, 0.5), (6, math.inf)])
def test_what_is_not_there_changes_nothing(x, radius, device):
    core = marked([(x, 5, radius), (6, 5, 0.5)], [[(3, 5)]], device=device)
    core.markers.visible[:, 1] = False
    assert push(core, 4, 0).item() == 1
    assert core.agents.positions[0, 0].tolist() == [7, 5] and core.contacts.item() == -1 and core.stops.item() == 0


def test_from_one_that_is_put_upon_it_an_agent_may_leave(device):
    """It doesn't get further in: what clearance there was, if that is less, is kept."""
    core = marked([(6, 5, 0.5)], [[(5.8, 5)]], device=device)
    push(core, 0.1, 0)
    assert core.agents.positions[0, 0, 0].item() == pytest.approx(5.8, abs=SKIN)
    push(core, -2, 0)
    assert core.agents.positions[0, 0].tolist() == pytest.approx([3.8, 5], abs=1e-4)


def test_walls_and_agents_are_still_there(device):
    core = marked([(6, 5, 0.5)], [[(3, 8), (8, 2)]], device=device)
    push(core, 20, 0)
    assert core.contacts[0].tolist() == [2 * SIDES + 1] * 2
    core = marked([(6, 5, 0.5)], [[(3, 8), (5, 8)]], device=device)
    core.agents.velocities[0, 0] = torch.tensor([30.0, 0])
    physics.advance(core)
    assert SIDES <= core.contacts[0, 0].item() < 2 * SIDES


def first_touch(positions, moves, discs, reach):
    """The part of each move, 0 to 1, made before it comes ``reach`` near to a disc; in float64."""
    offsets = positions[:, None] - discs[:, :2]
    square, half = (moves**2).sum(-1)[:, None], (offsets * moves[:, None]).sum(-1)
    rest = (offsets**2).sum(-1) - (discs[:, 2] + reach) ** 2
    with np.errstate(invalid='ignore'):
        times = (-half - np.sqrt(half**2 - square * rest)) / square
    return np.where((half < 0) & (times >= 0), times, 1.0).min(axis=1).clip(max=1)


@pytest.mark.parametrize('speed', [10, 30, 100])
@pytest.mark.parametrize('seed', range(3))
def test_first_contacts_are_where_the_oracle_says(seed, speed, device):
    """At a slant a skin makes more of a difference along the way: so discs are swept a skin larger and smaller."""
    rng = np.random.default_rng(seed)
    discs = np.column_stack([rng.uniform(12, 28, (40, 2)), rng.uniform(0.02, 1, 40)])
    places = rng.uniform(12, 28, (400, 2))
    apart = np.linalg.norm(places[:, None] - discs[:, :2], axis=-1) - discs[:, 2] > AGENT_RADIUS + 3 * SKIN
    places = places[apart.all(axis=1)][:100]
    core = marked(discs.tolist(), places[:, None], device=device, geometry=worlds.box(1, 1, 499, 499))
    core.agents.velocities.copy_(torch.from_numpy(rng.normal(0, speed, (len(places), 1, 2))))
    before, moves = array(core.agents.positions[:, 0]), array(core.agents.velocities[:, 0]) / core.fps
    progress = array(physics.advance(core, response='stop')[:, 0])
    early, late = (first_touch(before, moves, discs, AGENT_RADIUS + skin) for skin in (2 * SKIN, 0))
    inside = ((before + moves > 1.2) & (before + moves < 490)).all(axis=1)
    assert (progress >= early - 1e-5)[inside].all() and (progress <= late + 1e-5)[inside].all()
    contacts = array(core.contacts[:, 0])
    assert (contacts[inside & (late < 1)] >= core.first_marker_line).all()
    assert (inside & (late < 1)).sum() > 3


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), speed=st.sampled_from([1, 10, 100, 1000]), num_agents=st.integers(1, 3))
def test_after_any_moves_nothing_overlaps(seed, speed, num_agents, device):
    rng = np.random.default_rng(seed)
    discs = np.column_stack([rng.uniform(2, 10, (6, 2)), rng.uniform(0.05, 1, 6)])
    places = rng.uniform(1.5, 10.5, (500, 2))
    clear = np.linalg.norm(places[:, None] - discs[:, :2], axis=-1) - discs[:, 2] > AGENT_RADIUS + SKIN
    places = places[clear.all(axis=1)][:num_agents]
    if np.linalg.norm(places[:, None] - places + 9 * np.eye(num_agents)[..., None], axis=-1).min() < 0.3:
        return
    core = marked(discs.tolist(), places[None], device=device)
    for _ in range(10):
        core.agents.velocities.copy_(torch.from_numpy(rng.normal(0, speed, (1, num_agents, 2))))
        physics.advance(core)
        at = array(core.agents.positions[0])
        distances = np.linalg.norm(at[:, None] - discs[:, :2], axis=-1) - discs[:, 2]
        assert distances.min() > AGENT_RADIUS - ROUNDING
        assert (at > 1 + AGENT_RADIUS - ROUNDING).all() and (at < 11 - AGENT_RADIUS + ROUNDING).all()
