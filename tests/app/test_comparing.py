"""Runs drawn beside each other: which prompts, which headings, and nothing half done."""

from __future__ import annotations

import logging
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf
from PIL import Image

from emo3d_exp.app import comparing, leaderboard
from emo3d_exp.app.comparing import answer_texts, answered_alike, clearest, compare_results
from emo3d_exp.errors import DataError
from emo3d_exp.evaluation import save_predictions
from emo3d_exp.evaluation.leaderboard import Entry, Leaderboard
from emo3d_exp.evaluation.standings import standings
from emo3d_exp.records import Predictions, Prompts
from emo3d_exp.runs import RunFolder, distinct_names, write_json
from emo3d_exp.vocab import EMOTIONS


class Squares:
    """Draws a face as a square as grey as its first score."""

    def render(self, blendshapes: np.ndarray) -> np.ndarray:
        grey = (np.asarray(blendshapes)[:, 1] * 255).round().astype(np.uint8)
        return np.broadcast_to(grey[:, None, None, None], (len(grey), 64, 64, 3)).copy()


class Loaded:
    """Data whose every part has the same prompts."""

    def __init__(self, made: Prompts) -> None:
        self.made = made

    def prompts(self, part: str) -> Prompts:
        return self.made

    def facts(self) -> dict[str, str]:
        return {"data_hash": "d", "split_hash": "s"}


@pytest.fixture
def prompts(monkeypatch: pytest.MonkeyPatch) -> Prompts:
    """Two prompts of happiness and one of anger; the second is the happier one."""
    emotions = np.zeros((3, 8), np.float32)
    emotions[:, EMOTIONS.index("happiness")] = (0.6, 0.9, 0.1)
    emotions[:, EMOTIONS.index("anger")] = (0.4, 0.1, 0.9)
    made = Prompts(
        np.array([1, 2, 3]), np.ones(3, np.int64), ("so", "glad", "cross"), emotions,
        np.full((3, 52), 0.5, np.float32),
    )  # fmt: skip
    monkeypatch.setattr("emo3d_exp.app.data.load_data", lambda cfg: Loaded(made))
    return made


def scored(folder: Path, grey: float, samples: tuple[int, ...] = (1, 2, 3), split: str = "s") -> RunFolder:
    run = RunFolder(folder)
    run.path.mkdir(parents=True)
    OmegaConf.save({"model": {}}, run.config_file)
    write_json(run.provenance_file, {"data_hash": "d", "split_hash": split})
    scores = np.full((len(samples), 52), grey, np.float32)
    place = run.evaluation("test")
    place.mkdir(parents=True)
    write_json(place / "metrics.json", {"schema": 2, "provenance": {"data": "d", "split_hash": split}})
    save_predictions(
        place / "predictions.parquet",
        Predictions(np.array(samples), np.ones(len(samples), np.int64), scores),
    )
    return run


def greys(sheet: np.ndarray) -> list[int]:
    """Of the squares of the picture's last row, from the left."""
    row = np.asarray(Image.fromarray(sheet).convert("L"))[-32]
    values, lengths = [row[0]], [0]
    for pixel in row:
        if pixel != values[-1]:
            values, lengths = [*values, pixel], [*lengths, 0]
        lengths[-1] += 1
    return [int(value) for value, length in zip(values, lengths, strict=True) if length == 64 and value < 250]


def test_the_clearest_prompt_of_each_emotion_that_leads(prompts: Prompts) -> None:
    assert clearest(prompts).tolist() == [1, 2]


