import io
import logging

import numpy as np
import pytest
from foreign_gltf import CORNERS, SQUARE, Draft
from PIL import Image

from emo3d_exp.errors import DataError
from emo3d_exp.faces import read_gltf
from emo3d_exp.faces.surfaces import GREY
from emo3d_exp.faces.textures import CLAMP, MIRROR, REPEAT, Texture

RNG = np.random.default_rng(0)
UV = np.array([[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]], "<f4")
QUARTERS = np.array([[[200, 0, 0], [0, 200, 0]], [[0, 0, 200], [200, 200, 200]]], np.uint8)
AROUND = [(0, 0), (0, 1), (1, 1), (1, 0)]
"""Pixels (row, column) of QUARTERS under the corners of UV."""


def linear(code):
    value = code / 255
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def png(pixels, kind="PNG"):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **({"lossless": True} if kind == "WEBP" else {}))
    return file.getvalue()


def sampled_slowly(pixels, wrap, u, v):
    """Bilinear interpolation between the four pixel centres around, one number at a time."""
    height, width = pixels.shape[:2]

    def wrapped(index, size, mode):
        if mode == REPEAT:
            return index % size
        if mode == MIRROR:
            index %= 2 * size
            return index if index < size else 2 * size - 1 - index
        return min(max(index, 0), size - 1)

    x, y = u * width - 0.5, v * height - 0.5
    total = np.zeros(4)
    for i in (int(np.floor(x)), int(np.floor(x)) + 1):
        for j in (int(np.floor(y)), int(np.floor(y)) + 1):
            pixel = pixels[wrapped(j, height, wrap[1]), wrapped(i, width, wrap[0])]
            value = [*(linear(int(code)) for code in pixel[:3]), pixel[3] / 255]
            total += np.array(value) * (1 - abs(x - i)) * (1 - abs(y - j))
    return total


@pytest.mark.parametrize("across", [REPEAT, CLAMP, MIRROR])
@pytest.mark.parametrize("down", [REPEAT, CLAMP, MIRROR])
def test_samples_agree_with_the_slow_way(across, down):
    pixels = RNG.integers(0, 256, (3, 5, 4)).astype(np.uint8)
    uv = RNG.uniform(-2.5, 2.5, (60, 2))
    found = Texture(pixels, (across, down)).sample(uv)
    expected = [sampled_slowly(pixels, (across, down), u, v) for u, v in uv]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def textured(image, uv=UV, material=None, info=None, extra=None, **surface):
    draft = Draft()
    draft.json["images"] = [image if isinstance(image, dict) else {"bufferView": draft.view(image)}]
    draft.json["textures"] = [{"source": 0}]
    base = {"baseColorTexture": {"index": 0} | (info or {})} | surface
    draft.json["materials"] = [{"pbrMetallicRoughness": base} | (material or {})]
    attributes = {"TEXCOORD_0": draft.accessor(uv)}
    attributes |= {key: draft.accessor(array) for key, array in (extra or {}).items()}
    draft.square(material=0, attributes=attributes)
    return draft


def expected_quarters(order=AROUND):
    return np.array([[linear(int(code)) for code in QUARTERS[spot]] for spot in order])


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_texture_gives_linear_vertex_colours(tmp_path, kind):
    rig = read_gltf(textured(png(QUARTERS, kind)).save(tmp_path / "a.glb"))
    np.testing.assert_allclose(rig.colors, expected_quarters(), atol=1e-5)


def test_factor_and_vertex_colours_multiply(tmp_path):
    colors = RNG.uniform(0, 1, (4, 3)).astype("<f4")
    draft = textured(png(QUARTERS), baseColorFactor=[0.5, 0.25, 1, 1], extra={"COLOR_0": colors})
    draft.json["materials"][0]["extensions"] = {"KHR_materials_unlit": {}}
    rig = read_gltf(draft.save(tmp_path / "a.glb"))
    np.testing.assert_allclose(rig.colors, expected_quarters() * colors * [0.5, 0.25, 1], atol=1e-5)


def test_image_in_a_file_and_the_older_material(tmp_path):
    (tmp_path / "skin map.png").write_bytes(png(QUARTERS))
    draft = textured({"uri": "skin%20map.png"})
    old = {"diffuseTexture": {"index": 0}, "diffuseFactor": [1, 1, 0.5, 1]}
    draft.json["materials"] = [{"extensions": {"KHR_materials_pbrSpecularGlossiness": old}}]
    rig = read_gltf(draft.save(tmp_path / "a.glb"))
    np.testing.assert_allclose(rig.colors, expected_quarters() * [1, 1, 0.5], atol=1e-5)


def test_second_texture_coordinates_in_bytes(tmp_path):
    swapped = np.round(UV[:, ::-1] * 255).astype("u1")
    draft = textured(png(QUARTERS.repeat(8, 0).repeat(8, 1)), info={"texCoord": 1})
    accessor = draft.accessor(swapped, normalized=True)
    draft.json["meshes"][0]["primitives"][0]["attributes"]["TEXCOORD_1"] = accessor
    rig = read_gltf(draft.save(tmp_path / "a.glb"))
    order = [spot[::-1] for spot in AROUND]
    np.testing.assert_allclose(rig.colors, expected_quarters(order), atol=0.05)


