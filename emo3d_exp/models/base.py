"""What all text → blendshapes systems share: the validation error; the step and the optimizer."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn

from emo3d_exp.losses import WeightedLoss
from emo3d_exp.models.drawing import DrawnTogether
from emo3d_exp.models.tuning import decay_tower, tuning_optimizer
from emo3d_exp.records import StepShare

if TYPE_CHECKING:
    from emo3d_exp.backbones.text_tower import TextTower

OptimizerFactory = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]


class FaceSystem(LightningModule):
    """A system that answers text embeddings with blendshapes, however it came to know how.

    Validation logs ``val/mse``: the error of the blendshapes predicted from *text* over all 52 scores, by
    which checkpoints are chosen. Sums are kept in the module and logged once an epoch, since logging each
    step costs more than the step.

    Args:
        head: the network, see the subclass.

    Attributes:
        tower: a language model that is trained along, so that batches hold tokens; None: batches hold
            embeddings of a frozen one.
    """

    modalities: frozenset[str] = frozenset({"text"})
    """What the backbone must be able to embed: ``{"text"}`` or ``{"text", "image"}``."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head
        self.tower: TextTower | None = None
        self._sums: dict[str, Tensor] = {}

    @abstractmethod
    def from_text(self, text: Tensor) -> Tensor:
        """Text embeddings (B, D) → blendshapes (B, 52) in [0, 1]: the system at inference."""

    def forward(self, text: Tensor) -> Tensor:
        return self.from_text(text)

    def embedded(self, batch: Mapping[str, Any]) -> Mapping[str, Tensor]:
        """A batch of tokens with what the tower makes of them as ``text``; any other as it is."""
        if self.tower is None or "tokens" not in batch:
            return batch
        rest = {name: value for name, value in batch.items() if name != "tokens"}
        return {"text": self.tower(batch["tokens"]), **rest}

    def validation_step(self, batch: Mapping[str, Any], batch_idx: int) -> None:
        batch = self.embedded(batch)
        error = (self.from_text(batch["text"]) - batch["blendshapes"]).square().mean(dim=1)
        counted = batch["share"].own if "share" in batch else len(error)
        error = error[:counted].sum()
        self._add({"mse": error, "count": torch.full_like(error, counted)})

    def on_validation_epoch_start(self) -> None:
        self._sums = {}

    def on_validation_epoch_end(self) -> None:
        sums = self.over_processes(self._sums)
        self.log("val/mse", sums["mse"] / sums["count"])

    def over_processes(self, sums: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Sums (scalars) of this process → of all that train together."""
        if self.trainer.world_size == 1 or not sums:
            return dict(sums)
        whole = self.trainer.strategy.reduce(torch.stack(list(sums.values())), reduce_op="sum")
        return dict(zip(sums, whole.unbind(), strict=True))

    def _add(self, values: Mapping[str, Tensor]) -> None:
        for name, value in values.items():
            value = value.detach()
            self._sums[name] = self._sums[name] + value if name in self._sums else value


class TextToBlendshapes(FaceSystem):
    """A system that is trained by gradient steps. Heads and losses arrive built, so a model needs neither
    Hydra nor weights to be tested.

    Training logs ``train/loss`` and ``train/<term>``, once an epoch.

    Args:
        head: the network, see the subclass.
        loss: named terms with weights.
        optimizer: parameters → optimizer.
    """

    def __init__(self, head: nn.Module, loss: WeightedLoss, optimizer: OptimizerFactory) -> None:
        super().__init__(head)
        self.loss = loss
        self.make_optimizer = optimizer

    @abstractmethod
    def outputs(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What the loss needs, by name."""

    def training_step(self, batch: Mapping[str, Any], batch_idx: int) -> Tensor:
        batch = self.embedded(batch)
        share = batch.get("share")
        if share is None:
            total, terms = self.loss(self.outputs(batch), batch)
            self._add({"loss": total, **terms, "steps": torch.ones_like(total)})
            return total
        with DrawnTogether(share):
            total, terms = self.loss(self.outputs(batch), batch)
        terms = {name: term * self.portion(name, share) for name, term in terms.items()}
        total = torch.stack([self.loss.weights[name] * term for name, term in terms.items()]).sum()
        self._add({"loss": total, **terms, "steps": torch.full_like(total, share.own / share.step)})
        return total * share.parts

    def portion(self, term: str, share: StepShare) -> float:
        """The weight of a batch's term in the mean over the whole step: its part of the rows that the term
        is a mean of, which are those of the batch unless a subclass says otherwise.
        """
        return share.own / share.step

    def on_train_epoch_start(self) -> None:
        self._sums = {}

    def on_validation_epoch_start(self) -> None:
        sums = self.over_processes(self._sums)
        steps = sums.pop("steps", None)
        self._train_means = {name: value / steps for name, value in sums.items()}
        super().on_validation_epoch_start()

    def on_validation_epoch_end(self) -> None:
        super().on_validation_epoch_end()
        self.log_dict({f"train/{name}": value for name, value in self._train_means.items()})

    def configure_optimizers(self) -> torch.optim.Optimizer | dict[str, Any]:
        if self.tower is None:
            return self.make_optimizer(self.parameters())
        steps = self.trainer.estimated_stepping_batches
        return tuning_optimizer(self.make_optimizer, self, self.tower, steps)

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        if self.tower is not None:
            decay_tower(optimizer)
