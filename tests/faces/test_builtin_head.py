"""The built-in head: its form, its motions, and the asset that is shipped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import emo3d_exp
from emo3d_exp.faces.builtin.head import HeadParts, build_head
from emo3d_exp.faces.builtin.layout import Kind
from emo3d_exp.faces.builtin.motion import table_anchors
from emo3d_exp.faces.builtin.motion_table import gain, motion_table
from emo3d_exp.faces.builtin.skin import Skin, build_skin
from emo3d_exp.faces.rig import PARTS
from emo3d_exp.vocab import MIRROR_PERMUTATION, MORPH_TARGETS

ASSET = Path(emo3d_exp.__file__).parent / "assets" / "builtin_head.glb"
MASKS = set(
    [
        "lips",
        "inner_lips",
        "brows",
        "lashes",
        "hair",
        "stubble",
        "blush",
        "occlusion",
        "crease",
        "nostril",
        "wet",
        "iris",
        "pupil",
        "iris_rim",
        "sclera_shade",
        "teeth_shade",
        "gums",
        "age_lines",
        "wrinkle_browInnerUp",
        "wrinkle_mouthSmileLeft",
    ]
)
MOUTH = ("mouth_bag", "teeth", "tongue")


@pytest.fixture(scope="module")
def head() -> HeadParts:
    return build_head()


@pytest.fixture(scope="module")
def skin() -> Skin:
    return build_skin()


def posed(head: HeadParts, **weights: float) -> np.ndarray:
    vertices = head.neutral.astype(float)
    for name, weight in weights.items():
        vertices = vertices + weight * head.deltas[MORPH_TARGETS.index(name)]
    return vertices


def visible(head: HeadParts, vertices: np.ndarray, *parts: str, size: int = 320) -> int:
    """Pixels in which one of the parts is what one sees from straight ahead."""
    import cv2

    settings = cv2.TriangleRasterizeSettings().setCullingMode(cv2.RASTERIZE_CULLING_NONE)
    settings = settings.setShadingType(cv2.RASTERIZE_SHADING_SHADED)
    wanted = np.isin(head.part, [PARTS.index(part) for part in parts])
    color = np.repeat(wanted[:, None], 3, 1).astype(np.float32)
    image = np.zeros((size, size, 3), np.float32)
    depth = np.full((size, size), 100, np.float32)
    moved = (vertices - [0, -0.42, 13.7]).astype(np.float32)
    cv2.triangleRasterize(moved, head.faces, color, image, depth, np.eye(4, dtype=np.float32),
                          np.float32(np.deg2rad(15)), 1.0, 100.0, settings)  # fmt: skip
    return int((image[..., 0] > 0.5).sum())


def test_every_target_moves_something_and_sizes_are_kept(head: HeadParts) -> None:
    assert head.deltas.shape == (51, len(head.neutral), 3)
    assert np.isfinite(head.neutral).all() and np.isfinite(head.deltas).all()
    largest = np.linalg.norm(head.deltas, axis=-1).max(-1)
    assert dict(zip(MORPH_TARGETS, largest > 0.02, strict=True)) == dict.fromkeys(MORPH_TARGETS, True)
    assert largest.max() < 0.8
    assert len(head.neutral) <= 16_000
    assert set(np.unique(head.part)) == set(range(len(PARTS)))
    assert head.faces.min() == 0 and head.faces.max() == len(head.neutral) - 1


def test_masks_are_named_and_between_0_and_1(head: HeadParts) -> None:
    assert set(MASKS) <= set(head.masks)
    for name, mask in head.masks.items():
        assert mask.shape == (len(head.neutral),) and mask.dtype == np.float32
        assert mask.min() >= 0 and 0.05 < mask.max() <= 1, name
        target = name.removeprefix("wrinkle_")
        assert target == name or target in MORPH_TARGETS
    assert head.colors.min() >= 0 and head.colors.max() <= 1


def test_left_and_right_are_exact_mirror_images(head: HeadParts) -> None:
    mirror, flip = head.mirror, np.float32([-1, 1, 1])
    np.testing.assert_array_equal(mirror[mirror], np.arange(len(mirror)))
    np.testing.assert_array_equal(head.neutral[mirror] * flip, head.neutral)
    swapped = head.deltas[MIRROR_PERMUTATION[1:] - 1]
    np.testing.assert_array_equal(swapped[:, mirror] * flip, head.deltas)
    # Inside the mouth only the vertices are symmetric: its grids are all cut along the same diagonal.
    seen = ~np.isin(head.part[head.faces[:, 0]], [PARTS.index(part) for part in MOUTH])
    triangles = {frozenset(face) for face in head.faces[seen].tolist()}
    assert {frozenset(face) for face in mirror[head.faces[seen]].tolist()} == triangles
    for name, mask in head.masks.items():
        other = name.replace("Left", "Right") if "Left" in name else name.replace("Right", "Left")
        np.testing.assert_allclose(head.masks[other][mirror], mask, atol=1e-6, err_msg=name)


def test_triangles_look_outwards(head: HeadParts) -> None:
    a, b, c = (head.neutral[head.faces[:, k]].astype(float) for k in range(3))
    normal, centre, part = np.cross(b - a, c - a), (a + b + c) / 3, head.part[head.faces[:, 0]]
    skin = part == PARTS.index("skin")
    hidden = (head.masks["inner_lips"] + head.masks["wet"])[head.faces].max(1) > 0
    face = skin & (centre[:, 2] > 0.2) & ~hidden
    assert (normal[face, 2] > 0).mean() > 0.98
    crown = skin & (centre[:, 1] > 1.4)
    assert (normal[crown, 1] > 0).all()
    left = part == PARTS.index("eye_left")
    assert ((normal * (centre - [0.485, -0.02, -0.015])).sum(1)[left] > 0).all()
    teeth = part == PARTS.index("teeth")
    assert (normal[teeth, 2] > 0).mean() > 0.95


def table_vertices(skin: Skin) -> dict[str, int]:
    """The vertex of each table point outside the eyes, found by position along lips and brows."""
    vertices = table_anchors(skin)
    x, layout = skin.vertices[:, 0], skin.layout

    def nearest(of: np.ndarray, at: float) -> int:
        index = np.flatnonzero(of)
        return int(index[np.abs(x[index] - at).argmin()])

    for kind, lip, side in ((Kind.UPPER_LIP, "upper_lip", 0.12), (Kind.LOWER_LIP, "lower_lip", 0.16)):
        edge = (layout.kind == kind) & (layout.row == 1)
        touching = (layout.kind == kind) & (layout.row == 0)
        vertices[f"{lip}_mid"], vertices[f"inner_{lip}_mid"] = nearest(edge, 0.0), nearest(touching, 0.0)
        vertices[f"{lip}_left"], vertices[f"{lip}_right"] = nearest(edge, side), nearest(edge, -side)
    brow = (layout.kind == Kind.SKIN) & (skin.vertices[:, 2] > -0.3)
    for side, sign in (("left", 1), ("right", -1)):
        vertices[f"mouth_corner_{side}"] = nearest(layout.kind == Kind.MOUTH_CORNER, 0.42 * sign)
        for name, at in (("inner", 0.19), ("mid", 0.60), ("outer", 0.92)):
            t = (at - 0.16) / 0.79
            height = 0.205 + 0.27 * t - 0.33 * t**2.6
            on_line = brow & (np.abs(skin.vertices[:, 1] - height) < 0.03)
            vertices[f"brow_{name}_{side}"] = nearest(on_line, at * sign)
    return vertices


def test_motion_follows_the_table(head: HeadParts, skin: Skin) -> None:
    table, vertices = motion_table(), table_vertices(skin)
    assert len(vertices) == 31  # of 39: the eight points of lids and eye corners are drawn by hand
    wanted = np.array([[table.motion(name, point) for point in vertices] for name in MORPH_TARGETS])
    gains = np.array([gain(name) for name in MORPH_TARGETS])[:, None, None]
    got = head.deltas[:, list(vertices.values())] / gains
    error = np.sqrt(((got - wanted) ** 2).sum(-1).mean())
    assert error < 0.15 * np.sqrt((wanted**2).sum(-1).mean())


def test_points_of_the_table_lie_on_the_head(skin: Skin) -> None:
    front = skin.vertices[skin.vertices[:, 2] > -0.6]
    away = [np.linalg.norm(front - point, axis=1).min() for point in motion_table().rest.values()]
    assert np.mean(away) < 0.05 and max(away) < 0.12


def test_back_of_the_head_and_neck_stay_still(head: HeadParts) -> None:
    still = (head.neutral[:, 2] < -1.3) | (head.neutral[:, 1] < -2.4)
    assert not head.deltas[:, still].any()


def test_nothing_of_the_mouth_shows_at_rest(head: HeadParts) -> None:
    assert visible(head, posed(head), *MOUTH) == 0


def test_jaw_opens_the_mouth(head: HeadParts) -> None:
    half, full = (visible(head, posed(head, jawOpen=weight), *MOUTH) for weight in (0.5, 1.0))
    assert 300 < half < full


def test_blink_covers_the_eye(head: HeadParts) -> None:
    opened = visible(head, posed(head), "eye_left", "catchlight")
    assert opened > 250
    assert visible(head, posed(head, eyeBlinkLeft=1), "eye_left") == 0
    half = visible(head, posed(head, eyeBlinkLeft=0.5), "eye_left")
    assert 0.15 < half / opened < 0.6
    assert visible(head, posed(head, eyeBlinkLeft=1), "eye_right") == visible(head, posed(head), "eye_right")


def test_gaze_turns_the_iris_where_the_name_says(head: HeadParts) -> None:
    iris = (head.masks["pupil"] > 0.5) & (head.part == PARTS.index("eye_left"))
    rest = posed(head)[iris].mean(0)
    moved = {name: posed(head, **{f"eyeLook{name}Left": 1})[iris].mean(0) - rest
             for name in ("Up", "Down", "In", "Out")}  # fmt: skip
    assert moved["Up"][1] > 0.05 and moved["Down"][1] < -0.05
    assert moved["Out"][0] > 0.08 and moved["In"][0] < -0.08


def test_shipped_asset_is_what_the_code_makes(head: HeadParts) -> None:
    from emo3d_exp.faces.gltf import read_gltf

    assert ASSET.stat().st_size < 4 * 2**20
    shipped = read_gltf(ASSET)
    np.testing.assert_array_equal(shipped.faces, head.faces)
    np.testing.assert_array_equal(shipped.part, head.part)
    np.testing.assert_allclose(shipped.neutral, head.neutral, atol=1e-3)
    np.testing.assert_allclose(shipped.deltas, head.deltas, atol=1e-3)
    np.testing.assert_allclose(shipped.colors, head.colors, atol=1e-3)
    assert set(shipped.masks) == set(head.masks)
    for name, mask in head.masks.items():
        np.testing.assert_allclose(shipped.masks[name], mask, atol=5e-3, err_msg=name)
