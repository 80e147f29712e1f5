"""Plan, prompts, answer forms, the local model, and settings that cannot be."""

from __future__ import annotations

import math
import multiprocessing
import pickle
import sqlite3
from collections import Counter
from pathlib import Path

import pytest
from llm_build import PLAN, chat, rows, texts
from tiny_chat_model import save_chat_model

from emo3d_exp.dataset_builder import HuggingFaceChat, LLMEmotions, LLMTexts, OpenAIChat, run_stages
from emo3d_exp.dataset_builder.llm.answer_cache import AnswerCache
from emo3d_exp.dataset_builder.llm.answer_forms import (
    EMOTION_FORM,
    UnusableAnswerError,
    read_answer,
    texts_form,
)
from emo3d_exp.dataset_builder.llm.chat_model import Answer, Request
from emo3d_exp.dataset_builder.llm.text_plan import TextPlan
from emo3d_exp.errors import ConfigError, DataError, WeightsUnavailableError
from emo3d_exp.vocab import EMOTIONS

URL = "http://127.0.0.1:9/v1"


def read(text: str, form=EMOTION_FORM, ended: str = "stop"):
    return read_answer(Answer(text, ended, 1, 1), form)


def emotions(**given: float) -> str:
    return "{" + ", ".join(f'"{name}": {given.get(name, 0.0)}' for name in EMOTIONS) + "}"


# The plan


@pytest.mark.parametrize("count", [8, 100, 8 * 3 * 2, 1000])
def test_the_plan_is_balanced_and_fewer_samples_are_its_beginning(count):
    plan = TextPlan(EMOTIONS, ("low", "mid", "high"), ("a", "b"), ("young", "old"), ("f", "m"), tuple("wxyz"))
    cells = plan.cells(count, seed=3)
    assert cells == plan.cells(2000, seed=3)[:count] != plan.cells(count, seed=4)
    for width in (1, 2, 3):
        found = Counter(cell[:width] for cell in cells)
        assert max(found.values()) - (min(found.values()) if count >= 48 else 0) <= 1
    if count == 1000:
        genders = Counter(cell[4] for cell in cells)
        assert abs(genders["f"] - genders["m"]) < 60 and len(set(cells)) > 700


def test_the_texts_stage_asks_for_what_the_plan_says(tmp_path):
    stage = texts(URL, 96, tmp_path)
    row = next(row for row in stage.source() if (row["emotion"], row["age"]) == ("fear", "middle"))
    prompt = stage.question(row).prompt
    assert all(word in prompt for word in ("fear", "middle-aged", row["theme"], row["intensity"], "Write 2"))
    made = stage.columns(row, None)
    assert made["asked"][EMOTIONS.index("fear")] == PLAN["intensities"][row["intensity"]]
    assert sum(made["asked"]) == max(made["asked"]) and made["prompt_type"] == "description"
    assert {key: made[key] for key in ("age", "gender", "style")} == {
        key: row[key] for key in ("age", "gender", "style")
    }


# Prompts


def test_a_prompt_of_the_users_is_used_and_changes_the_parameters(tmp_path):
    file = tmp_path / "mine.txt"
    file.write_text("$emotion for ${gender}, $$5")
    stage = texts(URL, 8, tmp_path, template=str(file))
    assert stage.question(stage.source()[0]).prompt.endswith("male, $5")
    before = stage.parameters()
    file.write_text("$emotion for $gender")
    assert texts(URL, 8, tmp_path, template=str(file)).parameters() != before
    assert before["template"] == "mine" and before != texts(URL, 8, tmp_path).parameters()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("$emotion $mood $shape", r"unknown placeholders \$mood, \$shape; choose from \$age, \$count"),
        ("write $count texts", r"lacks the placeholder \$emotion"),
        ("$emotion for 5$", r"write \$\$ for a dollar sign"),
        (None, "cannot be read"),
    ],
)
def test_a_prompt_that_cannot_be_filled_is_refused(tmp_path, content, message):
    file = tmp_path / "mine.txt"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigError, match=message):
        texts(URL, 8, tmp_path, template=str(file))


