"""Rigs by name or by file."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path

from emo3d_exp.errors import ConfigError
from emo3d_exp.faces.rig import Rig

BUILTIN_ASSET = "assets/builtin_head.glb"
RIGS: tuple[str, ...] = ("builtin", "ict_facekit", "gltf")


def load_rig(
    name: str | Path = "builtin", path: str | Path | None = None, identity: Sequence[float] | None = None
) -> Rig:
    """A rig by name or path.

    Args:
        name: ``builtin`` (shipped), ``ict_facekit``, ``gltf`` with ``path``, or the path of a .glb or .gltf
            file itself.
        path: the file of ``gltf``; the checkout or archive of ``ict_facekit``, which is fetched without.
        identity: of ``ict_facekit``: coefficients of its identity shapes, standard normal in its population;
            fewer than it has leave the rest at 0, None is the mean face.

    Raises:
        ConfigError: unknown name, or a path or identity that is missing, wrong or out of place.
        DataError: the file is not a usable rig.
        WeightsUnavailableError: ``ict_facekit`` is neither given nor cached nor reachable.
    """
    from emo3d_exp.faces.gltf import read_gltf

    if Path(name).suffix.lower() in (".glb", ".gltf"):
        name, path = "gltf", path or name
    if identity is not None and name != "ict_facekit":
        raise ConfigError(f"rig={name} has no identities, got rig.identity={identity}; use rig=ict_facekit")
    if name == "gltf":
        if path is None:
            raise ConfigError("rig=gltf needs rig.path, the .glb or .gltf file to show")
        return read_gltf(path)
    if name == "ict_facekit":
        from emo3d_exp.faces.ict import load_ict

        return load_ict(path, identity)
    if name != "builtin":
        raise ConfigError(f"unknown rig '{name}': choose {', '.join(RIGS)} or a .glb or .gltf file")
    if path is not None:
        raise ConfigError(f"rig=builtin takes no path, got '{path}'; use rig=gltf rig.path={path}")
    with as_file(files("emo3d_exp").joinpath(BUILTIN_ASSET)) as asset:
        return read_gltf(asset, name="builtin")
