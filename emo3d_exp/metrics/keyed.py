"""State that survives padding: rows keyed by sample id and text number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat


class KeyedMetric(Metric):
    """A metric whose state is a list of rows, each with the key (sample id, text number).

    A distributed sampler pads the last batch by repeating samples, so a running sum over processes is
    off by the repeated ones. Rows are kept instead, and of rows with the same key one counts; they are
    brought into the order of their keys, so that neither batch size, nor order, nor the number of
    processes changes the value.
    """

    full_state_update = False
    is_differentiable = False
    higher_is_better = False

    def __init__(self, fields: Mapping[str, torch.Tensor]) -> None:
        """``fields``: for every field an empty tensor (0, …) that fixes width and dtype."""
        super().__init__()
        self._empty = {"keys": torch.empty(0, 2, dtype=torch.int64), **fields}
        for field in self._empty:
            self.add_state(field, default=[], dist_reduce_fx="cat")

    def _append(self, sample_id: Any, text_number: Any, **values: Any) -> None:
        """Keep a batch: ids (B,) and one (B, …) array or tensor a field."""
        ids = torch.as_tensor(sample_id).reshape(-1)
        numbers = torch.as_tensor(text_number).reshape(-1)
        if ids.shape != numbers.shape:
            raise ValueError(f"{len(ids)} sample ids but {len(numbers)} text numbers")
        rows_of = {"keys": torch.stack([ids.cpu(), numbers.cpu()], dim=1), **values}
        for field, rows in rows_of.items():
            empty = self._empty[field]
            # a copy, for the caller may fill the same buffer again
            rows = torch.as_tensor(rows).detach().to(self.device, empty.dtype, copy=True)
            if rows.shape != (len(ids), *empty.shape[1:]):
                raise ValueError(f"{field}: expected {(len(ids), *empty.shape[1:])}, got {tuple(rows.shape)}")
            rows_of[field] = rows
        for field, rows in rows_of.items():
            getattr(self, field).append(rows)

    def sync(self, *arguments: Any, **named: Any) -> None:
        """Gather the rows of all processes; one that saw none takes part with empty rows."""
        for field, empty in self._empty.items():
            if len(getattr(self, field)) == 0:
                setattr(self, field, [empty.to(self.device)])
        super().sync(*arguments, **named)

    def _rows(self) -> dict[str, np.ndarray]:
        """Every field as one array, one row a key, in ascending order of the keys."""
        if len(self.keys) == 0 or len(dim_zero_cat(self.keys)) == 0:
            raise ValueError(f"{type(self).__name__}: nothing to compute, update() was never called")
        fields = {name: dim_zero_cat(getattr(self, name)).cpu().numpy() for name in self._empty}
        _, first = np.unique(fields["keys"], axis=0, return_index=True)
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
