"""Pickles of envs, in which tensors that share memory go on sharing it.

Pickle takes tensors apart: two that are views of one memory become two of their own, and what is written to one is no
longer seen in the other. So an env's memory is kept once, and its tensors as views of it, as `torch.save` does. Copies
by `copy.copy` and `copy.deepcopy` are made the same way.
"""

from __future__ import annotations

import io
import pickle
from typing import Any

import numpy as np
import torch
from torch import Tensor

from megastep.env.cuda_graph import CudaGraph

OWNER = 'owner'
"""Stands in an object's pickle for the object itself."""


def reduced(owner: Any) -> tuple[Any, tuple[type, bytes, list[tuple[str, bytes]]]]:
    """An object's attributes for pickle, as `object.__reduce_ex__` returns it.

    Raises:
        TypeError: if the object has a step that is captured in a CUDA graph, or an attribute that can't be pickled.
    """
    if graphs := [name for name, value in vars(owner).items() if isinstance(value, CudaGraph)]:
        raise TypeError(
            f"{type(owner).__name__} can't be copied or pickled, for {graphs[0]} is captured in a CUDA graph: make it "
            'with cuda_graph=False, or make another and copy its get_state() there.'
        )
    buffer = io.BytesIO()
    pickler = _Pickler(buffer, owner)
    try:
        pickler.dump(vars(owner))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise TypeError(f"{type(owner).__name__} can't be copied or pickled: {error}.") from error
    memory = [(str(storage.device), _content(storage)) for storage in pickler.storages]
    return restored, (type(owner), buffer.getvalue(), memory)


def restored(kind: type, content: bytes, memory: list[tuple[str, bytes]]) -> Any:
    """Makes the object of what `reduced` returned."""
    owner: Any = object.__new__(kind)
    vars(owner).update(_Unpickler(io.BytesIO(content), owner, [_storage(*part) for part in memory]).load())
    return owner


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, owner: Any) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._owner, self._places = owner, dict[int, int]()
        self.storages: list[torch.UntypedStorage] = []  # kept alive, so that no other gets an address of theirs

    def persistent_id(self, value: Any) -> Any:
        if value is self._owner:
            return OWNER
        if type(value) is not Tensor or value.layout is not torch.strided or value.grad_fn is not None:
            return None
        storage = value.untyped_storage()
        if storage._cdata not in self._places:
            self._places[storage._cdata] = len(self.storages)
            self.storages.append(storage)
        place = self._places[storage._cdata]
        return place, value.dtype, value.storage_offset(), tuple(value.shape), value.stride(), value.requires_grad


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, owner: Any, storages: list[torch.UntypedStorage]) -> None:
        super().__init__(file)
        self._owner, self._storages = owner, storages

    def persistent_load(self, name: Any) -> Any:
        if name == OWNER:
            return self._owner
        place, dtype, offset, shape, stride, requires_grad = name
        storage = self._storages[place]
        tensor = torch.empty(0, dtype=dtype, device=storage.device).set_(storage, offset, shape, stride)
        return tensor.requires_grad_(requires_grad)


def _content(storage: torch.UntypedStorage) -> bytes:
    return torch.empty(0, dtype=torch.uint8, device=storage.device).set_(storage).cpu().numpy().tobytes()


def _storage(device: str, content: bytes) -> torch.UntypedStorage:
    if not content:
        return torch.UntypedStorage(0, device=device)
    memory = torch.empty(len(content), dtype=torch.uint8, device='cpu')
    memory.numpy()[:] = np.frombuffer(content, dtype=np.uint8)  # by one thread: in a forked process others hang
    return memory.to(device).untyped_storage()
