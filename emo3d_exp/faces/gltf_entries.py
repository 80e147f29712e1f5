"""Objects of a glTF document with checked fields: whatever is wrong is told with file and place."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from emo3d_exp.errors import DataError

EXACT = 2**53
"""Beyond it, a JSON number is no longer one integer."""


class Entry:
    """One JSON object, read only; ``place`` is where it stands, such as ``accessors[3]``."""

    def __init__(self, value: Any, place: str, path: Path) -> None:
        self.place, self.path = place, path
        if not isinstance(value, dict):
            self.fail(f"must be an object, got {_short(value)}")
        self.value: dict[str, Any] = value

    def fail(self, problem: str) -> NoReturn:
        """Raise DataError: file, place, problem."""
        raise DataError(f"{self.path}: {self.place} {problem}")

    def __contains__(self, key: str) -> bool:
        return self.value.get(key) is not None

    def integer(self, key: str, default: int | None = None, low: int = 0) -> int:
        """A whole number of at least ``low``; an error where it is absent and there is no default."""
        found = self.value.get(key)
        if found is None and default is not None:
            return default
        if isinstance(found, float) and found.is_integer():
            found = int(found)
        if isinstance(found, bool) or not isinstance(found, int) or not low <= found < EXACT:
            self.fail(f"needs a whole number of at least {low} as '{key}', got {_short(found)}")
        return found

    def numbers(self, key: str, count: int, default: tuple[float, ...]) -> tuple[float, ...]:
        """``count`` finite numbers."""
        found = self.value.get(key)
        if found is None:
            return default
        if not isinstance(found, list) or len(found) != count or not all(map(_is_finite, found)):
            self.fail(f"needs {count} finite numbers as '{key}', got {_short(found)}")
        return tuple(float(number) for number in found)

    def number(self, key: str, default: float) -> float:
        """A finite number."""
        found = self.value.get(key)
        if found is None:
            return default
        if not _is_finite(found):
            self.fail(f"needs a finite number as '{key}', got {_short(found)}")
        return float(found)

    def text(self, key: str, default: str = "") -> str:
        """A string."""
        found = self.value.get(key)
        if found is None:
            return default
        if not isinstance(found, str):
            self.fail(f"needs a string as '{key}', got {_short(found)}")
        return found

    def items(self, key: str) -> list[Any]:
        """A list as it is, empty where absent."""
        found = self.value.get(key)
        if found is None:
            return []
        if not isinstance(found, list):
            self.fail(f"needs a list as '{key}', got {_short(found)}")
        return found

    def indices(self, key: str) -> list[int]:
        """A list of whole numbers."""
        return [
            Entry({"index": index}, f"{self.place}.{key}[{position}]", self.path).integer("index")
            for position, index in enumerate(self.items(key))
        ]

    def entries(self, key: str) -> Iterator[Entry]:
        """The objects in a list."""
        for position, value in enumerate(self.items(key)):
            yield Entry(value, f"{self.place}.{key}[{position}]", self.path)

    def entry(self, key: str) -> Entry | None:
        """The object under a key, or None."""
        found = self.value.get(key)
        return None if found is None else Entry(found, f"{self.place}.{key}", self.path)

    def extension(self, name: str) -> Entry | None:
        """What an extension says of this object."""
        extensions = self.entry("extensions")
        return None if extensions is None else extensions.entry(name)


def _is_finite(number: Any) -> bool:
    try:
        return isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number)
    except OverflowError:
        return False


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    if isinstance(value, int) and abs(value) >= EXACT:
        return "a huge number"
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
