"""Saving and restoring of envs: their state, copied out and written back, and their pickles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, SupportsIndex

import torch
from torch import Tensor

from megastep.env.hooks import TaskHooks
from megastep.env.interface.pickling import reduced
from megastep.env.interface.state import core_tensors, read_state, write_state
from megastep.env.parts import Stateful
from megastep.world.cameras import CameraRig
from megastep.world.core import Core


class Restorable(TaskHooks):
    """Saving and restoring of a `megastep.env.Env`."""

    if TYPE_CHECKING:  # what an env has
        core: Core
        cameras: CameraRig
        _kept_tensors: Mapping[str, Tensor]
        _nobody: Tensor
        _episode_runner: Any  # its EpisodeRunner, which builds on this folder

        def _check_begun(self, method: str, env: int | None = None) -> None: ...

    @torch.no_grad()
    def get_state(self, env: int | None = None) -> dict[str, dict[str, Tensor]]:
        """Copies everything that the future of all envs, or of one, depends on.

        Args:
            env: Which env; by default all of them, with the generator that they share.

        Returns:
            Tensors, by what they are part of and by name: on the env's device, but for the generator's.

        Raises:
            ValueError: if there is no such env.
            ClosedEnvironmentError: if this vector env is closed.
            ResetNeeded: if it hasn't been reset.
        """
        self._check_begun('get_state', env)
        return read_state(self.core, self.cameras, self.state_tensors(), env)

    @torch.no_grad()
    def set_state(self, state: Mapping[str, Mapping[str, Tensor]], env: int | None = None) -> None:
        """Writes back what `get_state` copied, here or from an env of the same task in the same maps.

        With all envs' state, every step that follows is what it was, bit by bit: a state has a fingerprint of maps,
        wall colours, cameras and fps, and is refused where one differs. One env's state may be written into
        any env: what happens to it is the same, for its stream of random numbers is part of it. Waits for the GPU, to
        check the maps.

        Args:
            state: What `get_state` returned.
            env: Which env to write, if the state is that of one.

        Raises:
            ValueError: if there is no such env, or the state has other tensors, shapes or types than this env's, is
                of another world, or has values that can't be.
            ClosedEnvironmentError: if this vector env is closed.
            ResetNeeded: if it hasn't been reset.
        """
        self._check_begun('set_state', env)
        write_state(self.core, self.cameras, self.state_tensors(), state, env, self._parts)
        self.core.accept_maps(~self._nobody)

    def state_tensors(self) -> Mapping[str, Mapping[str, Tensor]]:
        """Returns the tensors themselves that `get_state` copies and that have a row for each env."""
        kept = {name: part.state for name, part in self._parts.items() if isinstance(part, Stateful)}
        parts = {name: tensors for name, tensors in kept.items() if tensors}  # there may be no noise
        return {
            'core': core_tensors(self.core),
            'episode': self._episode_runner.statistics,
            'task': self._kept_tensors,
            **parts,
        }

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        """Pickles and copies an env as it stands: what is copied goes on as it would have, in every pickle protocol.

        Raises:
            TypeError: if its steps are captured in a CUDA graph, or an attribute can't be pickled.
        """
        return reduced(self)
