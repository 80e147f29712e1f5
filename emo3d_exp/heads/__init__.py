"""Networks between an embedding and the 52 blendshapes."""

from emo3d_exp.heads.cvae import CVAEEnsembleHead
from emo3d_exp.heads.emotion import EmotionHead
from emo3d_exp.heads.mlp import MLPHead
from emo3d_exp.heads.nearest import NearestHead
from emo3d_exp.heads.ridge import RidgeHead
from emo3d_exp.heads.vae import VAEHead

__all__ = ["CVAEEnsembleHead", "EmotionHead", "MLPHead", "NearestHead", "RidgeHead", "VAEHead"]
