"""Networks between an embedding and the 52 blendshapes."""

from emo3d_exp.heads.mlp import MLPHead
from emo3d_exp.heads.vae import VAEHead

__all__ = ["MLPHead", "VAEHead"]
