"""The second stage of FaceCLIP's training."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from emo3d_exp.app.face_clip_texts import Beginnings, Refinement, refine_projection

pytestmark = pytest.mark.usefixtures("one_thread")


def test_beginnings_come_to_faces_of_their_emotion_and_whole_texts_stay() -> None:
    torch.manual_seed(0)
    count, width = 160, 24
    emotions = torch.eye(8)[torch.arange(count) % 8]
    faces = functional.normalize(torch.eye(8)[torch.arange(count) % 8] + 0.05 * torch.randn(count, 8), dim=1)
    whole, begun = torch.randn(2, count, width)
    begun[:, :8] += 2 * emotions  # the situation tells the emotion, in its own way
    projection = torch.nn.Sequential(torch.nn.Linear(width, 64), torch.nn.GELU(), torch.nn.Linear(64, 8))
    data = Beginnings(whole, begun, torch.arange(count), faces, emotions, torch.tensor(10.0))

    def right() -> float:
        similar = functional.normalize(projection(begun), dim=1) @ faces.T
        return (emotions[similar.argmax(dim=1)].argmax(1) == emotions.argmax(1)).float().mean().item()

    with torch.no_grad():
        before, placed = right(), projection(whole)
    how = Refinement(epochs=60, weight=1.0, hold=5.0, lr=1e-2, weight_decay=0.0, noise=0.1)
    refine_projection(projection, data, how)
    with torch.no_grad():
        after, moved = right(), 1 - functional.cosine_similarity(projection(whole), placed).mean()
    assert before < 0.4
    assert after > 0.9
    assert moved < 0.1
