"""Two-layer models of the classes behind backbone=bert_base, xlmr_base and glot500, read from disk as the
hub's are, and the config files themselves."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import OmegaConf
from tiny_language_models import WORDS, save_bert, save_xlmr, saved

from emo3d_exp.backbones import Encoder, OpenCLIPEncoder, TransformersEncoder
from emo3d_exp.errors import ConfigError, WeightsUnavailableError

CONF = Path(__file__).parents[2] / "conf" / "backbone"
TEXTS = ["the face smiles", "a face", "the face frowns with a joy the face", "joy", "elsewhere the"]


@pytest.fixture(scope="module", params=[save_bert, save_xlmr], ids=["bert", "xlmr"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp(request.param.__name__), request.param)


def built(option: str, /, **settings: Any) -> Encoder:
    """The encoder of a config file, with some keys changed."""
    return instantiate(OmegaConf.merge(OmegaConf.load(CONF / f"{option}.yaml"), settings))


def slow_embedding(folder: Path, text: str, pooling: str) -> np.ndarray:
    """One text at a time, without padding, through the model with its head."""
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt").input_ids
    with torch.no_grad():
        model = AutoModelForMaskedLM.from_pretrained(folder).eval()
        hidden = model(tokens, output_hidden_states=True).hidden_states[-1][0].numpy()
    return {"cls": hidden[0], "mean": hidden.mean(axis=0), "max": hidden.max(axis=0)}[pooling]


@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_batches_equal_single_texts(folder: Path, pooling: str) -> None:
    encoder = built("hf", name="mine", model=str(folder), pooling=pooling, max_length=24, batch_size=2)
    encoder.check()
    expected = np.stack([slow_embedding(folder, text, pooling) for text in TEXTS])
    np.testing.assert_allclose(encoder.encode_texts(TEXTS), expected, atol=1e-5)
    assert encoder.dim == 16
    assert np.abs(expected[0] - expected[1]).max() > 1e-3
    assert encoder.fingerprint.startswith("mine-")


def test_texts_are_cut_to_what_the_model_has_positions_for(folder: Path) -> None:
    """24 in both cases: RoBERTa leaves two of its 26 unused."""
    long = [" ".join(WORDS * 10)]
    assert np.isfinite(TransformersEncoder("tiny", str(folder), max_length=24).encode_texts(long)).all()
    with pytest.raises(ConfigError, match="at most 24 tokens"):
        TransformersEncoder("tiny", str(folder), max_length=25).encode_texts(long)


def test_weights_in_torchs_own_format_are_read(folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    shutil.copytree(folder, tmp_path / "old")
    torch.save(load_file(folder / "model.safetensors"), tmp_path / "old" / "pytorch_model.bin")
    (tmp_path / "old" / "model.safetensors").unlink()
    encoders = [TransformersEncoder("tiny", str(p), max_length=24) for p in (folder, tmp_path / "old")]
    encoders[1].check()
    first, second = (encoder.encode_texts(TEXTS) for encoder in encoders)
    np.testing.assert_allclose(second, first, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "origin", "cure"),
    [
        ("bert_base", "google-bert/bert-base-uncased", "backbone=minilm"),
        ("xlmr_base", "FacebookAI/xlm-roberta-base", "backbone=minilm"),
        ("glot500", "cis-lmu/glot500-base", "backbone=minilm"),
        ("clip_vit_b32", "timm/vit_base_patch32_clip_224.openai", "backbone=face_clip"),
    ],
)
def test_weights_out_of_reach_are_told_with_address_and_offline_choice(
    name: str, origin: str, cure: str, empty_hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(WeightsUnavailableError) as caught:
        built(name).check()
    for part in (f"backbone {name}", origin, f"https://huggingface.co/{origin}/resolve/main/", cure):
        assert part in str(caught.value)


@pytest.mark.parametrize(("name", "key"), [("hf", "model"), ("open_clip", "pretrained")])
def test_what_must_be_given_is_asked_for(name: str, key: str) -> None:
    with pytest.raises(InstantiationException) as caught:
        built(name)
    assert isinstance(caught.value.__cause__, ConfigError)
    assert f"set backbone.{key}=…" in str(caught.value.__cause__)


def test_any_open_clip_model_is_chosen_by_folder(tiny_clip: Path) -> None:
    encoder = built("open_clip", name="mine", pretrained=str(tiny_clip))
    encoder.check()
    same = OpenCLIPEncoder("mine", None, str(tiny_clip), normalize=False)
    np.testing.assert_array_equal(encoder.encode_texts(TEXTS), same.encode_texts(TEXTS))


def test_any_open_clip_model_is_chosen_by_architecture_and_tag(
    empty_hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    encoder = built("open_clip", architecture="ViT-B-16", pretrained="laion2b_s34b_b88k")
    assert encoder.dim == 512
    with pytest.raises(WeightsUnavailableError, match="laion/CLIP-ViT-B-16-laion2B-s34B-b88K"):
        encoder.check()


def test_a_tokenizer_is_read_from_a_sentencepiece_model_alone(folder: Path, tmp_path: Path) -> None:
    """As in Glot500's repository, which has no tokenizer.json."""
    from sentencepiece import sentencepiece_model_pb2

    tokenizer = TransformersEncoder("tiny", str(folder), max_length=24).tokenizer
    if "XLM" not in type(tokenizer).__name__:
        pytest.skip("BERT has no such file")
    model = sentencepiece_model_pb2.ModelProto()
    model.trainer_spec.model_type, model.trainer_spec.unk_id = 1, 0  # unigram, as XLM-R's
    pieces = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3)]
    pieces += [(f"▁{word}", -2.0, 1) for word in WORDS]
    for piece, score, kind in [*pieces, *((letter, -9.0, 1) for letter in "abcdefhijlmnorstwy▁")]:
        model.pieces.add(piece=piece, score=score, type=kind)
    for name in ("config.json", "model.safetensors"):
        shutil.copy(folder / name, tmp_path / name)
    (tmp_path / "sentencepiece.bpe.model").write_bytes(model.SerializeToString())
    alone = TransformersEncoder("tiny", str(tmp_path), max_length=24)
    assert alone.tokenizer(TEXTS)["input_ids"] == tokenizer(TEXTS)["input_ids"]
    np.testing.assert_array_equal(
        alone.encode_texts(TEXTS), TransformersEncoder("tiny", str(folder), max_length=24).encode_texts(TEXTS)
    )
