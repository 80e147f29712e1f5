"""The optimizer of a head and a language model: two learning rates, one of them with warm-up and decay."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from emo3d_exp.errors import ConfigError

if TYPE_CHECKING:
    from emo3d_exp.backbones.text_tower import TextTower
    from emo3d_exp.backbones.tuning import Tuning

DECAY = "tower_decay"
"""Key of a parameter group: its weight decay, which :func:`decay_tower` applies."""


def tuning_optimizer(
    make_optimizer: Callable[[Any], torch.optim.Optimizer], model: nn.Module, tower: TextTower, steps: float
) -> dict[str, Any]:
    """What Lightning's ``configure_optimizers`` returns: parameter groups of the head, of the tower's
    matrices and of its other parameters, and a schedule by steps that leaves the head's learning rate alone.

    Args:
        model: holds ``tower``. steps: of the whole training.

    Raises:
        ConfigError: ``steps`` is not finite.
    """
    if steps == float("inf"):
        raise ConfigError("backbone.trainable=true needs a limit of steps: set trainer.max_epochs=…")
    groups = [head_group(model, tower), *tower_groups(tower)]
    factors = [constant, *(pace_of(tower.tuning, int(steps)) for _ in groups[1:])]
    optimizer = make_optimizer(groups)
    schedule = LambdaLR(optimizer, factors)
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def head_group(model: nn.Module, tower: TextTower) -> dict[str, Any]:
    """Everything in ``model`` that is not the tower's."""
    inside = {id(parameter) for parameter in tower.parameters()}
    return {"params": [parameter for parameter in model.parameters() if id(parameter) not in inside]}


def tower_groups(tower: TextTower) -> list[dict[str, Any]]:
    """The trained parameters: matrices, which decay, and the others, which do not. The optimizer's own
    weight decay is off, since Adam's goes through the gradient."""
    trained = {name: parameter for name, parameter in tower.named_parameters() if parameter.requires_grad}
    kinds = {
        tower.tuning.weight_decay: [p for name, p in trained.items() if name in tower.matrices],
        0.0: [p for name, p in trained.items() if name not in tower.matrices],
    }
    if not tower.tuning.weight_decay:
        kinds = {0.0: list(trained.values())}
    common = {"lr": tower.tuning.lr, "weight_decay": 0.0}
    return [{"params": some, DECAY: decay, **common} for decay, some in kinds.items() if some]


def constant(step: int) -> float:
    """The factor of the head's learning rate."""
    return 1.0


def pace_of(tuning: Tuning, steps: int) -> Callable[[int], float]:
    """The factor of the tower's learning rate at each step."""
    return lambda step: tuning.factor(step, steps)


@torch.no_grad()
def decay_tower(optimizer: torch.optim.Optimizer) -> None:
    """Shrink the tower's matrices by lr · weight decay, as AdamW does before its step."""
    for group in optimizer.param_groups:
        if group.get(DECAY):
            torch._foreach_mul_(group["params"], 1 - group["lr"] * group[DECAY])
