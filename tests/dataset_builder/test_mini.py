import json
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse

from emo3d_exp.data import MiniData, PublishedSplit, load_mini, read_image
from emo3d_exp.data.near_copies import THRESHOLD, content_words, words
from emo3d_exp.dataset_builder import STAGES, MiniSettings, ensure_mini, is_built, mini_folder
from emo3d_exp.dataset_builder.mini_stages import Assemble, Emotions, Texts
from emo3d_exp.dataset_builder.texts import rated
from emo3d_exp.errors import ConfigError, DataError
from emo3d_exp.vocab import BLENDSHAPES, EMOTION_INDEX, dominant

SMALL = {"rows": 40, "image_size": 24, "progress": False}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return ensure_mini(**SMALL, processes=1, folder=tmp_path_factory.mktemp("mini") / "built")


def test_built_folder_loads(built):
    corpus = load_mini(built)
    assert is_built(built) and len(corpus) == 40 == len(corpus.text) == len(set(corpus.text))
    assert corpus.sample_id.tolist() == list(range(40))
    assert corpus.has_blendshapes.all() and corpus.blendshapes.dtype == np.float32
    assert corpus.blendshapes.min() >= 0 and corpus.blendshapes.max() <= 1
    assert (corpus.blendshapes[:, BLENDSHAPES.index("_neutral")] == 0).all()
    assert corpus.emotions.max() <= 1 and (corpus.emotions.sum(axis=1) > 0).all()
    pixels = read_image(corpus.image[7])
    assert pixels.shape == (24, 24, 3) and pixels.std() > 10
    assert len({ref.key for ref in corpus.image}) == 40
    manifest = json.loads((built / "manifest.json").read_text())
    assert manifest["rows"] == 40 and set(manifest["stages"]) == set(STAGES)


def test_neither_processes_nor_interruption_change_it(built, tmp_path):
    ensure_mini(**SMALL, processes=2, folder=tmp_path, stage=["texts", "emotions"])
    assert not is_built(tmp_path)
    ensure_mini(**SMALL, processes=2, folder=tmp_path)
    (tmp_path / "images" / "00000.parquet").unlink()
    for stale in ("images/manifest.json", "manifest.json"):
        (tmp_path / stale).unlink()
    ensure_mini(**SMALL, processes=2, folder=tmp_path)
    again = json.loads((tmp_path / "manifest.json").read_text())
    assert again == json.loads((built / "manifest.json").read_text())
    assert load_mini(tmp_path).fingerprint() == load_mini(built).fingerprint()


def test_settings_choose_the_folder_and_the_content(built):
    folders = [mini_folder(MiniSettings(**s)) for s in ({}, {"seed": 1}, {"rows": 40}, {"image_size": 24})]
    assert len(set(folders)) == 4 and mini_folder(MiniSettings()) == folders[0]
    with pytest.raises(ConfigError, match="other settings"):
        ensure_mini(rows=40, seed=3, image_size=24, folder=built, progress=False)
    for bad in ({"rows": 0}, {"image_size": 1}, {"jpeg_quality": 0}, {"seed": -1}):
        with pytest.raises(ConfigError, match=next(iter(bad))):
            MiniSettings(**bad)
    with pytest.raises(ConfigError, match="texts, emotions, blendshapes, images, assemble"):
        ensure_mini(**SMALL, stage="text")


def test_it_is_built_in_the_cache_once():
    data = MiniData(rows=6, image_size=16, processes=1)
    folder = ensure_mini(**data.build_settings, progress=False)
    assert folder == mini_folder(MiniSettings(rows=6, image_size=16))
    written = {file: file.stat().st_mtime_ns for file in folder.rglob("*")}
    assert ensure_mini(**data.build_settings) == folder
    assert len(MiniData(folder=str(folder)).load()) == 6
    assert {file: file.stat().st_mtime_ns for file in folder.rglob("*")} == written
    with pytest.raises(DataError, match="not been built"):
        MiniData().load()
    with pytest.raises(DataError, match=r"python build_data\.py data\.folder=/.*nowhere$"):
        MiniData(folder="nowhere").load()


def test_a_cache_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EMO3D_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"file/mini.*set EMO3D_CACHE") as told:
        ensure_mini(**SMALL)
    assert "\n" not in str(told.value)


