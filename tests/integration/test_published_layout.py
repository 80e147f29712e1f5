"""The main job on real input: a table in the published layout whose blendshapes the real FaceLandmarker
extracted from rendered faces."""

import json
from dataclasses import replace

import numpy as np
import pytest
from apart import apart
from commands import succeed
from PIL import Image

from emo3d_exp.data import load_emo3d, write_published_table
from emo3d_exp.records import Corpus, ImageRef
from emo3d_exp.vocab import BLENDSHAPES, EMOTIONS

pytestmark = [pytest.mark.shared, pytest.mark.slow]
SAMPLES = 300


def rendered_corpus(folder) -> Corpus:
    """Composed descriptions, the prior's faces, drawn with random looks; blendshapes still unknown."""
    from emo3d_exp.dataset_builder.texts import face_descriptions
    from emo3d_exp.faces import FACSPrior, Renderer, load_rig, random_look

    rng = np.random.default_rng(11)
    described = face_descriptions(SAMPLES, rng)
    emotions = np.stack([each.emotions for each in described])
    renderer = Renderer(load_rig("builtin"), size=256)
    looks = [random_look(rng, each.age, each.gender) for each in described]
    pictures = renderer.render(FACSPrior(0.5).sample(emotions, rng), looks)
    refs = []
    for number, picture in enumerate(pictures):
        file = folder / f"{number}_0.jpeg"
        Image.fromarray(picture).save(file, quality=95)
        refs.append(ImageRef(str(file), f"face-{number}"))
    rows = np.arange(SAMPLES)
    parts = np.where(rows % 10 == 0, "test", np.where(rows % 10 == 1, "val", "train"))
    return Corpus(
        name="rendered", sample_id=rows, emotions=emotions, published_split=parts,
        text=tuple(each.text for each in described), text_sample=rows, text_number=np.ones_like(rows),
        image=tuple(refs), blendshapes=np.full((SAMPLES, 52), np.nan, np.float32), face_sample=rows,
        face_number=np.ones_like(rows),
    )  # fmt: skip


def landmarker_scores(corpus: Corpus, model) -> np.ndarray:
    """(F, 52) scores of Google's FaceLandmarker; NaN where it finds no face."""
    import mediapipe as mp
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(model)), output_face_blendshapes=True, num_faces=1
    )
    scores = np.full((len(corpus.image), len(BLENDSHAPES)), np.nan, np.float32)
    with vision.FaceLandmarker.create_from_options(options) as landmarker:
        for row, ref in enumerate(corpus.image):
            found = landmarker.detect(mp.Image.create_from_file(ref.location)).face_blendshapes
            if found:
                assert [category.category_name for category in found[0]] == list(BLENDSHAPES)
                scores[row] = [category.score for category in found[0]]
    return scores


@pytest.fixture(scope="module")
def published(tmp_path_factory, shared):
    folder = tmp_path_factory.mktemp("published")
    (folder / "pictures").mkdir()
    corpus = rendered_corpus(folder / "pictures")
    model = shared / "data" / "mediapipe" / "face_landmarker.task"
    scored = replace(corpus, blendshapes=apart(landmarker_scores, corpus, model))
    assert scored.has_blendshapes.mean() > 0.97
    write_published_table(scored, folder / "set")
    return folder, scored


def test_the_table_reads_back_as_it_was_measured(published):
    folder, scored = published
    read = load_emo3d(root=str(folder / "set"))
    assert read.text == scored.text
    np.testing.assert_allclose(read.emotions, scored.emotions, atol=1e-6)
    np.testing.assert_allclose(read.blendshapes, scored.blendshapes, atol=1e-6)
    smiles = read.blendshapes[:, BLENDSHAPES.index("mouthSmileLeft")]
    happy = read.emotions[:, EMOTIONS.index("happiness")] > 0.6
    assert np.nanmean(smiles[happy]) > np.nanmean(smiles[~happy]) + 0.2


def test_training_on_measured_faces_is_scored_and_reloads(published, new_cache):
    from emo3d_exp import load_predictor

    folder, _ = published
    succeed(
        new_cache(), folder, "train.py", "data=emo3d", f"data.root={folder / 'set'}",
        "tracking=none", "batch_size=32", "trainer.max_epochs=60", "metric.bank.size=80",
        "metric.looks.count=2", "threads=1", "run_dir=run",
    )  # fmt: skip
    result = json.loads((folder / "run" / "evaluation" / "test" / "metrics.json").read_text())
    assert result["metrics"]["mse"] < result["references"]["mean_face"]["mse"]
    assert result["metrics"]["emo3d"] < result["references"]["other_sample"]["emo3d"]
    face = load_predictor(folder / "run")(
        ["A woman beaming with joy, the corners of her mouth pulled far up."]
    )
    assert face[0, BLENDSHAPES.index("mouthSmileLeft")] > face[0, BLENDSHAPES.index("mouthFrownLeft")]
