"""Every tensor of a file finds its place in the model, or the file is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from emo3d_exp.checkpoints import TensorFile
from emo3d_exp.errors import ConfigError, DataError
from emo3d_exp.heads import MLPHead

LAYERS = {"first": "network.0.0", "last": "network.1"}


def checkpoint(layers: dict[str, str] = LAYERS) -> TensorFile:
    return TensorFile("mine", "mine.pt", "0" * 64, "paper/clip_mlp", 6, layers)


def model() -> nn.Module:
    torch.manual_seed(0)
    return MLPHead(6, (4,), out_features=3)


@pytest.fixture
def tensors() -> dict[str, Tensor]:
    torch.manual_seed(1)
    return {
        "first.weight": torch.randn(4, 6),
        "first.bias": torch.randn(4),
        "last.weight": torch.randn(3, 4, dtype=torch.float64),
        "last.bias": torch.randn(3),
    }


def saved(content: object, folder: Path) -> Path:
    torch.save(content, folder / "file.pt")
    return folder / "file.pt"


def test_each_tensor_goes_to_its_layer(tensors: dict[str, Tensor], tmp_path: Path) -> None:
    head, rows = model(), torch.randn(5, 6)
    checkpoint().load(saved(tensors, tmp_path), head)
    hidden = (rows @ tensors["first.weight"].T + tensors["first.bias"]).clamp(min=0)
    answer = (hidden @ tensors["last.weight"].float().T + tensors["last.bias"]).sigmoid()
    torch.testing.assert_close(head(rows), answer)
    assert {value.dtype for value in head.state_dict().values()} == {torch.float32}


def renamed(tensors: dict[str, Tensor]) -> object:
    return {name.replace("first", "other"): value for name, value in tensors.items()}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (renamed, ["it lacks first.weight, first.bias", "it has other.weight, other.bias"]),
        (lambda t: {**t, "extra": torch.zeros(1)}, ["it has extra"]),
        (lambda t: {**t, "last.bias": torch.zeros(4)}, ["last.bias is (4,)"]),
        (lambda t: {n: v for n, v in t.items() if n != "last.bias"}, ["it lacks last.bias"]),
        (lambda t: {"state_dict": t}, ["something else than named tensors"]),
        (lambda t: list(t.values()), ["something else than named tensors"]),
        (lambda t: model(), ["torch.load finds no tensors in it"]),
    ],
)
def test_another_file_is_refused_and_changes_nothing(
    change: Callable[[dict[str, Tensor]], object], told: list[str], tensors: dict[str, Tensor], tmp_path: Path
) -> None:
    head, file = model(), saved(change(tensors), tmp_path)
    with pytest.raises(DataError) as caught:
        checkpoint().load(file, head)
    message = str(caught.value)
    assert message.startswith(f"{file} is not mine.pt: ") and "\n" not in message
    assert all(part in message for part in told)
    if "it " in told[0] and "torch" not in told[0]:
        assert "Expected: first.weight (4, 6), first.bias (4,), last.weight (3, 4)" in message
    assert all(torch.equal(value, model().state_dict()[name]) for name, value in head.state_dict().items())


@pytest.mark.parametrize("content", [b"", b"no tensors", b"PK\x03\x04 half"])
def test_a_file_that_torch_cannot_read_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "file.pt").write_bytes(content)
    with pytest.raises(DataError, match=r"file\.pt is not mine\.pt: torch\.load finds no tensors"):
        checkpoint().load(tmp_path / "file.pt", model())


def test_a_layout_that_leaves_a_layer_of_the_model_out_is_refused(
    tensors: dict[str, Tensor], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"layers .* network\.1\.bias, network\.1\.weight"):
        checkpoint({"first": "network.0.0"}).load(saved(tensors, tmp_path), model())


def test_the_hash_is_the_files(tmp_path: Path) -> None:
    (tmp_path / "file.pt").write_bytes(b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert checkpoint().hash(tmp_path / "file.pt") == known
    for place in (tmp_path / "none.pt", tmp_path):
        with pytest.raises(ConfigError, match=r"path=.*: .*give the file mine\.pt"):
            checkpoint().hash(place)
