"""Colours of a glTF primitive: vertex colours, material and texture; and what is too transparent to show."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from emo3d_exp.faces.accessor_reading import AccessorReader
from emo3d_exp.faces.gltf_container import Container
from emo3d_exp.faces.gltf_entries import Entry
from emo3d_exp.faces.textures import Texture, TextureReader

GREY = (0.55, 0.55, 0.55)
"""Linear RGB of what has neither colours nor a texture that can be read."""

OPAQUE, MASK, BLEND = "OPAQUE", "MASK", "BLEND"
HALF = 0.5
SPOTS = np.array(
    [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0.5, 0.5, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (1 / 3, 1 / 3, 1 / 3)]
)
"""Where a triangle is asked for its transparency: corners, edges and centre, as barycentric weights."""


@dataclass(frozen=True)
class Surface:
    """A material.

    Attributes:
        factor: ``(4,)`` linear RGBA.
        texture: its image, or None.
        texcoord: which set of texture coordinates it takes.
        transform: ``(2, 3)`` affine map of those coordinates (KHR_texture_transform).
        mode: OPAQUE, MASK or BLEND.
        cutoff: mean alpha under which a triangle of MASK or BLEND is left out.
        name: of the material.
    """

    factor: np.ndarray = field(default_factory=lambda: np.ones(4, np.float32))
    texture: Texture | None = None
    texcoord: int = 0
    transform: np.ndarray = field(default_factory=lambda: np.eye(2, 3))
    mode: str = OPAQUE
    cutoff: float = HALF
    name: str = ""

    def place(self, uv: np.ndarray) -> np.ndarray:
        """Texture coordinates ``(V, 2)`` after the transform, float64."""
        return uv.astype(np.float64) @ self.transform[:, :2].T + self.transform[:, 2]


def read_surface(container: Container, primitive: Entry, textures: TextureReader) -> Surface:
    """The material of a primitive; metallic-roughness, unlit, or the older specular-glossiness."""
    if "material" not in primitive:
        return Surface()
    material = container.item("materials", primitive.integer("material"))
    old = material.extension("KHR_materials_pbrSpecularGlossiness")
    base = old if old is not None else material.entry("pbrMetallicRoughness")
    names = (
        ("diffuseFactor", "diffuseTexture") if old is not None else ("baseColorFactor", "baseColorTexture")
    )
    mode = material.text("alphaMode", OPAQUE)
    if mode not in (OPAQUE, MASK, BLEND):
        material.fail(f"has the unknown alphaMode {mode[:20]!r}")
    factor = (1.0, 1.0, 1.0, 1.0) if base is None else base.numbers(names[0], 4, (1.0, 1.0, 1.0, 1.0))
    info = None if base is None else base.entry(names[1])
    transform = None if info is None else info.extension("KHR_texture_transform")
    texcoord = 0 if info is None else info.integer("texCoord", 0)
    return Surface(
        factor=np.clip(factor, 0, 1).astype(np.float32),
        texture=None if info is None else textures.texture(info),
        texcoord=texcoord if transform is None else transform.integer("texCoord", texcoord),
        transform=np.eye(2, 3) if transform is None else _affine(transform),
        mode=mode,
        cutoff=material.number("alphaCutoff", HALF) if mode == MASK else HALF,
        name=material.text("name"),
    )


def _affine(transform: Entry) -> np.ndarray:
    """Scale, then rotation (counter-clockwise as seen with v pointing down), then offset."""
    angle = transform.number("rotation", 0.0)
    cosine, sine = np.cos(angle), np.sin(angle)
    linear = np.array([[cosine, sine], [-sine, cosine]]) * transform.numbers("scale", 2, (1.0, 1.0))
    affine = np.c_[linear, transform.numbers("offset", 2, (0.0, 0.0))]
    if np.abs(affine).max() > 1e6:
        transform.fail("is out of all proportion")
    return affine


def paint(
    surface: Surface, reader: AccessorReader, attributes: Entry, faces: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Vertex colours, and which triangles can be seen.

    Colours are vertex colour x material x texture, the latter sampled at the vertices from an image
    that is averaged over the size of the triangles. Triangles of a transparent material (lash cards,
    tear lines, corneas) are seen whole where their mean alpha reaches the cutoff (MASK) or one half
    (BLEND), and not at all otherwise: a rig has no transparency.

    Returns:
        ``(V, 3)`` float32 linear RGB in [0, 1] and ``(T,)`` bool.
    """
    rgba = np.tile(surface.factor, (count, 1))
    if "COLOR_0" in attributes:
        colors = reader.read(attributes.integer("COLOR_0"), ("VEC3", "VEC4"), count)
        rgba[:, : colors.shape[1]] *= np.clip(colors.astype(np.float32), 0, 1)
    elif surface.texture is None and (surface.factor[:3] == 1).all():
        rgba[:, :3] = GREY
    uv = np.zeros((count, 2)) if surface.texture is None else _coordinates(surface, reader, attributes, count)
    seen = _seen(surface, uv, rgba[:, 3], faces)
    if surface.texture is not None and len(faces):
        rgba[:, :3] *= surface.texture.averaged(uv, faces).sample(uv)[:, :3]
    return rgba[:, :3], seen


def _coordinates(surface: Surface, reader: AccessorReader, attributes: Entry, count: int) -> np.ndarray:
    key = f"TEXCOORD_{surface.texcoord}"
    if key not in attributes:
        attributes.fail(f"has no {key}, which its material's texture needs")
    return surface.place(reader.read(attributes.integer(key), ("VEC2",), count))


def _seen(surface: Surface, uv: np.ndarray, alpha: np.ndarray, faces: np.ndarray) -> np.ndarray:
    if surface.mode == OPAQUE:
        return np.ones(len(faces), bool)
    total = np.zeros(len(faces))
    for spot in SPOTS:
        here = (alpha[faces] * spot).sum(axis=1)
        if surface.texture is not None:
            here = here * surface.texture.sample(np.einsum("c,tcd->td", spot, uv[faces]))[:, 3]
        total += here
    return total / len(SPOTS) >= surface.cutoff
