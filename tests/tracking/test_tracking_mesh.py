from __future__ import annotations

from pathlib import Path

import numpy as np
import pygltflib as gl
import pytest

from emo3d_exp.tracking import Mesh


def read_accessor(document: gl.GLTF2, number: int, dtype: str, width: int) -> np.ndarray:
    accessor = document.accessors[number]
    view = document.bufferViews[accessor.bufferView]
    data = document.binary_blob()[view.byteOffset : view.byteOffset + view.byteLength]
    return np.frombuffer(data, dtype).reshape(accessor.count, width)


def test_written_file_holds_the_mesh(tetrahedron: Mesh, tmp_path: Path) -> None:
    tetrahedron.write_glb(tmp_path / "face.glb")
    assert [path.name for path in tmp_path.iterdir()] == ["face.glb"]
    document = gl.GLTF2().load(str(tmp_path / "face.glb"))
    primitive = document.meshes[0].primitives[0]
    attributes = primitive.attributes
    assert np.array_equal(read_accessor(document, attributes.POSITION, "<f4", 3), tetrahedron.vertices)
    assert np.array_equal(read_accessor(document, attributes.COLOR_0, "<f4", 3), tetrahedron.colors)
    assert np.array_equal(
        read_accessor(document, primitive.indices, "<u4", 1).reshape(-1, 3), tetrahedron.faces
    )
    assert document.accessors[attributes.POSITION].max == [1, 1, 1]
    assert document.materials[primitive.material].pbrMetallicRoughness.metallicFactor == 0


def test_normals_point_outwards_and_weigh_by_area(tetrahedron: Mesh) -> None:
    expected = np.zeros((4, 3))
    for a, b, c in tetrahedron.faces:
        corner = tetrahedron.vertices
        for vertex in (a, b, c):
            expected[vertex] += np.cross(corner[b] - corner[a], corner[c] - corner[a])
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert np.allclose(tetrahedron.normals(), expected, atol=1e-6)
    outwards = tetrahedron.vertices - tetrahedron.vertices.mean(axis=0)
    assert ((tetrahedron.normals() * outwards).sum(axis=1) > 0).all()


def test_vertex_without_triangles_has_a_unit_normal(tetrahedron: Mesh) -> None:
    lonely = Mesh(tetrahedron.vertices, tetrahedron.faces[:1], tetrahedron.colors)
    assert np.allclose(np.linalg.norm(lonely.normals(), axis=1), 1)


def test_wrong_shapes_are_refused(tetrahedron: Mesh) -> None:
    with pytest.raises(ValueError, match="colors"):
        Mesh(tetrahedron.vertices, tetrahedron.faces, tetrahedron.colors[:3])
    with pytest.raises(ValueError, match="rows of 4 vertices"):
        Mesh(tetrahedron.vertices, tetrahedron.faces + 1, tetrahedron.colors)
