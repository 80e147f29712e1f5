import time

import pytest

from emo3d_exp.data import hub, load_emo3d
from emo3d_exp.errors import ConfigError, DataError


@pytest.fixture(autouse=True)
def empty_hub_cache(monkeypatch, tmp_path):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


def test_offline_says_what_is_missing_within_five_seconds():
    started = time.monotonic()
    with pytest.raises(DataError) as caught:
        load_emo3d(root=None, parts=["fear_images"])
    assert time.monotonic() - started < 20
    message = str(caught.value)
    for part in (
        "data/train_data.csv",
        "data/fear_images.zip",
        "huggingface.co/datasets/llm-lab/Emo3D",
        "data.root=",
        "data=mini",
    ):
        assert part in message


def test_offline_variable_is_obeyed(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(DataError, match="HF_HUB_OFFLINE"):
        hub.fetch([])


def test_files_of_the_chosen_parts():
    assert len(hub.wanted_files("all")) == 3 + 5 + 9 + 6
    assert "data/prompt1_images_7000_9000.zip" in hub.wanted_files("all")
    assert hub.wanted_files(["anger_images"])[3:] == ["data/anger_images.zip"]
    assert hub.wanted_files([]) == list(hub.TABLES)
    with pytest.raises(ConfigError, match="anger_image'"):
        hub.wanted_files(["anger_image"])


def test_files_in_the_cache_need_no_network(tmp_path, monkeypatch):
    snapshot = tmp_path / "hub" / "datasets--llm-lab--Emo3D" / "snapshots" / "abc"
    (snapshot / "data").mkdir(parents=True)
    for file in hub.wanted_files(["anger_images"]):
        (snapshot / file).touch()
    refs = snapshot.parents[1] / "refs"
    refs.mkdir()
    (refs / "main").write_text("abc")
    assert hub.fetch(["anger_images"]) == snapshot