# Answers


def test_answers_are_found_among_other_words():
    assert read(emotions(fear=0.5)).intensities() == [0, 0, 0, 0, 0, 0, 0.5, 0]
    assert read(f"<think>perhaps {emotions(anger=1)}</think>\n```json\n{emotions(fear=1)}\n```").fear == 1
    assert read(f"As {{you}} asked {{}}: {emotions(anger=1)} done {{").anger == 1
    found = read('{"texts": ["she  smiles\\nbroadly", "a smile is seen"]}', texts_form(2))
    assert found.texts == ["she smiles broadly", "a smile is seen"]


@pytest.mark.parametrize(
    ("text", "ended", "reason"),
    [
        ("", "stop", "no complete JSON object"),
        ("{" * 5000, "stop", "no complete JSON object"),
        (emotions(fear=1)[:-5], "length", "cut off after 1 tokens"),
        ("no", "refused", "the model refused: no"),
        (emotions(), "stop", "at least one emotion must reach 0.01"),
        (emotions(fear=1.5), "stop", "fear: Input should be less than or equal to 1"),
        (emotions(fear=-0.5), "stop", "fear: Input should be greater than or equal to 0"),
        (emotions(fear=math.nan).replace("nan", "NaN"), "stop", "fear: "),
        (emotions(fear=0.5).replace("contempt", "shame"), "stop", "contempt: Field required; shame: Extra"),
    ],
)
def test_unusable_emotions_say_why(text, ended, reason):
    with pytest.raises(UnusableAnswerError, match=reason):
        read(text, ended=ended)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ('["she smiles a lot"]', "no complete JSON object"),
        ('{"texts": ["she smiles a lot"]}', "texts: List should have at least 2 items"),
        ('{"texts": ["a b c", "d e f", "g h i"]}', "texts: List should have at most 2 items"),
        ('{"texts": ["she smiles a lot", "  She smiles A LOT "]}', "must differ from each other"),
        ('{"texts": ["she smiles a lot", ""]}', "at least 3 words"),
        ('{"texts": ["she smiles a lot", "' + "very " * 200 + 'sad"]}', "at most 600 characters"),
    ],
)
def test_unusable_texts_say_why(answer, reason):
    with pytest.raises(UnusableAnswerError, match=reason):
        read(answer, texts_form(2))


# The cache


def test_the_key_depends_on_all_of_a_request():
    one = Request(({"role": "user", "content": "x"},), "texts", {}, 1.0, 10, 0)
    others = [
        Request(({"role": "user", "content": "y"},), "texts", {}, 1.0, 10, 0),
        Request(one.messages, "emotions", {}, 1.0, 10, 0),
        Request(one.messages, "texts", {"a": 1}, 1.0, 10, 0),
        Request(one.messages, "texts", {}, None, 10, 0),
        Request(one.messages, "texts", {}, 1.0, 11, 0),
        Request(one.messages, "texts", {}, 1.0, 10, 1),
    ]
    keys = {each.key({"model": "m"}) for each in (one, *others)} | {one.key({"model": "n"})}
    assert len(keys) == 8


def _write(folder: Path, process: int) -> None:
    with AnswerCache(folder) as cache:
        for number in range(50):
            cache.keep(f"{process}-{number}", Answer("x", "stop", 3, 4), 0.5, cache.reserve("purpose", 0.9))


def test_several_processes_share_the_cache(tmp_path):
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_write, args=(tmp_path, each)) for each in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    with AnswerCache(tmp_path) as cache:
        assert cache.spent("purpose") == (150, 75.0) and cache.spent("another") == (0, 0.0)
        assert cache.find("2-49") == (Answer("x", "stop", 3, 4), 0.5) and cache.find("3-0") is None


def test_a_file_that_is_no_cache_is_named(tmp_path):
    (tmp_path / "answers.sqlite").write_bytes(b"something else " * 100)
    with pytest.raises(DataError, match=r"answers\.sqlite cannot be used .*cache="):
        AnswerCache(tmp_path)


