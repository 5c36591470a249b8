"""Outputs of a captured function: memory that replays write again, lent as it is or copied, and whether it is held."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from operator import itemgetter
from sys import getrefcount
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_unflatten
from torch.utils.dlpack import from_dlpack, to_dlpack

SMALL = 1 << 20
"""Tensors of up to so many bytes are packed together: starting to copy one takes longer than copying it."""

WRAPPED = 1
"""How many references to a storage's memory its own Python object counts for."""


class Outputs:
    """Outputs of a function, nested tensors in memory that is written again: each call hands them out in new ones.

    What is handed out is either *lent*, that memory itself, or a copy of it. Lent memory is *held* as long as anything
    in this process can still reach it: a tensor, a view of one, an array or a capsule that shares its memory, a graph
    of gradients. PyTorch counts that itself, in each storage, and Python in the object that stands for one.

    Args:
        leaves: The tensors, and whatever else there is; see `own`.
        spec: How they are nested.
    """

    def __init__(self, leaves: Sequence[Any], spec: Any) -> None:
        self._leaves, self._nesting = list(leaves), Nesting(spec)
        tensors = {i: leaf for i, leaf in enumerate(self._leaves) if isinstance(leaf, Tensor)}
        self._packing = Packing(tensors)
        with torch.inference_mode(False):  # else they could never be used outside it
            self._lent = _in_storages_of_their_own(tensors)
        self._storages = _storages(self._lent.values())
        self._places = [storage._cdata for storage in self._storages]
        self._unheld = self._counts()

    @property
    def are_held(self) -> bool:
        """True as long as something that was lent can still be reached."""
        return self._counts() != self._unheld

    def _counts(self) -> list[int]:
        """Reference counts of each storage's memory, and of the object that stands for it."""
        return [*map(torch._C._storage_Use_Count, self._places), *map(getrefcount, self._storages)]

    def lent(self) -> Any:
        """Returns them as they are, in new containers: the function's next run overwrites them."""
        leaves = self._leaves.copy()
        for i, leaf in self._lent.items():
            leaves[i] = leaf.data  # a third of what `detach` takes, and no version is shared
        return self._nesting.of(leaves)

    def copied(self) -> Any:
        """Returns them as new tensors. The small ones share memory, but don't overlap."""
        return self._nesting.of(self._packing.copied_into(self._leaves.copy()))


class Nesting:
    """Containers that leaves are put in: `tree_unflatten` takes five times as long.

    Args:
        spec: The containers, as `tree_flatten` says what they are.
    """

    def __init__(self, spec: Any) -> None:
        self._spec, self._count = spec, spec.num_leaves
        self._containers: list[tuple[Any, Callable[[list[Any]], tuple[Any, ...]]]] = []
        try:
            self._add(tree_unflatten(range(self._count), spec))
        except TypeError:  # a container of another kind
            self._containers.clear()

    def _add(self, form: Any) -> int:
        """Adds containers of numbers, from within, and returns the last one's own number: they follow the leaves'."""
        kind = type(form)
        if kind is int:
            return form
        if kind not in (dict, tuple, list):
            raise TypeError(f'containers must be dictionaries, tuples or lists, got {kind.__name__}.')
        pick = _picker([self._add(part) for part in (form.values() if kind is dict else form)])
        self._containers.append((tuple(form) if kind is dict else kind, pick))
        return self._count + len(self._containers) - 1

    def of(self, leaves: list[Any]) -> Any:
        """Puts leaves into new containers."""
        if not self._containers:
            return tree_unflatten(leaves, self._spec)
        for kind, pick in self._containers:
            values = pick(leaves)
            leaves.append(dict(zip(kind, values)) if type(kind) is tuple else kind(values))  # noqa: B905, half as fast
        return leaves[-1]


def _picker(numbers: Sequence[int]) -> Callable[[list[Any]], tuple[Any, ...]]:
    """A function that picks the items of these numbers out of a list."""
    if len(numbers) > 1:
        return itemgetter(*numbers)
    return lambda leaves: tuple(leaves[number] for number in numbers)


