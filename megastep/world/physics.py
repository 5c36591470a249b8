"""Physics: continuous collision detection and response. Checks its arguments, then hands on to a device's kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from megastep.world.kernels import implementation

if TYPE_CHECKING:
    from megastep.world.core import Core

RESPONSES = ('slide', 'stop')


def advance(
    core: Core, response: str = 'slide', *, displacements: Float[Tensor, 'env agent 2'] | None = None
) -> Float[Tensor, 'env agent']:
    """Moves every agent for one step of 1/fps seconds, in place.

    Collision detection is continuous: agents are discs that sweep through walls and each other up to the exact time of
    impact. On contact they slide along what they touch, losing the velocity into it, or stop. Turning is never impeded.
    Before a move is made its whole way is verified: it keeps the agent's radius clear of everything, or whatever
    clearance there was before if that was less. What isn't safe is halved up to three times, then given up:
    ``core.stops`` counts that.

    A velocity that is NaN or infinite is taken as zero and counted for `Core.check`; a core that is ``checked`` raises.

    Args:
        core: The envs; its agents and contacts are written.
        response: What contact does: ``'slide'``, or ``'stop'``, which ends all motion.
        displacements: Where it is written how far each agent was moved, forward and leftward in the frame that it has
            afterwards, in metres; by default nowhere.

    Returns:
        The part of the intended move that was made before the first contact, 0 to 1.

    Raises:
        ValueError: if the response isn't known, displacements aren't like positions, or the core is checked and a
            velocity isn't finite.
    """
    if response not in RESPONSES:
        raise ValueError(f'response must be one of {", ".join(RESPONSES)}, got {response!r}.')
    if core.checked:
        _check_finite(core)
    if displacements is not None:
        _check_displacements(displacements, core.agents.positions)
    progress = torch.empty_like(core.agents.angles)
    implementation(core.device).advance(core, progress, displacements, slide=response == 'slide')
    return progress


def _check_displacements(displacements: Tensor, positions: Tensor) -> None:
    """Raises a `ValueError` unless displacements can be written as positions are."""
    given, wanted = ((tuple(each.shape), each.dtype, str(each.device)) for each in (displacements, positions))
    if given != wanted or not displacements.is_contiguous():
        raise ValueError(f'displacements must be a contiguous tensor like positions, {wanted}, got {given}.')


def _check_finite(core: Core) -> None:
    for name in ('velocities', 'angular_velocities'):
        values = getattr(core.agents, name)
        bad = ~values.isfinite()
        if bad.any():
            env, agent, *_ = bad.nonzero()[0].tolist()
            raise ValueError(f'{name} must be finite, got {values[env, agent].tolist()} for env {env}, agent {agent}.')
