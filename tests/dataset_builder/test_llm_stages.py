"""Both stages against a server on this machine that fails in every way that real ones do."""

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
from llm_build import COST, chat, rows, stages, texts
from stub_chat_server import BAD_ANSWER, NO_ANSWER, serve

from emo3d_exp.dataset_builder import LLMEmotions, plan_stages, run_stages
from emo3d_exp.errors import ConfigError, StoppedError

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

SECRET = "sk-do-not-write-me-anywhere"


def build(folder: Path, made: list, **settings) -> dict:
    return run_stages(folder, made, progress=False, **settings)


def test_every_row_is_done_or_set_aside_under_faults(tmp_path):
    with serve(fault_rate=0.3) as server:
        manifests = build(tmp_path / "build", stages(server.url, 90, tmp_path))
        ledger = server.ledger
    assert {*NO_ANSWER, *BAD_ANSWER} <= set(ledger.faults)
    assert ledger.paid_again() == 0 and 1 < ledger.most_at_once <= 16
    written = rows(tmp_path / "build", "texts")
    assert len(written) == 90 and manifests["texts"]["complete"] and manifests["emotions"]["complete"]
    for row in written:
        assert (row["texts"] is None) == (row["set_aside"] is not None)
        assert row["set_aside"] or len(set(row["texts"])) == 2
    done = [row["sample_id"] for row in written if row["set_aside"] is None]
    rated = rows(tmp_path / "build", "emotions")
    assert [row["sample_id"] for row in rated] == done
    assert all(row["set_aside"] or max(row["emotions"]) > 0 for row in rated)
    assert {row["rater"] for row in rated} == {"stub"}
    calls = sum(manifest["calls"] for manifest in manifests.values())
    assert calls == len(ledger.paid) > 180
    assert sum(manifest["cost"] for manifest in manifests.values()) == pytest.approx(calls * COST)


def test_answers_that_are_never_usable_are_set_aside_and_asked_again_on_demand(tmp_path):
    with serve(fault_rate=1.0, faults=BAD_ANSWER) as server:
        manifest = build(tmp_path / "build", [texts(server.url, 10, tmp_path)])["texts"]
        assert manifest["set_aside"] == 10 and len(server.ledger.paid) == 30
        assert all(
            "no usable answer in 3 calls" in row["set_aside"] for row in rows(tmp_path / "build", "texts")
        )
        server.fault_rate = 0.0
        # Once more with what was answered: nothing is paid, nothing can be better.
        again = build(tmp_path / "build", [texts(server.url, 10, tmp_path)], retry=True)["texts"]
        assert again["set_aside"] == 10 and len(server.ledger.paid) == 30
        fresh = build(tmp_path / "build", [texts(server.url, 10, tmp_path, ask_again=True)], retry=True)
        assert "set_aside" not in fresh["texts"] and len(server.ledger.paid) == 40


def test_the_cache_pays_nothing_twice(tmp_path):
    with serve(fault_rate=0.3) as server:
        first = build(tmp_path / "one", stages(server.url, 40, tmp_path))
        paid = len(server.ledger.paid)
        again = build(tmp_path / "two", stages(server.url, 40, tmp_path))
        assert {name: known["content_hash"] for name, known in again.items()} == {
            name: known["content_hash"] for name, known in first.items()
        }
        assert len(server.ledger.paid) == paid
        more = build(tmp_path / "more", [texts(server.url, 60, tmp_path)])
    assert paid < len(server.ledger.paid) and server.ledger.paid_again() == 0
    assert more["texts"]["rows"] == 60
    assert rows(tmp_path / "more", "texts")[:40] == rows(tmp_path / "one", "texts")


def test_a_killed_build_goes_on_and_ends_as_an_undisturbed_one(tmp_path):
    with serve(fault_rate=0.3, slow=0.01) as server:
        script = [sys.executable, llm_build.__file__, str(tmp_path / "killed"), server.url, "40"]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        process = subprocess.Popen(script, env=environment)
        deadline = time.monotonic() + 60
        while len(server.ledger.paid) < 25:
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
        with sqlite3.connect(tmp_path / "killed" / "cache" / "answers.sqlite") as kept:
            stored = {number for (number,) in kept.execute("SELECT answer_id FROM answers")}
        assert len(server.ledger.paid) - len(stored) <= 16
        before = {server.ledger.request_of[number]: server.ledger.attempts.copy() for number in stored}
        build(tmp_path / "killed" / "build", stages(server.url, 40, tmp_path / "killed" / "cache"))
        assert all(server.ledger.attempts[known] == then[known] for known, then in before.items())
        build(tmp_path / "whole", stages(server.url, 40, tmp_path))
    for stage in ("texts", "emotions"):
        assert rows(tmp_path / "killed" / "build", stage) == rows(tmp_path / "whole", stage)


@pytest.mark.parametrize("limit", [{"max_calls": 25}, {"max_cost": 25.5 * COST}])
def test_a_budget_stops_the_stage_and_loses_nothing(tmp_path, limit):
    with serve() as server:
        with pytest.raises(
            StoppedError, match=r"max_c.* is reached: \d+ calls .*raise .*40 of 40 rows .*are left"
        ):
            build(tmp_path / "build", [texts(server.url, 40, tmp_path, max_tokens=100, **limit)])
        paid = len(server.ledger.paid)
        assert 20 <= paid <= 25
        with pytest.raises(StoppedError):
            build(tmp_path / "build", [texts(server.url, 40, tmp_path, max_tokens=100, **limit)])
        assert paid <= len(server.ledger.paid) <= 25
        manifest = build(tmp_path / "build", [texts(server.url, 40, tmp_path, max_tokens=100)])["texts"]
        assert manifest["rows"] == 40 and len(server.ledger.paid) == 40


