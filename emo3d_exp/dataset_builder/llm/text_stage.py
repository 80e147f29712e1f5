"""The stage in which a language model writes the texts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from emo3d_exp.dataset_builder.llm.asking_stage import AskingStage
from emo3d_exp.dataset_builder.llm.chat_model import ChatModel
from emo3d_exp.dataset_builder.llm.templating import PromptTemplate
from emo3d_exp.dataset_builder.llm.text_plan import TextPlan
from emo3d_exp.dataset_builder.stage import Row
from emo3d_exp.dataset_builder.stage_schemas import texts_schema
from emo3d_exp.errors import ConfigError
from emo3d_exp.vocab import EMOTION_INDEX, EMOTIONS

if TYPE_CHECKING:
    import pyarrow as pa

    from emo3d_exp.dataset_builder.llm.asking import Question

PLACEHOLDERS = ("count", "emotion", "intensity", "style", "age", "gender", "theme", "form")
MOST_TEXTS = 3
_TOKENS_A_TEXT = 35
_AGES = {"child": "a child", "young": "a young adult", "middle": "middle-aged", "old": "old"}


class LLMTexts(AskingStage):
    """One to three descriptions a sample, asked for along a balanced grid (paper, section 3).

    Args:
        samples: rows in all; fewer are the beginning of more.
        styles: name → how the texts are to be written. intensities: word → intensity in (0, 1].
        themes: situations. ages: of child, young, middle, old. genders: of female, male.
        texts_per_sample: 1 … 3.
        template: file of the prompt; None for the one that comes with the package.
        model, seed, temperature, max_tokens, repairs, max_cost, max_calls, cache, ask_again: see
            :class:`AskingStage`.

    Raises:
        ConfigError: a setting that cannot be.
    """

    name = "texts"

    def __init__(
        self,
        model: ChatModel,
        samples: int,
        styles: Mapping[str, str],
        intensities: Mapping[str, float],
        themes: Sequence[str],
        ages: Sequence[str] = tuple(_AGES),
        genders: Sequence[str] = ("female", "male"),
        texts_per_sample: int = 3,
        seed: int = 0,
        template: str | None = None,
        temperature: float | None = 1.0,
        max_tokens: int = 600,
        repairs: int = 2,
        max_cost: float | None = None,
        max_calls: int | None = None,
        cache: str | None = None,
        ask_again: bool = False,
    ) -> None:
        prompt = PromptTemplate(template, "description.txt", PLACEHOLDERS, "emotion")
        super().__init__(
            model, prompt, seed, temperature, max_tokens, repairs, max_cost, max_calls, cache, ask_again
        )
        self.samples, self.texts_per_sample = samples, texts_per_sample
        self.styles, self.intensities = dict(styles), dict(intensities)
        self.themes, self.ages, self.genders = list(themes), list(ages), list(genders)
        self.answer_tokens = _TOKENS_A_TEXT * texts_per_sample
        self._check()

    def _check(self) -> None:
        if self.samples < 1:
            raise ConfigError(f"texts: samples={self.samples} must be at least 1")
        if not 1 <= self.texts_per_sample <= MOST_TEXTS:
            raise ConfigError(f"texts: texts_per_sample={self.texts_per_sample} must lie in 1 … {MOST_TEXTS}")
        for key in ("styles", "intensities", "themes", "ages", "genders"):
            values = list(getattr(self, key))
            if not values or len(set(values)) < len(values):
                raise ConfigError(f"texts: {key} must have at least one value, and none twice")
        if wrong := [word for word, level in self.intensities.items() if not 0 < level <= 1]:
            raise ConfigError(f"texts: intensities of {', '.join(wrong)} must lie above 0 and up to 1")
        for key, known in (("ages", tuple(_AGES)), ("genders", ("female", "male"))):
            if unknown := sorted(set(getattr(self, key)) - set(known)):
                raise ConfigError(f"texts: {key} {', '.join(unknown)}: choose from {', '.join(known)}")

    def parameters(self) -> dict[str, Any]:
        plan = ("samples", "texts_per_sample", "styles", "intensities", "themes", "ages", "genders")
        return super().parameters() | {key: getattr(self, key) for key in plan}

    def schema(self) -> pa.Schema:
        return texts_schema()

    def source(self) -> list[Row]:
        plan = TextPlan(
            EMOTIONS, list(self.intensities), list(self.styles), self.ages, self.genders, self.themes
        )
        names = ("emotion", "intensity", "style", "age", "gender", "theme")
        return [
            {"sample_id": sample, **dict(zip(names, cell, strict=True))}
            for sample, cell in enumerate(plan.cells(self.samples, self.seed))
        ]

    def question(self, row: Row) -> Question:
        from emo3d_exp.dataset_builder.llm.answer_forms import texts_form
        from emo3d_exp.dataset_builder.llm.asking import Question

        told = {"age": _AGES[row["age"]], "style": self.styles[row["style"]]}
        form = json.dumps({"texts": ["…"] * self.texts_per_sample}, ensure_ascii=False)
        prompt = self.template.filled({**row, **told, "count": self.texts_per_sample, "form": form})
        return Question(row["sample_id"], prompt, texts_form(self.texts_per_sample))

    def columns(self, row: Row, value: Any) -> Row:
        asked = [0.0] * len(EMOTIONS)
        asked[EMOTION_INDEX[row["emotion"]]] = self.intensities[row["intensity"]]
        kept = {key: row[key] for key in ("age", "gender", "style")}
        texts = None if value is None else value.texts
        return {"texts": texts, "prompt_type": self.template.name, "asked": asked, **kept}
