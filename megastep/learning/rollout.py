"""Policy and env together: what was seen, done and paid over some steps."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.utils._pytree import tree_map

from megastep.env import Env
from megastep.evaluation.episodes import scores
from megastep.evaluation.opponents import Opponents
from megastep.learning import ppo
from megastep.learning.model.policy import Policy


@dataclass(frozen=True, eq=False)
class RolloutBuffer:
    """What came of some steps of many rows, time first. There is nothing to learn from a step that is ignored."""

    features: Float[Tensor, 'time row feature']
    """What was observed before each step: see `Intake.features`."""
    drawn: Any
    """What the policy drew, nested as its choice has it."""
    log_probs: Float[Tensor, 'time row']
    """How likely that was."""
    values: Float[Tensor, 'time row']
    """What it expected before each step."""
    rewards: Float[Tensor, 'time row']
    """What each step paid."""
    terminated: Bool[Tensor, 'time row']
    """Whether it ended an episode for good."""
    ended: Bool[Tensor, 'time row']
    """Whether it ended an episode."""
    ignored: Bool[Tensor, 'time row']
    """Whether its action was, because the step before had ended the episode; or was that of a scripted opponent."""
    begins: Bool[Tensor, 'time row']
    """Whether an episode began with the observation before it."""
    gains: Float[Tensor, 'time row']
    """How much better than expected things went from here on, normalised."""
    returns: Float[Tensor, 'time row']
    """What should have been expected."""
    targets: Float[Tensor, 'time row target']
    """What was so before each step that the policy isn't told: see `Policy.targets`."""
    start: Float[Tensor, '1 row memory']
    """What the policy remembered before the first step."""

    def rows(self, rows: Tensor) -> RolloutBuffer:
        """Copies some rows, given by their numbers."""
        parts = {field.name: getattr(self, field.name) for field in fields(self)}
        return RolloutBuffer(**tree_map(lambda values: values.index_select(1, rows), parts))


