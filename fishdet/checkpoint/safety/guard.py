"""Build a stranger's network without letting its config ask for endless memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_module_registration_hook
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

from fishdet.errors import FishdetError

MAX_OPERATIONS = 100_000
MAX_MODULES = 20_000
# Modules are copied, initialised and replaced while a network is built, and half precision in
# the file is full precision here.
ROOM, SLACK = 4, 2**28


@contextmanager
def guarded_build(state: Mapping[str, torch.Tensor]) -> Iterator[None]:
    """Bound what is allocated inside by what the file holds.

    A config of some bytes can name a layer of terabytes; its weights would have to be in the
    file, so a network that is much larger than the file is none that fits it. Each operation's
    result is measured on the meta device before it is computed.

    Args:
        state: the weights that the network is for.

    Raises:
        FishdetError: more memory, operations or modules than a network of these weights needs.
    """
    budget = ROOM * stored_bytes(state.values()) + SLACK
    modules = 0

    def count_module(*_: Any) -> None:
        nonlocal modules
        modules += 1
        if modules > MAX_MODULES:
            raise FishdetError(f"the config's model has more than {MAX_MODULES:,} modules")

    handle = register_module_module_registration_hook(count_module)
    try:
        with _AllocationGuard(budget):
            yield
    finally:
        handle.remove()


def stored_bytes(tensors: Iterable[torch.Tensor]) -> int:
    """Return the bytes of the tensors at 4 bytes a number, at most what their storages hold.

    A view that repeats one number (stride 0) counts as that number.
    """
    held: dict[int, int] = {}
    for tensor in tensors:
        storage = tensor.untyped_storage()
        size = min(storage.nbytes(), tensor.numel() * tensor.element_size())
        key = storage.data_ptr()
        held[key] = max(held.get(key, 0), size * max(1, 4 // tensor.element_size()))
    return sum(held.values())


class _AllocationGuard(TorchDispatchMode):
    """Counts the bytes of every result, and stops before one that passes the budget."""

    def __init__(self, budget: int) -> None:
        super().__init__()
        self.budget = budget
        self.used = 0
        self.operations = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        self.operations += 1
        if self.operations > MAX_OPERATIONS:
            raise FishdetError("the config's model takes endless operations to build")
        if not func.is_view and not func._schema.is_mutable:
            self.used += _result_bytes(func, args, kwargs)
        if self.used > self.budget:
            raise FishdetError(
                f"the config's model asks for more than {self.budget / 2**20:,.0f} MiB, far beyond "
                "the weights in the file: config and weights do not belong together"
            )
        return func(*args, **kwargs)


def _result_bytes(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    schema = {argument.name for argument in func._schema.arguments}  # type: ignore[attr-defined]
    to_meta = tree_map_only(torch.Tensor, lambda t: t.to("meta"), (args, kwargs))
    args, kwargs = to_meta[0], {k: v for k, v in to_meta[1].items() if k != "pin_memory"}
    if "device" in schema:
        kwargs["device"] = torch.device("meta")
    try:
        result = func(*args, **kwargs)
    except (RuntimeError, NotImplementedError):  # results that depend on data are small numbers
        return 0
    tensors = result if isinstance(result, tuple | list) else (result,)
    found = [t for t in tensors if isinstance(t, torch.Tensor)]
    return sum(math.prod(t.shape) * t.element_size() for t in found)


def count_parameters(model: nn.Module) -> int:
    """Return the number of parameters of a network."""
    return sum(parameter.numel() for parameter in model.parameters())