def test_an_endpoint_that_dies_stops_the_build_and_it_goes_on_later(tmp_path):
    with serve(stop_after=12) as server:
        made = texts(server.url, 40, tmp_path, model=chat(server.url, retries=0))
        with pytest.raises(
            StoppedError, match=r"stub gave no answer to 10 questions in a row.*40 of 40 rows"
        ):
            build(tmp_path / "build", [made])
        server.stop_after = None
        assert build(tmp_path / "build", [made])["texts"]["rows"] == 40
        assert server.ledger.paid_again() == 0


def test_the_key_is_sent_and_written_nowhere(tmp_path, monkeypatch, caplog):
    for name in (None, "httpx2", "openai"):
        caplog.set_level(logging.DEBUG, logger=name)
    monkeypatch.setenv("STUB_KEY", SECRET)
    with serve(key=SECRET) as server:
        model = chat(server.url, key_variable="STUB_KEY")
        build(tmp_path / "build", [texts(server.url, 8, tmp_path, model=model)])
        assert len(server.ledger.paid) == 8
        server.key = "another"
        with pytest.raises(ConfigError, match=r"refuses model stub \(HTTP 401.*key in STUB_KEY") as refused:
            build(tmp_path / "other", [texts(server.url, 8, tmp_path / "new", model=model)])
    assert SECRET not in str(refused.value) and SECRET not in caplog.text
    assert "chat/completions" in caplog.text
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(files) >= 4
    assert not [file for file in files if SECRET.encode() in file.read_bytes()]


def test_an_answer_that_comes_too_late_is_asked_for_again(tmp_path):
    with serve(fault_rate=1.0, faults=("hanging",), hanging=2.0) as server:
        patient = chat(server.url, timeout=0.4)
        assert (
            build(tmp_path / "build", [texts(server.url, 3, tmp_path, model=patient)])["texts"]["calls"] == 3
        )
        assert set(server.ledger.attempts.values()) == {2}
        hasty = chat(server.url, timeout=0.4, retries=0)
        build(tmp_path / "other", [texts(server.url, 3, tmp_path, model=hasty, seed=1)])
    reasons = {row["set_aside"] for row in rows(tmp_path / "other", "texts")}
    assert reasons == {"no answer: none within 0.4 s (attempts: 1)"}


def test_a_key_that_is_not_set_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.delenv("STUB_KEY", raising=False)
    model = chat("http://127.0.0.1:9/v1", key_variable="STUB_KEY")
    with pytest.raises(ConfigError, match="environment variable STUB_KEY is not set"):
        build(tmp_path / "build", [texts("", 2, tmp_path, model=model)])


def test_what_was_answered_needs_neither_key_nor_server(tmp_path, monkeypatch):
    monkeypatch.setenv("STUB_KEY", SECRET)
    with serve() as server:
        model = chat(server.url, key_variable="STUB_KEY")
        build(tmp_path / "one", [texts(server.url, 5, tmp_path, model=model)])
    monkeypatch.delenv("STUB_KEY")
    build(tmp_path / "two", [texts(server.url, 5, tmp_path, model=model)])
    assert rows(tmp_path / "one", "texts") == rows(tmp_path / "two", "texts")


@pytest.mark.parametrize(
    ("refused", "cure"),
    [
        ("response_format", "structured=text"),
        ("seed", "send_seed=false"),
        ("temperature", "temperature=null"),
    ],
)
def test_what_a_server_does_not_know_is_named_with_the_cure(tmp_path, refused, cure):
    with serve(refuses=refused) as server:
        with pytest.raises(ConfigError, match=f"does not take {refused}.*set {cure}"):
            build(tmp_path / "build", [texts(server.url, 4, tmp_path)])
        model = chat(server.url, structured="text", send_seed=False, reasoning_effort="low")
        cured = texts(server.url, 4, tmp_path, model=model, temperature=None)
        assert build(tmp_path / "cured", [cured])["texts"]["calls"] == 4


def test_a_dry_run_asks_nobody_and_tells_calls_and_cost(tmp_path):
    made = stages("http://127.0.0.1:9/v1", 100, tmp_path)
    planned = {each.stage: each for each in plan_stages(tmp_path / "build", made)}
    assert [planned[name].estimate.calls for name in ("texts", "emotions")] == [100, 100]
    # 100 calls of 100 to 400 tokens at 1 dollar a million, and 70 tokens of answer at 4.
    assert all(100 * 380e-6 < each.estimate.cost < 100 * 680e-6 for each in planned.values())
    assert list(tmp_path.iterdir()) == []


def test_emotions_name_the_rater_and_manifests_the_prompt(tmp_path):
    template = tmp_path / "mine.txt"
    template.write_text("Rate this:\n$texts\nby $emotions. It costs $$0. Form: $form")
    with serve() as server:
        asked = chat(server.url)
        rating = LLMEmotions(asked, template=str(template), cache=str(tmp_path))
        build(tmp_path / "build", [texts(server.url, 3, tmp_path, model=asked), rating])
    manifest = json.loads((tmp_path / "build" / "emotions" / "manifest.json").read_text())
    assert manifest["parameters"]["template"] == "mine"
    assert manifest["parameters"]["template_hash"] == rating.template.hash
    assert manifest["parameters"]["model"]["model"] == "stub"
