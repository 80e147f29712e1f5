"""The ledger, the budget, and what a server's wish to wait means."""

from __future__ import annotations

import asyncio
import random
import time
from email.utils import formatdate

import pytest

from emo3d_exp.dataset_builder.endpoint_client import retry_after
from emo3d_exp.dataset_builder.sending import FIRST_PAUSE, LONGEST_PAUSE, NoAnswerError, pause
from emo3d_exp.dataset_builder.spending import Budget, Ledger
from emo3d_exp.errors import StoppedError


def test_a_call_is_settled_once_or_released(tmp_path):
    with Ledger(tmp_path / "spending.sqlite") as ledger:
        one, two, three = (ledger.reserve("a", 0.5) for _ in range(3))
        assert ledger.spent("a") == (3, 1.5) and ledger.spent("b") == (0, 0.0)
        ledger.settle(one, 0.25, (3, 4))
        ledger.settle(one, 9.0)
        ledger.release(two)
    with Ledger(tmp_path / "spending.sqlite") as ledger:  # a later process
        assert ledger.spent("a") == (2, 0.75)
        ledger.settle(three, 0.0)
        assert ledger.spent("a") == (2, 0.25)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("limits", [(None, 17), (1.0, None), (0.6, 40), (None, None)])
def test_calls_at_once_never_spend_more_than_there_is(tmp_path, seed, limits):
    """Against what was really spent, counted by hand, at every moment."""
    rng, spent, most = random.Random(seed), [], [0.0, 0]
    max_cost, max_calls = limits

    async def call(budget: Budget) -> None:
        async with budget.one_call(0.1) as reserved:
            most[1] += 1
            assert max_calls is None or most[1] <= max_calls
            await asyncio.sleep(rng.random() / 500)
            if rng.random() < 0.3:
                raise NoAnswerError("none")
            cost = rng.choice((0.01, 0.05, 0.1))
            budget.ledger.settle(reserved, cost)
            spent.append(cost)
            assert max_cost is None or sum(spent) <= max_cost + 1e-9

    async def all_of_them(budget: Budget) -> list:
        return await asyncio.gather(*(call(budget) for _ in range(60)), return_exceptions=True)

    with Ledger(tmp_path / "spending.sqlite") as ledger:
        ended = asyncio.run(all_of_them(Budget(ledger, "a", max_cost, max_calls)))
        assert ledger.spent("a") == (most[1], pytest.approx(sum(spent)))
    stopped = sum(isinstance(each, StoppedError) for each in ended)
    assert stopped + most[1] == 60 and not any(isinstance(each, AssertionError) for each in ended)
    assert (stopped > 0) == (limits != (None, None))
    assert max_cost is None or max_calls is not None or sum(spent) > max_cost - 0.1


def test_what_the_server_says_comes_before_growing_pauses():
    assert pause(3, 1.5) == 1.5
    for attempt in range(12):
        longest = min(FIRST_PAUSE * 2**attempt, LONGEST_PAUSE)
        assert 0.75 * longest <= pause(attempt, None) <= longest


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "20", "retry-after": "7"}, 0.02),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after-ms": "nan"}, None),
        ({"retry-after": formatdate(time.time() - 100, usegmt=True)}, None),
    ],
)
def test_how_long_a_server_says_to_wait(headers, seconds):
    assert retry_after(headers) == seconds


def test_a_date_until_which_to_wait():
    waiting = retry_after({"retry-after": formatdate(time.time() + 1000, usegmt=True)})
    assert waiting is not None and 900 < waiting <= 1000
