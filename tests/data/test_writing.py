import dataclasses

import numpy as np
import pytest
from published import jpeg

from emo3d_exp.data import load_emo3d, read_image, write_published_table
from emo3d_exp.errors import DataError
from emo3d_exp.records import ImageRef


@pytest.mark.parametrize("parquet", [False, True])
def test_written_table_reads_back(corpus, tmp_path, parquet):
    (tmp_path / "face.jpeg").write_bytes(jpeg(120))
    image = [
        ImageRef(str(tmp_path / "face.jpeg"), "k") if i in (1, 2) else None for i in range(len(corpus.image))
    ]
    corpus = dataclasses.replace(corpus, image=tuple(image))
    back = load_emo3d(write_published_table(corpus, tmp_path / "table", parquet=parquet))
    np.testing.assert_array_equal(back.sample_id, corpus.sample_id)
    np.testing.assert_array_equal(back.emotions, corpus.emotions)
    np.testing.assert_array_equal(back.blendshapes, corpus.blendshapes)
    assert back.text == corpus.text
    assert back.published_split.tolist() == (
        ["" for _ in range(12)] if parquet else corpus.published_split.tolist()
    )
    assert [ref is not None for ref in back.image] == [ref is not None for ref in image]
    np.testing.assert_array_equal(read_image(back.image[1]), read_image(image[1]))


def test_csv_needs_a_split(corpus, tmp_path):
    unsplit = dataclasses.replace(corpus, published_split=np.array([""] * 12))
    with pytest.raises(DataError, match="split for every sample"):
        write_published_table(unsplit, tmp_path)
