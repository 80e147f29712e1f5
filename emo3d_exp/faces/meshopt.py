"""Buffer views packed by meshoptimizer (EXT_meshopt_compression, KHR_meshopt_compression)."""

from __future__ import annotations

import ctypes
from types import ModuleType

import numpy as np

from emo3d_exp.errors import ConfigError, DataError
from emo3d_exp.faces.gltf_entries import Entry

EXTENSIONS = ("KHR_meshopt_compression", "EXT_meshopt_compression")
MODES = ("ATTRIBUTES", "TRIANGLES", "INDICES")
STRIDES = {"OCTAHEDRAL": (4, 8), "COLOR": (4, 8), "QUATERNION": (8,), "EXPONENTIAL": tuple(range(4, 257, 4))}
"""Bytes an element may have under each filter."""

MAX_UNPACKED = 1 << 28
DENSEST = {"ATTRIBUTES": 1024, "TRIANGLES": 12, "INDICES": 4}
"""Bytes that one packed byte can stand for at most; more is a lie that would only cost memory."""


def packed_view(view: Entry) -> Entry | None:
    """The compressed form of a buffer view, or None for a plain one."""
    return next((found for name in EXTENSIONS if (found := view.extension(name)) is not None), None)


def unpack(packed: Entry, source: memoryview, length: int) -> bytes:
    """Decode one view.

    Args:
        packed: the extension's object: ``count``, ``byteStride``, ``mode``, ``filter``.
        source: the packed bytes.
        length: ``byteLength`` of the view, which the result must fill.

    Raises:
        DataError: settings out of range, an unknown mode or filter, or damaged data.
        ConfigError: the package meshoptimizer is not installed.
    """
    count, stride = packed.integer("count", low=1), packed.integer("byteStride", low=1)
    mode, filtering = packed.text("mode"), packed.text("filter", "NONE")
    _check(packed, mode, filtering, count, stride)
    if count * stride > length:
        packed.fail(f"unpacks to {count * stride} bytes, more than the {length} of its view")
    if count * stride > min(MAX_UNPACKED, DENSEST[mode] * len(source)):
        packed.fail(f"claims {count * stride} bytes from {len(source)} packed ones")
    codec = _codec()
    try:
        data = _decode(codec, mode, count, stride, bytes(source))
    except (ValueError, RuntimeError) as error:
        raise DataError(f"{packed.path}: {packed.place} holds damaged meshopt data ({error})") from error
    return _filtered(codec, data, filtering, count, stride).tobytes()


def _check(packed: Entry, mode: str, filtering: str, count: int, stride: int) -> None:
    # The native decoder takes these for granted, and stops the process where they do not hold.
    if mode not in MODES:
        packed.fail(f"has the unknown mode {mode[:40]!r}")
    if mode == "ATTRIBUTES" and (stride % 4 or stride > 256):
        packed.fail(f"has a byteStride of {stride}; attributes need a multiple of 4 up to 256")
    if mode != "ATTRIBUTES" and stride not in (2, 4):
        packed.fail(f"has a byteStride of {stride}; indices need 2 or 4")
    if mode == "TRIANGLES" and count % 3:
        packed.fail(f"has {count} indices, which are no whole triangles")
    if filtering == "NONE":
        return
    if filtering not in STRIDES:
        packed.fail(f"has the filter {filtering[:40]!r}, which is not supported; export it without")
    if mode != "ATTRIBUTES" or stride not in STRIDES[filtering]:
        packed.fail(f"has the filter {filtering}, which does not go with mode {mode} and stride {stride}")


def _codec() -> ModuleType:
    try:
        import meshoptimizer
    except ImportError as error:
        raise ConfigError(
            "this glTF file is compressed with meshopt: pip install 'meshoptimizer>=0.2.30a0'"
        ) from error
    return meshoptimizer


def _decode(codec: ModuleType, mode: str, count: int, stride: int, source: bytes) -> np.ndarray:
    if mode == "ATTRIBUTES":
        return codec.decode_vertex_buffer(count, stride, source, dtype=np.dtype((np.uint8, (stride,))))
    decode = codec.decode_index_buffer if mode == "TRIANGLES" else codec.decode_index_sequence
    # The package hands out room for 4 bytes an index, and leaves half of it empty for short ones.
    return decode(count, stride, source).view(f"<u{stride}")[:count]


def _filtered(codec: ModuleType, data: np.ndarray, filtering: str, count: int, stride: int) -> np.ndarray:
    if filtering == "NONE":
        return data
    if filtering == "COLOR":
        return _colors(data.view(f"<u{stride // 4}"))
    names = {"OCTAHEDRAL": "oct", "QUATERNION": "quat", "EXPONENTIAL": "exp"}
    decode = getattr(codec, f"decode_filter_{names[filtering]}")
    return decode(data, ctypes.c_size_t(count), ctypes.c_size_t(stride))


def _colors(rows: np.ndarray) -> np.ndarray:
    """YCoCg and alpha ``(N, 4)`` to RGBA (filter COLOR of KHR_meshopt_compression).

    The highest bit of alpha tells how many bits the four have; they are stretched to the whole type.
    """
    top = np.iinfo(rows.dtype).max
    y, _, _, alpha = rows.astype(np.int64).T
    _, co, cg, _ = rows.view(rows.dtype.str.replace("u", "i")).astype(np.int64).T
    full = alpha.copy()
    for shift in (1, 2, 4, 8):
        full |= full >> shift
    alpha = (alpha << 1 & full) | (alpha & 1)
    channels = np.stack([y + co - cg, y + cg, y - co - cg, alpha], axis=1)
    stretched = np.floor(channels * (top / np.maximum(full, 1))[:, None] + 0.5)
    return np.clip(stretched, 0, top).astype(rows.dtype)
