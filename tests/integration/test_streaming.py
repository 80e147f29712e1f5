"""Training on a table in mapped files is training on the table in memory, to the last bit."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from commands import ROOT
from omegaconf import DictConfig
from safetensors.numpy import load_file

sys.path.append(str(ROOT / "tests" / "app"))
from tiny_task import TinyData, config

from emo3d_exp.app.assemble import build_encoder
from emo3d_exp.app.data import LoadedData, load_data
from emo3d_exp.app.fitting import stage
from emo3d_exp.app.train import train_in
from emo3d_exp.backbones.tokens import TokenRows, end_to_end, in_file
from emo3d_exp.data import MappedCorpus, TableData
from emo3d_exp.data.table_schema import table_schema
from emo3d_exp.errors import ConfigError
from emo3d_exp.runs import RunFolder
from emo3d_exp.vocab import EMOTIONS

pytestmark = [pytest.mark.usefixtures("cache", "one_thread"), pytest.mark.enable_socket]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny task as a table of two files, some faces without a picture, one without scores."""
    folder = tmp_path_factory.mktemp("table")
    corpus = TinyData(str(folder / "pictures")).load()
    rows: list[dict[str, Any]] = []
    for number, (sample, split) in enumerate(zip(corpus.sample_id, corpus.published_split, strict=True)):
        ref, scores = corpus.image[number], corpus.blendshapes[number]
        face = {
            "face_number": 1,
            "image_location": ref and ref.location,
            "image_key": ref and ref.key,
            "blendshapes": scores.tolist() if np.isfinite(scores).all() else None,
        }
        intensities = dict(zip(EMOTIONS, corpus.emotions[number].tolist(), strict=True))
        texts = [corpus.text[row] for row in np.flatnonzero(corpus.text_sample == number)]
        rows.append({"sample_id": sample, "split": split, "texts": texts, "faces": [face], **intensities})
    (folder / "assemble").mkdir()
    for number, part in enumerate((rows[:50], rows[50:])):
        shard = pa.Table.from_pylist(part, schema=table_schema())
        pq.write_table(shard, folder / "assemble" / f"{number:05}.parquet")
    return folder


def begun(
    folder: Path, table: Path, streaming: bool, *overrides: str, **groups: Any
) -> tuple[RunFolder, DictConfig]:
    data = {"_target_": "emo3d_exp.data.TableData", "path": str(table), "streaming": streaming}
    cfg = config(
        folder / str(streaming), "batch_size=13", "trainer.max_epochs=3", "patience=null", *overrides,
        data=data, **groups,
    )  # fmt: skip
    run = RunFolder(cfg.run_dir)
    run.create(cfg)
    return run, cfg


def assert_same(one: RunFolder, other: RunFolder) -> None:
    first, second = load_file(one.weights_file), load_file(other.weights_file)
    assert first.keys() == second.keys()
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name], err_msg=name)
    facts = [{k: run.provenance()[k] for k in ("data_hash", "split_hash")} for run in (one, other)]
    assert facts[0] == facts[1]


@pytest.mark.parametrize(
    "settings",
    [
        ("model=clip_mlp", "augmentation=noise"),
        ("model=lm_mlp", "split=random", "split.near_copies=null"),
        ("model=emotion_xlm",),
        ("model=cvae_ensemble", "augmentation.beginnings=0.5"),
    ],
    ids=lambda settings: settings[0],
)
def test_batches_are_those_of_the_table_in_memory(
    settings: tuple[str, ...], table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, cfg = begun(tmp_path, table, False, *settings)
    memory = load_data(cfg)
    expected = [batch for part in ("train", "val") for batch in _batches(memory, part, cfg)]
    monkeypatch.setattr("emo3d_exp.data.staging.TensorBatches.__init__.__defaults__", _ungathered())
    monkeypatch.setattr("emo3d_exp.backbones.cache.BLOCK", 30)
    monkeypatch.setattr("emo3d_exp.records.corpus.BLOCK", 17)
    _, cfg = begun(tmp_path, table, True, *settings)
    mapped = load_data(cfg)
    assert type(mapped.corpus) is MappedCorpus and mapped.facts() == memory.facts()
    found = [batch for part in ("train", "val") for batch in _batches(mapped, part, cfg)]
    assert len(found) == len(expected) > 8
    for one, other in zip(found, expected, strict=True):
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in other)
    np.testing.assert_array_equal(mapped.mean_face(), memory.mean_face())
    assert mapped.prompts("test").text == memory.prompts("test").text


