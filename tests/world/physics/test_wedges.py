"""Agents that crowd into a wedge: who can't move at all is blocked by the others, and never by walls alone."""

import numpy as np
import pytest
import torch

from megastep import Core, Geometry, Scenery, physics

STEP = 1e-4
"""What an agent tries to move by, in metres: as much as its skin is deep."""

DIRECTIONS = torch.arange(16) * (2 * torch.pi / 16)


def wedge(degrees):
    """A triangle whose sharp corner is at (1, 1)."""
    tip, angle = np.array([1.0, 1.0]), np.radians(degrees)
    corners = np.array([tip, tip + [6, 0], tip + 6 * np.array([np.cos(angle), np.sin(angle)])])
    return Geometry.from_walls(np.stack([corners, np.roll(corners, -1, axis=0)], axis=1))


def most_progress(scenery, positions):
    """The furthest that each agent gets in any direction while the others stand still: a core for all directions."""
    num_envs, num_agents = positions.shape[:2]
    core = Core(scenery, num_envs=num_envs)
    furthest = torch.zeros(num_envs, num_agents)
    for agent in range(num_agents):
        for direction in DIRECTIONS:
            core.agents.positions.copy_(positions)
            core.agents.velocities.zero_()
            core.agents.velocities[:, agent] = core.fps * STEP * torch.stack([direction.cos(), direction.sin()])
            physics.advance(core)
            moved = (core.agents.positions - positions)[:, agent].norm(dim=-1)
            furthest[:, agent] = torch.maximum(furthest[:, agent], moved)
    return furthest


@pytest.mark.parametrize('degrees', [20, 40, 60])
@pytest.mark.parametrize('num_agents', [4, 8])
def test_who_cannot_move_is_blocked_by_others(degrees, num_agents):
    geometry = wedge(degrees)
    core = Core(Scenery.pack([geometry], num_agents, 'cpu'), num_envs=24)
    random = torch.Generator().manual_seed(degrees)
    for _ in range(150):
        towards = torch.tensor([1.0, 1.0]) - core.agents.positions
        shaken = 0.3 * torch.randn(towards.shape, generator=random)
        core.agents.velocities.copy_(2 * (towards / towards.norm(dim=-1, keepdim=True) + shaken))
        physics.advance(core)
    positions = core.agents.positions.clone()
    stuck = most_progress(core.scenery, positions) < STEP / 10
    alone = Scenery.pack([geometry], 1, 'cpu')
    free = most_progress(alone, positions.reshape(-1, 1, 2)).reshape(stuck.shape)
    assert (free[stuck] > STEP / 10).all()
    apart = torch.cdist(positions, positions) + torch.eye(num_agents)
    assert (apart.amin(dim=-1)[stuck] < 2 * core.agent_radius + 5 * STEP).all()
    assert stuck.any() and not stuck.all(dim=1).any()  # the last of those that crowd can go back
