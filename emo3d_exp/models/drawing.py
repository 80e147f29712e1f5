"""Random numbers that do not depend on how many processes share a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from emo3d_exp.records import StepShare

DRAWS = (torch.rand, torch.randn)
LIKE = {torch.rand_like: torch.rand, torch.randn_like: torch.randn}


class DrawnTogether(TorchFunctionMode):
    """Inside, ``rand``, ``randn``, their ``_like`` forms and dropout draw for the batch of all processes, and
    each takes the rows of its own: with equal seeds, together they draw what one process would.

    That holds where the first dimension of what is drawn is the batch's, for dropout also where it is a
    multiple of it; anything else is drawn by each process as it is.

    Args:
        share: of this process.
    """

    def __init__(self, share: StepShare) -> None:
        super().__init__()
        self.share = share
        self.count = max(share.own, 1)

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in DRAWS:
            shape = tuple(args[0]) if args and not isinstance(args[0], int) else args
            if len(shape) and shape[0] == self.count:
                return self._own(func((self.share.batch, *shape[1:]), **kwargs))
        elif func in LIKE and args[0].ndim and len(args[0]) == self.count:
            like = {"dtype": args[0].dtype, "device": args[0].device, **kwargs}
            return self._own(LIKE[func]((self.share.batch, *args[0].shape[1:]), **like))
        elif func is functional.dropout:
            return self._dropout(*args, **kwargs)
        return func(*args, **kwargs)

    def _dropout(
        self, values: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
    ) -> Tensor:
        if not training or not p or not values.ndim:
            return functional.dropout(values, p, training, inplace)
        times = -(-len(values) // self.count)  # texts and pictures below each other: twice the batch
        shape = (times * self.share.batch, *values.shape[1:])
        kept = torch.empty(shape, dtype=values.dtype, device=values.device).bernoulli_(1 - p)
        if len(values) == times * self.count:
            own = [self._own(part) for part in kept.split(self.share.batch)]
            return values * torch.cat(own) / (1 - p)
        first = times * self.share.start  # some have no picture: numbers of its own for each process
        return values * kept[first : first + len(values)] / (1 - p)

    def _own(self, drawn: Tensor) -> Tensor:
        return drawn[self.share.start : self.share.start + self.count]
