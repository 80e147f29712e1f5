"""numpy arrays as glTF accessors (glTF 2.0, section 3.6.2); ``accessor_reading`` is the way back."""

from __future__ import annotations

import numpy as np
import pygltflib as gl

DTYPES = {
    gl.BYTE: np.dtype("<i1"),
    gl.UNSIGNED_BYTE: np.dtype("<u1"),
    gl.SHORT: np.dtype("<i2"),
    gl.UNSIGNED_SHORT: np.dtype("<u2"),
    gl.UNSIGNED_INT: np.dtype("<u4"),
    gl.FLOAT: np.dtype("<f4"),
}
CODES = {dtype: code for code, dtype in DTYPES.items()}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
TYPES = {width: name for name, width in WIDTHS.items()}


class AccessorWriter:
    """Collects arrays into the one binary buffer of a document."""

    def __init__(self, document: gl.GLTF2) -> None:
        self.document, self.data = document, bytearray()

    def dense(self, values: np.ndarray, target: int | None = None, normalized: bool = False) -> int:
        """Add a ``(N,)`` or ``(N, width)`` array; returns the accessor's index.

        Vertex attributes are padded so that every element starts at a multiple of 4 bytes.
        """
        rows = np.atleast_2d(values.T).T
        size = rows.dtype.itemsize * rows.shape[1]
        stride = -(-size // 4) * 4 if target == gl.ARRAY_BUFFER else size
        padded = np.zeros((len(rows), stride), np.uint8)
        padded[:, :size] = np.ascontiguousarray(rows).view(np.uint8).reshape(len(rows), size)
        view = self._append(padded.tobytes(), target, stride if target == gl.ARRAY_BUFFER else None)
        return self._accessor(rows, view, normalized)

    def sparse(self, values: np.ndarray, normalized: bool = False) -> int:
        """Add an array that is mostly zero as a sparse accessor over zeros."""
        rows = np.atleast_2d(values.T).T
        index = np.flatnonzero(rows.any(axis=1))
        index = index if len(index) else np.zeros(1, np.int64)
        kind = np.dtype("<u2") if len(rows) <= 65536 else np.dtype("<u4")
        where = self._append(index.astype(kind).tobytes())
        what = self._append(np.ascontiguousarray(rows[index]).tobytes())
        accessor = self._accessor(rows, None, normalized)
        self.document.accessors[accessor].sparse = gl.Sparse(
            count=len(index),
            indices=gl.AccessorSparseIndices(bufferView=where, componentType=CODES[kind], byteOffset=0),
            values=gl.AccessorSparseValues(bufferView=what, byteOffset=0),
        )
        return accessor

    def finish(self) -> None:
        """Hand the buffer to the document."""
        self.document.buffers = [gl.Buffer(byteLength=len(self.data))]
        self.document.set_binary_blob(bytes(self.data))

    def _accessor(self, rows: np.ndarray, view: int | None, normalized: bool) -> int:
        self.document.accessors.append(
            gl.Accessor(
                bufferView=view,
                byteOffset=None if view is None else 0,
                componentType=CODES[rows.dtype.newbyteorder("<")],
                normalized=normalized,
                count=len(rows),
                type=TYPES[rows.shape[1]],
                min=rows.min(axis=0).tolist(),
                max=rows.max(axis=0).tolist(),
            )
        )
        return len(self.document.accessors) - 1

    def _append(self, block: bytes, target: int | None = None, stride: int | None = None) -> int:
        self.data.extend(b"\0" * (-len(self.data) % 4))
        view = gl.BufferView(
            buffer=0, byteOffset=len(self.data), byteLength=len(block), target=target, byteStride=stride
        )
        self.data.extend(block)
        self.document.bufferViews.append(view)
        return len(self.document.bufferViews) - 1
