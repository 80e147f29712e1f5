import json

import numpy as np
import pytest
from made_build import build, sample, stages

from emo3d_exp.data import load_table, read_image
from emo3d_exp.dataset_builder import AssembleTable, RowStore, run_stages
from emo3d_exp.errors import ConfigError


def rows_of(folder, *columns):
    rows = sorted(RowStore(folder, "assemble").rows(columns), key=lambda row: row["sample_id"])
    return {row["sample_id"]: row for row in rows}


def test_the_table_is_read_as_it_was_built(tmp_path):
    samples = [sample(n, faces=2, without=(2,) if n == 3 else ()) for n in range(40)]
    corpus = load_table(build(tmp_path, samples))
    assert corpus.sample_id.tolist() == list(range(40)) and len(corpus.image) == 80
    np.testing.assert_allclose(corpus.emotions, [s["emotions"] for s in samples], rtol=1e-6)
    assert corpus.text == tuple(text for s in samples for text in s["texts"])
    assert np.flatnonzero(~corpus.has_blendshapes).tolist() == [7]
    np.testing.assert_allclose(corpus.blendshapes[5], samples[2]["faces"][1]["blendshapes"], rtol=1e-6)
    assert {corpus.image[i].key for i in (4, 5)} == {image["key"] for image in samples[2]["images"]}
    assert read_image(corpus.image[7]).shape == (16, 16, 3)
    counts = {part: int((corpus.published_split == part).sum()) for part in ("train", "val", "test")}
    assert sum(counts.values()) == 40 and counts["val"] >= 3 and counts["test"] >= 3


def test_near_copies_stay_in_one_part_and_shares_are_those_asked_for(tmp_path):
    rng = np.random.default_rng(0)
    samples = []
    for n in range(0, 300, 3):
        words = [f"w{word}" for word in rng.integers(0, 10**6, 12)]
        # 12 of 16 words in common: near copies, but none that is set aside.
        samples += [sample(n + i, " ".join([*words, f"x{n + i}", f"y{n + i}"])) for i in range(3)]
    rows = rows_of(build(tmp_path, samples, AssembleTable(val=0.2, test=0.1)), "split")
    parts = [rows[n]["split"] for n in range(300)]
    assert all(len(set(parts[n : n + 3])) == 1 for n in range(0, 300, 3))
    assert 45 <= parts.count("val") <= 60 and 20 <= parts.count("test") <= 30


def test_copies_are_not_in_the_table_though_they_were_paid_for(tmp_path):
    samples = [sample(0, "One and the same text."), sample(1, "One and the same text."), sample(2)]
    assert list(rows_of(build(tmp_path, samples))) == [0, 2] == load_table(tmp_path).sample_id.tolist()


def test_more_samples_are_all_looked_at_again(tmp_path):
    samples = [sample(n) for n in range(3)]
    for limit in (1, 2):
        manifest = run_stages(tmp_path, stages(samples), progress=False, limit=limit)["assemble"]
        assert manifest["rows"] == limit
    assert json.loads((tmp_path / "assemble" / "manifest.json").read_text())["rows"] == 2


def test_shares_and_thresholds_that_cannot_be_are_refused():
    for wrong in ({"val": 0}, {"val": 0.6, "test": 0.5}, {"near_copies": 0}):
        with pytest.raises(ConfigError, match="assemble: "):
            AssembleTable(**wrong)