class Packing:
    """Packing of tensors that copies the small ones in one launch.

    Args:
        tensors: The tensors, by number; they are contiguous.
    """

    def __init__(self, tensors: Mapping[int, Tensor]) -> None:
        small = {i: leaf for i, leaf in tensors.items() if 0 < leaf.nbytes <= SMALL}
        self._large = {i: leaf for i, leaf in tensors.items() if i not in small}
        self._groups = _alike(small)
        self._kinds = [(tensors[group[0]].dtype, tensors[group[0]].shape) for group in self._groups]
        self._parts = [tensors[i].reshape(-1).view(torch.uint8) for group in self._groups for i in group]
        self._sizes = [sum(tensors[i].nbytes for i in group) for group in self._groups]

    def copied_into(self, leaves: list[Any]) -> list[Any]:
        """Puts copies where the tensors' numbers say, and returns the list."""
        for i, leaf in self._large.items():
            leaves[i] = leaf.clone()
        if not self._parts:
            return leaves
        for part, group, (dtype, shape) in zip(
            torch.cat(self._parts).split(self._sizes), self._groups, self._kinds, strict=True
        ):
            for i, value in zip(group, part.view(dtype).view(len(group), *shape).unbind(), strict=True):
                leaves[i] = value
        return leaves


def flattened(function: Callable[..., Any], *arguments: Any) -> tuple[list[Any], Any]:
    """Calls a function, and returns its outputs as a list of contiguous tensors and whatever else, and their nesting.

    The tensors are others than those that the function returned, of the same memory: so no name is left for these but
    what the function itself has kept.
    """
    leaves, spec = tree_flatten(function(*arguments))
    return [leaf.detach().contiguous() if isinstance(leaf, Tensor) else leaf for leaf in leaves], spec


def own(leaves: Sequence[Any]) -> list[Any]:
    """Leaves of which each has memory of its own: those whose memory something else shares are copied.

    Args:
        leaves: Contiguous tensors, and whatever else there is, that nothing but this list names: see `flattened`.
    """
    tensors = {i: leaf for i, leaf in enumerate(leaves) if isinstance(leaf, Tensor)}
    shared: dict[int, Tensor] = {}
    for storage in _storages(tensors.values()):
        group = {i: leaf for i, leaf in tensors.items() if leaf.untyped_storage()._cdata == storage._cdata}
        known = torch._C._storage_Use_Count(storage._cdata) == len(group) + WRAPPED
        if not (known and storage.resizable()) or _overlap(list(group.values())):
            shared |= group  # another library's memory can't be resized, and who else holds it isn't known
    return Packing(shared).copied_into(list(leaves))


def _storages(tensors: Iterable[Tensor]) -> list[torch.UntypedStorage]:
    """The memory that tensors are in, each once."""
    storages = [leaf.untyped_storage() for leaf in tensors]
    return list({storage._cdata: storage for storage in storages}.values())


def _in_storages_of_their_own(tensors: Mapping[int, Tensor]) -> dict[int, Tensor]:
    """The same memory in other storages, which nobody can resize: the function would go on writing where it was."""
    memory: dict[int, Tensor] = {}
    found = {}
    for i, leaf in tensors.items():
        storage = leaf.untyped_storage()
        if storage._cdata not in memory:
            whole = torch.empty(0, dtype=torch.uint8, device=leaf.device).set_(storage)
            memory[storage._cdata] = from_dlpack(to_dlpack(whole))
        first = leaf.storage_offset() * leaf.itemsize
        found[i] = memory[storage._cdata][first : first + leaf.nbytes].view(leaf.dtype).view(leaf.shape)
    return found


def _overlap(tensors: Sequence[Tensor]) -> bool:
    """True if some of these contiguous tensors have memory in common."""
    spans = sorted((leaf.data_ptr(), leaf.data_ptr() + leaf.nbytes) for leaf in tensors if leaf.nbytes)
    return any(end > start for (_, end), (start, _) in pairwise(spans))


def _alike(tensors: Mapping[int, Tensor]) -> list[list[int]]:
    """Groups the numbers of tensors of one type and shape, of large items first: so each starts at a multiple of its
    item's size.
    """
    groups: dict[Any, list[int]] = {}
    for i, tensor in tensors.items():
        groups.setdefault((tensor.dtype, tensor.shape), []).append(i)
    return sorted(groups.values(), key=lambda group: -tensors[group[0]].itemsize)
