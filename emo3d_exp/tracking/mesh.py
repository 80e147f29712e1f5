"""One coloured triangle mesh as a glTF binary file, for viewers that show a single pose."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emo3d_exp.runs import write_atomically


@dataclass(frozen=True)
class Mesh:
    """Attributes:
    vertices: (V, 3) float. faces: (T, 3) int, rows of ``vertices``, counter-clockwise seen from outside.
    colors: (V, 3) float linear RGB in [0, 1].
    """

    vertices: np.ndarray
    faces: np.ndarray
    colors: np.ndarray

    def __post_init__(self) -> None:
        vertices, faces, colors = self.vertices, self.faces, self.colors
        if vertices.ndim != 2 or vertices.shape[1] != 3 or colors.shape != vertices.shape:
            raise ValueError(f"Mesh: vertices {vertices.shape} and colors {colors.shape} must both be (V, 3)")
        if faces.ndim != 2 or faces.shape[1] != 3 or not np.isin(faces, np.arange(len(vertices))).all():
            raise ValueError(f"Mesh: faces {faces.shape} must be (T, 3) rows of {len(vertices)} vertices")

    def normals(self) -> np.ndarray:
        """(V, 3) float32 unit normals: the mean of the adjacent triangles', weighted by their area."""
        a, b, c = (self.vertices[self.faces[:, corner]] for corner in range(3))
        of_triangle = np.cross(b - a, c - a)
        total = np.zeros(self.vertices.shape)
        for corner in range(3):
            np.add.at(total, self.faces[:, corner], of_triangle)
        length = np.linalg.norm(total, axis=1, keepdims=True)
        # A vertex of no triangle, or of flat ones only, still needs a unit vector: glTF asks for it.
        return np.where(length > 0, total / np.maximum(length, 1e-30), (0.0, 0.0, 1.0)).astype(np.float32)

    def write_glb(self, path: Path | str) -> None:
        """Write a glTF 2.0 binary with positions, normals and vertex colours (COLOR_0 is linear)."""
        import pygltflib as gl

        columns = {
            "POSITION": np.ascontiguousarray(self.vertices, dtype="<f4"),
            "NORMAL": np.ascontiguousarray(self.normals(), dtype="<f4"),
            "COLOR_0": np.ascontiguousarray(self.colors, dtype="<f4"),
        }
        index = np.ascontiguousarray(self.faces, dtype="<u4").reshape(-1)
        document = gl.GLTF2(
            scene=0,
            scenes=[gl.Scene(nodes=[0])],
            nodes=[gl.Node(mesh=0, name="face")],
            # Without metallicFactor 0 a viewer with no surroundings to reflect draws the face black.
            materials=[
                gl.Material(
                    pbrMetallicRoughness=gl.PbrMetallicRoughness(metallicFactor=0.0, roughnessFactor=0.8),
                    doubleSided=True,
                )
            ],
            meshes=[
                gl.Mesh(
                    primitives=[
                        gl.Primitive(
                            attributes=gl.Attributes(**{name: i for i, name in enumerate(columns)}),
                            indices=len(columns),
                            material=0,
                        )
                    ]
                )
            ],
        )
        _pack(document, [*columns.values(), index])
        with write_atomically(path) as partial:
            document.save_binary(str(partial))


def _pack(document: object, arrays: list[np.ndarray]) -> None:
    """Append arrays as buffer views with one accessor each; 1-d arrays are triangle indices."""
    import pygltflib as gl

    offset = 0
    for array in arrays:
        index = array.ndim == 1
        document.bufferViews.append(
            gl.BufferView(
                buffer=0,
                byteOffset=offset,
                byteLength=array.nbytes,
                target=gl.ELEMENT_ARRAY_BUFFER if index else gl.ARRAY_BUFFER,
            )
        )
        document.accessors.append(
            gl.Accessor(
                bufferView=len(document.bufferViews) - 1,
                componentType=gl.UNSIGNED_INT if index else gl.FLOAT,
                count=len(array),
                type=gl.SCALAR if index else gl.VEC3,
                min=[] if index else array.min(axis=0).tolist(),
                max=[] if index else array.max(axis=0).tolist(),
            )
        )
        offset += array.nbytes
    document.buffers.append(gl.Buffer(byteLength=offset))
    document.set_binary_blob(b"".join(array.tobytes() for array in arrays))
