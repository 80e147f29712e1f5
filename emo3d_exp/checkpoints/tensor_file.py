"""A file of named tensors as the weights of a model of this package."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from emo3d_exp.errors import ConfigError, DataError

if TYPE_CHECKING:
    from torch import Tensor, nn


class TensorFile:
    """What ``torch.save`` wrote of other code's state, and which of our layers each of its layers is.

    Args:
        name: of the run that it becomes.
        file: what it is called where it was published, for messages.
        sha256: of the published file, 64 hex digits.
        experiment: choice of ``conf/experiment`` that says how it was trained, and so its model and head.
        embedding_dim: width of the embeddings that it reads.
        layers: name of each layer (a weight and a bias) in the file → its name in the model.
    """

    def __init__(
        self,
        name: str,
        file: str,
        sha256: str,
        experiment: str,
        embedding_dim: int,
        layers: Mapping[str, str],
    ) -> None:
        self.name = name
        self.file = file
        self.sha256 = sha256
        self.experiment = experiment
        self.embedding_dim = embedding_dim
        pairs = [(theirs, ours, part) for theirs, ours in layers.items() for part in ("weight", "bias")]
        self.tensors = {f"{theirs}.{part}": f"{ours}.{part}" for theirs, ours, part in pairs}

    def hash(self, path: Path) -> str:
        """SHA-256 of a file, 64 hex digits. Raises ConfigError where there is none."""
        try:
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            reason = error.strerror or error
            raise ConfigError(f"path={path}: {reason}; give the file {self.file}") from error

    def load(self, path: Path, model: nn.Module) -> None:
        """Put the tensors of a file, all of them, into the layers of ``model``, all of them.

        Raises:
            DataError: the file holds no tensors, or others than those that the model needs.
        """
        own = model.state_dict()
        if unlike := set(own) ^ set(self.tensors.values()):
            raise ConfigError(f"checkpoint.layers and the model differ in {', '.join(sorted(unlike))}")
        found = self._read(path)
        expected = {theirs: tuple(own[ours].shape) for theirs, ours in self.tensors.items()}
        wrong = _differences({name: tuple(tensor.shape) for name, tensor in found.items()}, expected)
        if wrong:
            shapes = ", ".join(f"{name} {shape}" for name, shape in expected.items())
            raise DataError(f"{path} is not {self.file}: {'; '.join(wrong)}. Expected: {shapes}")
        model.load_state_dict({ours: found[theirs].float() for theirs, ours in self.tensors.items()})

    def _read(self, path: Path) -> dict[str, Tensor]:
        """The tensors, which were saved on a GPU, on the CPU; nothing but tensors is unpickled."""
        import torch

        try:
            found = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # torch's own, zip's and pickle's kinds all mean the same here
            raise DataError(
                f"{path} is not {self.file}: torch.load finds no tensors in it ({type(error).__name__})"
            ) from error
        if not isinstance(found, dict) or not all(isinstance(each, torch.Tensor) for each in found.values()):
            raise DataError(f"{path} is not {self.file}: it holds something else than named tensors")
        return found


def _differences(found: Mapping[str, tuple[int, ...]], expected: Mapping[str, tuple[int, ...]]) -> list[str]:
    """What is wrong with the names and shapes that were found, in words."""
    lacking = [name for name in expected if name not in found]
    unknown = [name for name in found if name not in expected]
    told = [f"it lacks {', '.join(lacking)}"] if lacking else []
    told += [f"it has {', '.join(unknown)}"] if unknown else []
    shared = [name for name in expected if name in found and found[name] != expected[name]]
    return told + [f"{name} is {found[name]}" for name in shared]
