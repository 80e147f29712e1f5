"""How a language model is trained along with the head, as a config says it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from emo3d_exp.errors import ConfigError

SCHEDULES = ("linear", "cosine", "constant")


@dataclass(frozen=True)
class Tuning:
    """Which weights of a language model are trained, and at what pace; the head keeps the optimizer's.

    Args:
        last_layers: train the last so many encoder layers and nothing else; None: all weights.
        lora_rank: train low-rank additions of this rank instead (LoRA, arXiv 2106.09685); None: none.
        lora_alpha: the additions are scaled by ``lora_alpha / lora_rank``.
        lora_targets: names of the linear layers that get one; None: peft's choice for the architecture.
        lr: learning rate of the language model after the warm-up.
        weight_decay: of its matrices, apart from the gradient as in AdamW, whatever the optimizer.
        warmup: share in [0, 1) of all steps in which the learning rate rises from 0.
        schedule: what it does afterwards: falls to 0 as a line or as a cosine, or stays.
        gradient_checkpointing: compute activations twice rather than keep them.

    Raises:
        ConfigError: a value that cannot be, or ``last_layers`` beside ``lora_rank``.
    """

    last_layers: int | None = None
    lora_rank: int | None = None
    lora_alpha: float = 16.0
    lora_targets: Sequence[str] | None = None
    lr: float = 2e-5
    weight_decay: float = 0.01
    warmup: float = 0.1
    schedule: str = "linear"
    gradient_checkpointing: bool = False

    def __post_init__(self) -> None:
        if self.last_layers is not None and self.lora_rank is not None:
            raise ConfigError(
                "backbone.tuning.last_layers and backbone.tuning.lora_rank exclude each other: use one"
            )
        for name in ("last_layers", "lora_rank"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"backbone.tuning.{name}={value} must be at least 1, or null")
        for name in ("lora_alpha", "lr", "weight_decay"):
            if getattr(self, name) < 0:
                raise ConfigError(f"backbone.tuning.{name}={getattr(self, name)} must not be below 0")
        if not 0 <= self.warmup < 1:
            raise ConfigError(f"backbone.tuning.warmup={self.warmup} must be in [0, 1): a share of the steps")
        if self.schedule not in SCHEDULES:
            raise ConfigError(f"backbone.tuning.schedule={self.schedule!r}: one of {', '.join(SCHEDULES)}")

    def factor(self, step: int, steps: int) -> float:
        """What the learning rate of step ``step``, from 0, of ``steps`` is multiplied by, in [0, 1].

        With W = ⌈warmup · steps⌉: (step + 1) / W in the first W steps, then with
        x = (step - W) / (steps - W): 1 - x (linear), (1 + cos πx) / 2 (cosine) or 1 (constant).
        """
        from math import ceil, cos, pi

        rising = ceil(self.warmup * steps)
        if step < rising:
            return (step + 1) / rising
        if self.schedule == "constant":
            return 1.0
        done = min((step - rising) / max(1, steps - rising), 1.0)
        return 1 - done if self.schedule == "linear" else (1 + cos(pi * done)) / 2
