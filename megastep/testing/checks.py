"""Conformance tests of a vector env of tensors: it must keep what Gymnasium's vector envs promise."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space
from jaxtyping import Bool
from torch import Tensor

from megastep.checks import check_counts
from megastep.env import Env, nested
from megastep.env.nested import copied
from megastep.testing.lost_state import check_state_is_whole
from megastep.testing.repeatability import check_last_observations, check_repeats, check_state, equal, equal_rows
from megastep.testing.steps import (
    Step,
    expect,
    last_observations,
    mode_of,
    repeat,
    reset,
    roll_out,
    sampler,
    step_on,
)


def check_env(env: Any, *, steps: int = 3000, seed: int = 0, partial_resets: bool = True) -> None:
    """Conformance test: runs a vector env of tensors, raises at the first thing it does wrong, and closes it.

    What is checked: attributes and spaces; types, shapes, devices and bounds of everything returned; that a seed
    repeats a rollout; what the autoreset mode in ``metadata`` promises, and that the last observation of an episode is
    real; masks and episode statistics in ``info``; that what is returned isn't overwritten, unless ``env.copy`` is
    false; resets by mask; that on a GPU a step doesn't wait for it; ``get_state`` and ``set_state``, if there are such,
    and, of an `Env`, that they leave out nothing that it keeps; `render`, if there is a render mode; and `close`.

    Beside a Gymnasium vector env's, it has the attribute ``device``. Everything is a tensor there, also ``info``'s
    values, but for frames. A dozen rows and episodes of a few steps are enough, and soon done.

    Args:
        env: The env.
        steps: Within how many steps episodes must end, as they must for their end to be checked.
        seed: Seeds the env and the actions.
        partial_resets: Whether ``reset_mask`` is checked where the autoreset mode doesn't ask for it.

    Raises:
        AssertionError: saying what was expected, and what came instead.
        ValueError: if steps isn't at least 1.
    """
    check_counts(steps=steps)
    got = f'the class {env.__name__}: give one of it' if isinstance(env, type) else type(env).__name__
    expect(isinstance(env, gymnasium.vector.VectorEnv), f'env must be a VectorEnv, got {got}.')
    try:
        _check_attributes(env)
        rollout = roll_out(env, steps, seed)
        _check_scores(env, rollout)
        _check_modes(env, rollout)
        _check_statistics(env, rollout)
        check_repeats(env, rollout, seed)
        check_last_observations(env, rollout, seed)
        _check_copies(env, seed)
        if partial_resets or mode_of(env) is AutoresetMode.DISABLED:
            _check_partial_reset(env, rollout, seed)
        if isinstance(env, Env):
            check_state_is_whole(env, rollout, seed)
        if hasattr(env, 'get_state') and hasattr(env, 'set_state'):
            check_state(env, rollout, seed)
        if env.device.type == 'cuda':
            _check_waits(env, seed)
        if env.render_mode is not None:
            _check_render(env)
    finally:
        env.close()
    env.close()
    expect(env.closed, 'env.closed must be True after env.close(), got False.')


def _check_attributes(env: Any) -> None:
    device = getattr(env, 'device', None)
    expect(isinstance(device, torch.device), f'env.device must be a torch.device, got {device!r}.')
    expect(isinstance(env.num_envs, int) and env.num_envs > 0, f'env.num_envs must be above 0, got {env.num_envs!r}.')
    for name in ('observation_space', 'action_space'):
        single: Any = getattr(env, f'single_{name}', None)
        expect(isinstance(single, gymnasium.Space), f'env.single_{name} must be a Space, got {single!r}.')
        batch, expected = getattr(env, name, None), batch_space(single, env.num_envs)
        expect(batch == expected, f'env.{name} must be the batched single space, {expected}, got {batch}.')
    mode = env.metadata.get('autoreset_mode')
    expect(isinstance(mode, AutoresetMode), f"metadata['autoreset_mode'] must be an AutoresetMode, got {mode!r}.")
    modes = env.metadata.get('render_modes', [])
    expect(env.render_mode in (None, *modes), f'env.render_mode must be None or in {modes}, got {env.render_mode!r}.')
    for name in ('scores', 'lower_is_better', 'measures'):
        names: Any = getattr(env, name, ())
        expect(not isinstance(names, str), f'env.{name} must be a tuple of names, got the text {names!r}.')
    scores, lower = (tuple(getattr(env, name, ())) for name in ('scores', 'lower_is_better'))
    expect(set(lower) <= set(scores), f'env.lower_is_better must be among its scores, {scores}, got {lower}.')


def _check_scores(env: Any, rollout: list[Step]) -> None:
    for name in ('scores', 'measures'):
        found = rollout[0].info
        lacks = [each for each in getattr(env, name, ()) if each not in found]
        expect(not lacks, f"step's info must have all of env.{name}, got {list(found)}, without {', '.join(lacks)}.")


# What its mode promises


def _check_modes(env: Any, rollout: list[Step]) -> None:
    if mode_of(env) is AutoresetMode.NEXT_STEP:
        _check_next_step(rollout)
        return
    endings = [step for step in rollout if step.ended.any()]
    last = [nested.rows(last_observations(env, step), step.ended) for step in endings]
    first = [nested.rows(step.observations if step.reset is None else step.reset, step.ended) for step in endings]
    expect(
        not equal(last, first),
        "an episode's last observation must be followed by a new episode's first, got the same one every time.",
    )
    for step in endings:
        if step.reset is not None:
            _expect_others_kept(step.observations, step.reset, step.ended)


def _check_next_step(rollout: list[Step]) -> None:
    """The step after an episode's last resets: it pays nothing and ends nothing."""
    for before, step in pairwise(rollout):
        pays, ends = before.ended & (step.rewards != 0), before.ended & step.ended
        expect(
            not pays.any(),
            "with NEXT_STEP, the step after an episode's last must pay 0, "
            f'got {step.rewards[pays].tolist()} in rows {_numbers(pays)}.',
        )
        expect(
            not ends.any(),
            f"with NEXT_STEP, the step after an episode's last must not end one, but did in rows {_numbers(ends)}.",
        )