class Rollout:
    """Steps an env with a policy. What came of it is held in buffers that the next rollout overwrites.

    Nothing in it waits for the device.

    Args:
        env: The env, in Gymnasium's NEXT_STEP mode. It is reset.
        policy: What decides.
        horizon: How many steps a rollout has.
        discount: See `ppo.advantages`.
        trace: See `ppo.advantages`.
        seed: Seeds the env and what the policy draws.
        stagger: See `restart_some`.
        opponents: Who acts by a script; by default nobody.

    Attributes:
        experience: What came of the last rollout.
        generator: What the policy draws with.

    Raises:
        ValueError: if what the env says apart is of another shape than its space.
    """

    def __init__(
        self,
        env: Env,
        policy: Policy,
        horizon: int,
        *,
        discount: float,
        trace: float,
        seed: int = 0,
        stagger: int = 0,
        opponents: Opponents | None = None,
    ) -> None:
        self.env, self.policy, self._horizon = env, policy, horizon
        self._discount, self._trace = discount, trace
        self.generator = torch.Generator(env.device).manual_seed(seed)
        observations = env.reset(seed=seed)[0]
        features = policy.intake.features(observations)
        self._features = features.bfloat16() if features.is_cuda else features.clone()  # as the policy will round them
        self._memory = policy.blank(env.num_envs)
        self._ignored = torch.zeros(env.num_envs, dtype=torch.bool, device=env.device)
        self._begins = ~self._ignored
        self._opponents = opponents
        self._scripted = torch.zeros_like(self._ignored) if opponents is None else opponents.rows
        self._script = None if opponents is None else opponents.act(observations).clone()
        self._rounds = -(-stagger // horizon)
        self._due = self._drawn_rounds(seed)
        self._check_targets()
        self.experience = self._buffers()

    def _drawn_rounds(self, seed: int) -> Int[Tensor, ' row']:
        """Which rollout each row begins anew before: the same for all agents of a world."""
        if not self._rounds:
            return self._ignored.long()
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
        self._take_in(self.env.reset(options={'reset_mask': now})[0])
        self._begins.logical_or_(now)
        self._ignored.logical_and_(~now)

    def _take_in(self, observations: Any) -> None:
        """Takes what has been observed for what the next step goes by."""
        self._features.copy_(self.policy.intake.features(observations))
        if self._opponents is not None and self._script is not None:
            self._script.copy_(self._opponents.act(observations))

    def _buffers(self) -> RolloutBuffer:
        def buffer(like: Tensor) -> Tensor:
            return like.new_zeros((self._horizon, *like.shape))

        numbers = self._memory.new_zeros((len(self._memory), self.policy.choice.size))
        self._numbers = buffer(numbers)
        reals = {name: buffer(self._memory[:, 0]) for name in ('log_probs', 'values', 'rewards', 'gains', 'returns')}
        flags = {name: buffer(self._begins) for name in ('terminated', 'ended', 'ignored', 'begins')}
        drawn = tree_map(buffer, self.policy.choice.mode(numbers))
        return RolloutBuffer(
            features=buffer(self._features), drawn=drawn, targets=buffer(self._targets()),
            start=self._memory.clone()[None], **reals, **flags,
        )  # fmt: skip

    def _targets(self) -> Float[Tensor, 'row target']:
        """What is so that the policy isn't told."""
        targets = self.policy.targets
        return self._memory[:, :0] if targets is None else targets(self.env.auxiliary())

    def _check_targets(self) -> None:
        """Raises unless what isn't told has a row a row: other shapes may pass for these, and be learnt from."""
        targets = self.policy.targets
        shape, expected = tuple(self._targets().shape), (self.env.num_envs, 0 if targets is None else targets.size)
        if shape != expected:
            raise ValueError(f"the env's auxiliary must be of {expected[0]} rows in its auxiliary_space, got {shape}.")

    @torch.no_grad()
    def __call__(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Makes the steps.

        Returns:
            Sums over the episodes that ended meanwhile, but for scripted opponents': ``'episodes'``, how many they
            were; ``'return'`` and ``'length'``; and what else the env's info says of each. Then, as ``'explained'``,
            the share of the returns' variance that was expected.
        """
        now, choice = self.experience, self.policy.choice
        now.start.copy_(self._memory[None])
        sums = [self._step(time) for time in range(self._horizon)]
        now.log_probs.copy_(choice.log_prob(self._numbers, now.drawn))
        self._judge()
        explained = ppo.explained(now.values, now.returns, ~now.ignored)
        return {name: torch.stack([each[name] for each in sums]).sum() for name in sums[0]}, {'explained': explained}

    def _step(self, time: int) -> dict[str, Tensor]:
        """Makes one step, and returns sums over the episodes that it ended."""
        now, choice = self.experience, self.policy.choice
        numbers, values, memory, _ = self.policy.step_features(self._features, self._memory, self._begins)
        drawn = choice.sample(numbers, self.generator)
        now.features[time], self._numbers[time], now.values[time] = self._features, numbers, values
        now.begins[time], now.ignored[time] = self._begins, self._ignored | self._scripted
        now.targets[time] = self._targets()
        tree_map(lambda buffer, values: buffer[time].copy_(values), now.drawn, drawn)
        observations, rewards, terminated, truncated, info = self.env.step(self._played(choice.actions(drawn)))
        ended = terminated | truncated
        now.rewards[time], now.terminated[time], now.ended[time] = rewards, terminated, ended
        self._take_in(observations)
        self._memory.copy_(memory)
        self._begins.copy_(self._ignored)
        self._ignored.copy_(ended)
        return _sums(ended & ~self._scripted, scores(info, self.env.scores))

    def _played(self, actions: Tensor) -> Tensor:
        """The actions that are taken: the policy's, but for scripted opponents."""
        return actions if self._script is None else torch.where(self._scripted, self._script, actions)

    def _judge(self) -> None:
        """Works out how well things went."""
        now = self.experience
        last = self.policy.step_features(self._features, self._memory, self._begins).values
        gains = ppo.advantages(
            now.rewards, torch.cat([now.values, last[None]]), now.terminated, now.ended,
            discount=self._discount, trace=self._trace,
        )  # fmt: skip
        torch.add(gains, now.values, out=now.returns)
        now.gains.copy_(ppo.normalised(gains, ~now.ignored))

    def tensors(self) -> dict[str, Tensor]:
        """What the next rollout depends on, beside the env, the policy and the generator: written in place."""
        script = {} if self._script is None else {'script': self._script}
        return {
            'features': self._features, 'memory': self._memory, 'ignored': self._ignored, 'begins': self._begins,
            **script,
        }  # fmt: skip


def _sums(ended: Bool[Tensor, ' row'], scores: dict[str, Tensor]) -> dict[str, Tensor]:
    """Adds up the scores of the episodes that have ended, and counts them."""
    values = torch.stack([torch.ones_like(ended).float(), *(values.float() for values in scores.values())])
    sums = torch.where(ended, values, 0).sum(dim=-1)  # all at once: each by itself would take a GPU longer
    return dict(zip(['episodes', *scores], sums.unbind(), strict=True))