def test_runs_of_one_name_have_columns_of_their_own(
    prompts: Prompts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from emo3d_exp import faces

    sheets: list[dict] = []
    own = faces.comparison_sheet
    monkeypatch.setattr(
        faces, "comparison_sheet", lambda texts, columns: sheets.append(columns) or own(texts, columns)
    )
    runs = [scored(tmp_path / name, grey) for name, grey in (("a_multirun/0", 0.2), ("b_multirun/0", 0.8))]
    runs.append(scored(tmp_path / "b_multirun/1", 1 / 3))
    runs.append(scored(tmp_path / "elsewhere", 1.0, split="another"))
    alike = answered_alike([run.evaluation("test") / "metrics.json" for run in runs])
    assert len(alike) == 3
    sheet = compare_results(alike, Loaded(prompts), "test", Squares())
    assert list(sheets[0]) == ["ground truth", "a_multirun/0", "b_multirun/0", "1"]
    assert greys(sheet) == [128, 51, 204, 85]


def test_an_outside_system_stands_beside_a_run(
    prompts: Prompts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaderboard, "instantiate", lambda group, **more: Squares())
    run, other = scored(tmp_path / "run", 0.2), scored(tmp_path / "other", 0.4)
    shutil.move(other.evaluation("test"), tmp_path / "mine_evaluation")
    of_run, of_other = board_of([run, other]).entries
    outside = replace(of_other, path=tmp_path / "mine_evaluation" / "metrics.json")
    board = Leaderboard((of_run, outside), ())
    cfg = OmegaConf.create({"renderer": None, "rig": None, "part": "test", "texts": None})
    sheet, shown = leaderboard.drawn(board, cfg)
    assert shown == ["model (run): run run", "model (other): mine_evaluation"]
    assert greys(sheet) == [128, 51, 102]
    alone = Leaderboard((outside,), ())
    assert leaderboard.drawn(alone, cfg) == (None, [])


def test_texts_of_the_user_are_answered_by_each_run_without_a_ground_truth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, list[str]]] = []

    def load(path: Path, cache: object) -> object:
        grey = {"a": 0.2, "b": 0.4}[path.name]

        def predict(texts: list[str]) -> np.ndarray:
            asked.append((path.name, texts))
            return np.full((len(texts), 52), grey, np.float32)

        return predict

    monkeypatch.setattr(comparing, "load_predictor", load)
    texts = ["a bitter smile", "she screams, and runs"]
    sheet = answer_texts([RunFolder(tmp_path / name) for name in "ab"], texts, Squares())
    assert greys(sheet) == [51, 102]
    assert asked == [("a", texts), ("b", texts)]
    assert sheet.shape[1] == 64 * 3 and sheet.shape[0] > 2 * 64


@pytest.mark.parametrize(
    ("folders", "names"),
    [
        (["x/a", "x/b"], ["a", "b"]),
        (["x/0", "y/0", "y/1"], ["x/0", "y/0", "1"]),
        (["r/x/0", "s/x/0", "0"], ["r/x/0", "s/x/0", "NONE"]),
        (["x/ground truth"], ["x/ground truth"]),
    ],
)
def test_names_are_the_shortest_that_differ(folders: list[str], names: list[str], tmp_path: Path) -> None:
    found = distinct_names([tmp_path / folder for folder in folders], taken=["ground truth"])
    assert len(set(found)) == len(found)
    for one, expected in zip(found, names, strict=True):
        assert one == expected or (expected == "NONE" and one == f"{tmp_path.name}/0")


def board_of(runs: list[RunFolder]) -> Leaderboard:
    entries = (
        Entry(
            run.path.name,
            "model",
            "A",
            {"mse": 0.1},
            {},
            {"prompts": 3, "split": "test", "bootstrap": 10, "seed": 0},
            run.evaluation("test") / "metrics.json",
            training={},
            settings=run.path.name,
            seed=1,
        )
        for run in runs
    )
    return Leaderboard(tuple(entries), ())


def test_a_run_without_an_answer_leaves_no_half_output(
    prompts: Prompts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(leaderboard, "instantiate", lambda group, **more: Squares())
    cfg = OmegaConf.create({"renderer": None, "rig": None, "part": "test", "texts": None})

    def write(board: Leaderboard) -> None:
        leaderboard.write_comparison(board, standings(board), cfg, tmp_path / "out")

    whole, lacking = scored(tmp_path / "whole", 0.2), scored(tmp_path / "lacking", 0.4, samples=(1, 3))
    with pytest.raises(DataError, match=r"lacking.*no answer to text 1 of sample 2"):
        write(board_of([whole, lacking]))
    assert not (tmp_path / "out").exists()
    with caplog.at_level(logging.INFO):
        write(board_of([whole]))
    assert "systems.csv, .md and .tex, and comparison.png to" in caplog.messages[-1]
    page = (tmp_path / "out" / "leaderboard.html").read_text(encoding="utf-8")
    assert "Faces of 1 system for the clearest prompts, one run of each (model: run whole)." in page
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        "comparison.png", "leaderboard.csv", "leaderboard.html", "systems.csv", "systems.md", "systems.tex",
    ]  # fmt: skip
