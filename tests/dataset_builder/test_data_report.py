"""The data-set report against slow, obvious counting on a hand-made corpus, and through a tiny WordNet."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from emo3d_exp.dataset_builder.report import analyse, write_report
from emo3d_exp.dataset_builder.report.counting import (
    emotion_means,
    frequent_words,
    overview,
    texts_per_emotion,
    wording_by_emotion,
    words_per_text,
)
from emo3d_exp.dataset_builder.report.sections import sections
from emo3d_exp.dataset_builder.report.wording import STOP_WORDS, is_stop_word, sentences, words
from emo3d_exp.errors import ConfigError, DataError
from emo3d_exp.records import Corpus, ImageRef
from emo3d_exp.vocab import EMOTIONS

TEXTS = (
    "She smiles. A wide smile, and she smiles on!",
    "Her half-open mouth smiles.",
    "He doesn't run; he frowns… Why?",
    "He frowns 3 times.",
    "A dog ran.",
)
TEXT_SAMPLE = (0, 0, 1, 2, 3)
EMOTION_ROWS = {0: {"happiness": 0.9}, 1: {"anger": 0.8, "fear": 0.2}, 2: {"anger": 0.4}, 3: {"neutral": 1.0}}


@pytest.fixture
def corpus() -> Corpus:
    emotions = np.zeros((4, 8), dtype=np.float32)
    for row, values in EMOTION_ROWS.items():
        for name, value in values.items():
            emotions[row, EMOTIONS.index(name)] = value
    blendshapes = np.zeros((4, 52), dtype=np.float32)
    blendshapes[2] = np.nan
    return Corpus(
        name="made",
        sample_id=np.array([3, 5, 6, 9]),
        emotions=emotions,
        published_split=np.array(["train", "train", "val", "test"]),
        text=TEXTS,
        text_sample=np.array(TEXT_SAMPLE),
        text_number=np.array([1, 2, 1, 1, 1]),
        image=(ImageRef("a", "k1"), ImageRef("b", "k2"), ImageRef("c", "k3"), None),
        blendshapes=blendshapes,
        face_sample=np.array([0, 0, 1, 3]),
        face_number=np.array([1, 2, 1, 1]),
    )


def slow_words(text: str) -> list[str]:
    kept = "".join(c if c.isalpha() or c in "'-" else " " for c in text.lower())
    return kept.split()


def test_words_and_sentences() -> None:
    assert words("Don’t half-open 2 it's—no") == ["don't", "half-open", "it's", "no"]
    assert [sentences(text) for text in TEXTS] == [2, 1, 2, 1, 1]
    assert sentences("e.g. this") == 2 and sentences("…") == 0 and sentences("3.5 metres") == 1
    assert is_stop_word("doesn't") and is_stop_word("she's") and not is_stop_word("dog's")
    assert all(re.fullmatch("[a-z]+", word) for word in STOP_WORDS)


def test_overview_counts_pairs_one_by_one(corpus: Corpus) -> None:
    found = overview(corpus)
    pairs = [
        (text, face)
        for text, sample in enumerate(TEXT_SAMPLE)
        for face, other in enumerate(corpus.face_sample)
        if other == sample and np.isfinite(corpus.blendshapes[face]).all()
    ]
    assert found.pairs == len(pairs) == len(corpus.pairs()) == 5
    assert found.triples == sum(corpus.image[face] is not None for _, face in pairs) == 4
    assert (found.samples, found.texts, found.images, found.blendshapes) == (4, 5, 3, 3)
    assert found.split == {"test": 1, "train": 2, "val": 1}


def test_table_3_is_what_slow_counting_gives(corpus: Corpus) -> None:
    for row in wording_by_emotion(corpus):
        chosen = [
            text
            for text, sample in zip(TEXTS, TEXT_SAMPLE, strict=True)
            if row.emotion in ("all", max(EMOTION_ROWS[sample], key=EMOTION_ROWS[sample].__getitem__))
        ]
        found = [word for text in chosen for word in slow_words(text)]
        assert (row.texts, row.words, row.unique_words) == (len(chosen), len(found), len(set(found)))
        if not found:
            assert row.word_length is None and row.sentence_length is None
            continue
        lengths = [len(word.replace("'", "").replace("-", "")) for word in found]
        assert row.word_length == pytest.approx(sum(lengths) / len(lengths))
        content = [n for word, n in zip(found, lengths, strict=True) if not is_stop_word(word)]
        assert row.content_word_length == pytest.approx(sum(content) / len(content))
        assert row.sentence_length == pytest.approx(len(found) / row.sentences)
    assert wording_by_emotion(corpus)[EMOTIONS.index("anger")].sentences == 3


def test_frequent_words_and_figures(corpus: Corpus) -> None:
    found = frequent_words(corpus, 2)
    mean, deviation = emotion_means(corpus)
    slow = Counter(w for text in TEXTS for w in slow_words(text) if not is_stop_word(w))
    assert found["all"] == [("smiles", 3), ("frowns", 2)]
    assert slow["smiles"] == 3 and slow["frowns"] == 2
    assert found["happiness"] == [("smiles", 3), ("half-open", 1)]
    assert found["fear"] == []
    assert words_per_text(corpus).tolist() == [len(slow_words(text)) for text in TEXTS]
    assert texts_per_emotion(corpus).tolist() == [1, 2, 0, 0, 2, 0, 0, 0]
    anger = EMOTIONS.index("anger")
    assert mean[anger, anger] == pytest.approx(0.6)
    assert deviation[anger, anger] == pytest.approx(0.2)
    assert mean[anger, EMOTIONS.index("fear")] == pytest.approx(0.1)
    assert np.isnan(mean[EMOTIONS.index("disgust")]).all()


def test_files_hold_what_was_counted(corpus: Corpus, tmp_path) -> None:
    found = write_report(replace(corpus, name="<b>|x"), tmp_path)
    told = json.loads((tmp_path / "report.json").read_text())
    assert told["table_1"]["texts"] == 5 and told["figure_9"]["anger"] == 2
    assert told["table_3_published"]["rows"]["contempt"]["words"] == 7535
    rows = list(csv.DictReader((tmp_path / "table_3.csv").open()))
    assert [row["words"] for row in rows] == [str(row.words) for row in found.wording]
    page = (tmp_path / "report.html").read_text()
    assert "<b>|x" not in page and "&lt;b&gt;|x" in page
    assert page.count("data:image/png;base64,") == 3
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    markdown = (tmp_path / "report.md").read_text()
    for name in ("figure_8", "figure_9", "figure_10"):
        assert f"({name}.png)" in markdown
        assert (tmp_path / f"{name}.png").read_bytes()[:4] == b"\x89PNG"


def test_a_report_of_nothing_is_refused(corpus: Corpus, tmp_path) -> None:
    with pytest.raises(ConfigError, match="top=0"):
        analyse(corpus, top=0)
    with pytest.raises(DataError, match="no text"):
        analyse(corpus.select(np.zeros(4, dtype=bool)))
    pytest.importorskip("nltk", reason="nltk is not installed")
    with pytest.raises(ConfigError, match="is no nltk_data folder"):
        analyse(corpus, wordnet=str(tmp_path))


def write_wordnet(folder) -> None:
    """The files of a WordNet of four made-up entries: smile (noun, verb), run (verb), dog (noun)."""
    folder.mkdir(parents=True)
    kinds = {
        "noun": ("n", [("smile", 3, 2), ("dog", 3, 1)]),
        "verb": ("v", [("smile", 30, 5), ("run", 38, 4)]),
    }
    for kind in ("adj", "adv", "noun", "verb"):
        for name in (f"data.{kind}", f"index.{kind}", f"{kind}.exc"):
            (folder / name).write_text("")
    (folder / "verb.exc").write_text("ran run\n")
    (folder / "lexnames").write_text("".join(f"{n:02d}\tname.{n}\t1\n" for n in range(45)))
    (folder / "index.sense").write_text("")
    counts = []
    for kind, (letter, entries) in kinds.items():
        data, index = "", ""
        for lemma, file, count in entries:
            offset = len(data)
            frames = " 01 + 01 00" if letter == "v" else ""
            data += (
                f"{offset:08d} {file:02d} {letter} 01 {lemma} 0 000{frames} | made-up meaning of {lemma}\n"
            )
            index += f"{lemma} {letter} 1 0 1 1 {offset:08d}\n"
            counts.append(f"{lemma}%{1 if letter == 'n' else 2}:{file:02d}:00:: 1 {count}\n")
        (folder / f"data.{kind}").write_text(data)
        (folder / f"index.{kind}").write_text(index)
    (folder / "cntlist.rev").write_text("".join(sorted(counts)))


def test_synsets_by_the_most_frequent_sense(corpus: Corpus, tmp_path, monkeypatch) -> None:
    nltk = pytest.importorskip("nltk", reason="nltk is not installed")
    monkeypatch.setattr(nltk.data, "path", list(nltk.data.path))
    write_wordnet(tmp_path / "corpora" / "wordnet")
    found = analyse(corpus, wordnet=str(tmp_path)).synsets
    assert [(row.name, row.count) for row in found.nouns] == [("dog.n.01", 1)]
    # "smiles" three times and "smile" once are verbs by the counts; "run" and "ran" are one.
    assert [(row.name, row.count) for row in found.verbs] == [("smile.v.01", 4), ("run.v.01", 2)]
    assert found.verbs[0].definition == "made-up meaning of smile" and found.missing is None


def test_without_wordnet_the_tables_are_left_out_with_a_line(corpus: Corpus, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "nltk", None)
    section = next(each for each in sections(analyse(corpus)) if each.name == "tables_5_and_6")
    assert "NLTK is not installed" in section.told and "nltk.downloader wordnet" in section.told
    assert not section.rows
