"""Every fault that is planted is found, and a clean data set has no error."""

import dataclasses
import io
import json

import numpy as np
import pytest

from emo3d_exp.data.near_copies import near_copy_pairs
from emo3d_exp.dataset_builder import as_markdown, as_table, validate, write_validation
from emo3d_exp.errors import DataError
from emo3d_exp.records import Corpus, ImageRef
from emo3d_exp.vocab import BLENDSHAPES

SAMPLES = 80


@pytest.fixture
def clean(tmp_path):
    rng = np.random.default_rng(5)
    rows = np.arange(SAMPLES)
    emotions = rng.uniform(0, 0.3, (SAMPLES, 8)).astype(np.float32)
    emotions[rows, rows % 8] = 0.9
    (tmp_path / "face.jpeg").write_bytes(b"a picture")
    images = tuple(ImageRef(str(tmp_path / "face.jpeg"), f"key-{row}") for row in rows)
    parts = np.array(["train"] * 64 + ["val"] * 8 + ["test"] * 8)
    texts = tuple(" ".join(f"w{word}" for word in rng.integers(0, 10**6, 12)) for _ in rows)
    return Corpus(
        name="clean", sample_id=rows + 100, emotions=emotions, published_split=parts, text=texts,
        text_sample=rows, text_number=np.ones_like(rows), image=images,
        blendshapes=rng.uniform(0, 1, (SAMPLES, 52)).astype(np.float32), face_sample=rows,
        face_number=np.ones_like(rows),
    )  # fmt: skip


def test_a_clean_data_set_has_no_error_and_no_warning(clean):
    validation = validate(clean)
    assert [finding.what for finding in validation.of("error") + validation.of("warning")] == []
    assert [finding.check for finding in validation.findings] == ["balance"]
    validation.raise_for_errors()


def texts(corpus: Corpus, **changes: str) -> Corpus:
    text = list(corpus.text)
    for place, new in changes.items():
        text[int(place[1:])] = new
    return dataclasses.replace(corpus, text=tuple(text))


def put(corpus: Corpus, name: str, rows: object, value: object) -> Corpus:
    changed = getattr(corpus, name).copy()
    changed[rows] = value
    return dataclasses.replace(corpus, **{name: changed})


def images(corpus: Corpus, **changes: ImageRef | None) -> Corpus:
    image = list(corpus.image)
    for place, new in changes.items():
        image[int(place[1:])] = new
    return dataclasses.replace(corpus, image=tuple(image))


