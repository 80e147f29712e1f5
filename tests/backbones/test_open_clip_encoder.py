"""OpenCLIPEncoder against open_clip's own functions, on a small random model that lies on disk."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image

from emo3d_exp.backbones import OpenCLIPEncoder
from emo3d_exp.backbones.trimmed_text import can_trim, encode_trimmed
from emo3d_exp.errors import ConfigError, DataError, WeightsUnavailableError

TEXTS = ["a sad face", "the same face, laughing out loud about nothing in particular", "fear"]


def images() -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    shapes = [(32, 32, 3), (40, 70, 3), (64, 48, 3)]
    return [rng.integers(0, 256, shape, dtype=np.uint8) for shape in shapes]


def test_towers_equal_open_clips_own(tiny_clip: Path) -> None:
    encoder = OpenCLIPEncoder("tiny", None, str(tiny_clip), normalize=False, batch_size=2)
    model, _, transform = open_clip.create_model_and_transforms(f"local-dir:{tiny_clip}")
    tokenizer = open_clip.get_tokenizer("ViT-B-32")
    model.eval()
    with torch.no_grad():
        texts = torch.cat([model.encode_text(tokenizer([text])) for text in TEXTS]).numpy()
        pixels = [transform(Image.fromarray(image))[None] for image in images()]
        pictures = torch.cat([model.encode_image(one) for one in pixels]).numpy()
    assert encoder.dim == 24 and encoder.modalities == {"text", "image"}
    np.testing.assert_allclose(encoder.encode_texts(TEXTS), texts, atol=1e-5)
    np.testing.assert_allclose(encoder.encode_images(images()), pictures, atol=1e-5)


@pytest.mark.parametrize("texts", [["fear"], TEXTS, ["word " * 200, "short", ""]])
def test_text_without_padding_equals_the_whole_tower(tiny_clip: Path, texts: list[str]) -> None:
    model = open_clip.create_model(f"local-dir:{tiny_clip}").eval()
    tokens = open_clip.get_tokenizer("ViT-B-32")(texts)
    assert can_trim(model)
    with torch.no_grad():
        torch.testing.assert_close(
            encode_trimmed(model, tokens), model.encode_text(tokens), atol=1e-5, rtol=1e-4
        )


def test_normalize_scales_to_length_one(tiny_clip: Path) -> None:
    encoder = OpenCLIPEncoder("tiny", None, str(tiny_clip), normalize=True)
    for rows in (encoder.encode_texts(TEXTS), encoder.encode_images(images())):
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_fingerprint_names_what_changes_a_value(tiny_clip: Path, tmp_path: Path) -> None:
    def fingerprint(folder: Path, **settings: object) -> str:
        return OpenCLIPEncoder("tiny", None, str(folder), **settings).fingerprint

    moved, darker = tmp_path / "moved", tmp_path / "darker"
    shutil.copytree(tiny_clip, moved)
    shutil.copytree(tiny_clip, darker)
    description = json.loads((darker / "open_clip_config.json").read_text())
    description["preprocess_cfg"]["mean"] = [0.1, 0.1, 0.1]
    (darker / "open_clip_config.json").write_text(json.dumps(description))
    base = fingerprint(tiny_clip)
    assert fingerprint(moved) == fingerprint(tiny_clip, batch_size=1) == base
    assert len({base, fingerprint(darker), fingerprint(tiny_clip, normalize=False)}) == 3


def test_a_folder_without_weights_raises_instead_of_random_towers(tiny_clip: Path, tmp_path: Path) -> None:
    (tmp_path / "open_clip_config.json").write_bytes((tiny_clip / "open_clip_config.json").read_bytes())
    encoder = OpenCLIPEncoder("tiny", None, str(tmp_path))
    for act in (encoder.check, lambda: encoder.fingerprint, lambda: encoder.encode_texts(TEXTS)):
        with pytest.raises(WeightsUnavailableError, match=r"has no open_clip_model\.safetensors"):
            act()


def test_weights_of_another_architecture_are_refused(tiny_clip: Path) -> None:
    file = tiny_clip / "open_clip_model.safetensors"
    encoder = OpenCLIPEncoder("tiny", "RN50", str(file))
    encoder.check()
    assert encoder.dim == 1024
    with pytest.raises(WeightsUnavailableError, match="is no checkpoint of RN50"):
        encoder.encode_texts(TEXTS)


def test_what_does_not_exist_is_named(tiny_clip: Path, empty_hub: Path) -> None:
    with pytest.raises(ConfigError, match="open_clip has no such model"):
        OpenCLIPEncoder("tiny", "ViT-B-33", str(tiny_clip)).check()
    with pytest.raises(ConfigError, match="needs the name of its architecture"):
        OpenCLIPEncoder("tiny", None, str(tiny_clip / "open_clip_model.safetensors"))
    with pytest.raises(ConfigError, match=r"openia.*its tags: openai"):
        OpenCLIPEncoder("tiny", "ViT-B-32-quickgelu", "openia").check()
    with pytest.raises(WeightsUnavailableError, match="there is no /nowhere/weights"):
        OpenCLIPEncoder("tiny", "ViT-B-32", "/nowhere/weights.safetensors").check()


def test_a_tag_and_its_hub_id_ask_for_the_same_file(empty_hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for pretrained in ("openai", "timm/vit_base_patch32_clip_224.openai"):
        with pytest.raises(WeightsUnavailableError) as caught:
            OpenCLIPEncoder("clip", "ViT-B-32-quickgelu", pretrained).check()
        assert "open_clip_model.safetensors of timm/vit_base_patch32_clip_224.openai" in str(caught.value)
        assert "backbone=face_clip" in str(caught.value)


def test_images_must_be_bytes_in_three_channels(tiny_clip: Path) -> None:
    encoder = OpenCLIPEncoder("tiny", None, str(tiny_clip))
    for image in (np.zeros((8, 8, 3), np.float32), np.zeros((8, 8), np.uint8), np.zeros((8, 8, 4), np.uint8)):
        with pytest.raises(DataError, match="image 0: expected uint8"):
            encoder.encode_images([image])
