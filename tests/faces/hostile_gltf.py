"""Ways to break a glTF file: each takes a sound :class:`Draft` apart in one place."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from foreign_gltf import SQUARE, Draft

Break = Callable[[Draft], None]


def sound() -> Draft:
    """One textured, coloured square with two targets, one of them sparse, in a node below a node."""
    draft = Draft()
    sparse = {
        "count": 2,
        "indices": {"bufferView": draft.view(np.array([1, 3], "<u2").tobytes()), "componentType": 5123},
        "values": {"bufferView": draft.view(np.ones((2, 3), "<f4").tobytes())},
    }
    motion = draft.add("accessors", count=4, type="VEC3", componentType=5126, sparse=sparse)
    draft.json["images"] = [{"bufferView": draft.view(picture(4, 4))}]
    draft.json["textures"] = [{"source": 0, "sampler": 0}]
    draft.json["samplers"] = [{"wrapS": 33071}]
    draft.json["materials"] = [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}]
    attributes = {"TEXCOORD_0": draft.accessor(SQUARE[:, :2].copy()), "COLOR_0": draft.accessor(SQUARE)}
    child = draft.square(("jawOpen", "mouthFunnel"), material=0, attributes=attributes)
    primitive(draft)["targets"][0]["POSITION"] = motion
    draft.add("nodes", children=[child])
    draft.json["scenes"], draft.json["scene"] = [{"nodes": [1]}], 0
    return draft


def picture(width: int, height: int) -> bytes:
    """A grey PNG; of any size it claims, since rows of zeros pack well and are cut after a thousand."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(b"\0" * (width + 1) * min(height, 1000))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def primitive(draft: Draft) -> dict[str, Any]:
    return draft.json["meshes"][0]["primitives"][0]


def accessor(draft: Draft, key: str) -> dict[str, Any]:
    """The accessor of positions, indices, the sparse target or the dense one."""
    first = primitive(draft)
    index = {
        "position": first["attributes"]["POSITION"],
        "color": first["attributes"]["COLOR_0"],
        "uv": first["attributes"]["TEXCOORD_0"],
        "indices": first["indices"],
        "sparse": first["targets"][0]["POSITION"],
        "dense": first["targets"][1]["POSITION"],
    }[key]
    return draft.json["accessors"][index]


def view(draft: Draft, key: str) -> dict[str, Any]:
    return draft.json["bufferViews"][accessor(draft, key)["bufferView"]]


def put(key: str, **changes: Any) -> Break:
    return lambda draft: accessor(draft, key).update(changes)


def put_view(key: str, **changes: Any) -> Break:
    return lambda draft: view(draft, key).update(changes)


def put_sparse(*place: str, **changes: Any) -> Break:
    def apply(draft: Draft) -> None:
        target = accessor(draft, "sparse")["sparse"]
        for step in place:
            target = target[step]
        target.update(changes)

    return apply


def put_primitive(**changes: Any) -> Break:
    return lambda draft: primitive(draft).update(changes)


def put_mesh(**changes: Any) -> Break:
    return lambda draft: draft.json["meshes"][0].update(changes)


def put_node(index: int, **changes: Any) -> Break:
    return lambda draft: draft.json["nodes"][index].update(changes)


def put_top(**changes: Any) -> Break:
    return lambda draft: draft.json.update(changes)


def put_image(data: bytes) -> Break:
    return lambda draft: draft.json.update(images=[{"bufferView": draft.view(data)}])


def write(key: str, values: np.ndarray) -> Break:
    """Overwrite the start of an accessor's data."""

    def apply(draft: Draft) -> None:
        start = view(draft, key)["byteOffset"]
        draft.blob[start : start + values.nbytes] = values.tobytes()

    return apply


def packed(data: bytes | None = None, **changes: Any) -> Break:
    """Positions packed by meshopt; sound, unless ``data`` or settings are given that are not."""

    def apply(draft: Draft) -> None:
        import meshoptimizer

        good = meshoptimizer.encode_vertex_buffer(SQUARE)
        where = draft.json["bufferViews"][draft.view(good if data is None else data)]
        settings = {"buffer": 0, "byteStride": 12, "count": 4, "mode": "ATTRIBUTES"}
        settings |= {key: where[key] for key in ("byteOffset", "byteLength")} | changes
        view(draft, "position")["extensions"] = {"EXT_meshopt_compression": settings}

    return apply


