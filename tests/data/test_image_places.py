import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from published import jpeg

from emo3d_exp.data import images, read_image
from emo3d_exp.errors import DataError
from emo3d_exp.records import ImageRef


def _shard(file, greys):
    lists = [[{"image": jpeg(grey), "reason": None} for grey in row] for row in greys]
    lists[-1].append({"image": None, "reason": "refused"})
    pq.write_table(pa.table({"sample_id": range(len(lists)), "images": lists}), file)


def test_a_place_in_the_list_of_a_row(tmp_path):
    _shard(tmp_path / "0.parquet", [[200], [40, 120]])
    tones = [
        read_image(ImageRef(f"{tmp_path / '0.parquet'}!{place}", "k"))[0, 0, 0]
        for place in ("0!0", "1!0", "1!1")
    ]
    np.testing.assert_allclose(tones, [200, 40, 120], atol=6)


@pytest.mark.parametrize("place", ["0!1", "2!0", "1!2", "0", "0!x", "1!0!0"])
def test_a_place_without_an_image_is_named(tmp_path, place):
    _shard(tmp_path / "0.parquet", [[200], [40, 120]])
    with pytest.raises(DataError, match=r"0\.parquet"):
        read_image(ImageRef(f"{tmp_path / '0.parquet'}!{place}", "k"))


def test_kept_shards_stay_within_a_bound_of_bytes(tmp_path, monkeypatch):
    kept = images._Shards(most=3000)
    monkeypatch.setattr(images, "_SHARDS", kept)
    for number in range(20):
        _shard(tmp_path / f"{number}.parquet", [[number, 100]])
        read_image(ImageRef(f"{tmp_path / f'{number}.parquet'}!0!0", "k"))
    assert 1 <= len(kept.kept) < 10
    assert sum(column.nbytes for column in kept.kept.values()) <= 3000


def test_a_shard_that_was_written_anew_is_read_anew(tmp_path):
    import os

    file = tmp_path / "0.parquet"
    for grey, time in ((200, 1), (40, 2)):
        _shard(file, [[grey]])
        os.utime(file, ns=(time, time))
        assert abs(int(read_image(ImageRef(f"{file}!0!0", "k"))[0, 0, 0]) - grey) < 7
