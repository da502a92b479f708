"""Calls of weft's layers in torch's graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from weft.gradient import IndexedSlices

# Takes the gradients of the results (None: zeros) to those of the tensors (None: there is none).
Pullback: TypeAlias = Callable[[list[Any]], Sequence[Any]]


def array(tensor: torch.Tensor) -> np.ndarray:
    """The memory of a tensor on the CPU; a copy only of what has gaps."""
    return tensor.detach().contiguous().numpy()


def record(
    call: Callable[[], Sequence[np.ndarray]],
    vjp: Callable[[], tuple[Sequence[np.ndarray], Pullback]],
    tensors: Sequence[torch.Tensor],
    *,
    reads_results: bool = False,
) -> tuple[torch.Tensor, ...]:
    """The results of `call`; if `tensors`, which it reads, want gradients, those of `vjp`.

    `reads_results`: the way back does.
    """
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors):
        return _Call.apply(vjp, reads_results, *tensors)
    return tuple(torch.from_numpy(result) for result in call())


class _Call(torch.autograd.Function):
    """A call that keeps its way back.

    A Function, for that way back is a Python function: a `torch.library.custom_op` can hand on
    nothing but tensors, and takes longer (15 us a call, not 9).
    """

    @staticmethod
    def forward(
        ctx: Any, vjp: Any, reads_results: bool, *tensors: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        made, ctx.pullback = vjp()
        results = tuple(torch.from_numpy(result) for result in made)
        # What is saved torch knows to be written to before backward, and says so.
        ctx.save_for_backward(*tensors, *(results if reads_results else ()))
        ctx.set_materialize_grads(False)
        return results

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: torch.Tensor | None) -> tuple[torch.Tensor | None, ...]:
        needed = ctx.needs_input_grad[2:]
        tensors = ctx.saved_tensors[: len(needed)]
        if all(grad is None for grad in grads):
            return None, None, *(None for _ in tensors)
        made = ctx.pullback([None if grad is None else array(grad) for grad in grads])
        wanted = zip(made, tensors, needed, strict=True)
        return None, None, *(_tensor(g, t) if need else None for g, t, need in wanted)


def _tensor(grad: Any, of: torch.Tensor) -> torch.Tensor | None:
    if isinstance(grad, IndexedSlices):
        ids, values = torch.from_numpy(grad.ids), torch.from_numpy(grad.values)
        return torch.sparse_coo_tensor(
            ids.unsqueeze(0), values, of.shape, is_coalesced=True, check_invariants=False
        )
    if isinstance(grad, np.ndarray):
        grad = torch.from_numpy(grad)
    return None if grad is None else grad.to(of.dtype)
