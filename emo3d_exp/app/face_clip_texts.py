"""The second stage of FaceCLIP's training: bare situations find their emotion.

Most texts of data=mini end with the reaction that the situation calls forth, and the contrastive training
reads that rather than the situation. Here the image tower rests, and the text projection alone learns to
place the *beginnings* of the texts (without the last sentence, and without the words that say who speaks)
where faces of their emotion lie. The whole texts are held where the first stage has put them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from emo3d_exp.augmentation import with_noise
from emo3d_exp.losses import contrastive_loss, cosine_distance, soft_targets

BATCH = 128
LIKE_SHARE = 0.9
"""A situation may have many faces: nearly all of the target lies on faces of like emotion."""


@dataclass(frozen=True)
class Refinement:
    """How the second stage trains.

    Attributes:
        epochs: passes over the texts. weight: of the beginnings' contrastive loss.
        hold: weight of the cosine distance of the whole texts to where they were.
        lr, weight_decay: of AdamW. noise: on the MiniLM embeddings, see :func:`with_noise`.
    """

    epochs: int
    weight: float
    hold: float
    lr: float
    weight_decay: float
    noise: float


@dataclass(frozen=True)
class Beginnings:
    """What the second stage trains on.

    Attributes:
        whole: (N, 384) MiniLM embeddings of the texts. begun: (M, 384) of their beginnings.
        row: (M,) the text that each beginning belongs to. image: (N, 256) of the faces, fixed.
        emotions: (N, 8) intensities. scale: the inverse temperature.
    """

    whole: Tensor
    begun: Tensor
    row: Tensor
    image: Tensor
    emotions: Tensor
    scale: Tensor


def refine_projection(projection: nn.Module, data: Beginnings, how: Refinement) -> None:
    """Train ``projection``, (B, 384) → (B, 256), in place; chance comes from torch's global generator."""
    projection.eval()
    with torch.no_grad():
        before = functional.normalize(projection(data.whole), dim=-1)
    optimizer = torch.optim.AdamW(projection.parameters(), how.lr, weight_decay=how.weight_decay)
    projection.train()
    repeats = -(-len(data.whole) // len(data.begun)) + 1
    for _ in range(how.epochs):
        chosen = torch.randperm(len(data.begun)).repeat(repeats)
        for number, rows in enumerate(torch.randperm(len(data.whole)).split(BATCH)):
            held = projection(with_noise(data.whole[rows], how.noise))
            loss = how.hold * cosine_distance(held, before[rows]).mean()
            loss = loss + how.weight * _misplaced(
                projection, data, chosen[number * BATCH : (number + 1) * BATCH], how.noise
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    projection.eval()


def _misplaced(projection: nn.Module, data: Beginnings, picked: Tensor, noise: float) -> Tensor:
    """Contrastive loss of some beginnings with the faces of their texts."""
    own = data.row[picked]
    told = projection(with_noise(data.begun[picked], noise))
    targets = soft_targets(data.emotions[own], LIKE_SHARE)
    return contrastive_loss(data.image[own], told, data.scale, targets)
