"""The texts of a split as prompts."""

from __future__ import annotations

import numpy as np

from emo3d_exp.records import Corpus, Prompts


def prompts(corpus: Corpus, rows: np.ndarray) -> Prompts:
    """Each distinct text of the samples that have a scored face.

    Args:
        rows: (R,) rows of ``corpus.sample_id``, such as ``splits.test``.

    Returns:
        Prompts in the order of sample and text number; blendshapes are the sample's first scored face.
    """
    first_face = np.full(len(corpus), -1, dtype=np.int64)
    scored = np.flatnonzero(corpus.has_blendshapes)
    order = scored[np.lexsort((corpus.face_number[scored], corpus.face_sample[scored]))]
    # Assigning in reverse leaves the first face of every sample.
    first_face[corpus.face_sample[order[::-1]]] = order[::-1]
    chosen = np.zeros(len(corpus), dtype=bool)
    chosen[np.asarray(rows, dtype=np.int64)] = True
    chosen &= first_face >= 0
    texts = _distinct(corpus, chosen)
    samples = corpus.text_sample[texts]
    return Prompts(
        sample_id=corpus.sample_id[samples],
        text_number=corpus.text_number[texts],
        text=tuple(corpus.text[text] for text in texts),
        emotions=corpus.emotions[samples],
        blendshapes=corpus.blendshapes[first_face[samples]],
        faces=_all_faces(corpus, order, samples),
    )


def _all_faces(corpus: Corpus, faces: np.ndarray, samples: np.ndarray) -> np.ndarray | None:
    """(T, R, 52) the scored faces of each text's sample; None where every sample has one.

    Args:
        faces: rows of scored faces, by sample and number. samples: (T,) of the texts.
    """
    sample = corpus.face_sample[faces]
    number = np.arange(len(faces)) - np.searchsorted(sample, sample)
    most = int(number[np.isin(sample, samples)].max(initial=0)) + 1
    if most == 1:
        return None
    table = np.full((len(corpus), most, corpus.blendshapes.shape[1]), np.nan, dtype=np.float32)
    kept = number < most
    table[sample[kept], number[kept]] = corpus.blendshapes[faces[kept]]
    return table[samples]


def _distinct(corpus: Corpus, chosen: np.ndarray) -> np.ndarray:
    """Rows of the texts of the chosen samples, each text of a sample once."""
    seen: set[tuple[int, str]] = set()
    kept: list[int] = []
    for text in np.lexsort((corpus.text_number, corpus.text_sample)).tolist():
        sample = int(corpus.text_sample[text])
        if chosen[sample] and (sample, corpus.text[text]) not in seen:
            seen.add((sample, corpus.text[text]))
            kept.append(text)
    return np.array(kept, dtype=np.int64)
