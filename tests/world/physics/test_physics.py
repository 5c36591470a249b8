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

SIDES = textures.SIDES
SKIN = 1e-4
"""A disc stops this far, in metres, before it touches."""
ROUNDING = 1e-5
"""Metres by which float32 may be off: it places a point 20 m from the origin to 2e-6 m."""


def pushed(geometry, x, y, vx, vy, *, angle=0.0, device='cpu', **options):
    """One agent, with a velocity."""
    core = worlds.one(geometry, x, y, angle, device=device, **options)
    core.agents.velocities[0, 0] = torch.tensor([vx, vy])
    return core


def where(core, agent=0):
    return core.agents.positions[0, agent].tolist()


def velocity(core, agent=0):
    return core.agents.velocities[0, agent].tolist()


# Free to move


@pytest.mark.parametrize('response', physics.RESPONSES)
@pytest.mark.parametrize('fps', [1, 10, 60])
def test_velocities_are_per_second(fps, response, device, poisoned):
    core = pushed(worlds.box(), 2, 2, 0.9, -0.6, angle=30, device=device, fps=fps)
    core.agents.angular_velocities[:] = -40
    assert physics.advance(core, response=response).tolist() == [[1]]
    assert where(core) == pytest.approx([2 + 0.9 / fps, 2 - 0.6 / fps], abs=1e-6)
    assert velocity(core) == pytest.approx([0.9, -0.6])
    assert core.agents.angles.item() == pytest.approx(30 - 40 / fps, abs=1e-4)
    assert core.agents.angular_velocities.item() == -40
    assert core.contacts.tolist() == [[-1]]


def test_at_rest_nothing_changes(device):
    core = pushed(worlds.box(), 2, 2, 0, 0, angle=30, device=device)
    assert physics.advance(core).item() == 1
    assert where(core) == [2, 2]
    assert core.agents.angles.item() == pytest.approx(30, abs=1e-5)
    assert core.contacts.item() == -1


# One wall


@pytest.mark.parametrize('response', physics.RESPONSES)
@pytest.mark.parametrize('wall, direction', list(enumerate([(0, -1), (1, 0), (0, 1), (-1, 0)])))
def test_head_on_a_disc_stops_its_radius_before_the_wall(wall, direction, response, device, poisoned):
    geometry, direction = worlds.box(0.5, 1, 5, 4.5), np.array(direction)
    core = pushed(geometry, 2, 2, *(60.0 * direction), device=device)
    core.contacts[:] = 12345
    progress = physics.advance(core, response=response).item()
    free = {0: 1, 1: 3, 2: 2.5, 3: 1.5}[wall] - AGENT_RADIUS - SKIN
    assert where(core) == pytest.approx(2 + free * direction, abs=ROUNDING)
    assert progress == pytest.approx(free / 6, abs=ROUNDING)
    assert core.contacts.item() == SIDES + wall
    assert velocity(core) == pytest.approx([0, 0], abs=1e-4)


@settings(max_examples=50, deadline=None)
@given(turn=st.floats(-math.pi, math.pi), slant=st.floats(-80, 80), speed=st.floats(1, 100))
def test_sliding_keeps_the_velocity_along_the_wall_and_loses_that_into_it(turn, slant, speed, device):
    """A room of any bearing; the agent is 1 m before a long wall, and comes at it at a slant."""
    rotation = oracle.rotation(turn)
    walls = worlds.rectangle(-150, -150, 1, 150) @ rotation.T + 240
    geometry = Geometry(walls=walls, spawns=np.array([[240.0, 240.0]]))
    along, into = rotation[:, 1], rotation[:, 0]
    intended = speed * (math.cos(math.radians(slant)) * into + math.sin(math.radians(slant)) * along)
    core = pushed(geometry, 240, 240, *intended, device=device, fps=1)
    progress = physics.advance(core).item()

    free = 1 - AGENT_RADIUS - SKIN
    hits = intended @ into > free + SKIN
    after, moved = np.array(velocity(core)), np.array(where(core)) - 240
    # a number near 240 is rounded to 2e-5
    assert progress == pytest.approx(min(1, free / max(intended @ into, 1e-9)), abs=1e-4)
    assert moved @ into == pytest.approx(min(intended @ into, free), abs=1e-4)
    assert moved @ along == pytest.approx(intended @ along, abs=2e-4)
    assert after @ along == pytest.approx(intended @ along, abs=1e-4 * speed)
    assert after @ into == pytest.approx(0 if hits else intended @ into, abs=1e-4 * speed)


