"""Prompts as files with placeholders."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path
from string import Template

from emo3d_exp.errors import ConfigError

FOLDER = Path(__file__).parent / "templates"


class PromptTemplate:
    """A text file with placeholders such as ``$emotion`` or ``${emotion}``; ``$$`` is a dollar sign.

    Attributes:
        name: of the file, without its ending. text: its content. hash: 16 hex digits of that.
    """

    def __init__(self, file: str | None, default: str, known: Collection[str], needed: str) -> None:
        """
        Args:
            file: the user's; None for ``default``, a file of this package.
            known: placeholders that will be filled. needed: the one that must be among them.

        Raises:
            ConfigError: no such file, or other placeholders in it.
        """
        path = FOLDER / default if file is None else Path(file).expanduser()
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"template={path} cannot be read: {error}") from error
        self.name, self.text = path.stem, text
        self.hash = hashlib.sha256(text.encode()).hexdigest()[:16]
        self._template = Template(text)
        self._check(path, known, needed)

    def _check(self, path: Path, known: Collection[str], needed: str) -> None:
        if not self._template.is_valid():
            raise ConfigError(f"template={path}: a $ starts no placeholder; write $$ for a dollar sign")
        found = self._template.get_identifiers()
        if unknown := sorted(set(found) - set(known)):
            raise ConfigError(
                f"template={path}: unknown placeholders {_listed(unknown)}; "
                f"choose from {_listed(sorted(known))}"
            )
        if needed not in found:
            raise ConfigError(f"template={path} lacks the placeholder ${needed}")

    def filled(self, values: Mapping[str, object]) -> str:
        """The prompt."""
        return self._template.substitute(values)


def _listed(names: Collection[str]) -> str:
    return ", ".join(f"${name}" for name in names)