def test_a_cache_that_breaks_later_stops_with_a_message(tmp_path):
    with AnswerCache(tmp_path) as cache:
        call = cache.reserve("purpose", 0.5)
        with sqlite3.connect(cache.file) as other:
            other.execute("DROP TABLE spending")
        with pytest.raises(DataError, match=r"answers\.sqlite cannot be read or written any more"):
            cache.keep("key", Answer("x", "stop", 3, 4), 0.5, call)
        assert cache.find("key") is None


# Settings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": None}, "no name"),
        ({"price_in": None}, "set price_in"),
        ({"base_url": "localhost:8000"}, "an address such as"),
        ({"base_url": "https://me:secret@host/v1"}, "name, password, query or fragment"),
        ({"structured": "xml"}, "structured=xml: choose from json_schema, json_object, text"),
        ({"concurrency": 0}, "at least 1"),
    ],
)
def test_endpoints_that_cannot_be(settings, message):
    with pytest.raises(ConfigError, match=message) as refused:
        OpenAIChat(**{"model": "m", "price_in": 1.0, "price_out": 1.0, **settings})
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"texts_per_sample": 4}, r"must lie in 1 … 3"),
        ({"samples": 0}, "samples=0"),
        ({"ages": ["baby"]}, "ages baby: choose from child"),
        ({"themes": []}, "themes must have at least one"),
        ({"intensities": {"none": 0.0}}, "intensities of none must lie above 0"),
        ({"temperature": -1.0}, "must not be negative"),
        ({"max_calls": -1}, "max_cost and max_calls"),
        ({"max_tokens": 0}, "max_tokens must be at least 1"),
    ],
)
def test_stages_that_cannot_be(tmp_path, settings, message):
    with pytest.raises(ConfigError, match=message):
        LLMTexts(**{"model": chat(URL), "samples": 8, **PLAN, "cache": str(tmp_path), **settings})


# Models on this machine


@pytest.mark.parametrize("template", [True, False])
def test_a_local_model_fills_both_stages(tmp_path, template):
    story = save_chat_model(tmp_path / "story", ['{"texts":', '["she', "smiles", 'widely"]}'], template)
    numbers = emotions(happiness=0.9).replace(": ", ":").split()
    rater = HuggingFaceChat(str(save_chat_model(tmp_path / "rater", numbers, template)), device="cpu")
    writer = HuggingFaceChat(str(story), device="cpu")
    cache = tmp_path / "cache"
    stages = [
        texts("", 4, cache, model=writer, texts_per_sample=1),
        LLMEmotions(pickle.loads(pickle.dumps(rater)), cache=str(cache)),
    ]
    manifests = run_stages(tmp_path / "build", stages, progress=False)
    assert [row["texts"] for row in rows(tmp_path / "build", "texts")] == [["she smiles widely"]] * 4
    rated = rows(tmp_path / "build", "emotions")
    assert all(row["emotions"] == pytest.approx([0, 0.9, 0, 0, 0, 0, 0, 0]) for row in rated)
    assert manifests["texts"]["calls"] == 4 and manifests["texts"]["cost"] == 0
    assert pickle.loads(pickle.dumps(writer)).__dict__.keys() == {"model", "revision", "device"}


def test_a_local_model_that_babbles_is_set_aside(tmp_path):
    babbler = HuggingFaceChat(str(save_chat_model(tmp_path / "random", None)), device="cpu")
    stage = texts("", 2, tmp_path, model=babbler, max_tokens=8, repairs=1)
    run_stages(tmp_path / "build", [stage], progress=False)
    reasons = [row["set_aside"] for row in rows(tmp_path / "build", "texts")]
    assert all(reason.startswith("no usable answer in 2 calls") for reason in reasons) and len(reasons) == 2


def test_a_local_model_that_is_not_there_is_named(tmp_path):
    stage = texts("", 2, tmp_path, model=HuggingFaceChat(str(tmp_path / "nowhere"), device="cpu"))
    with pytest.raises(WeightsUnavailableError, match="nowhere"):
        run_stages(tmp_path / "build", [stage], progress=False)
