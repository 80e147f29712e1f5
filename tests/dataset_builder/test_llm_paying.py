"""What is counted as calls and cost: rounds, retries, answers that are none, tokens that are not told."""

from __future__ import annotations

import json
import logging
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import llm_build
import pytest
from llm_build import COST, PRICES, chat, rows, stages, texts
from stub_chat_server import BAD_ANSWER, SPOILED, serve

from emo3d_exp.dataset_builder import run_stages
from emo3d_exp.dataset_builder.llm.answer_cache import AnswerCache
from emo3d_exp.dataset_builder.llm.chat_model import guessed_tokens
from emo3d_exp.dataset_builder.spending import purpose_of
from emo3d_exp.errors import StoppedError

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def build(folder: Path, made: list, **settings) -> dict:
    return run_stages(folder, made, progress=False, **settings)


# For one build


def test_another_build_with_the_same_settings_has_limits_of_its_own(tmp_path):
    with serve() as server:
        made = texts(server.url, 20, tmp_path, max_calls=12)
        with pytest.raises(StoppedError, match="max_calls=12 is reached: 12 calls"):
            build(tmp_path / "one", [made])
        # Twelve answers are there, and eight calls of twelve are what is left to do.
        other = build(tmp_path / "two", [texts(server.url, 20, tmp_path, max_calls=12)])["texts"]
        assert (other["rows"], other["calls"], len(server.ledger.paid)) == (20, 20, 20)
        assert build(tmp_path / "one", [texts(server.url, 20, tmp_path, max_calls=12)])["texts"] == {
            **other,
            "begun": made.begun,
        }
    with AnswerCache(tmp_path) as cache:
        first = texts(server.url, 20, tmp_path)
        alone, first.begun = purpose_of(first), made.begun
        assert cache.spent(purpose_of(first)) == (12, pytest.approx(12 * COST))
        assert cache.spent(alone) == (0, 0.0)


def test_a_stage_without_a_build_counts_by_its_parameters(tmp_path):
    with serve() as server:
        stage = texts(server.url, 8, tmp_path, max_calls=3)
        rows_in = stage.source()
        stage.process(rows_in[:3])
        with pytest.raises(StoppedError, match="max_calls=3 is reached"):
            texts(server.url, 8, tmp_path, max_calls=3).process(rows_in)
        assert len(server.ledger.paid) == 3


def test_a_request_under_way_at_a_kill_counts_and_a_refused_one_costs_nothing(tmp_path):
    with serve(fault_rate=1.0, faults=("500",)) as server:
        stage = texts(server.url, 4, tmp_path)
        with AnswerCache(tmp_path) as cache:
            cache.reserve(purpose_of(stage), 0.25)  # whoever wrote this down was killed
            stage.process(stage.source())
            calls, cost = cache.spent(purpose_of(stage))
        assert calls == 1 + sum(server.ledger.attempts.values()) > 5
        assert cost == pytest.approx(0.25 + 4 * COST)


# Rounds


def _retried(server, folder, count=6, **settings):
    return build(folder, [texts(server.url, count, folder.parent, ask_again=True, **settings)], retry=True)


def test_calls_and_cost_add_up_over_all_rounds_also_in_another_build(tmp_path):
    with serve(fault_rate=1.0, faults=BAD_ANSWER) as server:
        first = build(tmp_path / "one", [texts(server.url, 6, tmp_path)])["texts"]
        assert (first["calls"], first["set_aside"]) == (18, 6)
        second = _retried(server, tmp_path / "one")["texts"]
        assert (second["calls"], second["set_aside"], len(server.ledger.paid)) == (36, 6, 36)
        assert {row["set_aside"][:29] for row in rows(tmp_path / "one", "texts")} == {
            "no usable answer in 6 calls: "
        }
        server.fault_rate = 0.0
        third = _retried(server, tmp_path / "one")["texts"]
        assert (third["calls"], len(server.ledger.paid)) == (42, 42) and "set_aside" not in third
        assert third["cost"] == pytest.approx(42 * COST)
        # Another build has begun one round, and pays for what it asks beyond.
        other = build(tmp_path / "two", [texts(server.url, 6, tmp_path)])["texts"]
        assert (other["calls"], other["set_aside"], len(server.ledger.paid)) == (18, 6, 42)
        for _ in range(2):
            _retried(server, tmp_path / "two")
        assert rows(tmp_path / "two", "texts") == rows(tmp_path / "one", "texts")
        assert len(server.ledger.paid) == 42


