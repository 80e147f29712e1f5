"""Losses: named terms, and one weight for each."""

from emo3d_exp.losses.blendshapes import BlendshapeLoss
from emo3d_exp.losses.contrastive import ContrastiveLoss, contrastive_loss, soft_targets
from emo3d_exp.losses.cvae import CVAELoss
from emo3d_exp.losses.emotion_xlm import EmotionXLMLoss
from emo3d_exp.losses.vae_clip import VAECLIPLoss, cosine_distance
from emo3d_exp.losses.weighted import WeightedLoss

__all__ = [
    "BlendshapeLoss",
    "CVAELoss",
    "ContrastiveLoss",
    "EmotionXLMLoss",
    "VAECLIPLoss",
    "WeightedLoss",
    "contrastive_loss",
    "cosine_distance",
    "soft_targets",
]
