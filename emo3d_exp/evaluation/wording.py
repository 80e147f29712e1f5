"""Numbers in sentences."""

from __future__ import annotations


def counted(number: int, one: str, many: str = "") -> str:
    """``1 face``, ``0 faces``; many: where it is not ``one`` with an s, such as ``faces have``."""
    return f"{number} {one if number == 1 else many or one + 's'}"
