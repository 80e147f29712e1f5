"""What MediaPipe's FaceLandmarker reads back from rendered faces, per blendshape.

    python benchmarks/readback.py --faces 200            # a quick look while working on a head
    python benchmarks/readback.py                         # 800 faces of each kind
    python benchmarks/readback.py --docs                  # both rigs; rewrites docs/faces.md and its plot

Three kinds: random faces on one head (light, colours and pose vary), the same on random people, and faces
of the prior on random people.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import readback_page

from emo3d_exp.faces import load_rig
from emo3d_exp.faces.populations import camera_looks, prior_faces, random_faces
from emo3d_exp.faces.readback import NEVER_READ, Readback, emotion_accuracy, read_back
from emo3d_exp.faces.rig import Rig
from emo3d_exp.vocab import BLENDSHAPES, EMOTION_INDEX

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"
MODEL = SHARED / "mediapipe" / "face_landmarker.task"
ICT = SHARED / "ict_facekit" / "ict_facekit_light.tar.xz"
KINDS = tuple(readback_page.KINDS)
SIDED_MUST = ("eyeBlink", "eyeLookIn", "eyeLookOut", "eyeLookUp", "mouthSmile", "mouthFrown", "mouthStretch")
SIDED_MUST += ("browDown", "browOuterUp")
MUST = {"jawOpen", "browInnerUp", *(stem + side for stem in SIDED_MUST for side in ("Left", "Right"))}


def measure(rig: Rig, kind: str, arguments: argparse.Namespace) -> tuple[Readback, dict[str, float]]:
    """Read-back of one kind of faces, and how well the dominant emotion of the prior's is told."""
    rng = np.random.default_rng([arguments.seed, KINDS.index(kind)])
    emotions = None
    if kind == "prior":
        faces, emotions = prior_faces(arguments.faces, rng, arguments.variation)
    else:
        faces = random_faces(arguments.faces, rng)
    looks = camera_looks(len(faces), rng, people=kind != "one")
    read = read_back(rig, faces, looks, arguments.model, arguments.size, arguments.workers)
    return read, {} if emotions is None else dominant(read, emotions)


def dominant(read: Readback, emotions: np.ndarray) -> dict[str, float]:
    """Accuracy of naming the dominant of the 7 emotions but neutral, from the scores and from the truth."""
    label = emotions.argmax(axis=1)
    known = read.found & np.isfinite(read.rest).all(axis=1) & (label != EMOTION_INDEX["neutral"])
    features = {"scores": read.scores, "scores-rest": read.scores - read.rest, "true weights": read.truth}
    return {name: emotion_accuracy(x[known], label[known]) for name, x in features.items()}


def describe(kind: str, read: Readback, accuracy: dict[str, float]) -> str:
    r, rest = read.correlations()[1:], read.correlations(minus_rest=True)[1:]
    names = BLENDSHAPES[1:]
    lines = [f"== {kind}: {len(read.truth)} faces, found {read.found.mean():.4f}"]
    for label, values in (("scores", r), ("minus rest", rest)):
        counts = f"r>.5: {(values > 0.5).sum()}  r>.3: {(values > 0.3).sum()}  mean {values.mean():.3f}"
        lines.append(f"   {label:<11}{counts}")
    if accuracy:
        lines.append("   dominant emotion (7): " + "  ".join(f"{k} {v:.3f}" for k, v in accuracy.items()))
    order = np.argsort(-r)
    cells = [f"{names[i]:<20}{r[i]:5.2f}{rest[i]:6.2f}{_mark(names[i], r[i])}" for i in order]
    rows = -(-len(cells) // 3)
    cells += [""] * (3 * rows - len(cells))
    lines += ["   " + "   ".join(f"{cells[i + rows * c]:<34}" for c in range(3)) for i in range(rows)]
    rest_score = np.nanmean(read.rest, axis=0)
    speaking = [i for i in np.argsort(-rest_score) if rest_score[i] > 0.1]
    lines.append("   at rest: " + "  ".join(f"{BLENDSHAPES[i]} {rest_score[i]:.2f}" for i in speaking))
    return "\n".join(line.rstrip() for line in lines)


def _mark(name: str, value: float) -> str:
    if name in MUST:
        return " *" if value > 0.5 else " * LOW"
    return " dead" if name in NEVER_READ else ""


def options() -> argparse.Namespace:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--faces", type=int, default=800, help="of each kind")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--rig", default="builtin", help="builtin, ict_facekit, or a .glb file")
    parser.add_argument("--path", type=Path, help="of a rig that needs one")
    parser.add_argument("--ict", type=Path, default=ICT, help="ICT-FaceKit's checkout or archive, for --docs")
    parser.add_argument("--docs", action="store_true", help="measure both rigs and rewrite docs/faces.md")
    parser.add_argument("--out", type=Path, help="folder for the weights and scores, as .npz")
    parser.add_argument("--model", type=Path, default=MODEL, help="face_landmarker.task")
    parser.add_argument("--size", type=int, default=256, help="pixels per side")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--variation", type=float, default=1.0, help="of the prior; data=mini has 0.5")
    parser.add_argument("--workers", type=int, default=2)
    return parser.parse_args()


def main() -> None:
    arguments = options()
    wanted = {arguments.rig: arguments.path}
    if arguments.docs:
        wanted, arguments.kinds = {"builtin": None, "ict_facekit": arguments.ict}, ",".join(KINDS)
    readings: readback_page.Readings = {}
    for name, path in wanted.items():
        rig = load_rig(name, path)
        print(f"{rig.name}: {len(rig.neutral)} vertices. Columns: r, r minus rest; * must be above .5")
        for kind in arguments.kinds.split(","):
            read, accuracy = readings[rig.name, kind] = measure(rig, kind, arguments)
            print(describe(kind, read, accuracy), flush=True)
            if arguments.out:
                arguments.out.mkdir(parents=True, exist_ok=True)
                target = arguments.out / f"readback_{rig.name}_{kind}.npz"
                np.savez_compressed(target, truth=read.truth, scores=read.scores, rest=read.rest)
    if arguments.docs:
        readback_page.plot(readings, ROOT / "docs" / "pictures" / "readback.png")
        readback_page.rewrite(ROOT / "docs" / "faces.md", readback_page.page(readings))


if __name__ == "__main__":
    main()
