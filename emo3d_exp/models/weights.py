"""Weights as safetensors with a JSON beside them: loadable without pickles and without Lightning."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import nn

from emo3d_exp.errors import Emo3DError
from emo3d_exp.runs import write_atomically, write_json


def save_weights(model: nn.Module, weights_file: Path, description: dict[str, Any], json_file: Path) -> None:
    """Write ``model``'s state and a description of plain values, each atomically, the weights last."""
    from safetensors.torch import save_file

    state = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    write_json(json_file, description)
    with write_atomically(weights_file) as partial:
        save_file(state, str(partial))


def load_weights(model: nn.Module, weights_file: Path) -> None:
    """Load strictly.

    Raises:
        Emo3DError: the file cannot be read, or its names or shapes are not the model's.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        model.load_state_dict(load_file(str(weights_file)), strict=True)
    except (SafetensorError, OSError, RuntimeError) as error:
        raise Emo3DError(f"{weights_file} does not hold the weights of this model: {error}") from error


def read_description(json_file: Path) -> dict[str, Any]:
    """The plain values that :func:`save_weights` wrote."""
    return json.loads(json_file.read_text(encoding="utf-8"))