def jpeg_cut_short() -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(file, "JPEG")
    return file.getvalue()[:400]


INF, NAN = float("inf"), float("nan")
HUGE = 2**40
CASES: dict[str, tuple[Break, str]] = {
    "huge count": (put("position", count=HUGE), "has 1099511627776 elements"),
    "huge count without data": (put("sparse", count=5_000_000), "has 5000000 elements where 4"),
    "many vertices": (put("position", count=5_000_000), "is too much"),
    "count beyond the view": (put("position", count=5), r"needs 60 bytes of bufferViews\[\d\], which has 48"),
    "count zero": (put("position", count=0), "whole number of at least 1 as 'count'"),
    "count negative": (put("position", count=-4), "'count', got -4"),
    "count in words": (put("position", count="four"), "'count', got 'four'"),
    "count a fraction": (put("position", count=4.5), "'count', got 4.5"),
    "count true": (put("position", count=True), "'count', got True"),
    "count beyond integers": (put("position", count=10**400), "a huge number"),
    "offset negative": (put("position", byteOffset=-4), "'byteOffset', got -4"),
    "offset beyond": (put("position", byteOffset=HUGE), "needs 1099511627824 bytes"),
    "offset misaligned": (put("position", byteOffset=2, count=3), "not aligned"),
    "view misaligned": (put_view("dense", byteOffset=1), "not aligned"),
    "view beyond the buffer": (put_view("position", byteLength=HUGE), "of a buffer of"),
    "view negative": (put_view("position", byteOffset=-1), "'byteOffset', got -1"),
    "view of no buffer": (put_view("position", buffer=3), r"buffers\[3\], of which there are 1"),
    "view missing": (put("position", bufferView=99), r"bufferViews\[99\], of which there are"),
    "stride too small": (put_view("position", byteStride=8), "byteStride of 8, less than the 12"),
    "stride zero": (put_view("position", byteStride=0), "less than the 12"),
    "stride huge": (put_view("position", byteStride=HUGE), "needs 3298534883340 bytes"),
    "component type unknown": (put("position", componentType=5130), "component type 5130"),
    "component type of indices": (put("indices", componentType=5126, count=3), "no whole triangles"),
    "type unknown": (put("position", type="VEC9"), "type 'VEC9' where VEC3"),
    "type of indices": (put("indices", type="VEC2", count=3), "type 'VEC2' where SCALAR"),
    "type of colours": (put("color", type="VEC2"), "type 'VEC2' where VEC3 or VEC4"),
    "NaN position": (write("position", np.float32([NAN])), "not finite"),
    "infinite position": (write("position", np.float32([INF])), "not finite"),
    "NaN motion": (write("dense", np.float32([NAN])), "not finite"),
    "NaN texture coordinate": (write("uv", np.float32([NAN])), "not finite"),
    "positions that overflow": (put_node(1, scale=[1e300] * 3), "too large for numbers of 32 bits"),
    "index out of range": (write("indices", np.uint16([4])), "points outside its 4 vertices"),
    "index of restart": (write("indices", np.uint16([65535])), "points outside its 4 vertices"),
    "indices of no triangle": (put("indices", count=4), "no whole triangles"),
    "indices missing": (put_primitive(indices=77), r"accessors\[77\]"),
    "sparse index out of range": (put("sparse", count=2), "has 2 elements where 4"),
    "sparse index too large": (lambda d: d.blob.__setitem__(2, 9), "indices that do not rise"),
    "sparse indices falling": (lambda d: d.blob.__setitem__(0, 3), "indices that do not rise"),
    "sparse count too large": (put_sparse(count=5), "5 values over 4"),
    "sparse count huge": (put_sparse(count=HUGE), "values over 4"),
    "sparse without values": (put_sparse(values=None), "does not fit"),
    "sparse signed indices": (put_sparse("indices", componentType=5122), "component type 5122"),
    "sparse values beyond": (put_sparse("values", byteOffset=4), r"needs 28 bytes"),
    "cyclic nodes": (put_node(0, children=[1]), "reached twice"),
    "node that holds itself": (put_node(1, children=[1]), "reached twice"),
    "child missing": (put_node(1, children=[5]), r"nodes\[5\]"),
    "children no list": (put_node(1, children=5), "needs a list as 'children'"),
    "matrix too short": (put_node(1, matrix=[1, 0]), "needs 16 finite numbers"),
    "matrix with infinity": (put_node(1, matrix=[1e999] * 16), "Infinity is no JSON number"),
    "rotation of zeros": (put_node(1, rotation=[0, 0, 0, 0]), "no unit quaternion"),
    "skin missing": (put_node(0, skin=0), r"skins\[0\]"),
    "scene missing": (put_top(scene=4), r"scenes\[4\]"),
    "mesh missing": (put_node(0, mesh=1), r"meshes\[1\]"),
    "nodes no list": (put_top(nodes={}), "needs a list as 'nodes'"),
    "accessor no object": (put_top(accessors=[1, 2, 3, 4, 5, 6]), "must be an object"),
    "primitive no object": (put_mesh(primitives=["x"]), "must be an object, got 'x'"),
    "zero triangles": (put_mesh(primitives=[]), "no triangle mesh"),
    "points alone": (put_primitive(mode=0), "no triangle mesh"),
    "strips": (put_primitive(mode=5), "strip or fan"),
    "mode unknown": (put_primitive(mode=9), "unknown mode 9"),
    "no positions": (put_primitive(attributes={"NORMAL": 0}), "no positions"),
    "attributes no object": (put_primitive(attributes=3), "must be an object"),
    "fewer names than targets": (put_primitive(targets=[{}]), "1 targets, but 2 names"),
    "weights that do not fit": (put_mesh(weights=[0.0]), "2 targets, but its mesh 1"),
    "target of other length": (put("dense", count=3), "has 3 elements where 4"),
    "colours of other length": (put("color", count=3), "has 3 elements where 4"),
    "material missing": (put_primitive(material=8), r"materials\[8\]"),
    "factor too short": (
        put_top(materials=[{"pbrMetallicRoughness": {"baseColorFactor": [1]}}]),
        "4 finite numbers as 'baseColorFactor'",
    ),
    "alpha mode unknown": (put_top(materials=[{"alphaMode": "SOME"}]), "unknown alphaMode 'SOME'"),
    "wrap mode unknown": (put_top(samplers=[{"wrapS": 1}]), "unknown wrap modes"),
    "texture missing": (put_top(textures=[]), r"textures\[0\]"),
    "image missing": (put_top(images=[]), r"images\[0\]"),
    "image of nothing": (put_top(images=[{}]), "whole number of at least 0 as 'bufferView'"),
    "image of text": (put_image(b"<html>"), "no readable PNG"),
    "image cut short": (put_image(jpeg_cut_short()), "no readable PNG"),
    "image that is a bomb": (put_image(picture(20_000, 20_000)), "DecompressionBombError"),
    "image just too large": (put_image(picture(9_000, 9_000)), "too many pixels: 9000 x 9000"),
    "extension required": (put_top(extensionsRequired=["ACME_secret"]), "not supported: 'ACME_secret'"),
    "Draco required": (put_top(extensionsRequired=["KHR_draco_mesh_compression"]), "compressed with Draco"),
    "glTF 1": (put_top(asset={"version": "1.0"}), "not glTF 2.0"),
    "no asset": (put_top(asset=None), "not glTF 2.0"),
    "meshopt of noise": (packed(bytes(range(200))), "damaged meshopt data"),
    "meshopt with a header and noise": (packed(b"\xa0" + bytes(range(100))), "damaged meshopt data"),
    "meshopt huge": (packed(count=2**28), "more than the 48 of its view"),
    "meshopt count zero": (packed(count=0), "at least 1 as 'count'"),
    "meshopt stride odd": (packed(byteStride=5), "multiple of 4"),
    "meshopt stride large": (packed(byteStride=512), "multiple of 4"),
    "meshopt mode": (packed(mode="LINES"), "unknown mode 'LINES'"),
    "meshopt filter": (packed(filter="SEPIA"), "filter 'SEPIA', which is not supported"),
    "meshopt filter of other stride": (packed(filter="QUATERNION"), "does not go with"),
    "meshopt triangles in part": (packed(mode="TRIANGLES", byteStride=4), "no whole triangles"),
    "meshopt indices of 3 bytes": (packed(mode="INDICES", byteStride=3), "indices need 2 or 4"),
    "meshopt beyond the buffer": (packed(byteLength=HUGE), "of a buffer of"),
    "meshopt too few elements": (packed(count=3), "needs 48 bytes|damaged meshopt data"),
}  # fmt: skip
