"""Emotion-XLM (paper section 4, eq. 1)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from emo3d_exp.heads import EmotionHead
from emo3d_exp.losses import EmotionXLMLoss
from emo3d_exp.models.base import OptimizerFactory, TextToBlendshapes
from emo3d_exp.models.registry import register_model
from emo3d_exp.models.teacher_forcing import TeacherForcing


@register_model("emotion_xlm")
class EmotionXLM(TextToBlendshapes):
    """Reads emotions from the text embedding, and blendshapes from the embedding and the emotions.

    In training each sample sees its true emotions with the probability that ``teacher_forcing`` gives, and
    those that the extractor reads otherwise; at inference always the latter. The paper does not say whether
    the error of the blendshapes teaches the extractor too. Here it does, where a sample sees the extractor's
    emotions: eq. 1 is one sum, and nothing in it is held back. The way leads through the intensities alone,
    for the one-hot has no gradient.

    Args:
        head: extractor and decoder.
        loss: eq. 1.
        optimizer: parameters → optimizer.
        teacher_forcing: how often the truth is given.
    """

    def __init__(
        self,
        head: EmotionHead,
        loss: EmotionXLMLoss,
        optimizer: OptimizerFactory,
        teacher_forcing: TeacherForcing,
    ) -> None:
        super().__init__(head, loss, optimizer)
        self.teacher_forcing = teacher_forcing
        self.ratio = teacher_forcing.ratio(epoch=0, max_epochs=1)

    def on_train_epoch_start(self) -> None:
        super().on_train_epoch_start()
        self.ratio = self.teacher_forcing.ratio(self.current_epoch, self.trainer.max_epochs)

    def outputs(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        text = batch["text"]
        read = self.head.emotions(text)
        taught = torch.rand(len(text), 1, device=text.device) < self.ratio
        seen = torch.where(taught, batch["emotions"], read)
        return {"blendshapes": self.head.blendshapes(text, seen), "emotions": read}

    def from_text(self, text: Tensor) -> Tensor:
        return self.head(text)