def test_a_retry_that_is_killed_goes_on_in_a_plain_run_as_if_it_had_not_been(tmp_path):
    with serve(fault_rate=1.0, faults=BAD_ANSWER) as server:
        folder = tmp_path / "killed"
        build(folder / "build", [texts(server.url, 30, folder / "cache")])
        build(tmp_path / "whole", [texts(server.url, 30, tmp_path)])
        server.fault_rate, server.slow, paid = 0.3, 0.1, len(server.ledger.paid)
        script = [sys.executable, llm_build.__file__, str(folder), server.url, "30", "retry"]
        process = subprocess.Popen(script, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])})
        deadline = time.monotonic() + 60
        while len(server.ledger.paid) < paid + 12:
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
        server.slow = 0.0
        with sqlite3.connect(folder / "cache" / "answers.sqlite") as kept:
            begun = {sample for (sample,) in kept.execute("SELECT sample_id FROM rounds WHERE begun = 2")}
            asked = {row["sample_id"] for row in rows(folder / "build", "texts")}
        assert 12 <= len(begun) <= 30 and not asked
        build(folder / "build", [texts(server.url, 30, folder / "cache")])
        build(tmp_path / "whole", [texts(server.url, 30, tmp_path, ask_again=True)], retry=True)
    made = rows(folder / "build", "texts")
    assert made == rows(tmp_path / "whole", "texts")
    assert any(row["set_aside"] is None for row in made)


def test_a_sample_without_an_answer_is_asked_the_same_again_and_begins_no_round(tmp_path):
    with serve(stop_after=0) as server:
        silent = chat(server.url, retries=0)
        first = build(tmp_path / "build", [texts(server.url, 5, tmp_path, model=silent)])["texts"]
        assert first["set_aside"] == 5 and "calls" not in first
        assert all(row["set_aside"].startswith("no answer: ") for row in rows(tmp_path / "build", "texts"))
        server.stop_after, server.fault_rate, server.faults = None, 1.0, BAD_ANSWER
        # It is answered now, of no use: the round that was begun has had its chance in this run.
        second = _retried(server, tmp_path / "build", 5)["texts"]
        assert (second["calls"], second["set_aside"]) == (15, 5)
        with AnswerCache(tmp_path) as cache:
            assert cache._found("SELECT MAX(begun), MAX(retry) FROM rounds", ()) == (1, 1)
        server.fault_rate = 0.0
        assert _retried(server, tmp_path / "build", 5)["texts"]["calls"] == 20


# Answers that are none


def test_answers_that_are_no_chat_completion_are_asked_again_and_counted(tmp_path):
    with serve(fault_rate=0.5, faults=SPOILED) as server:
        manifests = build(tmp_path / "build", stages(server.url, 30, tmp_path))
        ledger = server.ledger
        assert set(SPOILED) <= set(ledger.faults) and ledger.spoiled > 10
        assert not any("set_aside" in manifest for manifest in manifests.values())
        assert sum(manifest["calls"] for manifest in manifests.values()) == len(ledger.paid) + ledger.spoiled
        again = build(tmp_path / "again", stages(server.url, 30, tmp_path))
        assert [each["content_hash"] for each in again.values()] == [
            each["content_hash"] for each in manifests.values()
        ]
    told = sum(manifest["cost"] for manifest in manifests.values())
    assert told > len(ledger.paid) * COST + ledger.spoiled * 50 * PRICES["price_in"] / 1e6