def _batches(data: LoadedData, part: str, cfg: DictConfig) -> list[Any]:
    batches = stage(data, part, build_encoder(cfg.backbone), cfg)
    return [batch for _ in range(2) for batch in batches]


def test_a_fine_tuned_model_reads_the_same_tokens(table: Path) -> None:
    found, expected = (TableData(str(table), streaming=streaming).load().text for streaming in (True, False))
    lengths = [len(text) % 9 + 1 for text in expected]
    tokens = [[7 + len(text)] * count for text, count in zip(expected, lengths, strict=True)]
    in_memory = TokenRows(tokens, np.arange(len(expected)), 0)
    blocks = (end_to_end(tokens[start : start + 50]) for start in range(0, len(found), 50))
    filed = TokenRows(in_file(blocks), np.arange(len(found)), 0)
    np.testing.assert_array_equal(filed.lengths, in_memory.lengths)
    some = np.array([3, 200, 17])
    for name, values in in_memory.batch(some).items():
        assert torch.equal(filed.batch(some)[name], values)


@pytest.mark.slow
@pytest.mark.parametrize(
    "model", ["vae_clip", "clip_mlp", "lm_mlp", "emotion_xlm", "cvae_ensemble", "ridge", "nearest"]
)
def test_weights_and_scores_are_those_of_the_table_in_memory(
    model: str, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emo3d_exp.backbones.cache.BLOCK", 30)
    memory, cfg = begun(tmp_path, table, False, f"model={model}")
    expected = train_in(memory, cfg)
    mapped, cfg = begun(tmp_path, table, True, f"model={model}")
    assert train_in(mapped, cfg) == expected
    assert_same(memory, mapped)
    scores = [(run.evaluation("test") / "predictions.parquet").read_bytes() for run in (memory, mapped)]
    assert scores[0] == scores[1]


def _ungathered() -> tuple[Any, ...]:
    from emo3d_exp.data import TensorBatches
    from emo3d_exp.data.staging import GATHER_BYTES

    return tuple(0 if given == GATHER_BYTES else given for given in TensorBatches.__init__.__defaults__)


def test_two_processes_and_a_run_that_goes_on(table: Path, tmp_path: Path, quick_start: None) -> None:
    settings = ("model=vae_clip", "trainer=ddp_sim", "evaluate=false", "trainer.max_epochs=2")
    memory, cfg = begun(tmp_path, table, False, *settings)
    expected = train_in(memory, cfg)
    mapped, cfg = begun(tmp_path, table, True, *settings)
    first = cfg.copy()
    first.trainer.max_epochs = 1
    train_in(mapped, first)
    for file in (mapped.weights_file, mapped.model_file):
        file.unlink()
    assert train_in(mapped, cfg, mapped.last_checkpoint) == expected
    assert_same(memory, mapped)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("split=random",), r"data\.streaming=true: split\.near_copies"),
        (("augmentation=mirror",), r"data\.streaming=true: augmentation\.mirror"),
        (("augmentation=words",), r"choose augmentation=none, noise or beginnings"),
    ],
)
def test_what_needs_all_texts_is_refused(
    overrides: tuple[str, ...], message: str, table: Path, tmp_path: Path
) -> None:
    _, cfg = begun(tmp_path, table, True, "model=vae_clip", *overrides)
    with pytest.raises(ConfigError, match=message):
        load_data(cfg)
