"""W&B's files are read to what W&B wrote, also where they are damaged, and once only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from compared_runs import make_wandb_file

from emo3d_exp.comparison import read_wandb_file, wandb_cache, wandb_file
from emo3d_exp.errors import DataError


def test_config_summary_history_and_end_are_read(tmp_path: Path) -> None:
    found = read_wandb_file(make_wandb_file(tmp_path, summary={"test/emo3d": 0.6, "test/judge": "face_clip"}))
    assert (found.run_id, found.name, found.group, found.job_type) == (
        "abcd1234",
        "run abcd1234",
        "a group",
        "train",
    )
    assert found.config["loss"] == {"lambda_text": 0.1, "lambda_image": 0.1} and "_wandb" not in found.config
    assert found.summary == {"test/emo3d": 0.6, "test/judge": "face_clip", "val/mse": 0.013, "epoch": 2}
    assert found.history == {"val/mse": [(0.0, 0.03), (1.0, 0.012), (2.0, 0.013)]}
    assert (found.exit_code, found.seconds, found.whole) == (0, 7.0, True)
    assert found.started == "2026-01-31T12:00:00+00:00"


def test_records_go_over_the_ends_of_blocks(tmp_path: Path) -> None:
    long = {f"key{n}": "x" * (32768 - 40 + n) for n in range(12)}
    found = read_wandb_file(make_wandb_file(tmp_path, curve=tuple(0.5 for _ in range(900)), **long))
    assert found.whole and len(found.history["val/mse"]) == 900
    assert all(found.config[key] == value for key, value in long.items())


@pytest.mark.parametrize("cut", [40, 700, 1500])
def test_a_file_that_was_cut_short_is_read_up_to_there(tmp_path: Path, cut: int) -> None:
    file = make_wandb_file(tmp_path, curve=tuple(0.5 for _ in range(20)))
    file.write_bytes(file.read_bytes()[:-cut])
    found = read_wandb_file(file)
    assert not found.whole and found.exit_code is None and 0 < len(found.history["val/mse"]) <= 20


def test_a_changed_byte_ends_the_reading_there(tmp_path: Path) -> None:
    file = make_wandb_file(tmp_path, curve=tuple(0.5 for _ in range(20)))
    data = bytearray(file.read_bytes())
    data[-300] ^= 0xFF
    file.write_bytes(data)
    assert not read_wandb_file(file).whole


@pytest.mark.parametrize("data", [b"", b"something else", b":W&B", b":W&B\xe1\xbe\x00garbage"])
def test_what_holds_no_run_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "run-a.wandb").write_bytes(data)
    with pytest.raises(DataError, match=r"run-a\.wandb"):
        read_wandb_file(tmp_path / "run-a.wandb")


def test_a_file_is_read_again_only_where_it_changed(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = make_wandb_file(tmp_path)
    first = wandb_cache.cached_wandb_file(file)
    read: list[Path] = []
    monkeypatch.setattr(
        wandb_cache, "read_wandb_file", lambda path: read.append(path) or wandb_file.read_wandb_file(path)
    )
    assert wandb_cache.cached_wandb_file(file) == first and read == []
    make_wandb_file(tmp_path, curve=(0.03, 0.012))
    assert len(wandb_cache.cached_wandb_file(file).history["val/mse"]) == 2 and read == [file]
    for entry in (cache / "compare").iterdir():
        entry.write_text("{", encoding="utf-8")
    assert len(wandb_cache.cached_wandb_file(file).history["val/mse"]) == 2 and len(read) == 2


def test_the_fields_are_those_of_wandb() -> None:
    from wandb.proto import wandb_internal_pb2 as messages

    theirs = {"Record": "Record", "Run": "RunRecord", "Exit": "RunExitRecord", "History": "HistoryRecord"}
    theirs |= {"Changes": "SummaryRecord", "Item": "SummaryItem", "Git": "GitRepoRecord"}
    for own, name in theirs.items():
        fields = getattr(messages, name).DESCRIPTOR.fields_by_name
        for field, (number, _, kind, _) in wandb_file.MESSAGES[own].items():
            assert (fields[field].number, fields[field].type) == (number, kind), (own, field)
    for name in ("HistoryItem", "ConfigItem"):
        fields = getattr(messages, name).DESCRIPTOR.fields_by_name
        assert [fields[f].number for f in wandb_file.MESSAGES["Item"]] == [1, 2, 16]


def test_a_file_of_wandb_itself_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import wandb

    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("WANDB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")
    settings = wandb.Settings(silent=True, console="off", disable_code=True, x_disable_stats=True)
    config = {"model": {"name": "vae_clip"}, "seed": 3, "loss": {"lambda_text": 0.5}}
    names = {"name": "a name", "group": "a group", "job_type": "train"}
    run = wandb.init(mode="offline", dir=str(tmp_path), config=config, settings=settings, **names)
    for epoch in range(3):
        run.log({"val/mse": 0.5 / (epoch + 1), "epoch": epoch, "train/loss": float("nan")})
    run.summary.update({"test/emo3d": 0.625, "test/judge": "face_clip"})
    run.finish(exit_code=3)
    wandb.teardown()
    (file,) = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    found: Any = read_wandb_file(file)
    assert (found.name, found.group, found.job_type) == ("a name", "a group", "train")
    assert (found.run_id, found.exit_code, found.whole) == (run.id, 3, True)
    assert found.config == config
    assert found.history == {"val/mse": [(0.0, 0.5), (1.0, 0.25), (2.0, pytest.approx(1 / 6))]}
    assert found.summary["test/emo3d"] == 0.625 and found.summary["test/judge"] == "face_clip"