def test_two_builders_at_once(tmp_path):
    code = (
        "from emo3d_exp.dataset_builder import ensure_mini\n"
        f"ensure_mini(rows=30, image_size=16, processes=1, progress=False, folder={str(tmp_path / 'm')!r})"
    )
    both = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [process.wait(120) for process in both] == [0, 0]
    shards = sorted(path.name for path in (tmp_path / "m" / "images").iterdir())
    assert shards == ["00000.parquet", "manifest.json"] and len(load_mini(tmp_path / "m")) == 30


def test_a_damaged_table_is_named(built, tmp_path):
    (tmp_path / "assemble").mkdir()
    (tmp_path / "assemble" / "00000.parquet").write_bytes(b"PAR1PAR1")
    with pytest.raises(DataError, match="is damaged"):
        load_mini(tmp_path)


@pytest.fixture(scope="module")
def all_texts():
    """Rows of the whole data set's first stage."""
    texts = Texts(None, 0)
    return texts.process(texts.source())


@pytest.fixture(scope="module")
def whole(all_texts):
    """Texts, emotions and split of the whole data set, without faces."""
    rows = all_texts
    emotions = Emotions(0).process([{"sample_id": r["sample_id"], "stated": r["stated"]} for r in rows])
    nothing = {"blendshapes": [0.0] * 52, "images_shard": "", "images_row": 0, "image_key": ""}
    joined = [{**row, **rating, **nothing} for row, rating in zip(rows, emotions, strict=True)]
    return joined, Assemble(0).process(joined)


def test_no_text_or_near_copy_in_two_splits(whole):
    _, rows = whole
    split = np.array([row["split"] for row in rows])
    texts = [row["text_1"] for row in rows]
    assert len(set(texts)) == len(texts) > 3000
    for view in (words, content_words):
        similarity = _all_similarities([view(text) for text in texts])
        one, other = (similarity >= THRESHOLD).nonzero()
        assert (split[one] == split[other]).all()
        assert (one < other).any()


def _all_similarities(sets):
    """Word-set Jaccard similarity of every two texts, by a sparse matrix product."""
    number = {word: i for i, word in enumerate(sorted(set().union(*sets)))}
    columns = [number[word] for members in sets for word in sorted(members)]
    sizes = np.array([len(members) for members in sets])
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    table = scipy.sparse.csr_array((np.ones(len(columns)), columns, bounds), (len(sets), len(number)))
    shared = (table @ table.T).tocoo()
    one, other = shared.coords
    values = shared.data / (sizes[one] + sizes[other] - shared.data)
    return scipy.sparse.coo_array((values, (one, other)), shared.shape).tocsr()


def test_shares_of_the_split(whole):
    joined, rows = whole
    split = np.array([row["split"] for row in rows])
    strongest = dominant(np.array([row["emotions"] for row in joined]))
    for name, share in (("train", 0.8), ("val", 0.1), ("test", 0.1)):
        assert abs((split == name).mean() - share) < 0.01
        for emotion in range(8):
            assert abs((split == name)[strongest == emotion].mean() - share) < 0.03
    styles = {row["prompt_type"] for row in rows}
    assert styles >= {"face", "situation_first", "situation_third", "state_first", "state_third"}


def test_ratings_stay_near_what_was_stated(whole):
    joined, _ = whole
    stated = np.array([row["stated"] for row in joined])
    rating = np.array([row["emotions"] for row in joined])
    assert (dominant(stated) == dominant(rating)).all()
    expressive = np.arange(8) != EMOTION_INDEX["neutral"]
    assert np.abs(stated - rating)[:, expressive].max() < 0.06
    assert ((rating[:, expressive] > 0) == (stated[:, expressive] > 0)).all()
    assert rating.min() >= 0 and rating.max() <= 1
    weak = np.zeros(8)
    weak[1] = 0.3
    assert rated(weak, np.random.default_rng(0))[0] > 0
    assert np.abs(rating.sum(axis=1) - 1).mean() > 0.1


def test_published_split_of_a_built_folder(built):
    splits = PublishedSplit().split(load_mini(built))
    assert len(splits.train) + len(splits.val) + len(splits.test) == 40


def test_a_smaller_set_is_the_beginning_of_a_larger_one(all_texts):
    small = Texts(10, 0)
    assert small.process(small.source()) == all_texts[:10]
