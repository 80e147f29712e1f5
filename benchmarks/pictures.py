"""Draw the pictures of the README and of docs/faces.md.

python benchmarks/pictures.py                       # the built-in head
python benchmarks/pictures.py --ict ICT-FaceKit     # and ICT-FaceKit: a checkout, or an archive of it
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from PIL import Image

from emo3d_exp.faces import VIEWS, FACSPrior, Renderer, Rig, contact_sheet, load_rig, portrait, random_look
from emo3d_exp.vocab import EMOTIONS

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "pictures"
INTENSITY = 0.85


def emotions(renderer: Renderer) -> np.ndarray:
    """The FACS prior's face of every emotion, on the neutral look."""
    vectors = INTENSITY * np.eye(len(EMOTIONS))
    return contact_sheet(renderer.render(FACSPrior().prototype(vectors)), list(EMOTIONS), 4)


def views(rig: Rig) -> np.ndarray:
    """The cameras, and a light from the side."""
    smile = FACSPrior().prototype(INTENSITY * np.eye(len(EMOTIONS))[EMOTIONS.index("happiness")][None])
    renderer = Renderer(rig, size=256)
    shown = [*((view, "studio") for view in VIEWS), ("front", "side")]
    pictures = [renderer.render(smile, portrait(view, light)) for view, light in shown]
    return contact_sheet(np.concatenate(pictures), [f"{view}, {light} light" for view, light in shown], 4)


def people(renderer: Renderer, seed: int) -> np.ndarray:
    """Samples of the prior on random looks, as in data=mini."""
    rng = np.random.default_rng(seed)
    shown = rng.integers(1, len(EMOTIONS), 12)
    vectors = rng.uniform(0.5, 1.0, (12, 1)) * np.eye(len(EMOTIONS))[shown]
    faces = FACSPrior(0.5).sample(vectors, rng)
    looks = [random_look(rng) for _ in shown]
    return contact_sheet(renderer.render(faces, looks), [EMOTIONS[i] for i in shown], 6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--ict", type=Path, help="ICT-FaceKit: draws docs/pictures/ict_facekit.png too")
    parser.add_argument("--seed", type=int, default=11, help="of the random people")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    rig = load_rig("builtin")
    pictures = {
        "emotions.png": emotions(Renderer(rig, size=256)),
        "people.png": people(Renderer(rig, size=160), arguments.seed),
        "views.png": views(rig),
    }
    if arguments.ict:
        pictures["ict_facekit.png"] = emotions(Renderer(load_rig("ict_facekit", arguments.ict), size=256))
    for name, picture in pictures.items():
        Image.fromarray(picture).save(arguments.out / name, optimize=True)
        print(arguments.out / name)


if __name__ == "__main__":
    main()