def test_progress_and_contact_are_of_what_is_touched_first(device):
    """The right wall, 3 m away, before the upper one, 2 m away but approached less than a third as fast."""
    core = pushed(worlds.box(), 2, 2, 100, 30, device=device)
    progress = physics.advance(core).item()
    assert progress == pytest.approx((3 - AGENT_RADIUS - SKIN) / 10, abs=1e-5)
    assert core.contacts.item() == SIDES + 1
    assert where(core) == pytest.approx([5 - AGENT_RADIUS - SKIN, 4 - AGENT_RADIUS - SKIN], abs=1e-4)


def test_stopping_ends_all_motion(device):
    core = pushed(worlds.box(), 4.5, 2, 6, 2, device=device)
    progress = physics.advance(core, response='stop').item()
    free = 0.5 - AGENT_RADIUS - SKIN
    assert where(core) == pytest.approx([4.5 + free, 2 + free / 3], abs=ROUNDING)
    assert progress == pytest.approx(free / 0.6, abs=1e-4)
    assert velocity(core) == [0, 0]
    assert core.contacts.item() == SIDES + 1


@pytest.mark.parametrize('response', physics.RESPONSES)
def test_a_wall_that_is_touched_holds_nothing_that_leaves_it(response, device):
    core = pushed(worlds.box(), 4.5, 2, 6, 0, device=device)
    physics.advance(core, response=response)
    core.agents.velocities[0, 0] = torch.tensor([-2.0, 0.3])
    x, y = where(core)
    assert physics.advance(core, response=response).item() == 1
    assert where(core) == pytest.approx([x - 0.2, y + 0.03], abs=1e-6)
    assert core.contacts.item() == -1
    assert velocity(core) == pytest.approx([-2, 0.3])


def test_nor_what_moves_along_it(device):
    core = pushed(worlds.box(), 4.5, 2, 6, 0, device=device)
    physics.advance(core)
    core.agents.velocities[0, 0] = torch.tensor([0.0, 3.0])
    x, y = where(core)
    physics.advance(core)
    assert where(core) == pytest.approx([x, y + 0.3], abs=ROUNDING)
    assert velocity(core) == pytest.approx([0, 3], abs=1e-4)


@pytest.mark.parametrize('response', physics.RESPONSES)
def test_contact_does_not_impede_turning(response, device):
    core = pushed(worlds.box(), 4.8, 2, 60, 0, angle=10, device=device)
    for step in range(1, 4):
        core.agents.velocities[0, 0, 0] = 60
        core.agents.angular_velocities[:] = 450
        physics.advance(core, response=response)
        assert core.agents.angles.item() % 360 == pytest.approx((10 + 45 * step) % 360, abs=1e-3)
        assert core.agents.angular_velocities.item() == 450


def test_a_wall_to_be_passed_by_a_hair_is_passed(device):
    """Along a wall, with a tenth of a millimetre to spare beyond the skin."""
    core = pushed(worlds.box(1, 1, 60, 4), 2, 1 + AGENT_RADIUS + 2 * SKIN, 500, 0, device=device)
    assert physics.advance(core).item() == 1
    assert where(core)[0] == pytest.approx(52)


# Corners, doors, speed


@pytest.mark.parametrize('response', physics.RESPONSES)
def test_a_corner_stops_what_runs_into_it(response, device):
    core = pushed(worlds.box(), 4, 3, 50, 50, device=device)
    for _ in range(3):
        core.agents.velocities[:] = 50
        physics.advance(core, response=response)
    free = AGENT_RADIUS + SKIN
    assert where(core) == pytest.approx([5 - free, 4 - free], abs=5 * ROUNDING + (SKIN if response == 'stop' else 0))
    assert velocity(core) == pytest.approx([0, 0], abs=1e-3)
    assert core.contacts.item() in (SIDES + 1, SIDES + 2)


