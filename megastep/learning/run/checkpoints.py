"""Checkpoints: everything that a run's future depends on, in a folder that is there whole or not at all."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor
from torch.optim import Optimizer

from megastep.learning.model.policy import Policy
from megastep.learning.run.distributed import ProcessGroup
from megastep.learning.run.run_config import EARLIER
from megastep.maps.storage import atomic, digests, json_files, regular_files, tensor_files

if TYPE_CHECKING:
    from megastep.learning.learner import Learner

MANIFEST = 'manifest.json'
"""The file that says how many steps were made, and which files there are besides, with their digests."""

WEIGHTS, OPTIMIZER = 'policy.safetensors', 'optimizer.pt'

NAME = re.compile('[0-9]{6,18}')
"""The names of checkpoints' folders: how many updates were made before."""

FORMAT = '2'
"""The version of the names in the files of checkpoints, as the weights' file has it. The first had none."""


def learner_file(rank: int) -> str:
    """The name of the file with the state of one process's learner."""
    return f'learner-{rank}.pt'


def write(path: Path, content: bytes) -> str:
    """Writes a file, waits until it is on disk, and returns the content's SHA-256 in hexadecimal."""
    path.write_bytes(content)
    atomic.sync(path)
    return hashlib.sha256(content).hexdigest()


class Checkpoints:
    """Checkpoints of a run, as one of its processes writes and reads them.

    Args:
        folder: The folder that the checkpoints' folders are in.
        learner: What is trained.
        group: The processes that train together.
        keep: How many checkpoints stay.
    """

    def __init__(self, folder: Path, learner: Learner, group: ProcessGroup, *, keep: int = 3) -> None:
        self._folder, self._learner, self._group, self._keep = folder, learner, group, keep

    def write(self) -> Path:
        """Writes a checkpoint unless there is one of this update, and removes the oldest. Every process has to call it.

        Returns:
            The checkpoint's folder.

        Raises:
            FloatingPointError: if a weight isn't finite; nothing is written.
            RuntimeError: if the processes' weights differ; nothing is written.
        """
        learner, group = self._learner, self._group
        path = self._folder / f'{learner.updates:06}'
        if group.once(path.is_dir):
            return path  # it holds the same
        weights = {name: value.detach().cpu().contiguous() for name, value in learner.policy.state_dict().items()}
        _check_weights(weights, learner.updates, group)
        beside = path.with_name(f'.{path.name}')
        group.once(lambda: _emptied(beside))
        files = {learner_file(group.rank): _pickled(learner.state())}
        if group.leads:
            files[OPTIMIZER] = _pickled(learner.optimizer.state_dict())
            files[WEIGHTS] = weights_file(learner.policy)
        digests = group.gather({name: write(beside / name, content) for name, content in files.items()})
        manifest = {
            'updates': learner.updates,
            'frames': learner.frames * group.size,
            'files': {name: digest for part in digests for name, digest in part.items()},
        }
        group.once(lambda: _finish(beside, path, manifest, self._keep))
        return path

    def restore(self, path: Path) -> None:
        """Reads a checkpoint that has been `verified` into the learner.

        Raises:
            ValueError: naming the file, if it is another architecture's or another env's.
        """
        learner = self._learner
        load_weights(learner.policy, path / WEIGHTS)
        loads: dict[str, Callable[[dict[str, Any]], None]] = {
            OPTIMIZER: partial(load_optimizer, learner.optimizer),
            learner_file(self._group.rank): learner.load_state,
        }
        for name, load in loads.items():
            try:
                load(torch.load(path / name, map_location='cpu', weights_only=True))
            except (OSError, EOFError, LookupError, ValueError, RuntimeError, TypeError, UnpicklingError) as error:
                raise ValueError(f'{path / name} is of another run, or of no run: {error}') from error


def _check_weights(weights: Mapping[str, Tensor], updates: int, group: ProcessGroup) -> None:
    if broken := not_finite(weights):
        raise FloatingPointError(f'weights that are not finite after update {updates}: {", ".join(broken)}')
    digests = group.gather(digest(weights))
    if len(set(digests)) > 1:
        raise RuntimeError(f'the processes have come to different weights by update {updates}: {digests}.')


def not_finite(weights: Mapping[str, Tensor]) -> list[str]:
    """The names of weights that aren't all finite numbers."""
    return [name for name, value in weights.items() if not value.isfinite().all()]


def digest(weights: Mapping[str, Tensor]) -> str:
    """The SHA-256 of weights, in hexadecimal."""
    sha = hashlib.sha256()
    for name in sorted(weights):
        sha.update(name.encode())
        sha.update(weights[name].numpy().tobytes())
    return sha.hexdigest()


