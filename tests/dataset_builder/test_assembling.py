import json

import numpy as np
import pytest
from made_build import build, sample

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


def test_copies_of_an_earlier_text_are_set_aside_with_the_reason(tmp_path):
    near = "The old man smiles warmly while his tired eyes follow every child across the sunny garden"
    samples = [
        sample(0, "She is furious, her jaw clenched.", near),
        sample(1, "she is  furious, her jaw clenched."),
        sample(2, near.replace("sunny", "quiet")),
        sample(3, "Another text altogether, about rain.", "Another text altogether, about rain."),
        sample(4, "A frown."),
        sample(5, "A frown!"),
    ]
    rows = rows_of(build(tmp_path, samples), "set_aside", "split")
    assert [rows[n]["set_aside"] for n in range(6)] == [
        None,
        "text 1 equals text 1 of sample 0",
        "text 1 is a near copy of text 2 of sample 0",
        None,
        None,
        "text 1 is a near copy of text 1 of sample 4",
    ]
    assert all((row["split"] is None) == (row["set_aside"] is not None) for row in rows.values())
    assert load_table(tmp_path).sample_id.tolist() == [0, 3, 4]
    equal_only = rows_of(build(tmp_path / "b", samples, AssembleTable(set_aside_from=None)), "set_aside")
    assert [n for n, row in equal_only.items() if row["set_aside"]] == [1]


def test_a_copy_of_a_sample_that_was_set_aside_stays(tmp_path):
    words = [f"word{n}" for n in range(20)]
    chain = [" ".join(words[n : n + 10]) for n in (0, 1, 2)]
    rows = rows_of(build(tmp_path, [sample(n, text) for n, text in enumerate(chain)]), "set_aside")
    assert [row["set_aside"] is None for row in rows.values()] == [True, False, True]


def test_near_copies_stay_in_one_part_and_shares_are_those_asked_for(tmp_path):
    rng = np.random.default_rng(0)
    samples = []
    for n in range(0, 300, 3):
        words = [f"w{word}" for word in rng.integers(0, 10**6, 12)]
        samples += [sample(n + i, " ".join([*words, f"x{n + i}", f"y{n + i}"])) for i in range(3)]
    rows = rows_of(build(tmp_path, samples, AssembleTable(val=0.2, test=0.1, set_aside_from=0.95)), "split")
    parts = [rows[n]["split"] for n in range(300)]
    assert all(len(set(parts[n : n + 3])) == 1 for n in range(0, 300, 3))
    assert 45 <= parts.count("val") <= 60 and 20 <= parts.count("test") <= 30


def test_more_samples_or_a_retry_look_at_all_rows_again(tmp_path):
    samples = [sample(0, "One and the same text."), sample(1, "One and the same text."), sample(2)]
    build(tmp_path, samples)
    manifest = run_stages(tmp_path, [AssembleTable()], progress=False, retry=True)["assemble"]
    assert manifest["set_aside"] == 1 and manifest["rows"] == 3
    (tmp_path / "assemble" / "manifest.json").unlink()
    (tmp_path / "assemble" / "00000.parquet").unlink()
    for limit in (1, 2):
        manifest = run_stages(tmp_path, [AssembleTable()], progress=False, limit=limit)["assemble"]
    assert manifest["set_aside"] == 1 and manifest["rows"] == 2
    assert json.loads((tmp_path / "assemble" / "manifest.json").read_text())["rows"] == 2


def test_shares_and_thresholds_that_cannot_be_are_refused():
    for wrong in ({"val": 0}, {"val": 0.6, "test": 0.5}, {"near_copies": 0}, {"set_aside_from": 0.3}):
        with pytest.raises(ConfigError, match="assemble: "):
            AssembleTable(**wrong)
