"""The second stage of FaceCLIP's training: bare situations find their emotion.

Most texts of data=mini end with the reaction that the situation calls forth, and the contrastive training
reads that rather than the situation. Here the image tower rests, and the text projection alone learns to
place the *beginnings* of the texts (without the last sentence, and without the words that say who speaks)
where faces of their emotion lie. The whole texts are held where the first stage has put them.
"""

from __future__ import annotations

import re

import torch
from torch import Tensor, nn
from torch.nn import functional

from emo3d_exp.losses import contrastive_loss, cosine_distance, soft_targets

BATCH = 128
LIKE_SHARE = 0.9
"""A situation may have many faces: nearly all of the target lies on faces of like emotion."""
_FRAME = re.compile(r'^[^"]{0,60}: "')
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+")


def beginning(text: str) -> str | None:
    """The text without its last sentence and without a speaker's frame; None where it has one sentence only.

    >>> beginning('A young man says: "My bus left. I was furious."')
    'My bus left.'
    """
    spoken = _FRAME.sub("", text)
    sentences = _SENTENCE_END.split(spoken.removesuffix('"') if spoken != text else text)
    return " ".join(sentences[:-1]) if len(sentences) > 1 else None


def with_noise(embedding: Tensor, share: float) -> Tensor:
    """(B, D) with Gaussian noise of ``share`` times the row's root mean square."""
    size = embedding.square().mean(dim=-1, keepdim=True).sqrt()
    return embedding + share * size * torch.randn_like(embedding)


def refine_projection(
    projection: nn.Module,
    whole: Tensor,
    begun: Tensor,
    begun_row: Tensor,
    image: Tensor,
    emotions: Tensor,
    scale: Tensor,
    *,
    epochs: int,
    weight: float,
    hold: float,
    lr: float,
    weight_decay: float,
    noise: float,
) -> None:
    """Train ``projection`` in place; chance comes from torch's global generator.

    Args:
        projection: (B, 384) → (B, 256).
        whole: (N, 384) MiniLM embeddings of the texts. begun: (M, 384) of the beginnings.
        begun_row: (M,) the text that each beginning belongs to.
        image: (N, 256) of the faces, fixed. emotions: (N, 8). scale: inverse temperature.
        epochs: passes over the texts. weight: of the beginnings' contrastive loss.
        hold: weight of the cosine distance of the whole texts to where they were.
        lr, weight_decay: of AdamW. noise: on the MiniLM embeddings, see :func:`with_noise`.
    """
    projection.eval()
    with torch.no_grad():
        before = functional.normalize(projection(whole), dim=-1)
    optimizer = torch.optim.AdamW(projection.parameters(), lr, weight_decay=weight_decay)
    projection.train()
    for _ in range(epochs):
        chosen = torch.randperm(len(begun)).repeat(-(-len(whole) // len(begun)) + 1)
        for number, rows in enumerate(torch.randperm(len(whole)).split(BATCH)):
            loss = hold * cosine_distance(projection(with_noise(whole[rows], noise)), before[rows]).mean()
            picked = chosen[number * BATCH : (number + 1) * BATCH]
            own = begun_row[picked]
            told = projection(with_noise(begun[picked], noise))
            targets = soft_targets(emotions[own], LIKE_SHARE)
            loss = loss + weight * contrastive_loss(image[own], told, scale, targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    projection.eval()
