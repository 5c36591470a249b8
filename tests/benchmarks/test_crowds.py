"""Agents among agents: see `benchmarks.proofs.crowds`."""

import pytest
import torch
import worlds

from benchmarks.proofs import crowds, soak
from megastep.maps.geometry import AGENT_RADIUS
from megastep.world import physics

TOUCHING = 2 * AGENT_RADIUS + crowds.SKIN


@pytest.mark.parametrize('num_agents', [2, 3, 5, 8])
def test_crowds_do_not_overlap_and_do_not_freeze(num_agents):
    core = crowds.crowded(num_agents, 300, seed=num_agents)
    tally = soak.soak(core, 430, top_speed=20)
    assert tally.holds, tally
    assert tally.contacts > 0.5 * tally.moves
    freedom = crowds.freedom(core)
    assert freedom.holds, freedom
    assert freedom.touching > core.num_envs


def test_agents_that_overlap_walls_and_each_other_come_free():
    core = crowds.overlapping(5000)
    freeing = crowds.freeing(core)
    assert freeing.overlapping > 19_000
    assert freeing.holds, freeing


@pytest.mark.parametrize('turn', range(4))
def test_of_a_touching_pair_either_may_leave(turn):
    """In whatever order they move: the one pressed on leaves, and the one that presses on doesn't hold it."""
    core = worlds.core_at([worlds.box()], [[(2, 2), (2 + TOUCHING, 2)]], [[0, 0]])
    core.turn.fill_(turn)
    core.agents.velocities[0] = torch.tensor([(2.0, 0.0), (2.0, 0.0)])
    assert physics.advance(core)[0, 1] == 1
    core.agents.velocities[0] = torch.tensor([(0.0, 0.0), (0.0, 1.0)])
    assert physics.advance(core)[0, 1] == 1


def test_the_order_in_which_agents_move_turns():
    """Two agents want the same place from either side: each gets it as often."""
    core = worlds.core_at([worlds.box()], [[(2, 2), (3, 2)]], [[0, 0]])
    nearer = []
    for _ in range(4):
        core.agents.positions[0] = torch.tensor([(2.0, 2.0), (3.0, 2.0)])
        core.agents.velocities[0] = torch.tensor([(5.0, 0.0), (-5.0, 0.0)])
        nearer.append(physics.advance(core)[0].argmax().item())
    assert nearer in ([0, 1, 0, 1], [1, 0, 1, 0])
