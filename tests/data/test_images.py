import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from published import jpeg

from emo3d_exp.data import read_image
from emo3d_exp.data.archives import safe_name
from emo3d_exp.errors import DataError
from emo3d_exp.records import ImageRef


def _locations(folder):
    (folder / "a.jpeg").write_bytes(jpeg(200))
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("x/a.jpeg", jpeg(200))
    pq.write_table(pa.table({"image": [b"", jpeg(200)]}), folder / "a.parquet")
    return [folder / "a.jpeg", f"{folder / 'a.zip'}!x/a.jpeg", f"{folder / 'a.parquet'}!1"]


def test_the_same_picture_from_file_archive_and_shard(tmp_path):
    pictures = [read_image(ImageRef(str(location), "k")) for location in _locations(tmp_path)]
    assert pictures[0].shape == (6, 5, 3) and pictures[0][0, 0, 0] > 190 > 20 > pictures[0][0, 0, 1]
    for picture in pictures[1:]:
        np.testing.assert_array_equal(picture, pictures[0])


@pytest.mark.parametrize(
    "name", ["b.jpeg", "a.zip!y.jpeg", "b.zip!x", "a.parquet!7", "a.parquet!0", "a.parquet!x"]
)
def test_what_cannot_be_read_is_named(tmp_path, name):
    _locations(tmp_path)
    with pytest.raises(DataError, match=name.split("!")[0]):
        read_image(ImageRef(str(tmp_path / name), "k"))


@pytest.mark.parametrize("name", ["/etc/x", "a/../../x", "..\\x", "C:/x", "\\\\host\\x"])
def test_unsafe_names(name):
    with pytest.raises(ValueError, match="unsafe"):
        safe_name(name)
    assert safe_name(" a\\b.jpeg ") == "a/b.jpeg"
