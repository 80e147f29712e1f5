"""An open_clip model of two layers with random weights, on disk as the hub's are."""

from __future__ import annotations

import json
from pathlib import Path


def save_clip(folder: Path, dim: int) -> None:
    """A ViT of 32 pixels whose embeddings have ``dim`` numbers, with QuickGELU as OpenAI's."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    model = {
        "embed_dim": dim,
        "quick_gelu": True,
        "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 16},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2},
    }
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": model, "preprocess_cfg": {}}))
    torch.manual_seed(0)
    weights = {key: value.contiguous() for key, value in open_clip.CLIP(**model).state_dict().items()}
    save_file(weights, folder / "open_clip_model.safetensors")
