"""Learner: an env, a policy and an optimiser, and the updates by which the policy learns from its rollouts."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from gymnasium.vector import AutoresetMode
from jaxtyping import Float
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from megastep.env import Env
from megastep.env.cuda_graph import CudaGraph
from megastep.env.interface.state import check_tensors, write_tensors
from megastep.evaluation.opponents import Opponents
from megastep.learning.model.policy import Policy
from megastep.learning.objective import objective
from megastep.learning.rollout import Rollout
from megastep.learning.settings import Settings

LAST = 0.1
"""The share of the learning rate that is left once it has been annealed."""
STATE = ('env', 'rollout', 'generators', 'frames', 'updates')
EAGER = 11
"""The number of updates of several processes before one is captured: DistributedDataParallel settles in these."""


class Learner:
    """Learner of a task by proximal policy optimisation (PPO), from one rollout after another.

    Where `torch.distributed` is initialised, every process has a learner with envs of its own, and all have the same
    policy: they average their gradients.

    On a GPU the rollout and the update each run from a CUDA graph, once they have run without one. Python runs in the
    first updates alone.

    Args:
        env: The env. It is reset. On a GPU, make it with ``cuda_graph=False, copy=False``: its steps are captured with
            the policy's.
        settings: How to learn.
        opponents: Who acts and doesn't learn; by default nobody.

    Attributes:
        policy: What is learnt.
        optimizer: Changes the policy. Load its state before the first update, or not at all.
        frames: How many steps this process has made, of all rows.
        updates: How often the policy was updated.

    Raises:
        ValueError: if the env has another number of rows than the settings, another autoreset mode than NEXT_STEP, or
            CUDA graphs of its own.
    """

    def __init__(self, env: Env, settings: Settings, opponents: Opponents | None = None) -> None:
        _check(env, settings)
        self._env, self._settings, self._device = env, settings, torch.device(env.device)
        self._on_gpu, parallel = self._device.type == 'cuda', distributed.is_initialized()
        rank, self._processes = (distributed.get_rank(), distributed.get_world_size()) if parallel else (0, 1)
        self.policy = Policy.of(env, settings.width, seed=settings.seed, action_bins=settings.action_bins)
        self.frames, self.updates = 0, 0
        self._rate = torch.tensor(settings.learning_rate, device=self._device)
        self.optimizer = torch.optim.Adam(
            self.policy.parameters(), self._rate, eps=1e-5, fused=True, capturable=self._on_gpu
        )
        seeds = np.random.SeedSequence([settings.seed, rank]).generate_state(2).tolist()
        self._shuffler = torch.Generator(self._device).manual_seed(seeds[1])
        self._rollout = Rollout(
            env, self.policy, settings.horizon, gamma=settings.gamma, gae_lambda=settings.gae_lambda, seed=seeds[0],
            stagger=settings.stagger, opponents=opponents,
        )  # fmt: skip
        self._policy: nn.Module = self.policy
        self._roll: Callable[..., Any] = self._rollout
        self._fit: Callable[..., Any] = self._fit_once
        if self._on_gpu:
            self._capture()
        elif self._processes > 1:
            self._policy = self._parallel()
            self._settle()

    def _parallel(self) -> DistributedDataParallel:
        """The policy, so that all processes' gradients are averaged."""
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', FutureWarning)  # the option's next name is one that PyTorch 2.11 lacks
            return DistributedDataParallel(self.policy, broadcast_buffers=False, gradient_as_bucket_view=True)

    def _settle(self) -> None:
        """Makes a backward pass that teaches nothing.

        After its first, PyTorch packs gradients anew, in the order in which they came; and on a CPU what three numbers
        sum to depends on where they are packed. So a run that goes on would begin with sums as no other run makes them.
        """
        rows = torch.arange(self._settings.num_envs // self._settings.num_minibatches, device=self._device)
        batch = self._rollout.buffer.rows(rows)
        logits, values, _, predictions = self._policy(batch.features, batch.hidden, batch.begins)
        (logits.sum() + values.sum() + predictions.sum()).backward()
        self.optimizer.zero_grad()

    def _capture(self) -> None:
        """Has rollouts and updates run from CUDA graphs."""
        settings, stream = self._settings, torch.cuda.Stream(self._device)
        if self._processes > 1:
            stream.wait_stream(torch.cuda.current_stream(self._device))
            with torch.cuda.stream(stream):  # where its gradients will be summed
                self._policy = self._parallel()
        rows = torch.zeros(settings.num_envs // settings.num_minibatches, dtype=torch.int64, device=self._device)
        generators = [self._env.core.generator, *self._rollout.generators.values()]
        options: dict[str, Any] = {'stream': stream, 'remedy': 'learn on a CPU'}
        self._roll = CudaGraph(self._rollout, [], generators, name='the rollout', **options)
        eager = EAGER if self._processes > 1 else 1
        self._fit = CudaGraph(self._fit_once, [rows], [], name='the update', gradients=True, eager=eager, **options)

    def update(self) -> dict[str, Tensor]:
        """Makes one rollout and learns from it, without waiting for the device.

        Returns:
            Statistics on the device, views of one tensor. Sums over the episodes that ended in the rollout, of all
            processes: ``'episodes'``, how many; ``'return'``, ``'length'``, and the env's other scores. Sums over maps
            of the means of their last episodes: ``'recent return'`` and the like, and ``'recent episodes'``, how many
            maps have had any, and ``'known return'`` and the like, how many of them had such a score: see `MapScores`.
            And means:
            ``'explained_variance'``, the share of the returns' variance that was expected; ``'policy_loss'``,
            ``'value_loss'``, ``'entropy'``, ``'approx_kl'``, ``'clip_fraction'`` and, where there is something to
            predict, ``'auxiliary_loss'``, as `ppo.losses` has them; and ``'grad_norm'``.
        """
        self._anneal()
        self._rollout.restart_some(self.updates)
        sums, means = self.collect()
        means = means | self.learn()
        self.frames += self._settings.horizon * self._env.num_envs
        self.updates += 1
        return self._shared(sums, means)

    def collect(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Makes one rollout, which is the first part of an update once all envs have begun anew: see `Rollout`."""
        return self._roll()

    def learn(self) -> dict[str, Tensor]:
        """Learns from the last rollout, the second part of an update, and returns means over its minibatches."""
        parts: list[dict[str, Tensor]] = []
        for _ in range(self._settings.epochs):
            order = torch.rand(self._env.num_envs, generator=self._shuffler, device=self._device)
            parts.extend(self._fit(rows) for rows in order.argsort(stable=True).chunk(self._settings.num_minibatches))
        return {name: torch.stack([part[name] for part in parts]).mean() for name in parts[0]}

    def scores_by_map(self) -> dict[str, Float[Tensor, ' map']]:
        """The scores of the last episodes in each map of this process: see `MapScores.by_map`. Waits for the device."""
        return self._rollout.map_scores.by_map()

    def close(self) -> None:
        """Lets go of the CUDA graphs: while one holds what NCCL sends, the process group can't be destroyed."""
        self._roll, self._fit = self._rollout, self._fit_once

    def _shared(self, sums: dict[str, Tensor], means: dict[str, Tensor]) -> dict[str, Tensor]:
        """Adds up what all processes have, and takes the mean of the rest."""
        numbers = torch.stack([*sums.values(), *(value / self._processes for value in means.values())])
        if self._processes > 1:
            distributed.all_reduce(numbers)
        return dict(zip([*sums, *means], numbers.unbind(), strict=True))

    def _fit_once(self, rows: Tensor) -> dict[str, Tensor]:
        """Takes one gradient step, on the minibatch of some rows."""
        batch = self._rollout.buffer.rows(rows)
        output = self._policy(batch.features, batch.hidden, batch.begins)
        loss, parts = objective(self.policy.distribution, output, batch, self._settings)
        self.optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.policy.parameters(), self._settings.max_grad_norm)
        self.optimizer.step()
        return {**parts, 'grad_norm': norm}

    def _anneal(self) -> None:
        """Sets the learning rate."""
        settings = self._settings
        done = min(1.0, self.frames * self._processes / settings.anneal) if settings.anneal else 0.0
        rate = settings.learning_rate * (1 - (1 - LAST) * done)
        self._rate.fill_(rate)
        for group in self.optimizer.param_groups:  # whose state may have been loaded from elsewhere
            group.update(lr=self._rate, capturable=self._on_gpu)

    def state(self) -> dict[str, Any]:
        """Copies everything that the future depends on, but for the policy's weights and the optimiser."""
        return {
            'env': self._env.get_state(),
            'rollout': {name: value.clone() for name, value in self._rollout.tensors().items()},
            'generators': self._generators(),
            'frames': self.frames,
            'updates': self.updates,
        }

    def _generators(self) -> dict[str, Tensor]:
        """Copies the states of the generators of random numbers."""
        return {name: generator.get_state() for name, generator in self._generator_by_name().items()}

    def _generator_by_name(self) -> dict[str, torch.Generator]:
        return {**self._rollout.generators, 'shuffler': self._shuffler}

    def load_state(self, state: dict[str, Any]) -> None:
        """Writes back what `state` copied, from a learner of the same task, settings and number of processes.

        Raises:
            ValueError: if the state is that of another env or policy, or of something else altogether. Nothing is
                changed then.
        """
        if set(state) != set(STATE):
            raise ValueError(f'state must have {sorted(STATE)}, got {sorted(state)}.')
        parts = {'rollout': self._rollout.tensors(), 'generators': self._generators()}
        check_tensors(parts, {part: state[part] for part in parts})
        self._env.set_state(state['env'])
        write_tensors({'rollout': self._rollout.tensors()}, state)
        for name, generator in self._generator_by_name().items():
            generator.set_state(state['generators'][name].cpu())
        self.frames, self.updates = state['frames'], state['updates']

    def not_finite(self) -> list[str]:
        """The names of what the env has given in the last rollout that isn't all finite. Waits for the device."""
        given = {'observations': self._rollout.buffer.features, 'rewards': self._rollout.buffer.rewards}
        return [name for name, values in given.items() if not bool(values.isfinite().all())]


def _check(env: Env, settings: Settings) -> None:
    if env.num_envs != settings.num_envs:
        counts = 'it counts the agents of all worlds'
        raise ValueError(
            f"the env must have the settings' num_envs, {settings.num_envs}, got {env.num_envs}: {counts}."
        )
    mode = env.metadata['autoreset_mode']
    if mode is not AutoresetMode.NEXT_STEP:
        raise ValueError(f"the env's autoreset_mode must be NEXT_STEP, got {mode}.")
    if env.cuda_graph:
        raise ValueError("the env's cuda_graph must be False, got True: its steps are captured with the policy's.")