def test_in_a_wedge_a_disc_stops_where_it_touches_both_walls(device):
    """In a corner of 60 degrees the centre comes no nearer to the tip than twice the radius."""
    corners = np.array([(1, 1), (7, 1), (4, 1 + 3 * math.sqrt(3))])
    geometry = Geometry(walls=worlds.outline(corners), spawns=np.array([(4.0, 2.0)]))
    core = pushed(geometry, 4, 3.1, 0.03, 40, device=device)
    for _ in range(4):
        core.agents.velocities[0, 0] = torch.tensor([0.03, 40])
        physics.advance(core)
    tip = np.array([4, 1 + 3 * math.sqrt(3)])
    assert np.linalg.norm(where(core) - tip) == pytest.approx(2 * (AGENT_RADIUS + SKIN), abs=1e-3)


def two_rooms(gap):
    """A thin wall at x = 3 with a door in the middle."""
    walls = np.array([[(3, 1), (3, 2.5 - gap / 2)], [(3, 2.5 + gap / 2), (3, 4)]])
    return Geometry.from_walls(np.concatenate([worlds.rectangle(1, 1, 5, 4), walls]))


@pytest.mark.parametrize('speed', [5, 30, 1000])
def test_a_door_wide_enough_is_passed(speed, device):
    core = pushed(two_rooms(2 * AGENT_RADIUS + 0.002), 2, 2.5, speed, 0, device=device)
    for _ in range(6):
        core.agents.velocities[0, 0, 0] = speed
        physics.advance(core)
    assert where(core) == pytest.approx([5 - AGENT_RADIUS - SKIN, 2.5], abs=1e-4)


@pytest.mark.parametrize('speed', [5, 30, 1000])
def test_a_door_too_narrow_is_not(speed, device):
    core = pushed(two_rooms(2 * AGENT_RADIUS - 0.01), 2, 2.5, speed, 0, device=device)
    for _ in range(6):
        core.agents.velocities[0, 0, 0] = speed
        physics.advance(core)
    assert where(core)[0] < 3


def test_sliding_leads_round_a_pillar_s_corner(device):
    """A push a little off the pillar's middle slides off its side and past it."""
    geometry = worlds.box(1, 1, 8, 6, spawns=[(2, 3.5)], pillars=[worlds.pillar(4, 3, 4.5, 3.6)])
    core = pushed(geometry, 2, 3.5, 3, 1, device=device)
    for _ in range(60):
        core.agents.velocities[0, 0] = torch.tensor([3.0, 1.0])
        physics.advance(core)
        assert oracle.clearances(array(core.agents.positions[0]), geometry.walls) > AGENT_RADIUS - ROUNDING
    assert where(core)[0] == pytest.approx(8 - AGENT_RADIUS - SKIN, abs=1e-4)


@pytest.mark.parametrize('response', physics.RESPONSES)
@pytest.mark.parametrize('speed', [50, 1e3, 1e5])
def test_nothing_is_too_fast_to_be_stopped(speed, response, device):
    geometry = worlds.cluttered(4)
    core = worlds.scattered([geometry], 256, 1, device=device, fps=1)
    angles = torch.linspace(0, 2 * math.pi, 256, device=core.device)
    core.agents.velocities.copy_(speed * torch.stack([angles.cos(), angles.sin()], dim=-1)[:, None])
    progress = physics.advance(core, response=response)
    positions = array(core.agents.positions[:, 0])
    assert oracle.inside(positions, geometry.walls).all()
    assert oracle.clearances(positions, geometry.walls).min() > AGENT_RADIUS - ROUNDING
    assert (progress < 1).all()
    assert (core.contacts >= SIDES).all()


# Each other


