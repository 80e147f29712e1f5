"""Addresses of files, which are written down and must not hold secrets."""

from __future__ import annotations

from urllib.parse import urlsplit

from emo3d_exp.errors import ConfigError

_PATHS = ("file", "local", "memory")
"""What follows is a path, in which any character may stand."""
_NAMES_ARE_SECRETS = ("http", "https", "s3", "s3a")
"""Elsewhere a name before ``@`` is a user's, or a container's."""


def refuse_secrets(setting: str, address: str) -> None:
    """Raise ConfigError for an address of fsspec's with a password, key, query or fragment in it, in any part
    of a chained one (``zip://*.png::https://…``). A path passes, whatever it holds."""
    if any(_holds_secret(part) for part in address.split("::")):
        raise ConfigError(
            f"{setting} holds a name, password, query or fragment, which would be written into manifests: "
            "give it where fsspec looks for it, its configuration file or the environment"
        )


def _holds_secret(part: str) -> bool:
    scheme, mark, rest = part.partition("://")
    if not mark or scheme.lower() in _PATHS:
        return False
    if "?" in rest or "#" in rest:
        return True
    try:
        parts = urlsplit(part)
    except ValueError:  # what cannot be read may hold anything
        return "@" in rest
    return bool(parts.password or (parts.username and scheme.lower() in _NAMES_ARE_SECRETS))
