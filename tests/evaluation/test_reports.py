"""Reports and leaderboards: complete, escaped, self-contained."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from evaluation_fakes import FakeRenderer, make_prompts
from html_reading import read_page
from made_results import make_run
from PIL import Image
from rich.console import Console
from test_evaluator import MEAN_FACE, make_evaluator, noisy

from emo3d_exp.errors import DataError
from emo3d_exp.evaluation import LookSettings, load_predictions, print_table, read_leaderboard, write_report
from emo3d_exp.evaluation.conditions import looks_in_words
from emo3d_exp.evaluation.picked import pick
from emo3d_exp.vocab import EMOTIONS


def evaluate(noise=0.05, system="noisy", split_fingerprint="", **changes):
    evaluator, prompts = make_evaluator(**changes), make_prompts(40, first_id=1000, seed=1)
    bank = evaluator.select_bank(make_prompts(200, seed=2)) if evaluator.judge else None
    return evaluator.evaluate(
        noisy(prompts, noise), prompts, bank, MEAN_FACE, system=system, split_fingerprint=split_fingerprint
    )


@pytest.fixture(scope="module")
def evaluation():
    return evaluate()


@pytest.fixture(scope="module")
def folder(evaluation, tmp_path_factory):
    return write_report(evaluation, tmp_path_factory.mktemp("run") / "evaluation" / "test", FakeRenderer())


def printed(renderable):
    console = Console(file=io.StringIO(), width=300)
    console.print(renderable)
    return console.file.getvalue()


def test_files(folder, evaluation):
    assert sorted(file.name for file in folder.iterdir()) == [
        "faces.png", "metrics.json", "per_sample.parquet", "predictions.parquet", "report.html",
    ]  # fmt: skip
    assert json.loads((folder / "metrics.json").read_text()) == evaluation.content()
    read = load_predictions(folder / "predictions.parquet")
    np.testing.assert_array_equal(read.blendshapes, evaluation.predictions.blendshapes)
    table = pd.read_parquet(folder / "per_sample.parquet")
    assert table["neighbours"][3].tolist() == evaluation.per_sample["neighbours"][3]
    assert table["emo3d"].tolist() == evaluation.per_sample["emo3d"].tolist()


def test_page_is_escaped_and_self_contained(folder, evaluation):
    page = read_page(folder / "report.html")
    assert "b" not in page.tags and "script" not in page.tags, "prompts hold <b>, which is text here"
    assert "<b>" in page.text and "& more" in page.text
    chosen = pick(evaluation.per_sample)
    assert page.tags.count("img") == 2 * len(chosen) == 2 * page.tags.count("article")
    for kind, data in page.pictures:
        assert kind == "image/jpeg" and Image.open(io.BytesIO(data)).size == (64, 64)
    for choice in chosen:
        row = evaluation.per_sample.iloc[choice.row]
        assert row["text"] in page.text
        assert all(text in page.text for text in row["neighbour_texts"])


def test_page_tells_figures_with_intervals_and_what_they_mean(folder, evaluation):
    page, own = read_page(folder / "report.html"), evaluation.metrics
    told = f"Emo3D is {own['emo3d']:.3f} [{own['emo3d_low']:.3f}, {own['emo3d_high']:.3f}]"
    assert told.replace("0.", ".") in page.text
    assert f"Relative value: {own['emo3d_relative']:.2f}".replace(" 0.", " .") in page.text
    assert f"for {own['emotion_accuracy']:.0%} of the prompts" in page.text
    beside = page.tables[0]
    assert [row[0] for row in beside[1:]] == [
        "noisy", "ground truth", "mean face", "neutral face", "another's face", "the text itself",
    ]  # fmt: skip
    every = {row[0]: row[1:] for row in page.tables[1][1:]}
    assert float(every["Emo3D ↓"][0]) == round(own["emo3d"], 4)
    assert float(every["of the mouth ↓"][2]) == round(evaluation.references["mean_face"]["mse_mouth"], 5)
    facts = evaluation.provenance
    looks = looks_in_words(facts["looks"])
    for what in ("fake_judge", "rig0", "renderer0", "eq. 6", f"{facts['bootstrap']} bootstrap draws", looks):
        assert what in page.text, what


@pytest.mark.parametrize("average", ["values", "features"])
def test_page_says_what_is_a_mean_over_looks_and_what_the_first_look_alone(tmp_path, folder, average):
    looked = evaluate(looks=LookSettings(count=3, average=average))
    page = read_page(write_report(looked, tmp_path, FakeRenderer()) / "report.html")
    cards = page.tags.count("article") if average == "values" else 0
    assert page.text.count("(means of 3 looks)") == page.text.count("nearest prompts, first look") == cards
    of_one = read_page(folder / "report.html").text
    for told in ("face, averaged over 3 looks", "under 3 looks, each", "the first look alone"):
        assert page.text.count(told) == (average == "values") and told.replace("3", "1") not in of_one


def test_page_has_emotions_and_confusion_as_they_are_in_the_figures(folder, evaluation):
    _, _, emotions, confusion = read_page(folder / "report.html").tables
    assert [row[0] for row in emotions[1:]] == list(evaluation.emotions)
    for name, prompts, mse, emo3d, right in emotions[1:]:
        own = evaluation.emotions[name]
        assert int(prompts) == own["prompts"]
        assert [float(mse), float(emo3d), float(right)] == [
            round(own["mse"], 5), round(own["emo3d"], 4), round(own["emotion_accuracy"], 3),
        ]  # fmt: skip
    assert confusion[0][1:] == list(EMOTIONS)
    assert [[int(cell or 0) for cell in row[1:]] for row in confusion[1:]] == evaluation.confusion


def test_histogram_counts_every_prompt(folder, evaluation):
    page = read_page(folder / "report.html")
    bars = [re.fullmatch(r"(\S+) to (\S+): (\d+) prompts?", title) for title in page.titles]
    counted = {(float(bar[1]), float(bar[2])): int(bar[3]) for bar in bars if bar}
    values = evaluation.per_sample["emo3d"].to_numpy()
    for (low, high), count in counted.items():
        assert count == ((values >= low - 1e-9) & (values < high - 1e-9)).sum()
    assert sum(counted.values()) == len(values) == 40


def test_page_without_a_judge_has_errors_alone(tmp_path):
    page = read_page(write_report(evaluate(judge=None), tmp_path, None) / "report.html")
    assert "mean squared error" in page.text and "Emo3D is" not in page.text
    assert not page.pictures and "svg" in page.tags
    assert page.tables[2][0] == ["", "prompts", "MSE ↓"] and len(page.tables) == 3


def test_sheet_shows_the_faces(folder, evaluation):
    sheet = np.asarray(Image.open(folder / "faces.png"))
    chosen = pick(evaluation.per_sample)
    assert sheet.shape == (30 + 64 * len(chosen), 340 + 128, 3)
    for number, choice in enumerate(chosen):
        top = 30 + 64 * number
        truth, predicted = (
            FakeRenderer().render(faces[choice.row])[0]
            for faces in (evaluation.prompts.blendshapes, evaluation.predictions.blendshapes)
        )
        np.testing.assert_array_equal(sheet[top : top + 64, 340:404], truth)
        np.testing.assert_array_equal(sheet[top : top + 64, 404:], predicted)
        assert (sheet[top : top + 64, :340] < 100).any()


def test_picked_prompts_hold_best_worst_and_every_emotion(evaluation):
    chosen, values = pick(evaluation.per_sample), evaluation.per_sample["emo3d"]
    rows = {why: [choice.row for choice in chosen if choice.why == why] for why in ("best", "worst")}
    assert values[rows["best"][0]] == values.min() and values[rows["worst"][-1]] == values.max()
    typical = [choice.why.removeprefix("typical ") for choice in chosen if "typical" in choice.why]
    assert typical == list(EMOTIONS)
    assert len({choice.row for choice in chosen}) == len(chosen) == 12
    assert [choice.row for choice in pick(evaluation.per_sample.iloc[:1])] == [0]


def test_mse_alone_has_no_pictures_and_replaces_an_earlier_report(tmp_path, evaluation):
    write_report(evaluation, tmp_path, FakeRenderer())
    renderer = FakeRenderer()
    write_report(evaluate(judge=None), tmp_path, renderer)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "metrics.json", "per_sample.parquet", "predictions.parquet", "report.html",
    ]  # fmt: skip
    assert not renderer.drawn


def test_terminal_table_sets_the_system_beside_the_references(evaluation):
    console = Console(file=io.StringIO(), width=80)
    print_table(replace(evaluation, provenance={**evaluation.provenance, "system": "mine [v1]"}), console)
    text = console.file.getvalue()
    assert "…" not in text
    assert "mine [v1]" in text and "lower is better" in text and "judge fake_judge" in text
    low, high = evaluation.metrics["emo3d_low"], evaluation.metrics["emo3d_high"]
    assert f" {evaluation.metrics['emo3d']:.4f}".replace(" 0", " ") in text
    assert f"{low:.3f}–{high:.3f}".replace("0.", ".") in text
    for label in (
        "ground truth",
        "mean face",
        "neutral face",
        "another's face",
        "the text itself",
    ):
        assert label in text


def test_leaderboard_ranks_and_shows_references_once(tmp_path, evaluation):
    paths = []
    for run, noise in (("rough", 0.4), ("fine", 0.01)):
        folder = tmp_path / run / "evaluation" / "test"
        write_report(evaluate(noise, system="model"), folder, None)
        paths.append(folder / "metrics.json")
    board = read_leaderboard(paths)
    assert [entry.run for entry in board.entries] == ["fine", "rough"] and not board.differing
    for terminal in (True, False):
        console = Console(file=io.StringIO(), width=80, force_terminal=terminal, legacy_windows=False)
        board.print(console)
        text = console.file.getvalue()
        assert text.count("ground truth") == 1 and "…" not in text and "Not comparable" not in text
    assert board.behind(board.entries[0]) == ""
    assert re.fullmatch(r"\+\.\d{3} \[\+\.\d{3}, \+\.\d{3}\]", board.behind(board.entries[1]))
    with board.write_csv(tmp_path / "board.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["run"] for row in rows] == ["fine", "rough", "", "", "", "", ""]
    assert [row["system"] for row in rows[2:4]] == ["reference ground_truth", "reference mean_face"]
    assert float(rows[0]["emo3d"]) == board.entries[0].metrics["emo3d"]


def test_leaderboard_flags_what_does_not_compare(tmp_path):
    paths = []
    for run, changes in (("a", {}), ("b", {"k": 5}), ("c", {}), ("d", {"judge": None})):
        write_report(evaluate(**changes), tmp_path / run, None)
        paths.append(tmp_path / run / "metrics.json")
    board = read_leaderboard(paths)
    assert [(entry.run, entry.conditions) for entry in board.entries] == [
        ("a", "A"), ("c", "A"), ("b", "B"), ("d", "C"),
    ]  # fmt: skip
    assert set(board.differing) == {
        "judge", "rig", "renderer", "looks", "k", "eps", "aggregation", "exclude_self", "bank",
    }  # fmt: skip
    text = printed(board.table())
    assert "Not comparable across letters" in text and text.count("ground truth") == 3


def test_leaderboard_flags_another_split(tmp_path):
    paths = []
    for run, fingerprint in (("a", "1234"), ("b", "5678"), ("c", "1234"), ("d", "")):
        evaluation = evaluate(judge=None, split_fingerprint=fingerprint)
        assert evaluation.provenance.get("split_hash", "") == fingerprint
        write_report(evaluation, tmp_path / run, None)
        paths.append(tmp_path / run / "metrics.json")
    board = read_leaderboard(paths)
    assert "".join(entry.run + entry.conditions for entry in board.entries) == "aAcAbBdC"
    assert board.differing == ("split_hash",)


def test_leaderboard_flags_another_vocabulary(tmp_path):
    one = make_run(tmp_path / "one", "one", 0, [0.6], {"vocabulary": "v1"})
    other = make_run(tmp_path / "other", "other", 0, [0.6], {"vocabulary": "v2"})
    board = read_leaderboard([one, other])
    assert board.differing == ("vocabulary",)
    assert [entry.conditions for entry in board.entries] == ["A", "B"]


def test_leaderboard_refuses_what_is_no_result(tmp_path):
    with pytest.raises(DataError, match="no results"):
        read_leaderboard([])
    for content in ("{oops", '{"schema": 7}', "[]"):
        (tmp_path / "metrics.json").write_text(content)
        with pytest.raises(DataError, match=r"metrics\.json"):
            read_leaderboard([tmp_path / "metrics.json"])


def test_the_legend_explains_what_is_shown_and_no_more() -> None:
    from emo3d_exp.evaluation.columns import legend

    assert "MSE over 52" in legend({"mse": 0.1}) and "Emo3D" not in legend({"mse": 0.1})
    assert all(word in legend(["mse", "emo3d", "r_at_10"]) for word in ("MSE", "Emo3D", "KL", "R@10"))
