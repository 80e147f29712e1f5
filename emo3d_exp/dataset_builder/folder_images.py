"""Photographs that the user has."""

from __future__ import annotations

import hashlib
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from emo3d_exp.data.archives import safe_name
from emo3d_exp.dataset_builder.addresses import refuse_secrets
from emo3d_exp.dataset_builder.image_stage import MAX_FACES, ImageStage, Picture
from emo3d_exp.dataset_builder.stage import Row
from emo3d_exp.errors import ConfigError, DataError
from emo3d_exp.runs import available_cores

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

    Files = dict[int, list[tuple[str, int]]]

NAME = re.compile(r"(\d+)_(\d+)\.(?:jpe?g|png|webp)", re.IGNORECASE)
MAX_BYTES = 64 << 20


class FolderImages(ImageStage):
    """Photographs from a folder, a zip archive, or any address that fsspec knows; the first 4 of a sample.

    Args:
        root: the folder or ``.zip`` file: a path, or an address such as ``s3://bucket/faces``.
        mapping: CSV or parquet file (path or address) with columns ``sample_id``, ``file`` (below ``root``)
            and perhaps ``text_number`` (from 1); None takes files ``<sample_id>_<n>.jpg``, .png or .webp
            anywhere below ``root``, in the order of n.
        min_size: pixels that both sides must have.
        processes: that read; None for one a core.
    """

    reads = {"texts": ("texts",), "emotions": ()}  # noqa: RUF012

    def __init__(
        self, root: str | None, mapping: str | None = None, min_size: int = 64, processes: int | None = None
    ) -> None:
        if not root:
            raise ConfigError("builder.images.root: give the folder, archive or address of the photographs")
        refuse_secrets("builder.images.root", str(root))
        refuse_secrets("builder.images.mapping", str(mapping or ""))
        self.root, self.mapping, self.min_size = str(root), mapping, min_size
        self.processes = processes or available_cores()

    def __getstate__(self) -> dict[str, Any]:
        # Connections belong to one process.
        return {key: value for key, value in self.__dict__.items() if key not in ("_place", "_files")}

    def check(self) -> None:
        self.parameters()
        self._place  # noqa: B018  it opens the folder, archive or address

    def parameters(self) -> dict[str, Any]:
        listed = hashlib.sha256(self._mapping_bytes()).hexdigest() if self.mapping else None
        return {"source": "folder", "root": self.root, "mapping": listed, "min_size": self.min_size}

    def pictures(self, row: Row) -> Iterator[Picture]:
        for file, text_number in self._files.get(row["sample_id"], [])[:MAX_FACES]:
            if text_number > len(row["texts"]):
                yield Picture(text_number, reason=f"{file}: the sample has no text {text_number}")
                continue
            yield self._picture(file, text_number)

    def _picture(self, file: str, text_number: int) -> Picture:
        system, base = self._place
        path = f"{base}/{file}" if base else file
        try:
            if (size := system.size(path)) is not None and size > MAX_BYTES:
                return Picture(text_number, reason=f"{file}: {size} bytes, more than {MAX_BYTES}")
            return Picture(text_number, system.cat_file(path))
        except FileNotFoundError:
            return Picture(text_number, reason=f"{file}: no such file below {self.root}")
        except Exception as error:  # every file system raises its own kinds
            return Picture(text_number, reason=f"{file}: cannot be read: {type(error).__name__}: {error}")

    @cached_property
    def _place(self) -> tuple[AbstractFileSystem, str]:
        """The file system and the folder in it, without a slash at its end."""
        import fsspec

        try:
            if PurePosixPath(self.root).suffix.lower() == ".zip":
                return fsspec.filesystem("zip", fo=self.root), ""
            system, base = fsspec.core.url_to_fs(self.root)
            found = system.isdir(base)
        except Exception as error:  # a wrong address, an archive that is none, a missing driver
            raise DataError(f"builder.images.root={self.root} cannot be opened: {error}") from error
        if not found:
            raise DataError(f"builder.images.root={self.root} is no folder and no .zip file")
        return system, base.rstrip("/")

    @cached_property
    def _files(self) -> Files:
        found: Files = defaultdict(list)
        for sample, file, text_number in self._mapped() if self.mapping else self._named():
            found[sample].append((file, text_number))
        return dict(found)

    def _named(self) -> Iterable[tuple[int, str, int]]:
        system, base = self._place
        numbered = []
        for path in system.find(base):
            match = NAME.fullmatch(PurePosixPath(path).name)
            if match:
                file = path.removeprefix(base).lstrip("/")
                numbered.append((int(match[1]), int(match[2]), file))
        return [(sample, file, 1) for sample, _, file in sorted(numbered)]

    def _mapped(self) -> Iterable[tuple[int, str, int]]:
        import pandas as pd

        data = io.BytesIO(self._mapping_bytes())
        try:
            table = pd.read_parquet(data) if str(self.mapping).endswith(".parquet") else pd.read_csv(data)
            numbers = table["text_number"] if "text_number" in table else [1] * len(table)
            rows = zip(table["sample_id"], table["file"], numbers, strict=True)
            found = [(int(sample), safe_name(str(file)), int(number)) for sample, file, number in rows]
            if any(number < 1 for _, _, number in found):
                raise ValueError("text_number counts from 1")
        except KeyError as error:
            raise DataError(f"{self.mapping} has no column {error}; it needs sample_id and file") from error
        except (ValueError, OSError) as error:
            raise DataError(f"{self.mapping}: {error}") from error
        return found

    def _mapping_bytes(self) -> bytes:
        import fsspec

        try:
            with fsspec.open(str(self.mapping), "rb") as file:
                return file.read()
        except Exception as error:
            raise DataError(f"builder.images.mapping={self.mapping} cannot be read: {error}") from error
