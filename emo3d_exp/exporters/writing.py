"""Exports as bytes and as files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from emo3d_exp.errors import ConfigError
from emo3d_exp.exporters.formats import FORMATS, format_of
from emo3d_exp.exporters.request import ExportRequest
from emo3d_exp.runs import write_atomically


class Exported(NamedTuple):
    """Content of a file, the suffix for its name (with the dot), and its media type."""

    content: bytes
    suffix: str
    mime: str


def export_bytes(format: str, request: ExportRequest) -> Exported:
    """Faces as one file in memory.

    Args:
        format: a name of ``FORMATS``.

    Raises:
        ConfigError: unknown format, or several faces for a format of one.
        ValueError: the format shows a rig and the request has none.
    """
    chosen = format_of(format)
    if chosen.faces == "one" and len(request) > 1:
        raise ConfigError(f"format={format} holds one face, got {len(request)}; export them one by one")
    request = replace(request, fps=request.fps or chosen.fps)
    return Exported(chosen.encode(request), chosen.suffix, chosen.mime)


def export(format: str, request: ExportRequest, path: Path | str) -> list[Path]:
    """Faces as files, each written atomically.

    Args:
        format: a name of ``FORMATS``.
        path: of the file; where a format holds one face and there are several, ``face.glb`` is followed by
            ``face_2.glb`` and so on. Captions stand in files, never in their names.

    Returns:
        The paths written.

    Raises:
        ConfigError: as :func:`export_bytes` and :func:`checked_place`, or a place that cannot be written.
    """
    path, chosen = checked_place(format, path), format_of(format)
    parts = [request] if chosen.faces == "many" else _one_by_one(request)
    more = [path.with_name(f"{path.stem}_{number}{path.suffix}") for number in range(2, len(parts) + 1)]
    for part, place in zip(parts, [path, *more], strict=True):
        content = export_bytes(format, part).content
        try:
            with write_atomically(place) as partial:
                partial.write_bytes(content)
        except OSError as error:
            raise ConfigError(f"cannot write {place}: {error}; choose another place with out=…") from error
    return [path, *more]


def checked_place(format: str, path: Path | str) -> Path:
    """``path``, if it can be the name of such a file. Raises ConfigError: no name, or another suffix."""
    path, suffix = Path(path), format_of(format).suffix
    if not path.name:
        raise ConfigError(f"out={path}: give the name of a file, such as out=face{suffix}")
    if path.suffix.lower() not in ("", suffix):
        others = [name for name, kind in FORMATS.items() if kind.suffix == path.suffix.lower()]
        other = f", or one of format={', '.join(others)}" if others else ""
        raise ConfigError(
            f"out={path}: format={format} is written as {suffix}, not as {path.suffix}; "
            f"give out={path.with_suffix(suffix)}{other}"
        )
    return path


def _one_by_one(request: ExportRequest) -> list[ExportRequest]:
    def only(values: Any, row: int) -> Any:
        return values if values is None or not len(values) else values[row : row + 1]

    names = ("blendshapes", "captions", "sample_id", "text_number")
    return [
        replace(request, **{name: only(getattr(request, name), row) for name in names})
        for row in range(len(request))
    ]
