"""How well FaceCLIP, trained on the built-in head, reads another head.

    python benchmarks/face_clip_rigs.py                                   # the built-in head, full and light
    python benchmarks/face_clip_rigs.py --rig ict_facekit --path CHECKOUT # and ICT-FaceKit
    python benchmarks/face_clip_rigs.py --rig face.glb

The faces of the first 250 test prompts of data=mini are drawn again on each head, all with the same random
looks, lights and head poses (the built-in head's hair and proportions stay its own), and retrieved as in
training's own figures: R@k of the own text, and the dominant emotion of the 10 nearest other texts. The looks
do not follow the age and gender that some texts name, so that R@k is lower than on the data's own pictures.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from hydra import compose, initialize_config_dir

from emo3d_exp.app.data import load_data
from emo3d_exp.backbones import OpenCLIPEncoder
from emo3d_exp.faces import Renderer, load_rig, random_look
from emo3d_exp.metrics import retrieval_scores
from emo3d_exp.records import Prompts

CONF = Path(__file__).resolve().parents[1] / "conf"
PAIRS = 250
COLUMNS = ("r_at_1", "r_at_5", "r_at_10", "dominant_emotion_of_10")


def test_prompts() -> Prompts:
    """The test part of data=mini, built on first use."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return load_data(compose("train")).prompts("test")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rig", help="another head: ict_facekit, or a .glb file")
    parser.add_argument("--path", type=Path, help="of the rig, where it needs one")
    parser.add_argument("--seed", type=int, default=0, help="of the looks")
    arguments = parser.parse_args()
    prompts = test_prompts()
    faces, emotions = prompts.blendshapes[:PAIRS], prompts.emotions[:PAIRS]
    rng = np.random.default_rng(arguments.seed)
    looks = [random_look(rng) for _ in faces]
    judge = OpenCLIPEncoder("face_clip", "face_clip", "packaged")
    texts = judge.encode_texts(prompts.text[:PAIRS])
    heads = {"builtin": Renderer(load_rig()), "builtin, light": Renderer(load_rig(), detail="light")}
    if arguments.rig:
        heads[arguments.rig] = Renderer(load_rig(arguments.rig, arguments.path))
    print(f"{len(faces)} pairs         " + "".join(f"{name:>24}" for name in COLUMNS))
    for name, renderer in heads.items():
        pictures = judge.encode_images(list(renderer.render(faces, looks)))
        scores = retrieval_scores(pictures, texts, emotions)
        print(f"{name:<18}" + "".join(f"{scores[key]:>24.3f}" for key in COLUMNS))


if __name__ == "__main__":
    main()
