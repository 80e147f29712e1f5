"""``build_data.py``: a build of one's own, from the first to the last stage, and what is refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

from emo3d_exp.app.build_data import build
from emo3d_exp.app.cli import CONF
from emo3d_exp.data import load_table
from emo3d_exp.dataset_builder import RowStore
from emo3d_exp.errors import ConfigError

pytestmark = pytest.mark.usefixtures("cache", "one_thread")
SMALL = ("builder.texts.samples=24", "builder.images.size=64", "builder.images.processes=1")


def asked(*overrides: str) -> DictConfig:
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("build_data", list(overrides))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("build") / "mine"
    build(asked("source=stages", f"out={folder}", *SMALL, "limit=10"))
    build(asked("source=stages", f"out={folder}", *SMALL))
    return folder


def test_a_build_in_two_parts_is_a_table_to_train_on(built: Path) -> None:
    corpus = load_table(built)
    kept = [row for row in RowStore(built, "assemble").rows(("set_aside",)) if row["set_aside"] is None]
    assert len(corpus) == len(kept) >= 20 and corpus.has_blendshapes.all()
    assert set(corpus.published_split.tolist()) == {"train", "val", "test"}
    for stage in ("texts", "copies", "emotions", "images", "blendshapes", "assemble"):
        manifest = json.loads((built / stage / "manifest.json").read_text())
        assert manifest["complete"] and manifest["rows"] == 24, stage


def test_primitive_faces_need_no_other_settings(tmp_path: Path) -> None:
    """Their sentences have one form: near copies of each other, but no copies."""
    words = ("joy", "grief", "rage")
    felt = dict(zip(words, ("joy", "sadness", "anger"), strict=True))
    emotions = (
        *felt.values(),
        "fear",
        "surprise",
        "disgust",
        "trust",
        "anticipation",
        "negative",
        "positive",
    )
    lines = [f"{word}\t{each}\t{int(felt[word] == each)}" for word in words for each in emotions]
    (tmp_path / "lexicon.txt").write_text("\n".join(lines))
    primitive = ["builder/texts=primitive", "builder/emotions=primitive"]
    settings = [
        f"builder.emotions.path={tmp_path / 'lexicon.txt'}",
        f"builder.texts.words=[{','.join(words)}]",
    ]
    build(asked("source=stages", f"out={tmp_path / 'made'}", *primitive, *settings, *SMALL[1:]))
    splits = load_table(tmp_path / "made").published_split.tolist()
    assert {part: splits.count(part) for part in set(splits)} == {"train": 12, "val": 3, "test": 3}


def test_a_dry_run_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build(asked("source=stages", f"out={tmp_path / 'new'}", *SMALL, "dry_run=true"))
    told = capsys.readouterr().out
    assert "nothing was done" in " ".join(told.split()) and "24" in told
    assert not list(tmp_path.iterdir())


def test_a_dry_run_says_what_would_be_refused(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in built.rglob("*")}
    build(asked("source=stages", f"out={built}", *SMALL, "builder.images.size=80", "dry_run=true"))
    told = " ".join(capsys.readouterr().out.split())
    assert "images would be refused:" in told and "size: 64 → 80" in told
    assert "texts would be refused" not in told
    assert {path: path.stat().st_mtime_ns for path in built.rglob("*")} == before


def test_a_finished_build_is_looked_over(built: Path, tmp_path: Path) -> None:
    table = ("data=table", f"data.path={built}")
    build(asked("stage=report", *table, f"out={tmp_path / 'report'}"))
    assert "Table 3" in (tmp_path / "report" / "report.html").read_text()
    build(asked("stage=validate", *table, f"out={tmp_path / 'validation'}"))
    assert json.loads((tmp_path / "validation" / "validation.json").read_text())["totals"]["error"] == 0
    publish = ("publish.dry=true", "publish.hub_id=me/mine", "publish.title=Mine", "publish.licence=mit")
    build(asked("stage=publish", *table, f"out={tmp_path / 'publish'}", *publish))
    assert (tmp_path / "publish" / "README.md").read_text().startswith("---\n")


def test_labels_are_asked_for_and_read(built: Path, tmp_path: Path) -> None:
    table = ("data=table", f"data.path={built}", "stage=labels", f"out={tmp_path}", "human.count=8")
    build(asked(*table))
    with pytest.raises(ConfigError, match="is there already"):
        build(asked(*table))
    with (tmp_path / "key.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8
    for name in ("ann", "ben"):
        with (tmp_path / f"{name}.csv").open("w", newline="") as file:
            sheet = csv.writer(file)
            sheet.writerow(["sample_id", "text_number", "label"])
            sheet.writerows([row["sample_id"], row["text_number"], row["system"]] for row in rows)
    build(asked(*table, f"human.answers=[{tmp_path / 'ann.csv'},{tmp_path / 'ben.csv'}]"))
    found = json.loads((tmp_path / "agreement.json").read_text())
    assert found["kappa"][0]["value"] == 1 and found["system"]["majority"]["value"] == 1
    ranks = found["vector"]["all together"]["rank"]
    assert (
        1 <= ranks["value"] < ranks["chance"]
        and "rank,all together" in (tmp_path / "agreement.csv").read_text()
    )


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (["source=other"], "choose from mini, stages, emo3d"),
        (["source=stages"], "out=FOLDER"),
        (["source=stages", "out=x", "limit=0"], "a whole number from 1"),
        (["source=stages", "out=x", "limit=ten"], "a whole number from 1"),
        (["source=stages", "out=x", "stage=pictures"], "choose from texts, copies, emotions, images"),
        (["stage=[report,texts]"], "give it alone"),
        (["out=x"], "source=mini has data.folder"),
        (["source=emo3d", "out=x", "stage=texts"], "it has no stages"),
        (["source=emo3d", "out=x", "limit=5"], "not with source=emo3d"),
        (["stage=publish"], "data=table data.path=FOLDER"),
        (["stage=preferences"], "name two systems or more"),
        (["stage=preferences", "human.systems=[a,b]"], "score it first"),
    ],
)
def test_what_cannot_be_is_told_before_any_work(
    overrides: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=told):
        build(asked(*overrides))
    assert not [path for path in tmp_path.rglob("*") if path.suffix != ".lock"]
