"""glTF accessors as numpy arrays (glTF 2.0, section 3.6.2), every number checked before memory is taken."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pygltflib as gl

from emo3d_exp.faces.accessors import DTYPES, WIDTHS
from emo3d_exp.faces.gltf_container import Container
from emo3d_exp.faces.gltf_entries import Entry
from emo3d_exp.faces.gltf_resources import Buffers
from emo3d_exp.faces.meshopt import packed_view, unpack

MAX_COUNT = 6_000_000
"""Elements of one accessor; a face with more could not be posed anyway."""

MAX_UNPACKED = 1 << 29
UNSIGNED = (gl.UNSIGNED_BYTE, gl.UNSIGNED_SHORT, gl.UNSIGNED_INT)


class AccessorReader:
    """Reads accessors of one document; buffers are loaded, and packed views unpacked, once."""

    def __init__(self, container: Container) -> None:
        self.container, self.buffers = container, Buffers(container)
        self._unpacked: dict[int, bytes] = {}

    def count(self, index: int) -> int:
        """How many elements accessor ``index`` has, without reading them."""
        accessor = self.container.item("accessors", index)
        count = accessor.integer("count", low=1)
        if count > MAX_COUNT:
            accessor.fail(f"has {count} elements, more than the {MAX_COUNT} of any face")
        return count

    def read(self, index: int, types: Collection[str], count: int | None = None) -> np.ndarray:
        """Accessor ``index`` as ``(count, width)``: float32 when float or normalised, else integers.

        Strides, sparse values over a base or over zeros, and normalised integers are resolved.

        Args:
            index: which.
            types: types that will do, such as ``VEC3``.
            count: how many elements there must be, if that is known.

        Raises:
            DataError: it is not of that kind, reaches outside its buffer, or holds NaN or infinity.
        """
        accessor = self.container.item("accessors", index)
        found = self.count(index)
        if count is not None and found != count:
            accessor.fail(f"has {found} elements where {count} are needed")
        kind = accessor.text("type")
        if kind not in types:
            accessor.fail(f"has the type {kind[:20]!r} where {' or '.join(types)} is needed")
        dtype = _dtype(accessor, DTYPES)
        values = self._base(accessor, found, dtype, WIDTHS[kind])
        if (sparse := accessor.entry("sparse")) is not None:
            self._fill_sparse(values, sparse)
        if accessor.value.get("normalized") and dtype.kind in "iu":
            return np.maximum(values.astype(np.float32) / np.float32(np.iinfo(dtype).max), -1.0)
        if dtype.kind == "f" and not np.isfinite(values).all():
            accessor.fail("holds numbers that are not finite")
        return values

    def view_bytes(self, index: int) -> memoryview:
        """The bytes of a buffer view, unpacked if need be."""
        view = self.container.item("bufferViews", index)
        packed = packed_view(view)
        if packed is None:
            return self.buffers.slice(view)
        if index not in self._unpacked:
            data = unpack(packed, self.buffers.slice(packed), view.integer("byteLength", low=1))
            if len(data) + sum(map(len, self._unpacked.values())) > MAX_UNPACKED:
                view.fail(f"unpacks to more than {MAX_UNPACKED >> 20} MiB with those before it")
            self._unpacked[index] = data
        return memoryview(self._unpacked[index])

    def _base(self, accessor: Entry, count: int, dtype: np.dtype, width: int) -> np.ndarray:
        if "bufferView" in accessor:
            return self._elements(accessor, count, dtype, width)
        return np.zeros((count, width), dtype)

    def _fill_sparse(self, values: np.ndarray, sparse: Entry) -> None:
        count = sparse.integer("count", low=1)
        where, what = sparse.entry("indices"), sparse.entry("values")
        if count > len(values) or where is None or what is None:
            sparse.fail(f"does not fit: {count} values over {len(values)} elements")
        rows = self._elements(where, count, _dtype(where, UNSIGNED), 1)[:, 0].astype(np.int64)
        if rows[-1] >= len(values) or (np.diff(rows) <= 0).any():
            sparse.fail(f"has indices that do not rise within the {len(values)} elements")
        values[rows] = self._elements(what, count, values.dtype, values.shape[1])

    def _elements(self, place: Entry, count: int, dtype: np.dtype, width: int) -> np.ndarray:
        """``count`` elements where ``bufferView`` and ``byteOffset`` of ``place`` say."""
        index = place.integer("bufferView")
        data, offset = self.view_bytes(index), place.integer("byteOffset", 0)
        view = self.container.item("bufferViews", index)
        size = dtype.itemsize * width
        stride = view.integer("byteStride", size)
        if stride < size:
            view.fail(f"has a byteStride of {stride}, less than the {size} bytes of an element")
        if (offset + view.integer("byteOffset", 0)) % dtype.itemsize or stride % dtype.itemsize:
            place.fail(f"is not aligned to its components of {dtype.itemsize} bytes")
        end = offset + stride * (count - 1) + size
        if end > len(data):
            place.fail(f"needs {end} bytes of bufferViews[{index}], which has {len(data)}")
        return np.ndarray((count, width), dtype, data, offset, (stride, dtype.itemsize)).copy()


def _dtype(entry: Entry, allowed: Collection[int]) -> np.dtype:
    code = entry.integer("componentType")
    if code not in allowed:
        entry.fail(f"has the component type {code}, which does not go there")
    return DTYPES[code]