LONG = " ".join(f"l{n}" for n in range(300))
SCORES, PART = "blendshapes", "published_split"
FAULTS = {
    "empty text": (lambda c: texts(c, _3=" "), "texts", "error", 1, "sample 103, text 1"),
    "long text": (lambda c: texts(c, _3=LONG), "texts", "warning", 1, "sample 103, text 1: 300 words"),
    "no text": (lambda c: put(c, "text_sample", 3, 4), "texts", "error", 1, "103"),
    "copy": (lambda c: texts(c, _3=c.text[4].upper()), "copies", "warning", 1, "samples 103 (train) and 104"),
    "leak": (lambda c: texts(c, _79=c.text[4]), "leaks", "error", 1, "104 (train) and 179 (test)"),
    "near copy": (lambda c: texts(c, _3=c.text[4] + " more"), "copies", "note", 1, "103 (train) and 104"),
    "near leak": (lambda c: texts(c, _79=c.text[4] + " more"), "leaks", "warning", 1, "179 (test)"),
    "sample twice": (lambda c: put(c, "sample_id", 1, 100), "split", "error", 1, "100"),
    "sample in two parts": (lambda c: put(c, "sample_id", 79, 100), "leaks", "error", 1, "100"),
    "unknown part": (lambda c: put(c, "published_split", 3, "dev"), "split", "error", 1, "'dev': 1"),
    "no part": (lambda c: put(c, "published_split", 3, ""), "split", "warning", 1, "103"),
    "empty part": (lambda c: put(c, PART, slice(64, 72), "test"), "split", "warning", 1, "val"),
    "zeros": (lambda c: put(c, "emotions", 5, 0), "emotions", "error", 1, "sample 105"),
    "above one": (lambda c: put(c, "emotions", (5, 2), 1.5), "emotions", "error", 1, "sample 105"),
    "no number": (lambda c: put(c, "emotions", (5, 2), np.nan), "emotions", "error", 1, "sample 105"),
    "rare emotion": (
        lambda c: put(c, "emotions", (slice(None), 7), 0), "balance", "warning", 1, "contempt: 0",
    ),
    "unseen emotion": (
        lambda c: put(put(c, "emotions", (slice(None), 7), 0), "emotions", (79, 7), 1),
        "balance", "warning", 1, "contempt",
    ),
    "scores outside": (lambda c: put(c, SCORES, (9, 4), 1.2), "faces", "error", 1, "sample 109, face 1"),
    "half a vector": (lambda c: put(c, SCORES, (9, 4), np.nan), "faces", "error", 1, "sample 109"),
    "face not found": (lambda c: put(c, SCORES, 9, np.nan), "faces", "note", 1, "sample 109, face 1"),
    "many not found": (lambda c: put(c, SCORES, range(9), np.nan), "faces", "warning", 9, "sample 100"),
    "none found": (lambda c: put(c, SCORES, slice(None), np.nan), "faces", "error", 1, "nothing"),
    "still shape": (
        lambda c: put(c, SCORES, (slice(None), 7), 0.01), "movement", "warning", 1, BLENDSHAPES[7],
    ),
    "all faces equal": (lambda c: put(c, SCORES, slice(None), 0.5), "movement", "error", 80, "sample"),
    "two faces equal": (
        lambda c: put(c, SCORES, 9, c.blendshapes[4]), "movement", "warning", 1, "2 faces, the",
    ),
    "lost picture": (
        lambda c: images(c, _4=ImageRef("/nowhere/a.jpeg", "k")), "pictures", "error", 1, "/nowhere/a.jpeg",
    ),
    "lost archive": (
        lambda c: images(c, _4=ImageRef("/nowhere/a.zip!b.jpeg", "k")), "pictures", "error", 1, "a.zip!b",
    ),
    "no picture": (lambda c: images(c, _4=None), "pictures", "note", 1, "sample 104, face 1"),
    "shared picture": (lambda c: images(c, _4=c.image[5]), "pictures", "warning", 1, "samples 104, 105"),
    "picture in two parts": (lambda c: images(c, _4=c.image[79]), "leaks", "error", 1, "samples 104, 179"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(clean, fault):
    plant, check, severity, count, example = FAULTS[fault]
    validation = validate(plant(clean))
    found = [
        each for each in validation.findings
        if (each.check, each.severity, each.count) == (check, severity, count) and example in each.examples[0]
    ]  # fmt: skip
    assert found, validation.findings
    if severity == "error":
        with pytest.raises(DataError, match=f"data=clean has .* error.*{check}"):
            validation.raise_for_errors()


def test_several_texts_of_one_sample_may_be_alike(clean):
    alike = put(texts(clean, _5=clean.text[4]), "text_sample", 5, 4)
    alike = put(alike, "text_number", 5, 2)
    assert not [f for f in validate(alike).findings if f.check in ("copies", "leaks")]


def test_reports(clean, tmp_path):
    from rich.console import Console

    bad = put(texts(clean, _3="", _5="*bold* <b>|x", _6="*bold* <b>|x"), SCORES, 9, np.nan)
    validation = validate(bad, reasons={"no face was found": 1})
    markdown, plain = (path.read_text() for path in write_validation(validation, tmp_path))
    assert markdown == as_markdown(validation)
    assert "| error | texts | 1 | empty texts |" in markdown and "\\*bold\\* \\<b\\>\\|x" in markdown
    assert "no face was found: 1" in markdown
    told = json.loads(plain)
    assert told["totals"]["error"] == 1 and told["counts"]["samples"] == SAMPLES
    assert told["findings"][0]["severity"] == "error" and told["findings"][0]["examples"]
    stream = io.StringIO()
    Console(file=stream, width=140).print(as_table(validation))
    assert "empty texts" in stream.getvalue() and "1 error" in stream.getvalue()


@pytest.mark.parametrize("block", [1 << 20, 100])
def test_near_copies_among_texts_much_alike_are_told_with_the_first_of_each(clean, block, monkeypatch):
    monkeypatch.setattr("emo3d_exp.data.near_copies.PAIRS_AT_A_TIME", block)
    rng = np.random.default_rng(1)
    base = [f"same{number}" for number in range(8)]
    listed = [[*rng.permutation(base)[:7], *rng.choice(["one", "two", "six"], 2)] for _ in range(SAMPLES)]
    parts = rng.choice(["train", "val", "test", ""], SAMPLES)
    owners = np.sort(rng.integers(0, SAMPLES, SAMPLES))
    alike = dataclasses.replace(
        clean, text=tuple(map(" ".join, listed)), published_split=parts, text_sample=owners
    )
    assert len(set(alike.text)) == SAMPLES
    leaks, copies = {}, {}
    for one, other in near_copy_pairs(alike.text, 0.6).tolist():
        first, second = parts[owners[[one, other]]]
        if owners[one] != owners[other]:
            told = leaks if first and second and first != second else copies
            told.setdefault(
                other, f"samples {100 + owners[one]} ({first or 'no part'}) and {100 + owners[other]}"
            )
    found = [each for each in validate(alike).findings if "near copies" in each.what]
    assert [each.severity for each in found] == ["warning", "note"]
    for finding, told in zip(found, (leaks, copies), strict=True):
        assert finding.count == len(told) > 5
        for line, start in zip(finding.examples, told.values(), strict=False):
            assert line.startswith(start)
