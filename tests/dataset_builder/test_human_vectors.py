"""Agreement of people's labels with whole emotion vectors."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest

from emo3d_exp.dataset_builder.human import (
    Item,
    agreement,
    agreement_table,
    read_vectors,
    write_agreement_csv,
    write_label_sheets,
)
from emo3d_exp.dataset_builder.human.vector_agreement import EPSILON, EVERYBODY, FIGURES, vector_agreement
from emo3d_exp.errors import DataError
from emo3d_exp.vocab import EMOTIONS


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emo3d_exp.dataset_builder.human.bootstrap.REPLICATES", 99)


def made(count: int = 40, seed: int = 0) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Vectors with ties and zeros, and two annotators, of whom the first looks at them."""
    rng = np.random.default_rng(seed)
    vectors = (rng.dirichlet(np.full(8, 0.6), count) * 1.2).round(1).clip(0, 1)
    vectors[vectors.sum(axis=1) == 0, 0] = 1.0
    near = np.array([rng.choice(8, p=vector / vector.sum()) for vector in vectors])
    return vectors, {"near": near, "far": rng.integers(0, 8, count)}


def slow(labels: list[int], vector: np.ndarray) -> dict[str, float]:
    """The definitions, one item at a time."""
    system = [value / sum(vector) for value in vector]
    people = [labels.count(emotion) / len(labels) for emotion in range(8)]
    ranks = []
    for label in labels:
        order = sorted(system, reverse=True)
        places = [place for place, value in enumerate(order, 1) if value == system[label]]
        ranks.append(sum(places) / len(places))
    smooth = [[(value + EPSILON) / (1 + 8 * EPSILON) for value in each] for each in (people, system)]
    length = math.sqrt(sum(x * x for x in people)) * math.sqrt(sum(x * x for x in system))
    return {
        "probability": sum(system[label] for label in labels) / len(labels),
        "rank": sum(ranks) / len(ranks),
        "cosine": sum(x * y for x, y in zip(people, system, strict=True)) / length,
        "kl": sum(x * math.log(x / y) for x, y in zip(*smooth, strict=True)),
    }


def test_the_figures_are_those_of_slow_definitions() -> None:
    vectors, labels = made()
    found = vector_agreement(vectors, labels)
    judges = {name: [[label] for label in given.tolist()] for name, given in labels.items()}
    judges[EVERYBODY] = [list(pair) for pair in zip(*(g.tolist() for g in labels.values()), strict=True)]
    assert set(found) == set(judges)
    for name, chosen in judges.items():
        each = [slow(given, vector) for given, vector in zip(chosen, vectors, strict=True)]
        for figure in FIGURES:
            told = found[name][figure]
            assert told["value"] == pytest.approx(np.mean([one[figure] for one in each])), (name, figure)
            assert told["low"] <= told["value"] <= told["high"] and told["items"] == 40


def test_chance_is_the_mean_over_all_ways_to_deal_the_vectors() -> None:
    """Every vector meets every label equally often."""
    vectors, labels = made(12)
    every = [slow([label], vector) for label in labels["near"].tolist() for vector in vectors]
    found = vector_agreement(vectors, labels)["near"]
    for figure in FIGURES:
        values = [each[figure] for each in every]
        spread = np.std(values) / math.sqrt(12 * 99)
        assert found[figure]["chance"] == pytest.approx(np.mean(values), abs=5 * spread), figure


def test_who_looks_at_the_vector_beats_chance_and_who_does_not_does_not() -> None:
    vectors, labels = made(80)
    found = vector_agreement(vectors, labels)
    for figure, (_, higher) in FIGURES.items():
        near, far = found["near"][figure], found["far"][figure]
        assert (near["value"] > near["chance"]) == higher and near["p_value"] == 0.01, figure
        assert far["p_value"] > 0.05, figure
    assert found == vector_agreement(vectors, labels)
    same = vector_agreement(np.ones((6, 8)), {"a": np.arange(6), "b": np.arange(6)})["a"]
    assert same["rank"]["value"] == 4.5 and same["rank"]["p_value"] == 1.0
    assert same["probability"]["value"] == same["probability"]["chance"] == 0.125


def test_vectors_go_by_the_key_and_everything_into_the_table(tmp_path: Path) -> None:
    from rich.console import Console

    vectors, labels = made()
    items = [
        Item(n, 1, f"text {n}", EMOTIONS[vector.argmax()], tuple(vector.tolist()))
        for n, vector in enumerate(vectors)
    ]
    files = write_label_sheets(items, tmp_path)
    assert np.array_equal(read_vectors(files["key"]), vectors)
    assert "happiness" not in files["sheet"].read_text().splitlines()[0]
    found = agreement(vectors.argmax(axis=1), labels, vectors=vectors)
    json.dumps(found, allow_nan=False)
    write_agreement_csv(found, tmp_path / "agreement.csv")
    rows = list(csv.DictReader((tmp_path / "agreement.csv").open()))
    assert len(rows) == 1 + 1 + 3 + 3 * 4
    told = {(row["figure"], row["of"]): row for row in rows}
    assert float(told["kl", EVERYBODY]["chance"]) == found["vector"][EVERYBODY]["kl"]["chance"]
    assert told["system", "near"]["chance"] == ""
    console = Console(width=120, record=True, file=(tmp_path / "shown").open("w"))
    console.print(agreement_table(found))
    shown = console.export_text()
    assert f"{found['vector']['near']['rank']['value']:.3f}" in shown and "KL(labels ‖ vector)" in shown


def test_keys_without_vectors_and_with_bad_ones(tmp_path: Path) -> None:
    items = [Item(n, 1, f"text {n}", "fear") for n in range(3)]
    key = write_label_sheets(items, tmp_path)["key"]
    assert read_vectors(key) is None
    heading = "sample_id,text_number,system,text," + ",".join(EMOTIONS)
    for cells, told in (
        ("1,0,0,0,0,0,x", "could not convert"),
        ("2" + ",0" * 7, "no intensities"),
        ("0" + ",0" * 7, "above 0"),
    ):
        cells = cells if cells.count(",") == 7 else cells + ",0"
        key.write_text(f"{heading}\n5,1,fear,a text,{cells}\n")
        with pytest.raises(DataError, match=f"sample_id 5.*{told}"):
            read_vectors(key)
