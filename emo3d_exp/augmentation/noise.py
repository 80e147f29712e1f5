"""Noise on embeddings, drawn anew each epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Protocol

import numpy as np

from emo3d_exp.records import EmbeddingBatch, StepShare

if TYPE_CHECKING:
    import torch

_STREAM = 1  # apart from the order of the batches, which also comes from seed and epoch


class Batches(Protocol):
    """What :class:`NoisyBatches` needs of the batches it wraps."""

    epoch: int
    n_pairs: int

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[EmbeddingBatch]: ...

    def set_epoch(self, epoch: int) -> None: ...

    def whole(self) -> EmbeddingBatch: ...


def with_noise(
    embedding: torch.Tensor,
    share: float,
    generator: torch.Generator | None = None,
    place: StepShare | None = None,
) -> torch.Tensor:
    """(B, D) with Gaussian noise of ``share`` times the row's root mean square; a row of zeros stays.

    Args:
        place: of the rows in a batch that several processes share, for all of which noise is drawn.
    """
    import torch

    size = embedding.square().mean(dim=-1, keepdim=True).sqrt()
    shape = embedding.shape if place is None else (place.batch, *embedding.shape[1:])
    drawn = torch.randn(shape, generator=generator, dtype=embedding.dtype, device=embedding.device)
    if place is not None:
        drawn = drawn[place.start : place.start + len(embedding)]
    return embedding + share * size * drawn


class NoisyBatches:
    """Batches with noise on some of their columns, which depends on seed and epoch alone.

    Args:
        batches: of embeddings; what they hold stays as it is.
        shares: noise of each column, such as ``text``, see :func:`with_noise`.
        seed: of the noise.
    """

    def __init__(self, batches: Batches, shares: Mapping[str, float], seed: int) -> None:
        self.batches = batches
        self.shares = {column: share for column, share in shares.items() if share}
        self.seed = seed

    def __len__(self) -> int:
        return len(self.batches)

    @property
    def n_pairs(self) -> int:
        return self.batches.n_pairs

    def whole(self) -> EmbeddingBatch:
        """Every pair in one batch, in their own order, without noise: there is no epoch to draw it for."""
        return self.batches.whole()

    def set_epoch(self, epoch: int) -> None:
        """Choose the order and the noise of the next pass."""
        self.batches.set_epoch(epoch)

    def __iter__(self) -> Iterator[EmbeddingBatch]:
        import torch

        words = np.random.SeedSequence([self.seed, self.batches.epoch, _STREAM]).generate_state(2)
        generator = torch.Generator().manual_seed(int(words[0]) << 31 | int(words[1]) >> 1)
        for batch in self.batches:
            noisy = {
                column: with_noise(batch[column], share, generator, batch.get("share"))
                for column, share in self.shares.items()
                if column in batch
            }
            yield {**batch, **noisy}  # type: ignore[typeddict-item]
