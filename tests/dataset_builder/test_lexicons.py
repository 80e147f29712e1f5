"""Lexicon files of made-up words, the mapping to eight emotions, and the stages that use them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from emo3d_exp.dataset_builder import LexiconEmotions, PrimitiveEmotions, PrimitiveTexts, run_stages
from emo3d_exp.dataset_builder.lexicons import nearest_words, read_lexicon, write_nearest_words
from emo3d_exp.dataset_builder.lexicons.mapping import NRC_CATEGORIES, NRC_TO_EMOTION
from emo3d_exp.dataset_builder.store import RowStore
from emo3d_exp.errors import ConfigError, DataError
from emo3d_exp.vocab import EMOTIONS

WORDS = {
    "glimmy": {"joy", "positive"},
    "grobble": {"anger", "disgust", "negative"},
    "spooch": {"fear", "sadness"},
    "plank": set(),
    "trusty": {"trust", "positive"},
}


@pytest.fixture
def emolex(tmp_path: Path) -> Path:
    lines = [f"{word}\t{c}\t{int(c in own)}" for word, own in WORDS.items() for c in NRC_CATEGORIES]
    path = tmp_path / "emolex.txt"
    path.write_text("\n" + "\n".join(lines) + "\n")
    return path


def vector(**values: float) -> list[float]:
    return [values.get(name, 0.0) for name in EMOTIONS]


def test_every_category_is_mapped_to_an_emotion_or_to_none() -> None:
    assert set(NRC_TO_EMOTION) == set(NRC_CATEGORIES)
    assert {name for name in NRC_TO_EMOTION.values() if name} == set(EMOTIONS) - {"neutral", "contempt"}


def test_emolex_becomes_eight_emotions(emolex: Path) -> None:
    found = read_lexicon("emolex", str(emolex)).vectors
    assert found.keys() == WORDS.keys() - {"trusty"}
    assert found["glimmy"].tolist() == vector(happiness=1)
    assert found["grobble"].tolist() == vector(anger=1, disgust=1, contempt=1)
    assert found["plank"].tolist() == vector(neutral=1)
    without = read_lexicon("emolex", str(emolex), "none").vectors
    assert without["grobble"].tolist() == vector(anger=1, disgust=1)


def test_intensities_keep_their_scores_and_a_heading_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "intensity.txt"
    path.write_text(
        "word\temotion\temotion-intensity-score\r\nGrobble\tanger\t0.75\r\ngrobble\tdisgust\t0.5\r\n"
    )
    found = read_lexicon("intensity", str(path))
    assert found.vectors["grobble"].tolist() == vector(anger=0.75, disgust=0.5, contempt=0.5)


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        ("emolex", "a\tjoy\t1\nb joy 1\n", "line 2: expected word"),
        ("emolex", "a\tjoy\t0.5\n", "line 1: value '0.5' must be 0 or 1"),
        ("emolex", "a\tglee\t1\n", "line 1: 'glee' is no category"),
        ("emolex", "a\tjoy\t1\na\tjoy\t0\n", "line 2: 'a' has two values for joy"),
        ("intensity", "a\tjoy\tmuch\n", "line 1: value 'much' must be a number"),
        ("intensity", "a\tjoy\t1.5\n", "line 1: value '1.5' must be a number from 0 to 1"),
        ("intensity", "a\tjoy\tnan\n", "line 1: value 'nan'"),
        ("intensity", "\n", "no line with a word"),
    ],
)
def test_another_format_is_refused_with_its_line(tmp_path: Path, kind: str, text: str, told: str) -> None:
    path = tmp_path / "lexicon.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=told):
        read_lexicon(kind, str(path))


def test_settings_that_cannot_be(tmp_path: Path, monkeypatch) -> None:
    for arguments in (("wordnet",), ("emolex",), ("emolex", "x", "half"), ("nrclex", "x")):
        with pytest.raises(ConfigError):
            read_lexicon(*arguments)
    with pytest.raises(DataError, match="cannot read"):
        read_lexicon("emolex", str(tmp_path / "absent"))
    with pytest.raises(ConfigError, match="neutral_weight"):
        LexiconEmotions("emolex", "x", neutral_weight=2)
    monkeypatch.setitem(__import__("sys").modules, "nrclex", None)
    with pytest.raises(ConfigError, match="pip install nrclex"):
        read_lexicon("nrclex")


def rated(stage: LexiconEmotions, *texts: str) -> dict:
    return stage.process([{"sample_id": 7, "texts": list(texts)}])[0]


def test_texts_get_the_mean_of_their_words(emolex: Path) -> None:
    stage = LexiconEmotions("emolex", str(emolex))
    row = rated(stage, "Glimmy, glimmy plank!", "Spooch?")
    assert row["emotions"] == pytest.approx(vector(happiness=2 / 3, fear=1 / 3, sadness=1 / 3))
    assert row["rater"] == "emolex" and row["set_aside"] is None
    assert rated(stage, "a plank")["emotions"] == vector(neutral=1)
    weighed = LexiconEmotions("emolex", str(emolex), neutral_weight=1.0)
    assert rated(weighed, "glimmy plank")["emotions"] == vector(neutral=0.5, happiness=0.5)
    row = rated(stage, "nothing known, trusty")
    assert row["emotions"] is None and "no word is in the lexicon" in row["set_aside"]


def test_another_content_is_another_parameter(emolex: Path) -> None:
    before = LexiconEmotions("emolex", str(emolex)).parameters()
    emolex.write_text(emolex.read_text() + "florp\tjoy\t1\n")
    assert LexiconEmotions("emolex", str(emolex)).parameters() != before


def test_primitive_faces_are_built(emolex: Path, tmp_path: Path) -> None:
    template = "A $gender face showing $intensity $word."
    texts = PrimitiveTexts(["glimmy", "unheard"], {"slight": 0.25, "intense": 1.0}, template)
    stages = [texts, PrimitiveEmotions("emolex", str(emolex))]
    manifests = run_stages(tmp_path / "build", stages, progress=False)
    assert manifests["texts"]["rows"] == 8 and manifests["emotions"]["set_aside"] == 4
    rows = list(RowStore(tmp_path / "build", "texts").rows(("texts", "gender", "style", "prompt_type")))
    assert rows[0]["texts"] == ["A male face showing slight glimmy."]
    assert {(row["gender"], row["style"]) for row in rows[:4]} == {
        (gender, style) for gender in ("male", "female") for style in ("slight", "intense")
    }
    emotions = list(RowStore(tmp_path / "build", "emotions").rows(("emotions",)))
    assert [row["emotions"] for row in emotions[:2]] == [vector(happiness=0.25), vector(happiness=1.0)]


@pytest.mark.parametrize(
    "arguments",
    [
        ([], {"a": 1}, "$word $gender $intensity"),
        (["a", "A"], {"a": 1}, "$word $gender $intensity"),
        (["a"], {"a": 0}, "$word $gender $intensity"),
        (["a"], {"a": 1}, "$word $gender"),
        (["a"], {"a": 1}, "$word $gender $intensity $age"),
    ],
)
def test_primitive_grids_that_cannot_be(arguments: tuple) -> None:
    with pytest.raises(ConfigError):
        PrimitiveTexts(*arguments)


def test_nearest_words_are_those_of_the_largest_cosine(emolex: Path, tmp_path: Path) -> None:
    lexicon = read_lexicon("emolex", str(emolex))
    assert nearest_words(lexicon, "happiness", 5) == [("glimmy", 1.0)]
    (word, cosine), *_ = nearest_words(lexicon, "fear", 5)
    own = lexicon.vectors[word]
    slow = own[EMOTIONS.index("fear")] / np.sqrt(sum(value * value for value in own))
    assert word == "spooch" and cosine == pytest.approx(slow)
    with pytest.raises(ConfigError):
        nearest_words(lexicon, "glee", 5)
    pytest.importorskip("wordcloud", reason="wordcloud is not installed")
    files = write_nearest_words(lexicon, tmp_path / "words")
    assert {file.name for file in files} >= {"words.csv", "words_fear.png", "words_contempt.png"}
    rows = list(csv.DictReader((tmp_path / "words" / "words.csv").open()))
    assert {"emotion": "contempt", "rank": "1", "word": "grobble", "cosine": f"{1 / np.sqrt(3):.6f}"} in rows
    again = write_nearest_words(lexicon, tmp_path / "again")
    assert [a.read_bytes() for a in files] == [b.read_bytes() for b in again]
