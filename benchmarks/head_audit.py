"""Look for flaws of a head without a tracker: lids, mouth, lips, torn skin, mirror images.

    python benchmarks/head_audit.py                      # 300 faces a check, all kinds of people
    python benchmarks/head_audit.py --faces 60 --only mouth,lids

Prints the share of faces above each limit and the worst faces with their active shapes; with --sheets the
worst are drawn.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from PIL import Image

from emo3d_exp.faces import Renderer, contact_sheet, load_rig
from emo3d_exp.faces import audits as a
from emo3d_exp.faces.part_view import PartView
from emo3d_exp.faces.populations import camera_looks
from emo3d_exp.faces.rig import Rig

CHECKS = {
    "lids": a.audit_shut_eyes,
    "half": a.audit_half_shut_eyes,
    "mouth": a.audit_mouth,
    "closed": a.audit_closed_lips,
    "single": a.audit_single,
    "prior": a.audit_prior,
    "torn": a.audit_torn,
    "mirror": a.audit_mirror,
}


def report(name: str, audit: a.Audit, shown: int) -> None:
    values = audit.values
    print(
        f"{name:<7} {audit.name}: above {audit.limit:g} in {100 * audit.failing:.2f} % "
        f"of {len(values)} faces, mean {values.mean():.3g}, worst {values.max():.3g}"
    )
    for row in audit.worst(shown):
        if values[row] > audit.limit:
            print(f"          {values[row]:8.3g}  {a.active(audit.faces[row])}")


def sheet(rig: Rig, audit: a.Audit, count: int) -> np.ndarray:
    """The worst faces with value and shapes."""
    rows = audit.worst(count)
    pictures = Renderer(rig, size=320).render(audit.faces[rows], [audit.looks[row] for row in rows])
    return contact_sheet(pictures, [f"{audit.values[r]:.3g}: {a.active(audit.faces[r])}" for r in rows], 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--faces", type=int, default=300, help="of each check")
    parser.add_argument("--only", default=",".join(CHECKS))
    parser.add_argument("--rig", default="builtin", help="builtin, ict_facekit, or a .glb file")
    parser.add_argument("--path", type=Path, help="of a rig that needs one")
    parser.add_argument("--one", action="store_true", help="the head as modelled instead of random people")
    parser.add_argument("--size", type=int, default=448)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--worst", type=int, default=4, help="faces to name for each check")
    parser.add_argument("--sheets", type=Path, help="folder for pictures of the worst")
    arguments = parser.parse_args()
    rig = load_rig(arguments.rig, arguments.path)
    view, renderer = PartView(rig, arguments.size), Renderer(rig, 224)
    for name in arguments.only.split(","):
        rng = np.random.default_rng([arguments.seed, list(CHECKS).index(name)])
        looks = camera_looks(arguments.faces, rng, people=not arguments.one)
        audit = CHECKS[name](renderer if name == "mirror" else view, looks, rng)
        report(name, audit, arguments.worst)
        if arguments.sheets:
            arguments.sheets.mkdir(parents=True, exist_ok=True)
            Image.fromarray(sheet(rig, audit, 12)).save(arguments.sheets / f"{name}.png")


if __name__ == "__main__":
    main()
