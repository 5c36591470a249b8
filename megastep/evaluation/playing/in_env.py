"""Evaluation: an exact number of episodes is played in every row of an env."""

from __future__ import annotations

import itertools
import warnings
from itertools import islice

import numpy as np
import torch
from gymnasium.vector import AutoresetMode

from megastep.checks import check_acts, check_counts
from megastep.env import Env
from megastep.evaluation.opponents import Opponents
from megastep.evaluation.play import Act, SupportsActor, among, check_ends, play
from megastep.evaluation.playing.recorder import EpisodeRecorder, Evaluation

GLANCE = 16
"""After so many steps it is asked again whether all have ended: asking waits for the device."""

NAMED = 10
"""At most so many of the maps that nobody plays are named."""


@torch.no_grad()
def evaluate_in(
    policy: SupportsActor | Act,
    env: Env,
    episodes: int = 1,
    *,
    greedy: bool = False,
    seed: int = 0,
    opponents: Opponents | None = None,
) -> Evaluation:
    """Evaluation of a policy: plays episodes until every row has had as many.

    The first ones that end in each row count, so that short episodes don't count more than long ones. Rows stay in
    their maps: where ``num_envs`` is a multiple of the number of maps, all maps count alike.

    Args:
        policy: What acts: a `Policy`, or a function from observations and where episodes begin to actions.
        env: The env, in Gymnasium's NEXT_STEP mode. It is reset with the seed.
        episodes: How many episodes each row has.
        greedy: Whether a `Policy` takes the likeliest action; otherwise it draws one.
        seed: Seeds the env and what is drawn.
        opponents: Who acts by a script; their rows are left out of what is returned. By default nobody.

    Raises:
        ValueError: if some maps are in none of the envs, so that they wouldn't be played; it says which. If episodes is
            below 1, the policy can't act, the env is none of megastep's or of another autoreset mode, its info lacks
            one of its scores, or its episodes never end.
    """
    check_counts(episodes=episodes)
    if not hasattr(env, 'core'):  # as wrappers have none
        raise ValueError(f'env must be a megastep Env, got {type(env).__name__}.')
    if (mode := env.metadata['autoreset_mode']) is not AutoresetMode.NEXT_STEP:
        raise ValueError(f"the env's autoreset_mode must be NEXT_STEP, got {mode}.")
    if isinstance(policy, SupportsActor) and not isinstance(policy, type):
        policy = policy.actor(env.num_envs, greedy=greedy, seed=seed)
    else:
        check_acts(policy=policy)
    if (sentence := unplayed_maps(env)) is not None:
        raise ValueError(sentence)
    steps, positions = play(among(policy, opponents), env, seed=seed), env.core.agents.positions.flatten(0, 1)
    next(steps)
    recorder = EpisodeRecorder(positions, episodes, env.scores, env.measures)
    for rounds in itertools.count(1):
        for info in islice(steps, GLANCE):
            recorder.record(info, positions)
        if recorder.is_full():
            break
        check_ends(env, rounds * GLANCE, recorder.num_ended())
    return recorder.evaluation(None if opponents is None else ~opponents.rows)


def unplayed_maps(env: Env) -> str | None:
    """Sentence that names the maps that none of the envs stands in; None if there are none. Waits for the device."""
    count, agents = env.core.scenery.num_maps, env.core.num_agents
    unplayed = np.setdiff1d(np.arange(count), env.core.map_ids.cpu().numpy()).tolist()
    if not unplayed:
        return None
    named = ', '.join(map(str, unplayed[:NAMED])) + (' and others' if len(unplayed) > NAMED else '')
    verb = 'is' if len(unplayed) == 1 else 'are'
    return (
        f'{len(unplayed)} of the {count} maps {verb} played by nobody: {named}. For each to be played, num_envs must '
        f'be at least {count * agents}, got {env.num_envs}.'
    )


def warn_of_unplayed(env: Env) -> None:
    """Warns of maps that none of the envs stands in, so that nobody learns there. Waits for the device."""
    if (sentence := unplayed_maps(env)) is not None:
        warnings.warn(sentence, stacklevel=3)
