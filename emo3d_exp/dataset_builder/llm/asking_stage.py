"""What the stages that ask a language model have in common."""

from __future__ import annotations

import asyncio
import hashlib
import json
from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from emo3d_exp.dataset_builder.llm.chat_model import ChatModel, guessed_tokens
from emo3d_exp.dataset_builder.stage import CALLS, COST, SET_ASIDE, Estimate, Row, Stage
from emo3d_exp.errors import ConfigError

if TYPE_CHECKING:
    from emo3d_exp.dataset_builder.llm.asking import Outcome, Question
    from emo3d_exp.dataset_builder.llm.templating import PromptTemplate


class AskingStage(Stage):
    """One question a sample.

    What a row holds is in the answers, which are kept on disk by their requests: rows that are made again
    from them are the same rows and cost nothing.

    Attributes:
        answer_tokens: expected of one answer.
    """

    answer_tokens: int

    def __init__(
        self,
        model: ChatModel,
        template: PromptTemplate,
        seed: int,
        temperature: float | None,
        max_tokens: int,
        repairs: int,
        max_cost: float | None,
        max_calls: int | None,
        cache: str | None,
        ask_again: bool,
    ) -> None:
        """
        Args:
            model: who is asked. template: of the prompt. seed: of sampling.
            temperature: of sampling; None for the model's own. max_tokens: of one answer.
            repairs: times that an answer which cannot be used is asked for again, with what is wrong.
            max_cost: US dollars, max_calls: answers, that the stage may take in all runs with these
                parameters together; None for no limit.
            cache: folder of the answers; None for one in the user's cache.
            ask_again: give samples that were set aside with unusable answers new ones.

        Raises:
            ConfigError: a setting that cannot be.
        """
        if temperature is not None and temperature < 0:
            raise ConfigError(f"{self.name}: temperature={temperature} must not be negative")
        if max_tokens < 1 or repairs < 0 or seed < 0:
            raise ConfigError(
                f"{self.name}: max_tokens must be at least 1, repairs and seed must not be negative"
            )
        if (max_cost is not None and max_cost < 0) or (max_calls is not None and max_calls < 0):
            raise ConfigError(f"{self.name}: max_cost and max_calls must not be negative; null is no limit")
        self.model, self.template, self.seed = model, template, seed
        self.temperature, self.max_tokens, self.repairs = temperature, max_tokens, repairs
        self.max_cost, self.max_calls = max_cost, max_calls
        self.cache, self.ask_again = cache, ask_again

    def parameters(self) -> dict[str, Any]:
        return {
            "model": self.model.identity(),
            "template": self.template.name,
            "template_hash": self.template.hash,
            "seed": self.seed,
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
            "repairs": self.repairs,
        }

    @property
    def purpose(self) -> str:
        """What spending is counted for: this stage with these parameters."""
        facts = json.dumps([self.name, self.parameters()], sort_keys=True)
        return hashlib.sha256(facts.encode()).hexdigest()[:16]

    @abstractmethod
    def question(self, row: Row) -> Question:
        """What is asked about a sample."""

    @abstractmethod
    def columns(self, row: Row, value: Any) -> Row:
        """The stage's own columns, from the answer, or None where there is none."""

    def estimate(self, rows: Sequence[Row]) -> Estimate:
        """One call a row, none of them repaired."""
        prompts = sum(guessed_tokens(self.expected_prompt(row)) + 4 for row in rows)
        return Estimate(len(rows), self.model.cost(prompts, len(rows) * self.answer_tokens))

    def expected_prompt(self, row: Row) -> str:
        """The prompt, or one of about its length where the row lacks what it is made of."""
        return self.question(row).prompt

    def process(self, rows: list[Row]) -> list[Row]:
        """
        Raises:
            StoppedError: ``max_cost`` or ``max_calls`` is reached, or the endpoint is down; every answer is
                kept.
        """
        outcomes = self._asked([self.question(row) for row in rows])
        return [self._row(row, outcome) for row, outcome in zip(rows, outcomes, strict=True)]

    def _asked(self, questions: list[Question]) -> list[Outcome]:
        from emo3d_exp.dataset_builder.llm.answer_cache import AnswerCache
        from emo3d_exp.dataset_builder.llm.asking import Asker, Manner
        from emo3d_exp.dataset_builder.llm.budget import Budget

        manner = Manner(
            self.purpose, self.seed, self.temperature, self.max_tokens, self.repairs, self.ask_again
        )
        with AnswerCache(self.cache) as cache:
            budget = Budget(cache, self.purpose, self.max_cost, self.max_calls)
            return asyncio.run(Asker(self.model, cache, budget, manner).ask(questions))

    def _row(self, row: Row, outcome: Outcome) -> Row:
        paid = {CALLS: outcome.calls, COST: outcome.cost, SET_ASIDE: outcome.reason}
        return {"sample_id": row["sample_id"], **self.columns(row, outcome.value), **paid}
