"""What a build with a language model made, all by the command line, teaches a model something."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from commands import succeed

sys.path.append(str(Path(__file__).parents[1] / "dataset_builder"))
import stub_chat_server

from emo3d_exp.data import load_table
from emo3d_exp.vocab import EMOTIONS

ROWS = 80


def _content(asked, rng):
    """Texts that name the emotion that they were asked for, and high intensities of those that texts name."""
    prompt = asked["messages"][0]["content"]
    if "Emotion: " in prompt:
        emotion = prompt.partition("Emotion: ")[2].split()[0]
        subjects = ("lips", "cheeks", "brows", "hands", "shoulders", "words")
        return {"texts": [f"{emotion} in the {rng.choice(subjects)}, {rng.randrange(10**6)} times"]}
    described = prompt.partition("described:")[2].partition("How strongly")[0]
    return {emotion: 0.9 if emotion in described else 0.05 for emotion in EMOTIONS}


def _mean_error(corpus, splits):
    """MSE in validation of the mean face of training."""
    split = np.asarray(splits)[corpus.face_sample]
    mean = corpus.blendshapes[split == "train"].mean(axis=0)
    return float(np.square(corpus.blendshapes[split == "val"] - mean).mean())


@pytest.mark.slow
@pytest.mark.allow_hosts(["127.0.0.1"])
def test_a_build_with_a_language_model_is_trained_on(tmp_path, cache, monkeypatch):
    monkeypatch.setattr(stub_chat_server, "_content", _content)
    with stub_chat_server.serve(fault_rate=0.2, faults=("429", "malformed")) as server:
        asked = [f"builder.texts.samples={ROWS}", "builder.texts.texts_per_sample=1"]
        for stage in ("texts", "emotions"):
            model = f"builder.{stage}.model"
            asked += [f"builder/{stage}=llm", f"builder/model@{model}=local_server", f"{model}.model=stub"]
            asked += [f"{model}.base_url={server.url}"]
        drawn = ("builder.images.size=64", "builder.images.processes=1", "builder.assemble.near_copies=1.0")
        kept = "builder/copies=equal"
        succeed(cache, tmp_path, "build_data.py", "source=stages", "out=built", *asked, *drawn, kept)
    corpus = load_table(tmp_path / "built")
    assert len(corpus.text) > 0.9 * ROWS and not np.isnan(corpus.blendshapes).any()
    succeed(
        cache, tmp_path, "train.py", "data=table", "data.path=built", "model=ridge", "tracking=none",
        "threads=1", "evaluate=false", "run_dir=run",
    )  # fmt: skip
    fitted = json.loads((tmp_path / "run" / "model.json").read_text())
    assert fitted["val/mse"] < 0.8 * _mean_error(corpus, corpus.published_split)
