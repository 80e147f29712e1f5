"""The texts that a visitor tried."""

from __future__ import annotations


class History:
    """The last different texts, newest first.

    While somebody types, each pause would leave a piece of the sentence: a text that only goes on with the
    newest one, or takes back some of it, replaces it.
    """

    def __init__(self, length: int = 8) -> None:
        self.length = length
        self.texts: list[str] = []

    def add(self, text: str) -> None:
        """Put a text in front; the empty one is not kept."""
        if not text:
            return
        newest = self.texts[0] if self.texts else ""
        if newest and (text.startswith(newest) or newest.startswith(text)):
            self.texts.pop(0)
        self.texts = [text, *(known for known in self.texts if known != text)][: self.length]
