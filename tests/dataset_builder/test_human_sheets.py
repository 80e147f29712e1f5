"""Samples and sheets for annotators, and answers read back strictly."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from emo3d_exp.dataset_builder.human import (
    Item,
    agreement,
    draw_texts,
    read_labels,
    read_preferences,
    verdicts,
    write_label_sheets,
    write_preference_sheets,
)
from emo3d_exp.dataset_builder.human.agreement import kappa, majority
from emo3d_exp.errors import ConfigError, DataError
from emo3d_exp.records import Corpus
from emo3d_exp.vocab import EMOTIONS


@pytest.fixture(autouse=True)
def few_draws(monkeypatch) -> None:
    monkeypatch.setattr("emo3d_exp.dataset_builder.human.bootstrap.REPLICATES", 60)


LABELS = np.repeat(np.arange(8), (2, 20, 20, 20, 20, 20, 20, 5))


@pytest.fixture
def corpus() -> Corpus:
    count = len(LABELS)
    rows = np.repeat(np.arange(count), 2)
    return Corpus(
        name="made",
        sample_id=np.arange(count) * 3,
        emotions=np.eye(8, dtype=np.float32)[LABELS],
        published_split=np.full(count, ""),
        text=tuple(f"Text, {row} </script><b>\n“{number}”" for row in range(count) for number in (1, 2)),
        text_sample=rows,
        text_number=np.tile([1, 2], count),
        image=(),
        blendshapes=np.zeros((0, 52), dtype=np.float32),
        face_sample=np.zeros(0, dtype=np.int64),
        face_number=np.zeros(0, dtype=np.int64),
    )


def test_the_sample_is_stratified_and_repeatable(corpus: Corpus) -> None:
    items = draw_texts(corpus, 50, seed=3)
    shares = Counter(item.system for item in items)
    assert shares["neutral"] == 2 and shares["contempt"] == 5
    assert sorted(shares[name] for name in EMOTIONS[1:7]) == [7, 7, 7, 7, 7, 8]
    assert len({item.sample_id for item in items}) == 50
    for item in items:
        row = item.sample_id // 3
        assert item.text == corpus.text[2 * row + item.text_number - 1]
        assert item.system == EMOTIONS[LABELS[row]]
    assert items == draw_texts(corpus, 50, seed=3) != draw_texts(corpus, 50, seed=4)
    assert len(draw_texts(corpus, len(LABELS))) == len(LABELS)
    with pytest.raises(ConfigError, match="count=128"):
        draw_texts(corpus, 128)


def test_sheets_are_blind_and_the_form_needs_nothing_else(corpus: Corpus, tmp_path: Path) -> None:
    items = draw_texts(corpus, 20)
    files = write_label_sheets(items, tmp_path)
    sheet = list(csv.DictReader(files["sheet"].open(newline="")))
    assert [row["text"] for row in sheet] == [item.text for item in items]
    assert {row["label"] for row in sheet} == {""} and "system" not in sheet[0]
    page = files["form"].read_text()
    assert page.count("</script>") == 1 and "@" not in re.sub(r"@media", "", page)
    assert not re.findall(r"https?://|src=\"(?!data:)|<link", page)
    form = json.loads(re.search(r"const form = (\{.*\}), store", page)[1])
    assert [item["text"] for item in form["items"]] == [item.text for item in items]
    assert [value for value, _ in form["choices"]] == list(EMOTIONS)


@pytest.fixture
def sheets(tmp_path: Path) -> dict[str, Path]:
    items = [Item(n, 1, f"text {n}", EMOTIONS[n % 8]) for n in range(40)]
    return write_label_sheets(items, tmp_path)


def answer(sheet: Path, path: Path, labels: list[str], separator: str = ",") -> Path:
    rows = list(csv.DictReader(sheet.open(newline="")))
    lines = [separator.join(["sample_id", "text_number", "label"])]
    lines += [
        separator.join([row["sample_id"], row["text_number"], label])
        for row, label in zip(rows, labels, strict=True)
    ]
    path.write_text("\n".join(lines) + "\n\n", encoding="utf-8-sig")
    return path


def test_agreement_of_three_annotators(sheets: dict[str, Path], tmp_path: Path) -> None:
    from sklearn.metrics import cohen_kappa_score

    system = [EMOTIONS[n % 8] for n in range(40)]
    given = {"a": system, "b": system[:30] + ["anger"] * 10, "c": ["fear"] * 20 + system[20:]}
    files = [
        answer(sheets["sheet"], tmp_path / f"{name}.csv", labels, ";" if name == "b" else ",")
        for name, labels in given.items()
    ]
    found = agreement(*read_labels(sheets["key"], files))
    expected = [cohen_kappa_score(given[a], given[b]) for a, b in (("a", "b"), ("a", "c"), ("b", "c"))]
    assert [each["value"] for each in found["kappa"]] == pytest.approx(expected)
    assert found["mean_kappa"]["value"] == pytest.approx(np.mean(expected))
    for name, labels in given.items():
        share = sum(one == other for one, other in zip(labels, system, strict=True)) / 40
        told = found["system"][name]
        assert told["value"] == pytest.approx(share) and told["low"] <= share <= told["high"]
        assert np.sum(found["confusion"][name]) == 40
        assert np.trace(found["confusion"][name]) == pytest.approx(40 * share)
    votes = [Counter(labels).most_common() for labels in zip(*given.values(), strict=True)]
    split = sum(len(vote) == 3 for vote in votes)
    assert found["no_majority"] == split and found["system"]["majority"]["items"] == 40 - split
    assert found == agreement(*read_labels(sheets["key"], files))
    json.dumps(found, allow_nan=False)


def test_kappa_is_scikit_learns_and_none_where_it_is_not_defined() -> None:
    from sklearn.metrics import cohen_kappa_score

    draws = np.random.default_rng(0)
    for _ in range(20):
        one, other = draws.integers(0, 8, (2, 30))
        assert kappa(one, other) == pytest.approx(cohen_kappa_score(one, other))
    same = np.zeros(5, dtype=np.int64)
    found = agreement(same, {"a": same, "b": same})
    assert found["kappa"][0]["value"] is None and found["system"]["a"]["value"] == 1.0
    assert majority([np.array([1, 2]), np.array([1, 3])]).tolist() == [1, -1]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda rows: rows[:-1], "1 of 40 items have no row"),
        (lambda rows: [*rows, rows[1]], "row 42: sample_id .* is answered twice"),
        (lambda rows: [*rows[:-1], "999,1,fear"], "row 41: sample_id 999, text_number 1 is not among"),
        (lambda rows: [*rows[:-1], rows[-1].replace("fear", "bored")], "row 41: label 'bored' is none of"),
        (lambda rows: [*rows[:-1], rows[-1].replace("fear", " ")], "row 41: .* has no label"),
        (lambda rows: [*rows[:-1], "12"], "row 41: 1 cells, the heading has 3"),
        (lambda rows: ["sample_id,text_number,mood", *rows[1:]], "row 1: the column label is missing"),
        (lambda rows: [], "row 1: the column sample_id"),
    ],
)
def test_defective_answers_are_refused(sheets, tmp_path: Path, change, told: str) -> None:
    good = answer(sheets["sheet"], tmp_path / "good.csv", ["fear"] * 40)
    bad = tmp_path / "bad.csv"
    bad.write_text("\n".join(change(good.read_text("utf-8-sig").splitlines()[:41])))
    with pytest.raises(DataError, match=told) as caught:
        read_labels(sheets["key"], [good, bad])
    assert "bad.csv" in str(caught.value)
    with pytest.raises(ConfigError, match="two annotators"):
        read_labels(sheets["key"], [good])
    with pytest.raises(DataError, match="name a file twice"):
        read_labels(sheets["key"], [good, good])


SYSTEMS = ("alpha", "beta", "gamma")


@pytest.fixture
def asked(tmp_path: Path) -> tuple[list[Item], dict[str, Path]]:
    items = [Item(n, 2, f"text {n}", "fear") for n in range(12)]
    faces = {name: np.full((12, 16, 16, 3), 80 * place, dtype=np.uint8) for place, name in enumerate(SYSTEMS)}
    return items, write_preference_sheets(items, faces, tmp_path / "sheets", seed=1)


def test_preference_sheets_are_blind_and_balanced(asked) -> None:
    import cv2

    items, files = asked
    key = list(csv.DictReader(files["key"].open()))
    sheet = list(csv.DictReader(files["sheet"].open()))
    assert len(key) == len(sheet) == 36
    pairs = Counter((row["sample_id"], frozenset((row["left"], row["right"]))) for row in key)
    assert set(pairs.values()) == {1} and len(pairs) == 36
    assert 8 <= sum(row["left"] < row["right"] for row in key) <= 28
    for shown, hidden in zip(sheet, key, strict=True):
        assert shown["text"] == items[int(hidden["sample_id"])].text
        for side in ("left", "right"):
            pixels = cv2.imread(str(files["sheet"].parent / shown[f"{side}_picture"]))
            assert abs(int(pixels[0, 0, 0]) - 80 * SYSTEMS.index(hidden[side])) <= 3
    page = files["form"].read_text()
    assert page.count("data:image/jpeg;base64,") == 72
    for name in SYSTEMS:
        assert name not in page and name not in files["sheet"].read_text()


def choose(files: dict[str, Path], path: Path, rule) -> Path:
    rows = list(csv.DictReader(files["key"].open()))
    path.write_text("number,choice\n" + "".join(f"{row['number']},{rule(row)}\n" for row in rows))
    return path


def test_preferences_go_with_a_metric_that_sees_the_same(asked, tmp_path: Path) -> None:
    import pandas as pd

    items, files = asked
    rank = {name: place for place, name in enumerate(SYSTEMS)}
    value = {name: place + np.arange(12) / 100 * (1 + place) for place, name in enumerate(SYSTEMS)}
    tables = {}
    for name in SYSTEMS:
        keys = {"sample_id": [i.sample_id for i in items], "text_number": [i.text_number for i in items]}
        tables[name] = tmp_path / f"{name}.parquet"
        pd.DataFrame({**keys, "emo3d": value[name], "mse": -value[name]}).to_parquet(tables[name])
    lower = choose(
        files, tmp_path / "one.csv", lambda r: "left" if rank[r["left"]] < rank[r["right"]] else "right"
    )
    tied = choose(files, tmp_path / "two.csv", lambda r: "same")
    found = verdicts(read_preferences(files["key"], [lower, tied]), tables)
    assert [each["pair"] for each in found["wins"]] == [
        ["alpha", "beta"],
        ["alpha", "gamma"],
        ["beta", "gamma"],
    ]
    for each in found["wins"]:
        assert each["answers"] == {"first": 12, "same": 12, "second": 0}
        assert each["share_of_first"]["value"] == 0.75
    assert found["metrics"]["emo3d"]["agreement"] == {"value": 1.0, "low": 1.0, "high": 1.0, "items": 36}
    assert found["metrics"]["mse"]["agreement"]["value"] == 0.0
    assert found["metrics"]["emo3d"]["spearman"]["value"] > 0.8
    assert found["metrics"]["mse"]["kendall"]["value"] < -0.6
    json.dumps(found, allow_nan=False)
    only = verdicts(read_preferences(files["key"], [tied]), {"alpha": tables["alpha"]})
    assert only["metrics"] == {} and only["wins"][0]["share_of_first"]["value"] == 0.5


def test_defective_preferences_are_refused(asked, tmp_path: Path) -> None:
    import pandas as pd

    items, files = asked
    with pytest.raises(DataError, match="choice 'middle' is none of left, right, same"):
        read_preferences(files["key"], [choose(files, tmp_path / "one.csv", lambda row: "middle")])
    with pytest.raises(ConfigError, match="annotator's file is needed"):
        read_preferences(files["key"], [])
    short = tmp_path / "short.parquet"
    pd.DataFrame({"sample_id": [0], "text_number": [2], "emo3d": [0.6]}).to_parquet(short)
    good = choose(files, tmp_path / "good.csv", lambda row: "left")
    with pytest.raises(DataError, match=r"lack sample_id \d+, text_number 2"):
        verdicts(read_preferences(files["key"], [good]), dict.fromkeys(SYSTEMS, short))
    with pytest.raises(ConfigError, match="two systems"):
        write_preference_sheets(items, {"a": np.zeros((12, 4, 4, 3), np.uint8)}, tmp_path)
