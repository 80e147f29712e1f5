"""Input that cannot be scored: each kind is told by one clear message, and nothing is written."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf
from tiny_task import TinyData

from emo3d_exp.app.choices import CONF
from emo3d_exp.app.data import load_data
from emo3d_exp.app.evaluate import evaluate
from emo3d_exp.app.explaining import told_to_user
from emo3d_exp.evaluation.formats import table_of
from emo3d_exp.records import Predictions
from emo3d_exp.vocab import BLENDSHAPES

pytestmark = pytest.mark.usefixtures("cache", "one_thread")
JUDGE = {"_target_": "tiny_task.WordEncoder", "name": "words"}


class HostileData(TinyData):
    """:class:`TinyData` without pictures, and with a flaw in what is scored or in the bank."""

    def __init__(self, flaw: str = "none") -> None:
        super().__init__("")
        self.flaw = flaw

    def _picture(self, row: int, emotions: np.ndarray) -> None:
        return None

    def load(self) -> Any:
        corpus = super().load()
        part = {"test": corpus.published_split == "test", "train": corpus.published_split == "train"}
        if self.flaw.startswith("no emotion in "):
            corpus.emotions[np.flatnonzero(part[self.flaw.split()[-1]])[0]] = 0
        if self.flaw == "no faces":
            corpus.blendshapes[part["test"]] = np.nan
        return corpus


@cache
def composed(metric: str) -> DictConfig:
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("evaluate", ["threads=1", f"metric={metric}"])


def asked(folder: Path, flaw: str, file: Path, metric: str = "mse", **settings: Any) -> DictConfig:
    cfg = copy.deepcopy(composed(metric))
    OmegaConf.set_struct(cfg, False)
    cfg.out, cfg.predictions = str(folder / "report"), str(file)
    cfg.data = {"_target_": "test_hostile_evaluation.HostileData", "flaw": flaw}
    if metric == "emo3d":
        cfg.metric.judge = JUDGE
    for key, value in settings.items():
        OmegaConf.update(cfg, f"metric.{key.replace('__', '.')}", value)
    return cfg


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """A sound table: faces a quarter moved for every prompt."""
    folder = tmp_path_factory.mktemp("answers")
    prompts = load_data(asked(folder, "none", folder)).prompts("test")
    faces = np.full((len(prompts), 52), 0.25, np.float32)
    return table_of(Predictions(prompts.sample_id, prompts.text_number, faces))


def cell(row: int, column: str, value: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(table: pd.DataFrame) -> pd.DataFrame:
        changed = table.astype(object)
        changed.loc[row, column] = value
        return changed

    return change


TABLES: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], str]] = {
    "NaN": (cell(2, "jawOpen", "nan"), "row 3, column jawOpen: NaN"),
    "empty cell": (cell(0, "jawOpen", ""), "row 1, column jawOpen: the cell is empty"),
    "infinity": (cell(1, "jawOpen", "inf"), "row 2, column jawOpen: inf is outside"),
    "minus infinity": (cell(1, "jawOpen", "-inf"), "row 2, column jawOpen: -inf is outside"),
    "above 1": (cell(4, "noseSneerLeft", 1.01), r"row 5, column noseSneerLeft: 1\.01 is outside \[0, 1\]"),
    "below 0": (cell(4, "browDownLeft", -0.2), r"row 5, column browDownLeft: -0\.2 is outside"),
    "percent": (lambda t: t.assign(jawOpen=50), "column jawOpen: 50 is outside"),
    "a word": (cell(3, "jawOpen", "open"), "row 4, column jawOpen: not a number: 'open'"),
    "a comma": (cell(3, "jawOpen", "0,5"), "row 4, column jawOpen: not a number: '0,5'"),
    "a list": (cell(3, "jawOpen", "[0.1]"), "row 4, column jawOpen: not a number"),
    "a misspelt name": (lambda t: t.rename(columns={"jawOpen": "jawOpne"}), "did you mean 'jawOpen'"),
    "a missing name": (lambda t: t.drop(columns="jawOpen"), "column 'jawOpen' is missing"),
    "a foreign name": (lambda t: t.assign(wink=0.0), "unknown column 'wink'"),
    "two spellings": (
        lambda t: t.assign(eyeBlink_L=0.0),
        "column 'eyeBlinkLeft' stands 2 times",
    ),
    "numbers for names": (
        lambda t: t.rename(columns={n: str(i) for i, n in enumerate(BLENDSHAPES)}),
        "'browInnerUp' is missing",
    ),
    "no ids": (lambda t: t.drop(columns="sample_id"), "column 'sample_id' is missing"),
    "half an id": (cell(0, "sample_id", 1001.5), r"row 1, column sample_id: 1001\.5 is not a whole number"),
    "an id of letters": (cell(0, "sample_id", "first"), "row 1, column sample_id: not a number"),
    "text 0": (cell(0, "text_number", 0), "row 1, column text_number: 0 is not a whole number from 1"),
    "a doubled row": (lambda t: pd.concat([t, t[:1]]), "stands in row 1 too"),
    "a prompt left out": (lambda t: t[1:], r"1 of 40 prompts has none; missing .*1001/1"),
    "first texts alone": (lambda t: t[t.text_number == 1], "20 of 40 prompts have none"),
    "no rows": (lambda t: t[:0], "has no rows"),
    "other samples": (lambda t: t.assign(sample_id=t.sample_id + 1), "40 of 40 prompts have none"),
}


def refused(folder: Path, message: str, cfg: DictConfig) -> None:
    """The evaluation ends with a message for the user, and leaves no file but those that were there."""
    before = sorted(folder.rglob("*"))
    with pytest.raises(Exception, match=message) as caught:
        evaluate(cfg)
    told = told_to_user(caught.value, "evaluate", [])
    assert told is not None, "it must be told without a traceback"
    assert sorted(folder.rglob("*")) == before


def test_semicolons_are_told_in_one_line(tmp_path: Path, answers: pd.DataFrame) -> None:
    file = tmp_path / "mine.csv"
    answers.to_csv(file, index=False, sep=";")
    refused(tmp_path, "separated by semicolons: separate them by commas", asked(tmp_path, "none", file))


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_cannot_be_scored(name: str, tmp_path: Path, answers: pd.DataFrame) -> None:
    change, message = TABLES[name]
    file = tmp_path / "mine.csv"
    change(answers).to_csv(file, index=False)
    refused(tmp_path, message, asked(tmp_path, "none", file))


def archive(cut: int | None = None, damage: bool = False) -> bytes:
    """An .npz, cut off or with a packed part overwritten."""
    file = io.BytesIO()
    np.savez_compressed(file, sample_id=np.arange(999), blendshapes=np.ones((999, 52)))
    content = file.getvalue()
    start = content.index(b"sample_id.npy") + 60
    return content[:start] + b"\xff" * 40 + content[start + 40 :] if damage else content[:cut]


def one_array() -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros((40, 52)))
    return file.getvalue()


def foreign_archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as parts:
        parts.writestr("notes.txt", "no array")
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("mine.csv", b"", r"mine\.csv: not a readable CSV"),
        ("mine.parquet", b"", r"mine\.parquet: not a readable parquet"),
        ("mine.npz", b"", r"mine\.npz: not a readable \.npz"),
        ("mine.jsonl", b"", "columns do not fit"),
        ("mine.json", b"", r"mine\.json: not JSON"),
        ("mine.csv", b"\xff\xfe\x00bad", "not a readable CSV"),
        ("mine.json", b"[1, 2]", "a face was expected"),
        ("mine.txt", b"1", "unknown kind of predictions file"),
        ("mine.npz", archive(cut=200), r"mine\.npz: not a readable \.npz .*write it again: np\.savez"),
        ("mine.npz", archive(damage=True), r"mine\.npz: not a readable \.npz .*write it again: np\.savez"),
        ("mine.npz", one_array(), r"mine\.npz: not a readable \.npz .*write it again: np\.savez"),
        ("mine.npz", foreign_archive(), r"notes\.txt is no array; write the file by np\.savez"),
        ("mine.jsonl", '{"jawOpen": "é"}'.encode("latin-1"), r"mine\.jsonl: not UTF-8 text .*save it again"),
        ("mine.json", '{"jawOpen": "é"}'.encode("latin-1"), r"mine\.json: not UTF-8 text .*save it again"),
        ("mine.jsonl", b"[" * 100_000, "row 1, not JSON of faces: it is nested too deeply"),
        ("mine.jsonl", b'\n{"jawOpen": 0, "jawOpen": 1}', "row 2, the key 'jawOpen' stands twice"),
        ("mine.json", b'{"jawOpen": 0, "jawOpen": 1}', "mine.json: the key 'jawOpen' stands twice"),
    ],
)
def test_a_file_that_cannot_be_read(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    refused(tmp_path, message, asked(tmp_path, "none", tmp_path / name))


@pytest.mark.parametrize(
    ("shape", "names", "message"),
    [
        ((40, 51), 52, r"the shape \(40, 51\), sample_id and names say \(40, 52\)"),
        ((39, 52), 52, r"the shape \(39, 52\)"),
        ((40, 52, 1), 52, "the shape"),
    ],
)
def test_arrays_of_another_shape(
    shape: tuple[int, ...], names: int, message: str, tmp_path: Path, answers: pd.DataFrame
) -> None:
    table = answers
    file = tmp_path / "mine.npz"
    np.savez(
        file, sample_id=table.sample_id, text_number=table.text_number, blendshapes=np.zeros(shape),
        names=list(BLENDSHAPES)[:names],
    )  # fmt: skip
    refused(tmp_path, message, asked(tmp_path, "none", file))


@pytest.mark.parametrize(
    ("flaw", "settings", "message"),
    [
        ("no emotion in test", None, "emotion vector is zero, which is no distribution, for sample_id"),
        ("no emotion in train", {}, "prompt bank: the emotion vector is zero"),
        ("no faces", None, "no prompts to score"),
        ("none", {"bank__size": 5}, r"metric\.k=10 neighbours, but the prompt bank has only 5"),
        ("none", {"bank__size": 0}, "needs at least one prompt"),
        ("none", {"k": 0}, "k=0"),
        ("none", {"eps": -1.0}, "eps=-1"),
        ("none", {"eps": float("nan")}, "eps=nan"),
        ("none", {"bootstrap": 0}, "bootstrap=0"),
        ("none", {"looks__count": 0}, r"looks\.count=0 must be at least 1"),
        ("none", {"looks__average": "both"}, "not one of features, values"),
        ("none", {"seed": -1}, "seed=-1 not negative"),
        ("none", {"bank__seed": -1}, r"bank\.seed=-1 must not be negative"),
        ("none", {"looks__seed": -1}, r"looks\.seed=-1 must not be negative"),
        ("none", {"k": 39, "bank__split": "test"}, "without the own prompts of sample"),
        ("none", {"aggregation": "sum"}, "not one of per_sample, pooled"),
        ("none", {"bank__split": "all"}, "all"),
    ],
)
def test_data_and_settings_that_cannot_be_scored(
    flaw: str, settings: dict[str, Any] | None, message: str, tmp_path: Path, answers: pd.DataFrame
) -> None:
    file = tmp_path / "mine.csv"
    answers.to_csv(file, index=False)
    metric = "mse" if settings is None else "emo3d"
    refused(tmp_path, message, asked(tmp_path, flaw, file, metric, **(settings or {})))


def test_arkits_spelling_and_51_shapes_are_scored_alike(tmp_path: Path, answers: pd.DataFrame) -> None:
    table = answers
    arkit = table.drop(columns="_neutral").rename(
        columns=lambda name: (
            name.replace("Left", "_L").replace("Right", "_R") if name[:5] == "mouth" else name
        )
    )
    spelt = arkit.assign(tongueOut=0.9, text="as it was asked")[[*arkit.columns[::-1], "tongueOut", "text"]]
    found = []
    for name, content in (("ours", table.assign(_neutral=0.0)), ("arkit", spelt)):
        file = tmp_path / f"{name}.csv"
        content.to_csv(file, index=False)
        evaluate(asked(tmp_path, "none", file))
        found.append(json.loads((tmp_path / "report" / "metrics.json").read_text())["metrics"])
    assert found[0] == found[1]