def facing_pair(angle=180.0, speeds=((0.0, 0.0), (0.0, 0.0)), gap=1.0, **options):
    """Two agents ``gap`` apart, centre to centre, along x."""
    core = worlds.core_at([worlds.box()], [[(2, 2), (2 + gap, 2)]], [[0, angle]], **options)
    core.agents.velocities[0] = torch.tensor(speeds)
    return core


@pytest.mark.parametrize('response', physics.RESPONSES)
@pytest.mark.parametrize('angle, side', [(180, 0), (0, 4), (90, 6), (270, 2)])
def test_an_agent_stops_at_another(angle, side, response, device):
    """The contact's number is that of the side of the other's outline that was touched."""
    core = facing_pair(angle, [(20.0, 0.0), (0.0, 0.0)], device=device)
    progress = physics.advance(core, response=response)
    free = 1 - 2 * AGENT_RADIUS - SKIN
    assert where(core, 0) == pytest.approx([2 + free, 2], abs=ROUNDING)
    assert where(core, 1) == [3, 2]
    assert progress[0].tolist() == pytest.approx([free / 2, 1], abs=1e-5)
    assert core.contacts.tolist() == [[SIDES + side, -1]]


def test_agents_that_run_into_each_other_do_not_overlap(device):
    core = facing_pair(speeds=[(20.0, 0.0), (-20.0, 0.1)], device=device)
    for _ in range(3):
        core.agents.velocities[0] = torch.tensor([(20.0, 0.0), (-20.0, 0.1)])
        physics.advance(core)
        gap = math.dist(where(core, 0), where(core, 1))
        assert gap > 2 * AGENT_RADIUS - ROUNDING


def test_agents_that_touch_can_part(device):
    core = facing_pair(speeds=[(20.0, 0.0), (0.0, 0.0)], device=device)
    physics.advance(core)
    core.agents.velocities[0] = torch.tensor([(-1.0, 0.0), (1.0, 0.5)])
    assert physics.advance(core).tolist() == [[1, 1]]
    assert core.contacts.tolist() == [[-1, -1]]


def test_agents_slide_off_each_other(device):
    """Head-on but 0.05 m off centre: the agent loses what it has along the line between the centres, and passes by."""
    core = facing_pair(device=device)
    core.agents.positions[0, 0, 1] = 2.05
    for _ in range(12):
        core.agents.velocities[0, 0] = torch.tensor([2.0, 0.0])
        physics.advance(core)
        assert math.dist(where(core, 0), where(core, 1)) > 2 * AGENT_RADIUS - ROUNDING
    assert where(core, 0)[0] > 3.2


def test_agents_of_other_envs_are_not_there(device):
    core = worlds.core_at([worlds.box()], [[(2, 2)], [(3, 2)]], [[0.0], [0.0]], device=device)
    core.agents.velocities[0, 0, 0] = 10
    assert physics.advance(core).tolist() == [[1], [1]]


def test_maps_of_other_envs_are_not_there(device):
    maps = [worlds.box(1, 1, 3, 4), worlds.box(1, 1, 5, 4)]
    core = worlds.core_at(maps, [[(2, 2)], [(2, 2)]], [[0.0], [0.0]], device=device, map_ids=[1, 0])
    core.agents.velocities[:, 0, 0] = 20
    progress = physics.advance(core)
    assert progress[0].item() == 1
    assert progress[1].item() == pytest.approx((1 - AGENT_RADIUS - SKIN) / 2, abs=1e-5)


# Bad input


@pytest.mark.parametrize('wrong', [torch.empty(1, 2), torch.empty(1, 1, 2).double(), torch.empty(1, 1, 4)[..., ::2]])
def test_displacements_that_are_not_like_positions_are_refused(wrong):
    core = worlds.one(worlds.box(), 2, 2, 0)
    with pytest.raises(ValueError, match=r'displacements must be a contiguous tensor like positions, .* got'):
        physics.advance(core, displacements=wrong)


@pytest.mark.parametrize('response', ['bounce', '', None])
def test_unknown_responses_are_refused(response):
    core = worlds.one(worlds.box(), 2, 2, 0)
    with pytest.raises(ValueError, match=f'response must be one of slide, stop, got {response!r}'):
        physics.advance(core, response=response)
