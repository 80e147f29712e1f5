"""The two places that CLIP models come from: our FaceCLIP, and open_clip's checkpoints."""

from __future__ import annotations

import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from emo3d_exp.backbones import face_clip
from emo3d_exp.backbones.hashes import file_sha256
from emo3d_exp.backbones.transformers_encoder import load_tokenizer
from emo3d_exp.backbones.trimmed_text import can_trim, encode_trimmed
from emo3d_exp.backbones.weights import CLIP_OFFLINE, ModelFiles, read_json
from emo3d_exp.errors import ConfigError, WeightsUnavailableError

if TYPE_CHECKING:
    from torch import Tensor, nn

CONFIG = "open_clip_config.json"
WEIGHTS = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
    "open_clip_pytorch_model.pth",
)
PREPROCESS = {
    "mode": "RGB",
    "mean": [0.48145466, 0.4578275, 0.40821073],
    "std": [0.26862954, 0.26130258, 0.27577711],
    "interpolation": "bicubic",
    "resize_mode": "shortest",
    "fill_color": 0,
}


@dataclass
class Towers:
    """A loaded model: texts → (B, L) tokens → (B, D), and images → (B, 3, S, S) pixels → (B, D)."""

    model: nn.Module
    tokenize: Callable[[list[str]], Tensor]
    encode_text: Callable[[Tensor], Tensor]
    pixels: Callable[[list[np.ndarray]], Tensor]


class ClipSource(ABC):
    """Finds and loads one CLIP model."""

    dim: int

    @abstractmethod
    def check(self) -> None:
        """As ``Encoder.check``."""

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """Plain values that decide what the model computes."""

    @abstractmethod
    def load(self) -> Towers:
        """The model in float32 with its preparations."""


class FaceClipSource(ClipSource):
    """FaceCLIP: the packaged weights, or another export of ``experiment=face_clip``."""

    dim = face_clip.EMBED_DIM

    def __init__(self, backbone: str, pretrained: str) -> None:
        self.backbone = backbone
        self.path = face_clip.PACKAGED_WEIGHTS if pretrained == "packaged" else Path(pretrained).expanduser()
        self.minilm = face_clip.minilm_files(backbone)

    def check(self) -> None:
        """As ``Encoder.check``."""
        face_clip.require_weights(self.path)
        self.minilm.check()

    def identity(self) -> dict[str, Any]:
        """Plain values that decide what the model computes."""
        weights = file_sha256(face_clip.require_weights(self.path))
        return {
            "weights": weights,
            "minilm": self.minilm.identity(),
            "preprocess": face_clip.PREPROCESS,
            "max_length": face_clip.MAX_LENGTH,
        }

    def load(self) -> Towers:
        """The model in float32 with its preparations."""
        import torch

        folder = self.minilm.folder
        model = face_clip.build_face_clip(folder, self.path)
        tokenizer = load_tokenizer(folder, face_clip.MAX_LENGTH, self.backbone)

        def tokenize(texts: list[str]) -> Tensor:
            return tokenizer(
                texts, padding=True, truncation=True, max_length=face_clip.MAX_LENGTH, return_tensors="pt"
            ).input_ids

        def pixels(images: list[np.ndarray]) -> Tensor:
            return face_clip.to_pixels(torch.from_numpy(face_clip.resize_faces(images)))

        return Towers(model, tokenize, model.encode_text, pixels)


class CheckpointSource(ClipSource):
    """Any checkpoint that open_clip loads: a weight file, a folder, a hub id, or one of its tags."""

    def __init__(self, backbone: str, architecture: str | None, pretrained: str) -> None:
        self.backbone = backbone
        self.architecture = architecture
        self.pretrained = pretrained
        given = Path(pretrained).expanduser()
        self.file = given if given.is_file() else None
        if self.file and architecture is None:
            raise ConfigError("backbone.architecture: a weight file needs the name of its architecture")

    @cached_property
    def files(self) -> ModelFiles:
        """The folder or hub repository that ``pretrained`` names."""
        model, weights = self.pretrained, WEIGHTS
        if "/" not in model and not Path(model).is_dir():
            model, weights = self._tagged(model)
        return ModelFiles(self.backbone, model, CONFIG, weights, (), CLIP_OFFLINE)

    def check(self) -> None:
        """As ``Encoder.check``. Raises ConfigError for an architecture that open_clip does not have."""
        if self.architecture is not None:
            self.config  # noqa: B018 (reading it checks the name)
        if self.file is None:
            self.files.check()

    @cached_property
    def config(self) -> dict[str, Any]:
        """open_clip's description of the architecture."""
        if self.architecture is None:
            return read_json(self.files.folder / CONFIG)["model_cfg"]
        package = importlib.util.find_spec("open_clip").submodule_search_locations[0]
        path = Path(package) / "model_configs" / f"{self.architecture}.json"
        if not path.is_file():
            raise ConfigError(f"backbone.architecture={self.architecture!r}: open_clip has no such model")
        return read_json(path)

    @property
    def dim(self) -> int:
        """Width of the embeddings."""
        return int(self.config["embed_dim"])

    @cached_property
    def preprocess(self) -> dict[str, Any]:
        """How images are prepared: the checkpoint's own settings over open_clip's defaults."""
        own = {} if self.file else read_json(self.files.folder / CONFIG).get("preprocess_cfg", {})
        chosen = {key: own[key] for key in PREPROCESS if own.get(key) is not None}
        return {**PREPROCESS, **chosen, "size": self.config["vision_cfg"]["image_size"]}

    @cached_property
    def weights(self) -> Path:
        """The weight file."""
        return self.file or self.files.weight_files[0]

    def identity(self) -> dict[str, Any]:
        """Plain values that decide what the model computes."""
        return {"weights": file_sha256(self.weights), "config": self.config, "preprocess": self.preprocess}

    def load(self) -> Towers:
        """The model in float32 with its preparations."""
        import open_clip
        import torch
        from open_clip.transform import PreprocessCfg, image_transform_v2
        from PIL import Image

        name = self.architecture or f"local-dir:{self.files.folder}"
        path = str(self.weights) if self.architecture else None
        try:
            model = open_clip.create_model(name, pretrained=path, require_pretrained=True, weights_only=True)
        except (AssertionError, RuntimeError, KeyError, ValueError) as error:
            first = str(error).strip().splitlines()[:2]
            raise WeightsUnavailableError(
                f"backbone {self.backbone}: {self.weights} is no checkpoint of {name}: {' '.join(first)}"
            ) from error
        transform = image_transform_v2(PreprocessCfg(**self.preprocess), is_train=False)

        def pixels(images: list[np.ndarray]) -> Tensor:
            return torch.stack([transform(Image.fromarray(image)) for image in images])

        encode_text = partial(encode_trimmed, model) if can_trim(model) else model.encode_text
        return Towers(model, open_clip.get_tokenizer(name), encode_text, pixels)

    def _tagged(self, tag: str) -> tuple[str, tuple[str, ...]]:
        from open_clip.pretrained import get_pretrained_cfg, list_pretrained_tags_by_model

        found = get_pretrained_cfg(self.architecture or "", tag).get("hf_hub")
        if not found:
            tags = ", ".join(list_pretrained_tags_by_model(self.architecture or "")) or "none"
            raise ConfigError(
                f"backbone.pretrained={tag!r} is no file, folder, hub id (owner/name) or tag of "
                f"{self.architecture} (its tags: {tags})"
            )
        repo, _, file = found.rpartition("/")
        return repo, (file,) if file else WEIGHTS
