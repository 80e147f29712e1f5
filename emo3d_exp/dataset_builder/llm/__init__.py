"""Texts and emotions by language models: any OpenAI-compatible endpoint, or a model on this machine."""

from __future__ import annotations

from emo3d_exp.dataset_builder.llm.chat_model import Answer, ChatModel, NoAnswerError, Request
from emo3d_exp.dataset_builder.llm.emotion_stage import LLMEmotions
from emo3d_exp.dataset_builder.llm.endpoint import OpenAIChat
from emo3d_exp.dataset_builder.llm.local_model import HuggingFaceChat
from emo3d_exp.dataset_builder.llm.text_stage import LLMTexts

__all__ = [
    "Answer",
    "ChatModel",
    "HuggingFaceChat",
    "LLMEmotions",
    "LLMTexts",
    "NoAnswerError",
    "OpenAIChat",
    "Request",
]
