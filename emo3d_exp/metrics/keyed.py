"""State that survives padding: rows keyed by sample id and text number."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
import torch
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

SAME = 1e-3
"""Of a row's largest value: what half precision and another batch leave of it."""


class KeyedMetric(Metric):
    """A metric whose state is a list of rows, each with the key (sample id, text number).

    A distributed sampler pads the last batch by repeating samples, so a running sum over processes is
    off by the repeated ones. Rows are kept instead, and of rows with the same key one counts; they are
    brought into the order of their keys, so that neither batch size, nor order, nor the number of
    processes changes the value. Rows with the same key must be equal but for the noise of a device.
    """

    full_state_update = False
    is_differentiable = False
    higher_is_better = False

    def __init__(self, fields: Mapping[str, torch.Tensor]) -> None:
        """``fields``: for every field an empty tensor (0, …) that fixes its width, and its dtype at most:
        rows of a coarser float stay as they are."""
        super().__init__()
        self._empty = {"keys": torch.empty(0, 2, dtype=torch.int64), **fields}
        for field in self._empty:
            self.add_state(field, default=[], dist_reduce_fx="cat")

    def _append(self, sample_id: Any, text_number: Any, **values: Any) -> None:
        """Keep a batch: ids (B,) and one (B, …) array or tensor a field.

        Raises:
            ValueError: shapes do not fit, or an id is no whole number.
        """
        ids, numbers = _whole(sample_id, "sample ids"), _whole(text_number, "text numbers")
        if ids.shape != numbers.shape:
            raise ValueError(f"{len(ids)} sample ids but {len(numbers)} text numbers")
        rows_of = {"keys": torch.stack([ids.cpu(), numbers.cpu()], dim=1), **values}
        for field, rows in rows_of.items():
            empty = self._empty[field]
            rows = torch.as_tensor(rows).detach()
            # a copy, for the caller may fill the same buffer again
            rows = rows.to(self.device, _kept(rows.dtype, empty.dtype), copy=True)
            if rows.shape != (len(ids), *empty.shape[1:]):
                raise ValueError(f"{field}: expected {(len(ids), *empty.shape[1:])}, got {tuple(rows.shape)}")
            rows_of[field] = rows
        for field, rows in rows_of.items():
            getattr(self, field).append(rows)

    def sync(self, *arguments: Any, **named: Any) -> None:
        """Gather the rows of all processes, in one precision; one that saw none takes part with empty
        rows."""
        for field, empty in self._empty.items() if self.distributed_available_fn() else ():
            rows = getattr(self, field)
            rows = rows if isinstance(rows, list) else [rows]
            setattr(self, field, [part.to(empty.dtype) for part in rows] or [empty.to(self.device)])
        super().sync(*arguments, **named)

    def _rows(self) -> dict[str, np.ndarray]:
        """Every field as one array, one row a key, in ascending order of the keys.

        Raises:
            ValueError: there is no row, or two differ under one key.
        """
        if len(self.keys) == 0 or len(dim_zero_cat(self.keys)) == 0:
            raise ValueError(f"{type(self).__name__}: nothing to compute, update() was never called")
        fields = {name: dim_zero_cat(getattr(self, name)).cpu().numpy() for name in self._empty}
        _, first, number = np.unique(fields["keys"], axis=0, return_index=True, return_inverse=True)
        _refuse_conflicts(fields, first[number.reshape(-1)])
        return {name: rows[first] for name, rows in fields.items()}

    def per_sample(self) -> dict[str, np.ndarray]:
        """``sample_id`` (N,), ``text_number`` (N,) and the values of every sample, in the order of the
        keys, gathered from all processes."""
        with self.sync_context(should_sync=not self._is_synced, should_unsync=not self._is_synced):
            rows = self._rows()
            keys = rows["keys"]
            return {"sample_id": keys[:, 0], "text_number": keys[:, 1], **self._values(rows)}

    def _values(self, rows: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The values of every row."""
        raise NotImplementedError


def _whole(values: Any, what: str) -> torch.Tensor:
    values = torch.as_tensor(values).reshape(-1).cpu()
    if values.is_floating_point() and not bool((values == values.floor()).all() & values.isfinite().all()):
        raise ValueError(f"{what} must be whole numbers")
    return values.long()


def _kept(given: torch.dtype, declared: torch.dtype) -> torch.dtype:
    """The given dtype where it is a float that the declared one holds exactly."""
    exact = given.is_floating_point and torch.promote_types(given, declared) == declared
    return given if exact else declared


def _differ(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Which (R, …) rows differ by more than the same picture does when it is embedded in another batch."""
    rows, others = (
        each.reshape(len(each), prod(each.shape[1:])).astype(np.float64) for each in (rows, others)
    )
    largest = np.abs(others).max(axis=1, initial=0, keepdims=True)
    return ~np.isclose(rows, others, rtol=0, atol=SAME * largest, equal_nan=True).all(axis=1)


def _refuse_conflicts(fields: Mapping[str, np.ndarray], first: np.ndarray) -> None:
    """Raise ValueError where a row differs from the ``first`` one (R,) with its key."""
    repeated = np.flatnonzero(first != np.arange(len(first)))
    for name, rows in fields.items():
        apart = np.flatnonzero(_differ(rows[repeated], rows[first[repeated]]))
        if len(apart):
            sample_id, text_number = fields["keys"][repeated[apart[0]]].tolist()
            raise ValueError(
                f"sample {sample_id}, text {text_number} was given twice with different {name}; give "
                "every text of a sample a text number of its own, and reset() between two systems"
            )
