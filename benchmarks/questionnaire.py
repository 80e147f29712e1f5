"""Does the face show what a plain sentence is about?

The sentences are such as people give when asked to describe a situation in which they felt an emotion. They
were written for this project apart from data=mini's texts, and near copies of those were left out: about 56
for each of five emotions. A predicted face counts as right if, among the FACS prior's prototypes of the five
emotions at four intensities, the nearest one (by squared error) has the labelled emotion. Chance is .20.

    python benchmarks/questionnaire.py outputs/…  outputs/…
    python benchmarks/questionnaire.py run_dir --sentences mine.tsv      columns emotion and text
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from emo3d_exp import load_predictor
from emo3d_exp.app.quiet import quiet_libraries
from emo3d_exp.faces import FACSPrior
from emo3d_exp.vocab import EMOTION_INDEX, EMOTIONS

SENTENCES = Path(__file__).parent / "data" / "questionnaire_sentences.tsv"
INTENSITIES = (0.3, 0.5, 0.7, 0.9)


def prototypes(emotions: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Faces (P, 52) of the prior, and the emotion that each shows (P,)."""
    shown = np.repeat([EMOTION_INDEX[name] for name in emotions], len(INTENSITIES))
    vectors = np.eye(len(EMOTIONS))[shown] * np.tile(INTENSITIES, len(emotions))[:, None]
    prior = FACSPrior()
    faces = [prior.prototype(vectors, side) for side in ("Left", "Right")]
    return np.concatenate(faces), np.tile(shown, 2)


def shown_emotion(faces: np.ndarray, emotions: list[str]) -> np.ndarray:
    """(N, 52) → (N,) emotion of the nearest prototype."""
    known, emotion = prototypes(emotions)
    return emotion[((faces[:, None] - known[None]) ** 2).sum(axis=-1).argmin(axis=1)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run_dirs", nargs="+", type=Path)
    parser.add_argument("--sentences", type=Path, default=SENTENCES)
    arguments = parser.parse_args()
    quiet_libraries()
    with open(arguments.sentences, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    emotions = sorted({row["emotion"] for row in rows})
    labels = np.array([EMOTION_INDEX[row["emotion"]] for row in rows])
    print(f"{len(rows)} sentences, {len(emotions)} emotions, chance {1 / len(emotions):.2f}")
    for run_dir in arguments.run_dirs:
        right = shown_emotion(load_predictor(run_dir)([row["text"] for row in rows]), emotions) == labels
        each = ", ".join(f"{name} {right[labels == EMOTION_INDEX[name]].mean():.2f}" for name in emotions)
        print(f"{run_dir}: {right.mean():.3f}   ({each})")


if __name__ == "__main__":
    main()
