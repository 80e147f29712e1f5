"""Build the head and write the asset that the package ships: ``python -m emo3d_exp.faces.builtin [file]``."""

from __future__ import annotations

import sys
from pathlib import Path

import emo3d_exp
from emo3d_exp.faces.builtin.head import build_head
from emo3d_exp.faces.gltf import write_gltf

ASSET = Path(emo3d_exp.__file__).parent / "assets" / "builtin_head.glb"


def main(arguments: list[str]) -> None:
    """Write the head to the named file, or over the shipped asset."""
    path = Path(arguments[0]) if arguments else ASSET
    path.parent.mkdir(parents=True, exist_ok=True)
    head = build_head()
    write_gltf(head, path)
    size = path.stat().st_size / 2**20
    print(f"{path}: {len(head.neutral)} vertices, {len(head.faces)} triangles, {size:.2f} MiB")


if __name__ == "__main__":
    main(sys.argv[1:])
