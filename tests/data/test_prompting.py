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
