"""Fetches a file from an address that a server gave: bounded, and by HTTP alone."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

_PIECE = 1 << 16
_GONE = (403, 404, 410)


class DownloadError(Exception):
    """Nothing, or not all, could be fetched; the message says why.

    Attributes:
        gone: there is nothing to be had from this address, also later: so the server says, or its scheme.
    """

    def __init__(self, reason: str, gone: bool = False) -> None:
        super().__init__(reason)
        self.gone = gone


def fetch(address: str, max_bytes: int, seconds: float) -> bytes:
    """What lies at an http or https address, over redirects to such addresses.

    Raises:
        DownloadError: it cannot be had whole within so many seconds, is larger than ``max_bytes``, or an
            address has another scheme.
    """
    if urlsplit(address).scheme not in ("http", "https"):
        raise DownloadError(f"it is neither http nor https: {address[:60]}", gone=True)
    end = time.monotonic() + seconds
    try:
        with _opener().open(address, timeout=seconds) as response:
            return _read(response, max_bytes, end)
    except urllib.error.HTTPError as error:
        raise DownloadError(f"HTTP {error.code} {error.reason}", gone=error.code in _GONE) from error
    except (OSError, HTTPException, ValueError) as error:
        raise DownloadError(f"{type(error).__name__}: {error}") from error


def _opener() -> urllib.request.OpenerDirector:
    """One that knows no other schemes: the usual one follows redirects to ftp."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


def _read(response: Any, max_bytes: int, end: float) -> bytes:
    told = response.headers.get("Content-Length")
    length = int(told) if told is not None and told.isdigit() else None
    if length is not None and length > max_bytes:
        raise DownloadError(f"too large: {length} bytes, above {max_bytes}")
    content = bytearray()
    while piece := response.read1(_PIECE):
        content += piece
        if len(content) > max_bytes:
            raise DownloadError(f"too large: more than {max_bytes} bytes")
        if time.monotonic() > end:
            raise DownloadError(f"not whole in time: {len(content)} bytes came")
    if length is not None and len(content) < length:
        raise DownloadError(f"cut off after {len(content)} of {length} bytes")
    return bytes(content)
