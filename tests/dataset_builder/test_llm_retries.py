"""A retry asks about each sample anew once, however often it is stopped."""

import pytest
from llm_build import rows, texts
from stub_chat_server import BAD_ANSWER, serve

from emo3d_exp.dataset_builder import RowStore, run_stages
from emo3d_exp.errors import StoppedError

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
COUNT, ROUND = 10, 30
"""Samples, and requests of one round of all of them that comes to nothing."""


class Build:
    def __init__(self, server, folder):
        self.server, self.folder = server, folder

    def run(self, max_calls=None, **settings):
        retry = settings.pop("retry", True)
        stage = texts(self.server.url, COUNT, self.folder, ask_again=retry, max_calls=max_calls, **settings)
        return run_stages(self.folder / "build", [stage], progress=False, retry=retry)["texts"]

    def stopped(self, max_calls, **settings):
        with pytest.raises(StoppedError, match="max_calls"):
            self.run(max_calls, **settings)
        return RowStore(self.folder / "build", "texts").manifest()


@pytest.mark.parametrize("last", [True, False])
def test_a_retry_that_is_stopped_pays_what_an_undisturbed_one_pays(tmp_path, last):
    with serve(fault_rate=1.0, faults=BAD_ANSWER) as server:
        build = Build(server, tmp_path)
        build.run(retry=False)
        # All answers of some samples come before the stop, and lie in no shard.
        for limit in (ROUND + 15, ROUND + 22):
            stopped = build.stopped(limit)
            assert (stopped["retries"], stopped["complete"], stopped["rows"]) == (1, False, COUNT)
        ended = build.run(retry=last)
        assert (len(server.ledger.paid), ended["calls"]) == (2 * ROUND, 2 * ROUND)
        assert "retrying" not in ended and ended["set_aside"] == COUNT
        # The next one is a new one.
        assert build.run()["retries"] == 2 and len(server.ledger.paid) == 3 * ROUND
        assert [row["calls"] for row in rows(tmp_path / "build", "texts")] == [9] * COUNT


def test_rows_that_a_stopped_retry_has_made_again_are_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("emo3d_exp.dataset_builder.LLMTexts.shard_rows", 2)
    with serve(fault_rate=1.0, faults=BAD_ANSWER) as server:
        build = Build(server, tmp_path)
        build.run(retry=False)
        build.stopped(ROUND + 15)
        store = RowStore(tmp_path / "build", "texts")
        made = {row["sample_id"]: (row["shard"], row["row"]) for row in store.rows(())}
        assert 0 < len(made) < COUNT
        build.run()
        after = {row["sample_id"]: (row["shard"], row["row"]) for row in store.rows(())}
        assert made.items() <= after.items() and len(after) == COUNT
        assert len(server.ledger.paid) == 2 * ROUND


def test_a_first_run_that_was_stopped_may_be_gone_on_with_as_a_retry(tmp_path):
    with serve(fault_rate=1.0, faults=BAD_ANSWER) as server:
        build = Build(server, tmp_path)
        build.stopped(15, retry=False)
        ended = build.run()
        answered_before = [row for row in rows(tmp_path / "build", "texts") if row["calls"] == 6]
        assert ended["calls"] == len(server.ledger.paid) == ROUND + 3 * len(answered_before)
