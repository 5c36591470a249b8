"""Distributed training: the processes that train together, as torchrun starts them, and what they agree on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import distributed

from megastep.maps.mapset import MapSet

Result = TypeVar('Result')

BACKENDS = {'cpu': 'gloo', 'cuda': 'cpu:gloo,cuda:nccl'}
"""The backends that carry tensors between processes. On the CPU it is gloo, so that agreeing never waits for a GPU."""


@dataclass(frozen=True)
class ProcessGroup:
    """Process group: the processes that train together, seen from one of them. One alone is a group too.

    Args:
        rank: Which of them this is, from 0.
        size: How many there are.
        device: Where this one computes.
    """

    rank: int
    size: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """True in the process that writes and prints."""
        return self.rank == 0

    def shard(self, maps: MapSet) -> MapSet:
        """This process's maps: one of every ``size``.

        Raises:
            ValueError: if there are fewer maps than processes.
        """
        if len(maps) < self.size:
            raise ValueError(f'maps must be at least 1 a process, {self.size} in all, got {len(maps)}.')
        return maps[self.rank :: self.size]

    def agree(self, wishes: Sequence[int]) -> list[int]:
        """The greatest of what all processes wish for, place by place."""
        if self.size == 1:
            return list(wishes)
        greatest = torch.tensor(wishes, device='cpu')
        distributed.all_reduce(greatest, distributed.ReduceOp.MAX)
        return greatest.tolist()

    def gather(self, value: Result) -> list[Result]:
        """The values that all processes pass, by rank. None goes on before all have come here."""
        values: list[Any] = [value] * self.size
        if self.size > 1:
            distributed.all_gather_object(values, value)
        return values

    def once(self, function: Callable[[], Result]) -> Result:
        """Calls a function in the process that leads. All return what it returned, or raise what it raised."""
        outcome: list[Any] = [None, None]
        if self.leads:
            try:
                outcome[0] = function()
            except (ValueError, OSError) as error:
                outcome[1] = error
        if self.size > 1:
            distributed.broadcast_object_list(outcome, src=0, device=torch.device('cpu'))
        if outcome[1] is not None:
            raise outcome[1]
        return outcome[0]


@contextmanager
def joined(device: str | torch.device | None = None) -> Iterator[ProcessGroup]:
    """Joins the group that torchrun started this process in; a process that was started alone is a group of one.

    Args:
        device: Where to compute; by default a GPU, each process of a machine on one of its own, if there are any.

    Raises:
        ValueError: if there is no such device, or a machine has fewer GPUs than processes.
    """
    rank, size, place = (int(os.environ.get(name, unset)) for name, unset in LAUNCHED.items())
    chosen = device_for(device, place)
    if chosen.type == 'cuda':
        torch.cuda.set_device(chosen)
    if size == 1:
        yield ProcessGroup(rank=0, size=1, device=chosen)
        return
    # Where torchrun keeps its store through a restart, it still has the addresses of those who died.
    store = distributed.PrefixStore(f'attempt {restarts()}', next(distributed.rendezvous('env://'))[0])
    distributed.init_process_group(BACKENDS[chosen.type], store=store, rank=rank, world_size=size)
    try:
        yield ProcessGroup(rank, size, chosen)
    finally:
        distributed.destroy_process_group()


LAUNCHED = {'RANK': '0', 'WORLD_SIZE': '1', 'LOCAL_RANK': '0'}
"""The variables by which torchrun tells a process who it is, and what they are without it."""


def restarts() -> int:
    """The number of times that torchrun has restarted the processes because one of them died."""
    return int(os.environ.get('TORCHELASTIC_RESTART_COUNT', '0'))


def launch() -> str | None:
    """The name that the processes have in common that torchrun starts at once, and starts again; None without it.

    Unless it is told what to call them, or to stand alone, torchrun may call all ``'none'``. Then it is the folder that
    torchrun has made for what they log: theirs alone, with one for each attempt in it, and in that one for each rank.
    """
    name, errors = (os.environ.get(f'TORCHELASTIC_{part}') for part in ('RUN_ID', 'ERROR_FILE'))
    if name != 'none':
        return name
    return str(Path(errors).parents[2]) if errors else None


def device_for(device: str | torch.device | None, place: int = 0) -> torch.device:
    """The device that a process computes on.

    Args:
        device: Where it is asked to; by default a GPU if there are any.
        place: Which of its machine's processes it is: unless told otherwise, each has a GPU of its own.

    Raises:
        ValueError: if there is no such device, or a machine has fewer GPUs than processes.
    """
    count = torch.cuda.device_count()
    try:
        asked = torch.device(device or ('cuda' if count else 'cpu'))
    except RuntimeError as error:
        raise ValueError(f"device must be such as 'cpu' or 'cuda', got {device!r}.") from error
    if asked.type != 'cuda':
        return asked
    if not count:
        raise ValueError(f"device must be 'cpu' where there is no GPU, got {str(asked)!r}.")
    index = place if asked.index is None else asked.index
    if index >= count:
        raise ValueError(f'device must be one of {count} GPUs, a process each, got number {index}.')
    return torch.device('cuda', index)
