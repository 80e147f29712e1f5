"""What a folder with the published table holds on to, and what it lets go."""

import json
import zipfile

import pytest
from published import jpeg, row, write_archive, write_csv

from emo3d_exp.data import load_table
from emo3d_exp.data.hub import TABLES
from emo3d_exp.data.images import encoded_bytes
from emo3d_exp.dataset_builder import PublishedSource
from emo3d_exp.errors import ConfigError, DataError

FOLDER = "prompt1_images_0_1000"
SOURCE = "emo3d_exp.dataset_builder.published_source"


def made(folder, **changes):
    write_csv(folder, [row(n) for n in range(3)])
    write_archive(folder / f"{FOLDER}.zip", [0, 1, 2])
    return PublishedSource(str(folder), **{"counts": "tell", **changes})


def pictures(folder):
    return [encoded_bytes(ref) for ref in load_table(folder).image if ref is not None]


def test_an_archive_that_changed_is_unpacked_again(tmp_path, monkeypatch, caplog):
    """The hub's, of a new revision: the settings are the same."""
    made(tmp_path / "first")
    made(tmp_path / "second")
    with zipfile.ZipFile(tmp_path / "second" / f"{FOLDER}.zip") as archive:
        names = archive.namelist()
    with zipfile.ZipFile(tmp_path / "second" / f"{FOLDER}.zip", "w") as archive:
        for number, name in enumerate(names):
            archive.writestr(name, jpeg(100 + number))
    source, table = PublishedSource(counts="tell", unpack=True), tmp_path / "table"
    for version, told in (("first", ""), ("first", ""), ("second", "is not what")):
        monkeypatch.setattr(f"{SOURCE}.fetch", lambda *_, at=version: tmp_path / at)
        monkeypatch.setattr(f"{SOURCE}.check_downloads", lambda files: {file.name: "0" for file in files})
        caplog.clear()
        manifest = source.build(table)
        assert (told in caplog.text) and (told or "is not what" not in caplog.text)
        PublishedSource(str(tmp_path / version), counts="tell").build(tmp_path / f"plain-{version}")
        assert pictures(table) == pictures(tmp_path / f"plain-{version}")
    assert list(manifest["unpacked"]) == [FOLDER] and manifest["unchecked"] == []


def test_a_folder_of_unknown_origin_is_unpacked_again(tmp_path):
    source = made(tmp_path / "set", unpack=True)
    (tmp_path / "table" / "pictures" / FOLDER).mkdir(parents=True)
    source.build(tmp_path / "table")
    assert len(pictures(tmp_path / "table")) == 12


@pytest.mark.parametrize("wrong", [{"counts": "check"}, {"complete": True}])
def test_a_set_that_was_refused_leaves_no_claim(tmp_path, wrong):
    wrong = made(tmp_path / "wrong", **wrong)
    if wrong.complete:
        (tmp_path / "wrong" / f"{FOLDER}.zip").unlink()
    with pytest.raises(DataError):
        wrong.build(tmp_path / "table")
    corrected = made(tmp_path / "right")
    assert corrected.build(tmp_path / "table")["complete"]
    with pytest.raises(ConfigError, match="holds another table"):
        made(tmp_path / "wrong").build(tmp_path / "table")


def test_a_refused_set_does_not_harm_the_table_that_is_there(tmp_path):
    first = made(tmp_path / "set").build(tmp_path / "table")
    with pytest.raises(DataError, match="not the published data set"):
        made(tmp_path / "set", counts="check").build(tmp_path / "table")
    assert json.loads((tmp_path / "table" / "assemble" / "manifest.json").read_text()) == first


def test_the_claim_of_a_run_that_failed_earlier_is_no_table(tmp_path):
    (tmp_path / "table" / "assemble").mkdir(parents=True)
    claim = tmp_path / "table" / "assemble" / "manifest.json"
    claim.write_text('{"identity": "other", "complete": false}')
    assert made(tmp_path / "set").build(tmp_path / "table")["complete"]
    claim.write_text('{"identity": "other", "complete": false, "begun": "by stages"}')
    with pytest.raises(ConfigError, match="holds another table"):
        made(tmp_path / "set").build(tmp_path / "table")


def test_files_that_could_not_be_checked_are_told(tmp_path, monkeypatch, caplog):
    made(tmp_path / "data")
    (tmp_path / "data" / f"{FOLDER}.zip").rename(tmp_path / "data" / "elsewhere")
    monkeypatch.setattr(f"{SOURCE}.fetch", lambda *_: tmp_path)
    monkeypatch.setattr(f"{SOURCE}.wanted_files", lambda parts: list(TABLES))
    manifest = PublishedSource(counts="tell").build(tmp_path / "table")
    names = [name.removeprefix("data/") for name in TABLES]
    assert (manifest["unchecked"], manifest["checksums"]) == (names, {})
    assert "3 of 3 fetched files could not be checked" in caplog.text and names[0] in caplog.text
