"""The texts that a visitor tried."""

from __future__ import annotations


class History:
    """The last different texts, newest first.

    While somebody types, each pause would leave a piece of the sentence: a text that goes on where the newest
    one ends replaces it. A shorter one never does, and an emptied box ends the newest.
    """

    def __init__(self, length: int = 8) -> None:
        self.length = length
        self.texts: list[str] = []
        self._typing = False

    def add(self, text: str) -> None:
        """Put a text in front; the empty one is not kept."""
        going_on, self._typing = self._typing, bool(text)
        if not text:
            return
        if going_on and text != self.texts[0] and text.startswith(self.texts[0]):
            self.texts.pop(0)
        self.texts = [text, *(known for known in self.texts if known != text)][: self.length]
