"""Draw the pictures of the README: ``python benchmarks/pictures.py``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from PIL import Image

from emo3d_exp.faces import FACSPrior, Renderer, contact_sheet, load_rig, random_look
from emo3d_exp.vocab import EMOTIONS

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "pictures"
INTENSITY = 0.85


def emotions(renderer: Renderer) -> np.ndarray:
    """The FACS prior's face of every emotion, on the neutral look."""
    vectors = INTENSITY * np.eye(len(EMOTIONS))
    return contact_sheet(renderer.render(FACSPrior().prototype(vectors)), list(EMOTIONS), 4)


def people(renderer: Renderer, seed: int) -> np.ndarray:
    """Samples of the prior on random looks, as in data=mini."""
    rng = np.random.default_rng(seed)
    shown = rng.integers(1, len(EMOTIONS), 12)
    vectors = rng.uniform(0.5, 1.0, (12, 1)) * np.eye(len(EMOTIONS))[shown]
    faces = FACSPrior(0.5).sample(vectors, rng)
    looks = [random_look(rng) for _ in shown]
    return contact_sheet(renderer.render(faces, looks), [EMOTIONS[i] for i in shown], 6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--seed", type=int, default=4, help="of the random people")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    rig = load_rig("builtin")
    pictures = {
        "emotions.png": emotions(Renderer(rig, size=256)),
        "people.png": people(Renderer(rig, size=160), arguments.seed),
    }
    for name, picture in pictures.items():
        Image.fromarray(picture).save(arguments.out / name, optimize=True)
        print(arguments.out / name)


if __name__ == "__main__":
    main()
