"""What the stages that ask a language model have in common."""

from __future__ import annotations

import asyncio
import logging
from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from emo3d_exp.dataset_builder.llm.chat_model import ChatModel, guessed_tokens
from emo3d_exp.dataset_builder.spending import Budget, check_limits, purpose_of
from emo3d_exp.dataset_builder.stage import CALLS, COST, SET_ASIDE, Estimate, Row, Stage
from emo3d_exp.errors import ConfigError

if TYPE_CHECKING:
    from emo3d_exp.dataset_builder.llm.asking import Outcome, Question
    from emo3d_exp.dataset_builder.llm.templating import PromptTemplate

log = logging.getLogger(__name__)


class AskingStage(Stage):
    """One question a sample.

    What a row holds is in the answers, which are kept on disk by their requests: rows that are made again
    from them are the same rows and cost nothing more.

    A row's ``calls`` are the requests about its sample that were answered (a whole response with status 200),
    over all rounds, also where the answer was of no use or none at all; its ``cost`` is what these answers
    cost, whoever asked first. Refusals, timeouts and dropped connections are in neither.

    Two runs that ask the same at the same time may both pay for it: an answer is looked up before a question
    is sent, and questions under way elsewhere are not known. Each run's rows hold what it was answered; the
    answer that came first is kept, and rows that are made later, or again, are made of that one.

    Attributes:
        answer_tokens: expected of one answer.
    """

    answer_tokens: int
    _told_guessed: bool = False

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
            max_cost: US dollars, max_calls: requests sent, each attempt counted, that the stage may take in
                all runs of a build together; None for no limit. Requests under way when a run was killed
                count at the most that they may cost.
            cache: folder of the answers; None for one in the user's cache.
            ask_again: give samples that were set aside with unusable answers another round of questions: in a
                build with ``retry=true``, one for each retry, however often that is stopped and gone on with.

        Raises:
            ConfigError: a setting that cannot be.
        """
        if temperature is not None and temperature < 0:
            raise ConfigError(f"{self.name}: temperature={temperature} must not be negative")
        if max_tokens < 1 or repairs < 0 or seed < 0:
            raise ConfigError(
                f"{self.name}: max_tokens must be at least 1, repairs and seed must not be negative"
            )
        check_limits(self.name, max_cost, max_calls)
        self.model, self.template, self.seed = model, template, seed
        self.temperature, self.max_tokens, self.repairs = temperature, max_tokens, repairs
        self.max_cost, self.max_calls = max_cost, max_calls
        self.cache, self.ask_again = cache, ask_again

    def parameters(self) -> dict[str, Any]:
        return {
            "model": self.model.identity(),
            "template": self.template.name,
            "template_hash": self.template.hash,
            "template_text": self.template.text,
            "seed": self.seed,
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
            "repairs": self.repairs,
        }

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

        purpose = purpose_of(self)
        again = self.retry > 0 if self.begun else self.ask_again
        settings = (self.seed, self.temperature, self.max_tokens, self.repairs)
        manner = Manner(purpose, *settings, again, self.retry)
        with AnswerCache(self.cache) as cache:
            budget = Budget(cache, purpose, self.max_cost, self.max_calls)
            outcomes = asyncio.run(Asker(self.model, cache, budget, manner).ask(questions))
        if any(outcome.guessed for outcome in outcomes) and self.model.cost(1, 1) and not self._told_guessed:
            self._told_guessed = True
            log.warning("%s: the endpoint tells no tokens: costs are guessed from characters", self.name)
        return outcomes

    def _row(self, row: Row, outcome: Outcome) -> Row:
        paid = {CALLS: outcome.calls, COST: outcome.cost, SET_ASIDE: outcome.reason}
        return {"sample_id": row["sample_id"], **self.columns(row, outcome.value), **paid}
