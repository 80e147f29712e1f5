import os
import tarfile
import warnings

import pytest
from hostile_tars import HOSTILE as HOSTILE_TARS
from hostile_tars import PACKERS, hostile, member, tarred
from hostile_zips import HOSTILE, packed

from emo3d_exp.data import UnpackLimits, unpack
from emo3d_exp.errors import DataError

LIMITS = UnpackLimits(members=50, total_bytes=16 << 20, member_bytes=8 << 20, ratio=100)


def everything(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_archive_is_refused_and_nothing_is_written(case, tmp_path):
    make, member, reason = HOSTILE[case]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns of a name that stands twice
        (tmp_path / "evil.zip").write_bytes(make())
    (tmp_path / "inside").mkdir()
    with pytest.raises(DataError, match=reason) as caught:
        unpack(tmp_path / "evil.zip", tmp_path / "inside" / "pictures", LIMITS)
    message = str(caught.value)
    assert "evil.zip" in message and member.split("/")[0] in message and "\n" not in message
    assert "member" in message or not member
    assert everything(tmp_path) == {"evil.zip", "inside"}


@pytest.mark.parametrize("case", HOSTILE_TARS)
def test_a_hostile_tar_is_refused_and_nothing_is_written(case, tmp_path):
    ending, content, name, reason = hostile(case)
    (tmp_path / f"evil{ending}").write_bytes(content)
    (tmp_path / "inside").mkdir()
    with pytest.raises(DataError, match=reason) as caught:
        unpack(tmp_path / f"evil{ending}", tmp_path / "inside" / "pictures", LIMITS)
    message = str(caught.value)
    assert f"evil{ending}" in message and name.split("/")[0] in message and "\n" not in message
    assert ", member " in message or not name
    assert everything(tmp_path) == {f"evil{ending}", "inside"}


@pytest.mark.parametrize("ending", [*PACKERS, ".tgz"])
@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_a_good_tar_is_unpacked(ending, form, tmp_path):
    folders = [member("./", b"", tarfile.DIRTYPE), member("./c", b"", tarfile.DIRTYPE)]
    files = [member("./a/b/1.jpeg", b"one" * 50_000), member("é 表情.jpeg", b"three"), member("empty", b"")]
    files += [member("setuid", b"s", mode=0o6777, uid=0), member("n" * 90 + "/" + "m" * 90, b"long")]
    content = tarred(*folders, *files, form=form)
    archive = tmp_path / f"good{ending}"
    archive.write_bytes(PACKERS[".tar.gz" if ending == ".tgz" else ending](content))
    folder = unpack(archive, tmp_path / "pictures", LIMITS)
    names = {"good.jpeg", "a", "a/b", "a/b/1.jpeg", "c", "é 表情.jpeg", "empty", "setuid", "n" * 90}
    assert everything(folder) == {*names, "n" * 90 + "/" + "m" * 90}
    assert (folder / "a/b/1.jpeg").read_bytes() == b"one" * 50_000
    assert (folder / "é 表情.jpeg").read_bytes() == b"three"
    assert not (folder / "setuid").stat().st_mode & 0o6111


def test_archives_in_several_packed_streams_are_read_whole(tmp_path):
    content = tarred(member("a.jpeg", os.urandom(5000)))
    for ending, pack in list(PACKERS.items())[1:]:
        archive = tmp_path / f"parts{ending}"
        archive.write_bytes(pack(content[:3000]) + pack(content[3000:]))
        folder = unpack(archive, tmp_path / ending.replace(".", ""), LIMITS)
        assert everything(folder) == {"good.jpeg", "a.jpeg"}


def test_every_truncation_of_a_tar_is_refused(tmp_path):
    for pack in PACKERS.values():
        whole = pack(tarred(member("a.jpeg", bytes(range(256)) * 8)))
        for length in range(0, min(len(whole), 4096) - 16, 397):
            (tmp_path / "cut.tar").write_bytes(whole[:length])
            with pytest.raises(DataError):
                unpack(tmp_path / "cut.tar", tmp_path / "pictures", LIMITS)
    assert everything(tmp_path) == {"cut.tar"}


def test_a_good_archive_is_unpacked(tmp_path):
    content = packed(("a/b/1.jpeg", b"one"), ("a\\2.jpeg", b"two"), ("c/", b""), ("é 表情.jpeg", b"three"))
    (tmp_path / "good.zip").write_bytes(content)
    folder = unpack(tmp_path / "good.zip", tmp_path / "new" / "pictures", LIMITS)
    assert everything(folder) == {"good.jpeg", "a", "a/b", "a/b/1.jpeg", "a/2.jpeg", "c", "é 表情.jpeg"}
    assert (folder / "é 表情.jpeg").read_bytes() == b"three"
    assert everything(tmp_path / "new") == {"pictures", *(f"pictures/{n}" for n in everything(folder))}
    with pytest.raises(DataError, match="exists already"):
        unpack(tmp_path / "good.zip", folder)


def test_a_folder_that_is_a_link_is_not_followed(tmp_path):
    (tmp_path / "good.zip").write_bytes(packed())
    (tmp_path / "outside").mkdir()
    os.symlink(tmp_path / "outside", tmp_path / "pictures")
    with pytest.raises(DataError, match="exists already"):
        unpack(tmp_path / "good.zip", tmp_path / "pictures")
    assert not everything(tmp_path / "outside")


def test_what_a_killed_process_left_is_replaced(tmp_path):
    (tmp_path / "good.zip").write_bytes(packed())
    (tmp_path / ".pictures.partial").mkdir()
    (tmp_path / ".pictures.partial" / "half.jpeg").write_bytes(b"half")
    assert everything(unpack(tmp_path / "good.zip", tmp_path / "pictures")) == {"good.jpeg"}