@pytest.mark.parametrize(
    ("transform", "order"),
    [
        ({"offset": [0.5, 0]}, [(0, 1), (0, 0), (1, 0), (1, 1)]),
        ({"scale": [1, -1]}, [(1, 0), (1, 1), (0, 1), (0, 0)]),
        # Towards u: a quarter turn takes (u, v) to (v, -u), counter-clockwise where v points down.
        ({"rotation": np.pi / 2}, [(1, 0), (0, 0), (0, 1), (1, 1)]),
    ],
)
def test_texture_transform(tmp_path, transform, order):
    draft = textured(png(QUARTERS), info={"extensions": {"KHR_texture_transform": transform}})
    rig = read_gltf(draft.save(tmp_path / "a.glb"))
    np.testing.assert_allclose(rig.colors, expected_quarters(order), atol=1e-5)


def test_fine_grain_is_averaged_over_the_triangles(tmp_path):
    grain = np.zeros((512, 512, 3), np.uint8)
    grain[::2, ::2] = grain[1::2, 1::2] = 200
    rig = read_gltf(textured(png(grain)).save(tmp_path / "a.glb"))
    np.testing.assert_allclose(rig.colors, linear(100), atol=0.01)


@pytest.mark.parametrize(
    ("material", "alpha", "left"),
    [
        ({}, 0, 2),
        ({"alphaMode": "OPAQUE"}, 0, 2),
        ({"alphaMode": "BLEND"}, 30, 0),
        ({"alphaMode": "BLEND"}, 200, 2),
        ({"alphaMode": "MASK"}, 100, 0),
        ({"alphaMode": "MASK", "alphaCutoff": 0.2}, 100, 2),
    ],
)
def test_mostly_transparent_triangles_are_left_out(tmp_path, material, alpha, left):
    draft = textured(png(np.full((4, 4, 4), (200, 200, 200, alpha), np.uint8)), material=material)
    draft.square()
    rig = read_gltf(draft.save(tmp_path / "a.glb"))
    assert len(rig.faces) == left + 2 and len(rig.neutral) == (8 if left else 4)
    assert rig.deltas.shape[1] == len(rig.colors) == len(rig.neutral)
    assert rig.faces.max() == len(rig.neutral) - 1


def test_only_the_transparent_half_goes(tmp_path):
    pixels = np.zeros((64, 64, 4), np.uint8)
    row, column = np.indices((64, 64))
    pixels[column >= row] = 255
    draft = textured(png(pixels), material={"alphaMode": "BLEND"})
    rig = read_gltf(draft.save(tmp_path / "a.glb"))
    assert rig.faces.tolist() == [[0, 1, 2]]
    np.testing.assert_array_equal(rig.neutral, SQUARE[CORNERS[:3]])


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1"])
def test_pictures_of_every_mode(tmp_path, mode):
    file = io.BytesIO()
    grey = Image.new("RGB", (8, 8), (255, 255, 255)).convert(mode)
    grey.save(file, "PNG")
    rig = read_gltf(textured(file.getvalue(), baseColorFactor=[0.5, 0.5, 0.5, 1]).save(tmp_path / "a.glb"))
    np.testing.assert_allclose(rig.colors, 0.5, atol=1e-5)


def test_large_pictures_are_averaged_and_their_transparent_colour_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("emo3d_exp.faces.textures.LARGEST_SIDE", 8)
    file = io.BytesIO()
    Image.fromarray(QUARTERS.repeat(16, 0).repeat(16, 1)).save(file, "PNG", transparency=(0, 0, 200))
    picture, blend = file.getvalue(), {"alphaMode": "BLEND"}
    near = ((UV - 0.5) * 0.2).astype("<f4")
    rig = read_gltf(textured(picture, near + UV[1], blend).save(tmp_path / "green.glb"))
    np.testing.assert_allclose(rig.colors, np.tile(expected_quarters()[1], (4, 1)), atol=1e-5)
    with pytest.raises(DataError, match="no triangle mesh that can be seen"):
        read_gltf(textured(picture, near + UV[3], blend).save(tmp_path / "blue.glb"))


def test_nothing_visible_is_said(tmp_path):
    draft = textured(png(QUARTERS), baseColorFactor=[1, 1, 1, 0], material={"alphaMode": "BLEND"})
    with pytest.raises(DataError, match="no triangle mesh that can be seen"):
        read_gltf(draft.save(tmp_path / "a.glb"))


def test_ktx2_shows_the_materials_colour_with_a_warning(tmp_path, caplog):
    draft = textured(b"\xabKTX 20\xbb\r\n\x1a\n" + b"\0" * 80)
    with caplog.at_level(logging.WARNING):
        rig = read_gltf(draft.save(tmp_path / "a.glb"))
    assert "textures[0] is not PNG" in caplog.text
    np.testing.assert_allclose(rig.colors, np.tile(np.float32(GREY), (4, 1)))


def test_basisu_with_a_png_beside_it_takes_the_png(tmp_path, caplog):
    draft = textured(png(QUARTERS))
    draft.json["textures"][0]["extensions"] = {"KHR_texture_basisu": {"source": 9}}
    rig = read_gltf(draft.save(tmp_path / "a.glb"))
    assert "textures[0]" not in caplog.text
    np.testing.assert_allclose(rig.colors, expected_quarters(), atol=1e-5)
