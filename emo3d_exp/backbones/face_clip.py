"""FaceCLIP: a small CLIP for rendered faces, trained here and shipped without MiniLM's weights.

An open_clip ``CustomTextCLIP``: MobileNetV3-small at half width looks at faces of 112 pixels; MiniLM reads,
its mean-pooled vector (384, not normalised) goes through a two-layer projection. Both end in 256 dimensions.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from emo3d_exp.errors import ConfigError, WeightsUnavailableError
from emo3d_exp.runs import write_atomically

if TYPE_CHECKING:
    from torch import Tensor, nn

EMBED_DIM = 256
TEXT_WIDTH = 384  # of MiniLM's mean-pooled vectors
IMAGE_SIZE = 112
MEAN = (0.5, 0.5, 0.5)
STD = (0.25, 0.25, 0.25)
MAX_LENGTH = 256  # tokens of a text, as MiniLM was trained
TEXT_TOWER = "text.transformer."  # prefix of MiniLM's own weights
PREPROCESS = {"size": IMAGE_SIZE, "mean": list(MEAN), "std": list(STD), "resize": "area"}
PACKAGED_WEIGHTS = Path(__file__).resolve().parents[1] / "assets" / "face_clip.safetensors"


def face_clip_config(minilm: Path | str) -> dict[str, Any]:
    """open_clip's description of the model, with MiniLM's local folder."""
    return {
        "embed_dim": EMBED_DIM,
        "vision_cfg": {
            "timm_model_name": "mobilenetv3_small_050",
            "timm_model_pretrained": False,
            "timm_pool": "avg",
            "timm_proj": "",  # the network's own classifier is the projection
            "image_size": IMAGE_SIZE,
        },
        "text_cfg": {
            "hf_model_name": str(minilm),
            "hf_tokenizer_name": str(minilm),
            "hf_model_pretrained": True,
            "hf_pooler_type": "mean_pooler",
            "hf_proj_type": "mlp",
            "context_length": MAX_LENGTH,
        },
    }


def build_face_clip(
    minilm: Path | str | None = None,
    pretrained: Path | str | None = None,
    in_features: int = TEXT_WIDTH,
) -> nn.Module:
    """The model in float32.

    Parts to train: ``visual`` (pixels as ``to_pixels`` gives them → (B, 256)), ``text.proj`` (MiniLM's
    mean-pooled vectors without normalisation, (B, 384) → (B, 256)) and ``logit_scale``.

    Args:
        minilm: folder of all-MiniLM-L6-v2; None finds it (installed package, hub's cache, hub).
        pretrained: weights that ``export_face_clip`` wrote; None leaves everything but MiniLM random.
        in_features: width of the cached text embeddings that ``text.proj`` is to be trained on.

    Raises:
        WeightsUnavailableError: no MiniLM, or no such weights, or weights that do not fit.
    """
    from emo3d_exp.backbones.transformers_encoder import quiet_transformers

    if in_features != TEXT_WIDTH:
        raise ConfigError(
            f"FaceCLIP's projection reads MiniLM's {TEXT_WIDTH} numbers, the backbone gives {in_features}; "
            "choose backbone=minilm"
        )
    folder = Path(minilm) if minilm is not None else minilm_files().folder
    if pretrained is not None:
        require_weights(pretrained)
    import open_clip

    with quiet_transformers():
        model = open_clip.CustomTextCLIP(**face_clip_config(folder))
    if pretrained is not None:
        _load(model, Path(pretrained))
    return model


def minilm_files(backbone: str = "face_clip") -> Any:
    """Where MiniLM, FaceCLIP's text tower, is or would come from."""
    from emo3d_exp.backbones.transformers_encoder import transformers_files
    from emo3d_exp.backbones.weights import MINILM

    return transformers_files(backbone, MINILM)


def export_face_clip(model: nn.Module, path: Path | str, metadata: dict[str, Any]) -> None:
    """Write all weights but MiniLM's as safetensors: matrices and filters fp16, vectors float32.

    Args:
        metadata: plain values about the recipe (seed, epochs, data, figures), kept inside the file.
    """
    from safetensors.torch import save_file

    tensors = {}
    for key, value in model.state_dict().items():
        if not key.startswith(TEXT_TOWER):
            half = value.is_floating_point() and value.ndim >= 2
            tensors[key] = (value.half() if half else value).detach().cpu().contiguous().clone()
    header = {"recipe": json.dumps(metadata, sort_keys=True), "preprocess": json.dumps(PREPROCESS)}
    with write_atomically(path) as partial:
        save_file(tensors, partial, metadata=header)


def face_clip_metadata(path: Path | str = PACKAGED_WEIGHTS) -> dict[str, Any]:
    """The recipe that ``export_face_clip`` stored."""
    from safetensors import safe_open

    with safe_open(str(require_weights(path)), framework="numpy") as file:
        return json.loads((file.metadata() or {}).get("recipe", "{}"))


def require_weights(path: Path | str) -> Path:
    """The path of FaceCLIP's weights. Raises WeightsUnavailableError where there is no such file."""
    path = Path(path).expanduser()
    if not path.is_file():
        raise WeightsUnavailableError(
            f"backbone face_clip: there is no {path}. `python train.py experiment=face_clip` trains and "
            "exports it; backbone.pretrained=FILE names another export. The package ships one as "
            f"assets/{PACKAGED_WEIGHTS.name}: if that is what is missing, install the package again."
        )
    return path


def resize_faces(images: Sequence[np.ndarray], size: int = IMAGE_SIZE) -> np.ndarray:
    """uint8 RGB (H, W, 3) of any size → uint8 (N, size, size, 3), by averaging over areas."""
    import cv2

    resized = np.empty((len(images), size, size, 3), dtype=np.uint8)
    for row, image in enumerate(images):
        same = image.shape[:2] == (size, size)
        resized[row] = image if same else cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    return resized


def to_pixels(faces: Tensor) -> Tensor:
    """uint8 (B, S, S, 3) → float32 (B, 3, S, S), scaled with ``MEAN`` and ``STD``."""
    import torch

    mean, std = (torch.tensor(values, device=faces.device) for values in (MEAN, STD))
    return ((faces.float() / 255 - mean) / std).permute(0, 3, 1, 2).contiguous()


def _load(model: nn.Module, path: Path) -> None:
    from safetensors import safe_open
    from safetensors.torch import load_file

    with safe_open(str(path), framework="pt") as file:
        preprocess = json.loads((file.metadata() or {}).get("preprocess", "null"))
    if preprocess != PREPROCESS:
        raise WeightsUnavailableError(
            f"{path} was trained on images prepared as {preprocess}; this version prepares them "
            f"as {PREPROCESS}"
        )
    tensors = {
        key: value.float() if value.is_floating_point() else value for key, value in load_file(path).items()
    }
    expected = {key: value for key, value in model.state_dict().items() if not key.startswith(TEXT_TOWER)}
    differing = sorted(
        key
        for key in tensors.keys() | expected.keys()
        if key not in tensors or key not in expected or tensors[key].shape != expected[key].shape
    )
    if differing:
        raise WeightsUnavailableError(
            f"{path} does not fit FaceCLIP: {len(differing)} tensors, {differing[0]} …"
        )
    model.load_state_dict(tensors, strict=False)