def _check_statistics(env: Any, rollout: list[Step]) -> None:
    """Checks episodes' returns and lengths in info, if there: they must be the sums of what was returned."""
    returns, lengths = torch.zeros_like(rollout[0].rewards), torch.zeros_like(rollout[0].ended, dtype=torch.int64)
    begins = torch.zeros_like(rollout[0].ended)
    for step in rollout:
        if '_episode' not in step.info or not isinstance(step.info['episode'], Mapping):
            return
        over = begins if mode_of(env) is AutoresetMode.NEXT_STEP else torch.zeros_like(begins)
        returns, lengths = torch.where(over, 0, returns + step.rewards), torch.where(over, 0, lengths + 1)
        mask, episode = step.info['_episode'], step.info['episode']
        expect(
            torch.equal(mask, step.ended), f"info['_episode'] must be where episodes ended, {step.ended}, got {mask}."
        )
        for name, expected in {'return': returns, 'length': lengths}.items():
            got = episode.get(name, expected)[mask].double()
            fine = torch.allclose(got, expected[mask].double(), rtol=1e-4, atol=1e-4)
            expect(
                fine, f"info['episode'][{name!r}] must be {expected[mask].tolist()} as summed up, got {got.tolist()}."
            )
        begins = step.ended
        if mode_of(env) is not AutoresetMode.NEXT_STEP:
            returns, lengths = torch.where(begins, 0, returns), torch.where(begins, 0, lengths)


def _check_copies(env: Any, seed: int) -> None:
    if not getattr(env, 'copy', True):
        return
    sample = sampler(env, seed)
    returned = [env.reset(seed=seed), *(env.step(sample()) for _ in range(4))]
    before = [copied(each) for each in returned]
    for _ in range(3):
        step_on(env, sample())
    reset(env)
    for name, kept, now in zip(['reset', *['step'] * 4], before, returned, strict=True):
        expect(equal(kept, now), f'what {name} returned must stay as it is, but a later step or reset overwrote it.')


def _check_partial_reset(env: Any, rollout: list[Step], seed: int) -> None:
    """Resets rows that have ended together once, for the rows of one world must be reset together."""
    masks = [step.ended for step in rollout if step.ended.any()]
    mask = min(masks, key=lambda ended: int(ended.sum()))
    if mask.all() and isinstance(env, Env):  # as where only time ends episodes
        mask = torch.arange(env.num_envs, device=env.device) < env.core.num_envs // 2 * env.core.num_agents
    step = repeat(env, rollout[:3], seed)[-1]
    after = reset(env, options={'reset_mask': mask.cpu().numpy()})
    _expect_others_kept(step.observations if step.reset is None else step.reset, after, mask)


def _expect_others_kept(before: Any, after: Any, mask: Bool[Tensor, ' row']) -> None:
    changed = ~equal_rows(before, after) & ~mask
    expect(
        not changed.any(),
        'a reset by mask must leave the other rows as they were, '
        f'but changed the observations of rows {_numbers(changed)}.',
    )


def _check_waits(env: Any, seed: int) -> None:
    sample = sampler(env, seed)
    reset(env, seed=seed)
    actions = [sample() for _ in range(8)]
    for action in actions[:3]:  # kernels are compiled, and a graph captured
        env.step(action)
    torch.cuda.set_sync_debug_mode('error')
    try:
        for action in actions[3:]:
            env.step(action)
    except RuntimeError as error:
        raise AssertionError(f'env.step() must not wait for the GPU, but does: {error}') from error
    finally:
        torch.cuda.set_sync_debug_mode('default')


def _check_render(env: Any) -> None:
    frames = env.render()
    expect(
        isinstance(frames, tuple | list), f'env.render() must return frames in a tuple, got {type(frames).__name__}.'
    )
    if env.render_mode != 'rgb_array':
        return
    for frame in frames:
        fine = isinstance(frame, np.ndarray) and frame.dtype == np.uint8 and frame.ndim == 3 and frame.shape[2] == 3
        got = f'{frame.dtype} of {frame.shape}' if isinstance(frame, np.ndarray) else type(frame).__name__
        expect(fine, f'frames must be uint8 arrays of (height, width, 3), got {got}.')


def _numbers(mask: Bool[Tensor, ' row']) -> list[int]:
    return mask.nonzero()[:, 0].tolist()
