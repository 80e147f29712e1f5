"""What a run leaves behind, and what is refused."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigAttributeError

from emo3d_exp.errors import ConfigError, Emo3DError
from emo3d_exp.runs import RunFolder, available_cores, cache_root, provenance, write_atomically, write_json
from emo3d_exp.vocab import VOCABULARY_HASH

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def cfg() -> DictConfig:
    values = {
        "seed": 3,
        "model": {"name": "vae_clip"},
        "name": "${model.name}",
        "run_dir": "somewhere",
        "group": None,
    }
    return OmegaConf.create(values)


@pytest.fixture
def run(cfg: DictConfig, tmp_path: Path) -> RunFolder:
    made = RunFolder(tmp_path / "outputs" / "run")
    made.create(cfg)
    return made


def test_config_is_resolved_and_comes_back(run: RunFolder) -> None:
    text = run.config_file.read_text(encoding="utf-8")
    assert "${" not in text
    cfg = run.config()
    assert OmegaConf.to_container(cfg) == {
        "seed": 3,
        "model": {"name": "vae_clip"},
        "name": "vae_clip",
        "run_dir": str(run.path),
        "group": None,
    }
    with pytest.raises(ConfigAttributeError):
        _ = cfg.sead


def test_a_used_folder_is_refused_and_kept(run: RunFolder, cfg: DictConfig) -> None:
    before = {file: file.read_bytes() for file in run.path.iterdir()}
    cfg.seed = 4
    with pytest.raises(ConfigError, match=r"already holds a run.*run_dir=.*resume=true"):
        RunFolder(run.path).create(cfg)
    assert {file: file.read_bytes() for file in run.path.iterdir()} == before


def test_a_folder_with_other_files_may_be_used(cfg: DictConfig, tmp_path: Path) -> None:
    (tmp_path / "train.log").write_text("")
    RunFolder(tmp_path).create(cfg)
    assert RunFolder(tmp_path).config().seed == 3


def test_a_file_in_the_way_is_told(cfg: DictConfig, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"cannot write to the run folder .*file/run"):
        RunFolder(tmp_path / "file" / "run").create(cfg)


def test_a_folder_that_may_not_be_written_is_told(
    cfg: DictConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(ConfigError, match=r"cannot write.*Permission denied.*run_dir="):
        RunFolder(tmp_path).create(cfg)
    assert list(tmp_path.iterdir()) == []


def test_a_moved_folder_knows_where_it_is(run: RunFolder, tmp_path: Path) -> None:
    shutil.move(run.path, tmp_path / "elsewhere")
    moved = RunFolder(tmp_path / "elsewhere")
    assert moved.config().run_dir == str(tmp_path / "elsewhere")
    assert moved.config().seed == 3


def test_no_run_here(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"is no run folder: it has no config\.yaml"):
        RunFolder(tmp_path).config()


def test_another_vocabulary_is_refused(run: RunFolder) -> None:
    assert run.provenance()["vocabulary"] == VOCABULARY_HASH
    run.add_provenance(vocabulary="0123456789abcdef")
    with pytest.raises(Emo3DError, match=f"0123456789abcdef.*{VOCABULARY_HASH}"):
        run.config()


def test_facts_are_added_to_the_provenance(run: RunFolder) -> None:
    first = run.provenance()
    run.add_provenance(data_hash="abc", split_hash="def")
    assert run.provenance() == {**first, "data_hash": "abc", "split_hash": "def"}
    assert RunFolder(run.path / "none").provenance() == {}


def test_unfinished_runs_say_how_to_go_on(run: RunFolder) -> None:
    with pytest.raises(Emo3DError, match=r"has not finished.*train again"):
        run.require_weights()
    run.checkpoints.mkdir()
    run.last_checkpoint.write_bytes(b"")
    with pytest.raises(Emo3DError, match=rf"python train\.py run_dir={run.path} resume=true"):
        run.require_weights()
    run.weights_file.write_bytes(b"")
    with pytest.raises(Emo3DError, match="has not finished"):
        run.require_weights()
    run.model_file.write_text("{}")
    run.require_weights()


def test_a_file_is_whole_or_absent(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "table.csv"

    def half(content: str) -> None:
        with write_atomically(file) as partial:
            assert partial.suffix == ".csv"
            assert partial.parent == file.parent
            partial.write_text(content)
            raise RuntimeError("the lights went out")

    with pytest.raises(RuntimeError, match="lights"):
        half("half of it")
    assert list(file.parent.iterdir()) == []
    with write_atomically(file) as partial:
        partial.write_text("all of it")
        assert not file.exists()
    assert [path.name for path in file.parent.iterdir()] == ["table.csv"]
    with pytest.raises(RuntimeError, match="lights"):
        half("half of something newer")
    assert file.read_text() == "all of it"
    assert [path.name for path in file.parent.iterdir()] == ["table.csv"]


def test_private_files_become_as_others(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with write_atomically(tmp_path / "a.bin") as partial:
            partial.touch(mode=0o600)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.bin").stat().st_mode) == 0o640


def test_json_is_readable_and_strict(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"text": "ein leises Lächeln", "list": [1, None]})
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert "Lächeln" in text
    assert json.loads(text) == {"text": "ein leises Lächeln", "list": [1, None]}
    for number in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="JSON"):
            write_json(tmp_path / "a.json", {"mse": number})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["list"] == [1, None]


def test_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 1 <= available_cores() <= (os.cpu_count() or 1)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    for told, cores in ((None, 1), (6, 6)):
        monkeypatch.setattr(os, "cpu_count", lambda told=told: told)
        assert available_cores() == cores


def test_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EMO3D_CACHE", str(tmp_path / "x" / ".." / "cache"))
    assert cache_root() == (tmp_path / "cache").resolve()
    monkeypatch.delenv("EMO3D_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_root().name == "emo3d_exp"
    if sys.platform.startswith("linux"):
        assert cache_root() == tmp_path / "emo3d_exp"


def test_provenance_says_with_what_it_was_made() -> None:
    facts = provenance()
    assert facts["vocabulary"] == VOCABULARY_HASH
    assert facts["versions"]["torch"]
    assert facts["python"].startswith(f"{sys.version_info.major}.{sys.version_info.minor}")
    assert facts["git"].keys() == {"commit", "changed"}
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts


def test_provenance_names_plugins_but_no_damaged_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, facts in (("good", "Metadata-Version: 2.1\nName: good-faces\nVersion: 1.2\n"), ("bad", "")):
        place = tmp_path / f"{name}-1.2.dist-info"
        place.mkdir()
        (place / "METADATA").write_text(facts)
        (place / "entry_points.txt").write_text(f"[emo3d_exp.models]\n{name}_model = {name}_faces:Model\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    versions = provenance()["versions"]
    assert versions["good-faces"] == "1.2" and versions["torch"]
    assert all(versions) and not any("bad" in name for name in versions)


def test_provenance_outside_a_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    from emo3d_exp.runs.provenance import git_state

    monkeypatch.setenv("PATH", "")
    assert git_state() == {"commit": None, "changed": None}


def test_provenance_inside_another_repository(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from emo3d_exp.runs.provenance import git_state

    def git(*arguments: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
        subprocess.run(["git", "-C", str(tmp_path), *who, *arguments], check=True, capture_output=True)

    file = tmp_path / "env" / "emo3d_exp" / "runs" / "provenance.py"
    file.parent.mkdir(parents=True)
    file.write_text("")
    git("init")
    git("commit", "--allow-empty", "-m", "theirs")
    monkeypatch.setattr(sys.modules["emo3d_exp.runs.provenance"], "__file__", str(file))
    assert git_state() == {"commit": None, "changed": None}
    git("add", ".")
    git("commit", "-m", "ours")
    state = git_state()
    assert len(state["commit"]) == 40 and state["changed"] is False


def test_provenance_imports_none_of_what_it_names() -> None:
    code = (
        "import sys\nfrom emo3d_exp.runs import provenance\nprovenance()\n"
        "print(*sorted({'torch', 'pytorch_lightning', 'transformers', 'wandb', 'mediapipe', 'cv2', 'timm'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={**os.environ}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