@pytest.mark.parametrize("fault", SPOILED)
def test_what_is_never_a_chat_completion_is_set_aside_with_the_reason(tmp_path, fault):
    with serve(fault_rate=1.0, faults=(fault,), spoiled_attempts=3) as server:
        model = chat(server.url, retries=2)
        first = build(tmp_path / "build", [texts(server.url, 3, tmp_path, model=model)])["texts"]
        assert (first["calls"], first["set_aside"], server.ledger.spoiled) == (9, 3, 9)
        reasons = {row["set_aside"] for row in rows(tmp_path / "build", "texts")}
        assert all(each.startswith("no answer: the response is no chat completion") for each in reasons)
        assert all(each.endswith("(attempts: 3)") for each in reasons)
        again = texts(server.url, 3, tmp_path, model=model)
        retried = build(tmp_path / "build", [again], retry=True)["texts"]
    assert retried["calls"] == 12 and "set_aside" not in retried


# Tokens that are not told


def test_tokens_that_are_not_told_are_guessed_and_marked(tmp_path, caplog):
    caplog.set_level(logging.WARNING, "emo3d_exp")
    with serve(tells_usage=False) as server:
        made = texts(server.url, 140, tmp_path)  # of two shards
        manifest = build(tmp_path / "build", [made])["texts"]
        told = build(tmp_path / "told", [texts(server.url, 140, tmp_path)])["texts"]
    warned = [
        line for line in caplog.messages if "tells no tokens: costs are guessed from characters" in line
    ]
    assert len(warned) == 1 and manifest["parameters"] == told["parameters"]
    with sqlite3.connect(tmp_path / "answers.sqlite") as kept:
        found = kept.execute("SELECT text, tokens_in, tokens_out, guessed, cost FROM answers").fetchall()
    prompts = sorted(guessed_tokens(made.question(row).prompt) + 4 for row in made.source())
    assert sorted(tokens_in for _, tokens_in, *_ in found) == prompts
    for text, tokens_in, tokens_out, guessed, cost in found:
        assert tokens_out == guessed_tokens(text) > 0 and guessed == 1
        assert cost == pytest.approx((tokens_in * 1.0 + tokens_out * 4.0) / 1e6)
    assert manifest["cost"] == pytest.approx(sum(row[-1] for row in found))


def test_max_cost_holds_where_tokens_are_not_told(tmp_path):
    with serve(tells_usage=False) as server:
        limit = 0.01
        with pytest.raises(StoppedError, match=r"max_cost=0.01 is reached: \d+ calls for \$0\.00\d+"):
            build(tmp_path / "build", [texts(server.url, 200, tmp_path, max_cost=limit, max_tokens=100)])
        assert 5 < len(server.ledger.paid) < 200
    with sqlite3.connect(tmp_path / "answers.sqlite") as kept:
        (cost,) = kept.execute("SELECT SUM(cost) FROM answers").fetchone()
    assert 0.9 * limit < cost <= limit


def test_a_cache_of_an_earlier_version_is_read(tmp_path):
    with serve() as server:
        build(tmp_path / "one", [texts(server.url, 5, tmp_path)])
        with sqlite3.connect(tmp_path / "answers.sqlite") as kept:
            kept.execute("ALTER TABLE answers DROP COLUMN guessed")
        build(tmp_path / "two", [texts(server.url, 6, tmp_path)])
        assert len(server.ledger.paid) == 6
    assert rows(tmp_path / "two", "texts")[:5] == rows(tmp_path / "one", "texts")


# Prompts


def test_manifests_hold_the_text_of_the_prompt(tmp_path):
    template = tmp_path / "mine.txt"
    template.write_text("Write $count of $emotion: $form")
    with serve() as server:
        build(tmp_path / "build", [texts(server.url, 3, tmp_path, template=str(template))])
    manifest = json.loads((tmp_path / "build" / "texts" / "manifest.json").read_text())
    assert manifest["parameters"]["template_text"] == template.read_text()