def _pickled(state: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def _emptied(folder: Path) -> None:
    """Makes an empty folder, in place of what a process that was killed has left there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _finish(beside: Path, path: Path, manifest: Mapping[str, Any], keep: int) -> None:
    """Gives a checkpoint its name, once all of it is on disk."""
    write(beside / MANIFEST, json.dumps(manifest, indent=1).encode())
    atomic.sync(beside)
    os.replace(beside, path)
    atomic.sync(path.parent)
    unfinished = (other for other in path.parent.glob('.*') if other.name[1:].isdecimal())
    for old in (*found(path.parent)[:-keep], *unfinished):
        shutil.rmtree(old)


def found(folder: Path) -> list[Path]:
    """The checkpoints in a folder, the oldest first. Those whose writing was cut short have other names."""
    named = (path for path in folder.glob('*') if NAME.fullmatch(path.name) and path.is_dir())
    return sorted(named, key=lambda path: int(path.name))


def verified(path: Path) -> dict[str, Any]:
    """Reads a checkpoint's manifest, and compares all its files with it.

    Raises:
        ValueError: naming the file that is missing or damaged.
    """
    try:
        manifest = json_files.read_json(path / MANIFEST)
        files = dict(manifest['files'])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f'{path / MANIFEST} is no manifest of a checkpoint, or is damaged.') from error
    for name, expected in files.items():
        if Path(name).name != name:
            raise ValueError(f'{path / MANIFEST} must name files beside it, got {name[:60]!r}.')
        if not (path / name).is_file():
            raise ValueError(f'{path / name} is missing.')
        if digests.file_digest(path / name) != expected:
            raise ValueError(f'{path / name} is damaged: it is not what was written.')
    return manifest


def last_good(folder: Path) -> Path:
    """The last checkpoint in a folder.

    Raises:
        ValueError: if there is none, or it is damaged; it says which is the last that isn't.
    """
    checkpoints = found(folder)
    if not checkpoints:
        raise ValueError(f'{folder} must hold a checkpoint, got none.')
    try:
        verified(checkpoints[-1])
    except ValueError as error:
        good = next((path.name for path in reversed(checkpoints[:-1]) if _is_good(path)), None)
        advice = f'remove {checkpoints[-1]} to go on from {good}, the last good one' if good else 'no other is good'
        raise ValueError(f'{str(error).rstrip(".")}; {advice}.') from error
    return checkpoints[-1]


def _is_good(path: Path) -> bool:
    try:
        verified(path)
    except ValueError:
        return False
    return True


def load_optimizer(optimizer: Optimizer, state: dict[str, Any]) -> None:
    """Reads an optimiser's state, and raises a `ValueError` if it is for weights of other shapes."""
    optimizer.load_state_dict(state)
    for weights, values in optimizer.state.items():
        for name, value in values.items():
            if value.ndim and value.shape != weights.shape:
                raise ValueError(f'{name} must be of shape {tuple(weights.shape)}, got {tuple(value.shape)}.')


def architecture(policy: Policy) -> dict[str, str]:
    """Architecture that a policy's weights are for, as the weights' file has it."""
    spaces = policy.spaces
    return {
        'format': FORMAT,
        'width': str(policy.width),
        'observation_space': str(spaces.observation),
        'action_space': str(spaces.action),
        'auxiliary_space': str(spaces.auxiliary),
        **({'action_bins': str(policy.action_bins)} if policy.action_bins else {}),
    }


def weights_file(policy: Policy, dtype: torch.dtype = torch.float32) -> bytes:
    """A policy's weights as a safetensors file has them, with the architecture that they are for in its header.

    Args:
        policy: The policy.
        dtype: The type that the weights are rounded to.
    """
    weights = {name: value.detach().to('cpu', dtype).contiguous() for name, value in policy.state_dict().items()}
    return tensor_files.ordered(save(weights, metadata=architecture(policy)))


def load_weights(policy: Policy, path: Path) -> None:
    """Reads weights from a file into a policy.

    Args:
        policy: A policy for the spaces that the weights were learnt in.
        path: The file, as `weights_file` makes it.

    Raises:
        ValueError: naming the file, if it is of an earlier version or another architecture, can't be read or holds what
            is no number.
    """
    check_fits(policy, path)
    with _opened(path) as file:
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if broken := not_finite(weights):
        raise ValueError(f'{path} must hold finite weights alone; {", ".join(broken)} has others.')
    policy.load_state_dict(weights)


def check_fits(policy: Policy, path: Path) -> None:
    """Raises unless a file's weights are for a policy, of which nothing need have been allocated. They aren't read.

    Raises:
        ValueError: as `load_weights` does.
    """
    with _opened(path) as file:
        given = file.metadata() or {}
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    if 'format' not in given:
        raise ValueError(f'{path} is of an earlier version: train anew, or use commit {EARLIER}.')
    normal = {'action_bins': '0'}  # what a file is for that doesn't say otherwise
    for name, expected in (normal | architecture(policy)).items():
        if (found := (normal | given).get(name, 'nothing')) != expected:
            raise ValueError(f'{path} must be for {name} {expected}, got {found}.')
    known = {name: tuple(value.shape) for name, value in policy.state_dict().items()}
    for name in sorted({*known, *shapes}):
        if (wanted := known.get(name)) != (got := shapes.get(name)):
            raise ValueError(f'{path} is of another architecture: {name} must be of shape {wanted}, got {got}.')


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """A file of weights, open."""
    try:
        regular_files.open_regular(path).close()
        file = safe_open(path, framework='pt')
    except (SafetensorError, OSError, ValueError) as error:
        raise ValueError(f'{path} holds no weights, or is damaged: {error}.') from error
    with file:
        yield file
