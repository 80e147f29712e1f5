import hashlib

import pytest
import yaml
from made_build import build, sample

from emo3d_exp.data import load_emo3d, load_table
from emo3d_exp.data.hub_checksums import check_downloads
from emo3d_exp.dataset_builder import CardFacts, push_to_hub
from emo3d_exp.errors import ConfigError, DataError

FACTS = CardFacts("Faces | of rain", "cc-by-4.0", "Made for a test.")


@pytest.fixture
def table(tmp_path):
    return build(tmp_path / "table", [sample(n, faces=2, without=(2,) if n == 1 else ()) for n in range(12)])


@pytest.fixture
def hub(monkeypatch):
    """The hub's client, which notes what it is told and sends nothing."""
    calls = []
    monkeypatch.setenv("HF_TOKEN", "hf_made_up")
    monkeypatch.setattr(
        "huggingface_hub.HfApi.create_repo", lambda self, *a, **k: calls.append(("make", a, k))
    )
    monkeypatch.setattr("huggingface_hub.HfApi.upload_folder", lambda self, **k: calls.append(("push", k)))
    return calls


def test_a_dry_run_writes_what_would_be_pushed(table, tmp_path, hub):
    assert push_to_hub(table, tmp_path / "push", "me/rain", FACTS, dry=True) is None
    assert hub == []
    read, ours = load_emo3d(tmp_path / "push"), load_table(table)
    assert read.fingerprint() == ours.fingerprint()
    assert [ref is None for ref in read.image] == [ref is None for ref in ours.image]
    _, front, page = (tmp_path / "push" / "README.md").read_text().split("---\n", 2)
    card = yaml.safe_load(front)
    assert card["license"] == "cc-by-4.0" and card["size_categories"] == ["n<1K"]
    splits = {each["split"]: each["path"] for each in card["configs"][0]["data_files"]}
    assert splits["validation"] == "data/val_data.csv"
    assert all((tmp_path / "push" / file).is_file() for file in splits.values())
    header = (tmp_path / "push" / "data" / "train_data.csv").read_text().split("\n")[0].split(",")
    assert "0000001" not in (tmp_path / "push" / "data" / "train_data.csv").read_text()
    assert [each["name"] for each in card["dataset_info"]["features"]] == header
    assert "| faces with scores | 23 |" in page and "| assemble | 12 | val=0.1" in page
    assert "hf_made_up" not in front + page and str(tmp_path) not in front + page


def test_what_was_written_is_pushed(table, tmp_path, hub):
    push_to_hub(table, tmp_path / "push", "me/rain", FACTS)
    (made, owner, how), (pushed, told) = hub
    assert (made, owner, how["private"], how["repo_type"]) == ("make", ("me/rain",), True, "dataset")
    assert (pushed, told["repo_id"], told["folder_path"]) == ("push", "me/rain", str(tmp_path / "push"))


def test_what_cannot_be_pushed_says_why(table, tmp_path, hub, monkeypatch):
    with pytest.raises(ConfigError, match="owner/name"):
        push_to_hub(table, tmp_path / "a", "rain", FACTS)
    with pytest.raises(ConfigError, match="needs a licence"):
        push_to_hub(table, tmp_path / "a", "me/rain", CardFacts("Rain", ""))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "diary.txt").touch()
    with pytest.raises(ConfigError, match="not empty"):
        push_to_hub(table, tmp_path / "full", "me/rain", FACTS)

    def refuse(*_, **__):
        raise PermissionError("403 Forbidden")

    monkeypatch.setattr("huggingface_hub.HfApi.upload_folder", refuse)
    with pytest.raises(DataError, match=r"403 Forbidden.*by hand"):
        push_to_hub(table, tmp_path / "b", "me/rain", FACTS)
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    with pytest.raises(ConfigError, match="HF_TOKEN"):
        push_to_hub(table, tmp_path / "c", "me/rain", FACTS)
    assert not (tmp_path / "c").exists()


def test_downloads_are_checked_by_the_names_that_the_hub_gave_them(tmp_path):
    blobs, data = tmp_path / "blobs", tmp_path / "snapshots" / "abc" / "data"
    blobs.mkdir()
    data.mkdir(parents=True)
    contents = {"fear_images.zip": b"large", "train_data.csv": b"small"}
    names = {
        "fear_images.zip": hashlib.sha256(b"large").hexdigest(),
        "train_data.csv": hashlib.sha1(b"blob 5\0small").hexdigest(),
    }
    for file, content in contents.items():
        (blobs / names[file]).write_bytes(content)
        (data / file).symlink_to(blobs / names[file])
    (data / "copied.csv").write_bytes(b"where links cannot be made")
    assert check_downloads(sorted(data.iterdir())) == names
    (blobs / names["fear_images.zip"]).write_bytes(b"largE")
    with pytest.raises(DataError, match=r"fear_images\.zip is damaged.*Delete"):
        check_downloads(sorted(data.iterdir()))
