"""Rollouts: a policy steps an env, and its trajectories fill a buffer to learn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from megastep.env import Env
from megastep.env.nested import copied, mismatch, where
from megastep.evaluation.opponents import Opponents
from megastep.evaluation.playing.recorder import scores
from megastep.learning import ppo
from megastep.learning.map_scores import ALWAYS, MapScores
from megastep.learning.model.acting import RolloutPolicy
from megastep.learning.model.layers import aligned, compute_dtype
from megastep.learning.model.policy import Policy


class Minibatch(NamedTuple):
    """Minibatch: what is learnt from at once, the trajectories of some rows. `RolloutBuffer` says what is in it."""

    features: Float[Tensor, 'time row feature']
    samples: Any
    log_probs: Float[Tensor, 'time row']
    mask: Bool[Tensor, 'time row']
    begins: Bool[Tensor, 'time row']
    advantages: Float[Tensor, 'time row']
    returns: Float[Tensor, 'time row']
    auxiliary_targets: Float[Tensor, 'time row target']
    hidden: Float[Tensor, 'row hidden']


@dataclass(frozen=True, eq=False)
class RolloutBuffer:
    """Rollout buffer: the trajectories of all rows over some steps, time first.

    Args:
        features: What was observed before each step: see `Intake.features`. On a GPU they are rounded, as the policy
            will round them, and made longer by zeros, as matrix products are faster then.
        samples: What the policy drew, nested as its distribution has it.
        log_probs: The logarithm of how likely that was.
        values: The value function before each step.
        rewards: Each step's reward.
        terminated: Where it ended an episode for good.
        ended: Where it ended an episode.
        mask: Where there is something to learn. Not where the step before had ended the episode, so that the action was
            ignored; nor where it was that of a scripted opponent.
        begins: Where an episode began with the observation before it.
        advantages: How much better than expected things went from here on, normalised: see `ppo.estimate_advantages`.
        returns: What the value function should have been.
        auxiliary_targets: What was so before each step that the policy isn't told: see `Policy.auxiliary_targets`.
        hidden: The policy's hidden state before the first step, from which no gradients flow back any further.
    """

    features: Float[Tensor, 'time row feature']
    samples: Any
    log_probs: Float[Tensor, 'time row']
    values: Float[Tensor, 'time row']
    rewards: Float[Tensor, 'time row']
    terminated: Bool[Tensor, 'time row']
    ended: Bool[Tensor, 'time row']
    mask: Bool[Tensor, 'time row']
    begins: Bool[Tensor, 'time row']
    advantages: Float[Tensor, 'time row']
    returns: Float[Tensor, 'time row']
    auxiliary_targets: Float[Tensor, 'time row target']
    hidden: Float[Tensor, '1 row hidden']

    def rows(self, rows: Int[Tensor, ' chosen']) -> Minibatch:
        """A copy of some rows, given by their numbers."""
        times, count = self.begins.shape
        places = torch.arange(0, times * count, count, device=rows.device)[:, None] + rows
        shape, flat = places.shape, places.flatten()

        def picked(values: Tensor) -> Tensor:
            return values.flatten(0, 1).index_select(0, flat).unflatten(0, shape)  # faster than along the second axis

        parts = {name: tree_map(picked, getattr(self, name)) for name in Minibatch._fields if name != 'hidden'}
        return Minibatch(hidden=self.hidden[0].index_select(0, rows), **parts)


class Rollout:
    """Rollouts of a policy in an env, each of which goes on where the last one ended and overwrites its buffer.

    Nothing in it waits for the device.

    Args:
        env: The env, in Gymnasium's NEXT_STEP mode. It is reset.
        policy: What decides.
        horizon: How many steps a rollout has.
        gamma: See `ppo.estimate_advantages`.
        gae_lambda: See `ppo.estimate_advantages`.
        seed: Seeds the env and what the policy draws.
        stagger: See `restart_some`.
        opponents: Who acts and doesn't learn; by default nobody.

    Attributes:
        buffer: The trajectories of the last rollout.
        generator: What the policy draws with.
        map_scores: The scores of the episodes that have ended last in each map, but for opponents'.

    Raises:
        ValueError: if what the env says apart is of another shape than its space.
    """

    def __init__(
        self,
        env: Env,
        policy: Policy,
        horizon: int,
        *,
        gamma: float,
        gae_lambda: float,
        seed: int = 0,
        stagger: int = 0,
        opponents: Opponents | None = None,
    ) -> None:
        self.env, self.policy, self._horizon = env, policy, horizon
        self._gamma, self._gae_lambda = gamma, gae_lambda
        self.generator = torch.Generator(env.device).manual_seed(seed)
        observations = env.reset(seed=seed)[0]
        self._hidden = policy.initial_hidden(env.num_envs)
        length = aligned(policy.intake.features.size, self._hidden.device)
        dtype = compute_dtype(self._hidden)
        self._features = self._hidden.new_zeros((horizon + 1, env.num_envs, length), dtype=dtype)
        policy.intake.features.write(observations, self._features[-1])
        self._acting = RolloutPolicy(policy, env.num_envs)
        # A step that ends an episode is followed by one that begins the next, and that by the first one in it. So ends
        # two steps earlier say where an episode begins, and a rollout needs those of the two steps before it.
        self._ends = torch.zeros((horizon + 2, env.num_envs), dtype=torch.bool, device=env.device)
        self._begins, self._over = self._ends[-2], self._ends[-1]
        self._begins.fill_(True)
        self._opponents = opponents
        self._scripted = torch.zeros_like(self._over) if opponents is None else opponents.rows
        self._script = None if opponents is None else copied(opponents.act(observations, self._begins))
        names = (*ALWAYS, *env.scores)
        self.map_scores = MapScores(self._scripted, env.core.scenery.num_maps, names)
        self._rounds = -(-stagger // horizon)
        self._due = self._drawn_rounds(seed)
        self._check_targets()
        self.buffer = self._empty_buffer()

    def _drawn_rounds(self, seed: int) -> Int[Tensor, ' row']:
        """The number of the rollout before which each row begins anew: the same for all agents of a world."""
        if not self._rounds:
            return self._over.long()
        core = self.env.core
        generator = torch.Generator(core.device).manual_seed(seed)
        rounds = torch.randint(self._rounds, (core.num_envs, 1), generator=generator, device=core.device)
        return rounds.expand(-1, core.num_agents).flatten()

    @torch.no_grad()
    def restart_some(self, made: int) -> None:
        """Begins new episodes in some envs, if it is early: in every env once within the first ``stagger`` steps.

        Otherwise episodes that began together would go on together: all rows would be early in their episodes in one
        rollout, and late in another, and the policy would forget the one while it learns from the other.

        Args:
            made: How many rollouts have been made.
        """
        if made >= self._rounds:
            return
        now = self._due == made
        observations = self.env.reset(options={'reset_mask': now})[0]
        self.policy.intake.features.write(observations, self._features[-1])
        self._begins.logical_or_(now)
        self._over.logical_and_(~now)
        if self._opponents is not None and self._script is not None:
            acted = where(now, self._opponents.act_anew(observations, now), self._script)
            tree_map(Tensor.copy_, self._script, acted)

    def _take_in(self, observations: Any, time: int) -> None:
        """Takes what has been observed for what the step at a time goes by."""
        self.policy.intake.features.write(observations, self._features[time])
        if self._opponents is not None and self._script is not None:
            tree_map(Tensor.copy_, self._script, self._opponents.act(observations, self._ends[time]))

    def _empty_buffer(self) -> RolloutBuffer:
        def buffer(like: Tensor) -> Tensor:
            return like.new_zeros((self._horizon, *like.shape))

        rows, size = len(self._hidden), self.policy.distribution.size
        self._outputs = self._hidden.new_zeros((self._horizon + 1, rows, size + 1))
        self._logits, self._values = self._outputs[:-1, :, :-1], self._outputs[..., -1]
        names = ('log_probs', 'rewards', 'advantages', 'returns')
        reals = {name: buffer(self._hidden[:, 0]) for name in names}
        flags = {name: buffer(self._over) for name in ('terminated', 'mask')}
        samples = tree_map(buffer, self.policy.distribution.mode(self._logits[0]))
        return RolloutBuffer(
            features=self._features[:-1], samples=samples, auxiliary_targets=buffer(self._auxiliary_targets()),
            hidden=self._hidden.clone()[None], values=self._values[:-1], ended=self._ends[2:], begins=self._ends[:-2],
            **reals, **flags,
        )  # fmt: skip

    def _auxiliary_targets(self) -> Float[Tensor, 'row target']:
        """The auxiliary targets: what is so that the policy isn't told."""
        targets = self.policy.auxiliary_targets
        return self._hidden[:, :0] if targets is None else targets(self.env.auxiliary())

    def _check_targets(self) -> None:
        """Raises unless what isn't told is of its space: other shapes may pass for these, and be learnt from."""
        env, space = self.env, self.env.auxiliary_space
        if space is None:
            return
        expected = space, env.num_envs, env.device
        flaw = mismatch("the env's auxiliary", env.auxiliary(), *expected, values=False, types=False)
        if flaw is not None:
            raise ValueError(flaw)

    @torch.no_grad()
    def __call__(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Makes the steps.

        Returns:
            Sums over the episodes that ended meanwhile, but for opponents': ``'episodes'``, how many they were;
            ``'return'`` and ``'length'``; and the env's other scores; and sums over maps, as `MapScores.finish` has
            them. Then, as ``'explained_variance'``, the share of the returns' variance that was expected.
        """
        buffer = self.buffer
        buffer.hidden.copy_(self._hidden[None])
        self._features[0].copy_(self._features[-1])
        self._ends[:2].copy_(self._ends[-2:].clone())
        self._acting.begin(self._hidden, self._ends[0], self._features.shape[-1])
        self.map_scores.begin()
        for time in range(self._horizon):
            self._step(time)
        self._acting.write(self._hidden)
        torch.logical_or(self._ends[1:-1], self._scripted, out=buffer.mask).logical_not_()
        buffer.log_probs.copy_(self.policy.distribution.log_prob(self._logits, buffer.samples))
        self._estimate_advantages()
        explained = ppo.explained_variance(buffer.values, buffer.returns, buffer.mask)
        return self.map_scores.finish(), {'explained_variance': explained}

    def _step(self, time: int) -> None:
        """Makes one step."""
        buffer, distribution = self.buffer, self.policy.distribution
        self._acting.step(buffer.features[time], self._ends[time + 1], self._outputs[time])
        samples = distribution.sample(self._logits[time], self.generator)
        if self.policy.auxiliary_targets is not None:
            self.policy.auxiliary_targets.write(self.env.auxiliary(), buffer.auxiliary_targets[time])
        tree_map(lambda buffer, values: buffer[time].copy_(values), buffer.samples, samples)
        actions = self._played(distribution.actions(samples))
        observations, rewards, terminated, truncated, info = self.env.step(actions)
        buffer.rewards[time], buffer.terminated[time] = rewards, terminated
        torch.logical_or(terminated, truncated, out=buffer.ended[time])
        self._take_in(observations, time + 1)
        self.map_scores.add(buffer.ended[time], info['episode']['map_ids'], scores(info, self.env.scores))

    def _played(self, actions: Any) -> Any:
        """The actions that are taken: the policy's, but for scripted opponents."""
        return actions if self._script is None else where(self._scripted, self._script, actions)

    def _estimate_advantages(self) -> None:
        """Writes down advantages and returns, bootstrapped from the value of what is observed last."""
        buffer = self.buffer
        self._acting.step(self._features[-1], self._over, self._outputs[-1])
        advantages = ppo.estimate_advantages(
            buffer.rewards, self._values, buffer.terminated, buffer.ended,
            gamma=self._gamma, gae_lambda=self._gae_lambda,
        )  # fmt: skip
        torch.add(advantages, buffer.values, out=buffer.returns)
        buffer.advantages.copy_(ppo.normalised(advantages, buffer.mask))

    def tensors(self) -> dict[str, Tensor]:
        """The tensors that the next rollout depends on, beside env, policy and generator: written in place."""
        parts = tree_leaves(self._script) if self._script is not None else []
        names = ['script', *(f'script {number}' for number in range(1, len(parts)))]  # of nested actions, a name a part
        script = dict(zip(names, parts, strict=False))
        memories = () if self._opponents is None else self._opponents.memories
        kept = {f'opponents {i} {k}': v for i, memory in enumerate(memories) for k, v in memory.tensors.items()}
        features = self._features[-1, :, : self.policy.intake.features.size]
        return {
            'features': features, 'hidden': self._hidden, 'over': self._over, 'begins': self._begins,
            'map_scores': self.map_scores.totals, **script, **kept,
        }  # fmt: skip

    @property
    def generators(self) -> dict[str, torch.Generator]:
        """The generators that a rollout draws with, beside the env's: the policy's, and those of opponents."""
        memories = () if self._opponents is None else self._opponents.memories
        return {'policy': self.generator, **{f'opponents {i}': m.generator for i, m in enumerate(memories)}}
