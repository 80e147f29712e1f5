"""The stage in which a language model tells the emotions of the texts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from emo3d_exp.dataset_builder.llm.asking_stage import AskingStage
from emo3d_exp.dataset_builder.llm.chat_model import ChatModel
from emo3d_exp.dataset_builder.llm.templating import PromptTemplate
from emo3d_exp.dataset_builder.stage import Row
from emo3d_exp.dataset_builder.stage_schemas import emotions_schema
from emo3d_exp.vocab import EMOTIONS

if TYPE_CHECKING:
    import pyarrow as pa

    from emo3d_exp.dataset_builder.llm.asking import Question

PLACEHOLDERS = ("texts", "emotions", "form")
_TYPICAL_TEXT = "x" * 90 + "\n"


class LLMEmotions(AskingStage):
    """One vector of eight intensities a sample, for all its texts together (paper, section 3).

    Args:
        template: file of the prompt; None for the one that comes with the package.
        model, seed, temperature, max_tokens, repairs, max_cost, max_calls, cache, ask_again: see
            :class:`AskingStage`.
    """

    name = "emotions"
    reads = {"texts": ("texts",)}  # noqa: RUF012 - typed in Stage
    answer_tokens = 70

    def __init__(
        self,
        model: ChatModel,
        seed: int = 0,
        template: str | None = None,
        temperature: float | None = 0.0,
        max_tokens: int = 300,
        repairs: int = 2,
        max_cost: float | None = None,
        max_calls: int | None = None,
        cache: str | None = None,
        ask_again: bool = False,
    ) -> None:
        prompt = PromptTemplate(template, "intensities.txt", PLACEHOLDERS, "texts")
        super().__init__(
            model, prompt, seed, temperature, max_tokens, repairs, max_cost, max_calls, cache, ask_again
        )

    def schema(self) -> pa.Schema:
        return emotions_schema()

    def question(self, row: Row) -> Question:
        from emo3d_exp.dataset_builder.llm.answer_forms import EMOTION_FORM
        from emo3d_exp.dataset_builder.llm.asking import Question

        texts = "\n".join(f"- {text}" for text in row["texts"])
        return Question(row["sample_id"], self._prompt(texts), EMOTION_FORM)

    def expected_prompt(self, row: Row) -> str:
        return self.question(row).prompt if row.get("texts") else self._prompt(_TYPICAL_TEXT * 3)

    def _prompt(self, texts: str) -> str:
        form = json.dumps(dict.fromkeys(EMOTIONS, "…"), ensure_ascii=False).replace('"…"', "…")
        return self.template.filled({"texts": texts, "emotions": ", ".join(EMOTIONS), "form": form})

    def columns(self, row: Row, value: Any) -> Row:
        return {"emotions": None if value is None else value.intensities(), "rater": self.model.model}
