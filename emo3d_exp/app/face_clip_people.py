"""More people for FaceCLIP to learn from: each training face worn by others of the text's age and gender."""

from __future__ import annotations

import numpy as np

from emo3d_exp.backbones import resize_faces
from emo3d_exp.data import mini_people
from emo3d_exp.records import Corpus


def other_people(corpus: Corpus, rows: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Pictures of faces on other people, drawn with the built-in head's light rig.

    Hair, skin, light and head pose differ from picture to picture, the expression does not; so the image
    tower learns to leave them aside.

    Args:
        corpus: of data=mini, the only data that says who is on a face.
        rows: of the corpus' faces.
        count: people for each face.
        seed: of the people.

    Returns:
        ``(len(rows), count, 112, 112, 3)`` uint8 RGB.

    Raises:
        DataError: other data.
    """
    from rich.progress import track

    from emo3d_exp.faces import Renderer, load_rig, random_look

    ages, genders = mini_people(corpus)
    renderer = Renderer(load_rig("builtin"), detail="light")
    pictures = np.empty((len(rows), count, *resize_faces([]).shape[1:]), np.uint8)
    for number in track(range(len(rows)), "other people"):
        row = rows[number]
        rng = np.random.default_rng([seed, int(corpus.sample_id[corpus.face_sample[row]])])
        looks = [random_look(rng, ages[row], genders[row]) for _ in range(count)]
        faces = np.tile(corpus.blendshapes[row], (count, 1))
        pictures[number] = resize_faces(list(renderer.render(faces, looks)))
    return pictures
