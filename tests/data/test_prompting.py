import numpy as np

from emo3d_exp.data import prompts


def test_distinct_texts_of_scored_samples(corpus):
    rows = np.array([0, 2, 3, 5, 8])
    made = prompts(corpus, rows)
    expected = []
    for row in rows:
        faces = [
            f for f in range(len(corpus.image)) if corpus.face_sample[f] == row and corpus.has_blendshapes[f]
        ]
        seen = set()
        for text in np.flatnonzero(corpus.text_sample == row):
            if faces and corpus.text[text] not in seen:
                seen.add(corpus.text[text])
                expected.append((row, text, faces[0]))
    assert made.text == tuple(corpus.text[text] for _, text, _ in expected)
    assert made.sample_id.tolist() == [corpus.sample_id[row] for row, _, _ in expected]
    assert made.text_number.tolist() == [corpus.text_number[text] for _, text, _ in expected]
    np.testing.assert_array_equal(made.blendshapes, corpus.blendshapes[[face for _, _, face in expected]])
    np.testing.assert_array_equal(made.emotions, corpus.emotions[[row for row, _, _ in expected]])
    assert 0 < len(made) < 2 * len(rows)


def test_no_rows(corpus):
    assert len(prompts(corpus, np.array([0, 3]))) == 0


def test_all_true_faces_of_a_sample_are_there(corpus):
    made = prompts(corpus, np.array([2, 4, 5, 8]))
    assert made.faces is not None and made.faces.shape == (len(made), 2, 52)
    for sample_id, faces in zip(made.sample_id, made.faces, strict=True):
        row = np.flatnonzero(corpus.sample_id == sample_id)[0]
        own = [f for f in np.flatnonzero(corpus.face_sample == row) if corpus.has_blendshapes[f]]
        np.testing.assert_array_equal(faces[: len(own)], corpus.blendshapes[own])
        assert np.isnan(faces[len(own) :]).all()
    np.testing.assert_array_equal(made.faces[:, 0], made.blendshapes)


def test_single_faces_need_no_table(corpus):
    assert prompts(corpus, np.array([1, 4, 7])).faces is None
