"""The forms that answers must have, and reading them out of what a model says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    create_model,
    field_validator,
    model_validator,
)

from emo3d_exp.dataset_builder.llm.chat_model import Answer
from emo3d_exp.vocab import EMOTIONS

MIN_WORDS, MAX_CHARACTERS = 3, 600
"""Of one text. The published ones have 12 to 14 words."""
MIN_STRONGEST = 0.01
"""Of the strongest emotion: less is none."""
_THOUGHTS = re.compile(r"^.*</think>", re.DOTALL)
_LONGEST_REASON = 300


@cache
def schema_of(form: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of a form."""
    return form.model_json_schema()


class UnusableAnswerError(Exception):
    """An answer that does not have its form; the message tells the model, and the user, why."""


class _Texts(BaseModel):
    model_config = ConfigDict(extra="forbid", title="texts")

    @field_validator("texts", check_fields=False)
    @classmethod
    def _sane(cls, texts: list[str]) -> list[str]:
        texts = [" ".join(text.split()) for text in texts]
        for text in texts:
            if len(text.split()) < MIN_WORDS:
                raise ValueError(f"each text must have at least {MIN_WORDS} words")
            if len(text) > MAX_CHARACTERS:
                raise ValueError(f"each text must have at most {MAX_CHARACTERS} characters")
        if len({text.casefold() for text in texts}) < len(texts):
            raise ValueError("the texts must differ from each other")
        return texts


class _Emotions(BaseModel):
    model_config = ConfigDict(extra="forbid", title="emotions")

    @model_validator(mode="after")
    def _something(self) -> _Emotions:
        if max(self.intensities()) < MIN_STRONGEST:
            raise ValueError(f"at least one emotion must reach {MIN_STRONGEST}; use neutral for no emotion")
        return self

    def intensities(self) -> list[float]:
        """In the order of the table's columns."""
        return [getattr(self, emotion) for emotion in EMOTIONS]


Intensity = Annotated[float, Field(ge=0, le=1)]
EMOTION_FORM: type[_Emotions] = create_model(
    "emotions", __base__=_Emotions, **{emotion: (Intensity, ...) for emotion in EMOTIONS}
)
"""Eight intensities in [0, 1], not all of them zero."""


@cache
def texts_form(count: int) -> type[BaseModel]:
    """So many texts, different from each other, of sane length; spaces are tidied."""
    texts = Annotated[list[str], Field(min_length=count, max_length=count)]
    return create_model("texts", __base__=_Texts, texts=(texts, ...))


def read_answer(answer: Answer, form: type[BaseModel]) -> Any:
    """The first JSON object in the answer that has the form; text around it, and thoughts, are passed over.

    Raises:
        UnusableAnswerError: there is none, or the answer was cut off or refused.
    """
    if answer.ended == "length":
        raise UnusableAnswerError(f"the answer was cut off after {answer.tokens_out} tokens; be shorter")
    if answer.ended == "refused":
        raise UnusableAnswerError(f"the model refused: {answer.text[:_LONGEST_REASON]}")
    reason = "the answer holds no complete JSON object"
    for found in _objects(_THOUGHTS.sub("", answer.text)):
        try:
            return form.model_validate(found)
        except ValidationError as error:
            reason = _told(error)
    raise UnusableAnswerError(reason)


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects in a text."""
    decoder, place = json.JSONDecoder(), text.find("{")
    while place >= 0:
        try:
            found, end = decoder.raw_decode(text, place)
            yield found
        except (ValueError, RecursionError):
            end = place + 1
        place = text.find("{", end)


def _told(error: ValidationError) -> str:
    """What is wrong, in one line, without the values."""
    parts = [f"{'.'.join(map(str, each['loc'])) or 'answer'}: {each['msg']}" for each in error.errors()]
    return "; ".join(parts)[:_LONGEST_REASON]
