"""State of an env: the tensors that its future depends on, copied out, and written back in place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from megastep.world.core import Agents, Core
from megastep.world.markers import Markers

Tensors = Mapping[str, Mapping[str, Tensor]]
"""Tensors by name, by what they are part of."""


def read_state(core: Core, tensors: Tensors, env: int | None = None) -> dict[str, dict[str, Tensor]]:
    """Copies an env's state: all of it, or one env's rows.

    Args:
        core: The envs. Its generator is all envs', and left out of the state of one.
        tensors: Those with a row for each env, the core's among them.
        env: Which env; by default all.
    """
    pick = slice(None) if env is None else env
    rows = {part: {name: value[pick].clone() for name, value in of.items()} for part, of in tensors.items()}
    return rows if env is not None else {**rows, 'shared': {name: v.clone() for name, v in _shared(core).items()}}


def write_state(core: Core, tensors: Tensors, state: Mapping[str, Any], env: int | None = None) -> None:
    """Writes back what `read_state` copied, if all of it can be. Waits for the GPU, to check the maps.

    Raises:
        ValueError: if the state isn't one of tensors like these, or of maps that the core hasn't.
    """
    shared = {} if env is not None else {'shared': _shared(core)}
    check_tensors({**tensors, **shared}, state, env)
    num_maps, ids = core.scenery.num_maps, state['core']['map_ids']
    if not bool(((ids >= 0) & (ids < num_maps)).all()):
        raise ValueError(f"state['core']['map_ids'] must be from 0 to {num_maps - 1}, got {ids.tolist()}.")
    write_tensors(tensors, state, env)
    if env is None:
        core.generator.set_state(state['shared']['generator'].cpu())
        if core.episodes is not None:
            core.episodes.taken.copy_(state['shared']['episodes_taken'])


def core_tensors(core: Core) -> dict[str, Tensor]:
    """A core's tensors with a row for each env."""
    agents = {name: getattr(core.agents, name) for name in Agents.__dataclass_fields__}
    counts = {'contacts': core.contacts, 'non_finite': core.non_finite, 'stops': core.stops, 'turn': core.turn}
    seen = {f'marker_{name}': getattr(core.markers, name) for name in Markers.__dataclass_fields__}
    played = {} if core.episodes is None else core.episodes.state
    return {'map_ids': core.map_ids, **agents, **counts, **(seen if core.num_markers else {}), **played}


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
