"""State of an env: the tensors that its future depends on, copied out, and written back in place."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from megastep.env.parts import Checking
from megastep.world.cameras import CameraRig
from megastep.world.core import Agents, Core
from megastep.world.fingerprint import WHAT, fingerprint
from megastep.world.markers import Markers
from megastep.world.scenery import LARGEST

Tensors = Mapping[str, Mapping[str, Tensor]]
"""Tensors by name, by what they are part of."""


def read_state(
    core: Core, cameras: CameraRig, tensors: Tensors, env: int | None = None
) -> dict[str, dict[str, Tensor]]:
    """Copies an env's state: all of it, or one env's rows.

    Args:
        core: The envs. Its generator is all envs', and left out of the state of one.
        cameras: Their cameras. What is seen depends on them, so they are in the state as a fingerprint.
        tensors: Those with a row for each env, the core's among them.
        env: Which env; by default all.
    """
    pick = slice(None) if env is None else env
    rows = {part: {name: value[pick].clone() for name, value in of.items()} for part, of in tensors.items()}
    rows = {**rows, 'world': fingerprint(core, cameras)}
    return rows if env is not None else {**rows, 'shared': {name: v.clone() for name, v in _shared(core).items()}}


def write_state(
    core: Core,
    cameras: CameraRig,
    tensors: Tensors,
    state: Mapping[str, Any],
    env: int | None = None,
    parts: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Writes back what `read_state` copied, if all of it can be. Waits for the GPU, to check the maps.

    Raises:
        ValueError: if the state isn't one of tensors like these, is of another world, or says what can't be.
    """
    world = fingerprint(core, cameras)
    shared = {} if env is not None else {'shared': _shared(core)}
    _check_names('state', {**tensors, 'world': world, **shared}, state)
    check_tensors(tensors, {part: state[part] for part in tensors}, env)
    check_tensors({'world': world, **shared}, {part: state[part] for part in ('world', *shared)})
    for name, value in world.items():
        if not torch.equal(state['world'][name].cpu(), value):
            raise ValueError(f"state['world'][{name!r}] must be as this env's: the state is of {WHAT[name]}.")
    _check_core(core, state)
    for name, part in parts.items():
        if isinstance(part, Checking):
            part.check_state(state[name], state['core']['map_ids'])
    write_tensors(tensors, state, env)
    if env is None:
        core.generator.set_state(state['shared']['generator'].cpu())
        if core.episodes is not None:
            core.episodes.taken.copy_(state['shared']['episodes_taken'])


def _check_core(core: Core, state: Mapping[str, Any]) -> None:
    """Raises a `ValueError` if a state has maps that there aren't, or agents nowhere or at no speed."""
    check_whole("state['core']['map_ids']", state['core']['map_ids'], core.scenery.num_maps - 1)
    for name in Agents.__dataclass_fields__:
        if not bool((given := state['core'][name]).isfinite().all()):
            raise ValueError(f"state['core'][{name!r}] must be finite, got {given[~given.isfinite()][0].item()}.")
    places = state['core']['positions']
    if not bool(((places >= 0) & (places <= LARGEST)).all()):
        wrong = places[(places < 0) | (places > LARGEST)][0].item()
        raise ValueError(f"state['core']['positions'] must be from 0 to {LARGEST:g} m, got {wrong:g}.")


def check_whole(label: str, given: Tensor, most: Tensor | int) -> None:
    """Raises a `ValueError` unless what a state has are whole numbers from 0 to the most. Waits for the GPU."""
    wrong = (given < 0) | (given > most)
    if bool(wrong.any()):
        bound = most if isinstance(most, int) else most.expand_as(given)[wrong][0].item()
        raise ValueError(f'{label} must be from 0 to {bound}, got {given[wrong][0].item()}.')


def core_tensors(core: Core) -> dict[str, Tensor]:
    """A core's tensors with a row for each env."""
    agents = {name: getattr(core.agents, name) for name in Agents.__dataclass_fields__}
    counts = {'contacts': core.contacts, 'non_finite': core.non_finite, 'stops': core.stops, 'turn': core.turn}
    seen = {f'marker_{name}': getattr(core.markers, name) for name in Markers.__dataclass_fields__}
    drawn = {'stream_keys': core.streams.keys, 'stream_steps': core.streams.steps}
    played = {} if core.episodes is None else core.episodes.state
    return {'map_ids': core.map_ids, **agents, **counts, **drawn, **(seen if core.num_markers else {}), **played}


def _shared(core: Core) -> dict[str, Tensor]:
    """The state that all envs share."""
    taken = {} if core.episodes is None else {'episodes_taken': core.episodes.taken}
    return {'generator': core.generator.get_state(), **taken}


def check_tensors(tensors: Tensors, state: Mapping[str, Any], row: int | None = None) -> None:
    """Raises unless a state is one that `read_state` could have copied from the same row of tensors like these.

    Raises:
        ValueError: naming the tensor that is missing, unknown, or of another shape or type.
    """
    _check_names('state', tensors, state)
    for part, of in tensors.items():
        _check_names(f'state[{part!r}]', of, state[part])
        for name, value in of.items():
            target, given, label = value if row is None else value[row], state[part][name], f'state[{part!r}][{name!r}]'
            if not isinstance(given, Tensor):
                raise ValueError(f'{label} must be a tensor, got {type(given).__name__}.')  # noqa: TRY004
            if (given.dtype, given.shape) != (target.dtype, target.shape):
                raise ValueError(
                    f'{label} must be {target.dtype} of shape {tuple(target.shape)}, '
                    f'got {given.dtype} of {tuple(given.shape)}.'
                )


def write_tensors(tensors: Tensors, state: Mapping[str, Any], row: int | None = None) -> None:
    """Writes a state that has been checked into the tensors, or into one row of each."""
    for part, of in tensors.items():
        for name, value in of.items():
            target = value if row is None else value[row : row + 1]
            given = state[part][name]
            target.copy_(given if row is None else given[None])


def check_rows(label: str, kept: Mapping[str, Tensor], num_envs: int, device: torch.device) -> None:
    """Raises unless what a task or a part of it keeps are tensors of its device with a row for each env.

    Raises:
        ValueError: naming the one that isn't.
    """
    if not isinstance(kept, Mapping):
        raise ValueError(f'{label} must be tensors by name, got {type(kept).__name__}.')  # noqa: TRY004
    for name, value in kept.items():
        if not isinstance(value, Tensor) or value.ndim == 0 or len(value) != num_envs or value.device != device:
            found = f'{value.device} of {tuple(value.shape)}' if isinstance(value, Tensor) else type(value).__name__
            raise ValueError(f'{label}[{name!r}] must be a tensor on {device} with {num_envs} rows, got {found}.')


def _check_names(label: str, expected: Mapping[str, Any], given: Any) -> None:
    if not isinstance(given, Mapping) or set(given) != set(expected):
        names = sorted(given) if isinstance(given, Mapping) else type(given).__name__
        raise ValueError(f'{label} must have {sorted(expected)}, got {names}.')
