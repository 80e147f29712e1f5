"""Where a visitor types, and goes back to what was typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from emo3d_exp.studio.bars import note
from emo3d_exp.studio.examples import EXAMPLES
from emo3d_exp.studio.texts import shorten

if TYPE_CHECKING:
    from viser import ClientHandle


class TextPanel:
    """Text box with a note below it, and example sentences.

    Args:
        typed: called with the raw text at every change.
    """

    def __init__(self, client: ClientHandle, typed: Callable[[str], None]) -> None:
        gui = client.gui
        self.box = gui.add_text(
            "Text", "", multiline=True, hint="A feeling, a situation or a face, in English"
        )
        self.box.on_update(lambda _: typed(self.box.value))
        self.note = gui.add_html("")
        self._examples = gui.add_dropdown("Try", ("choose an example …", *EXAMPLES))
        self._examples.on_update(self._chosen)

    def _chosen(self, event: Any) -> None:
        if self._examples.value in EXAMPLES:
            self.box.value = self._examples.value

    def say(self, text: str) -> None:
        """Show a note below the box."""
        self.note.content = note(text)


class HistoryPanel:
    """A button for each text that was typed; React shows labels as they are, whatever signs are in them.

    Args:
        chosen: called with the text of the button.
    """

    def __init__(self, client: ClientHandle, chosen: Callable[[str], None], length: int) -> None:
        self._chosen, self._texts = chosen, [""] * length
        self._empty = client.gui.add_markdown("Texts that you type appear here, to go back to.")
        self._buttons = [self._button(client, place) for place in range(length)]

    def _button(self, client: ClientHandle, place: int) -> Any:
        button = client.gui.add_button("-", visible=False, color="gray")
        button.on_click(lambda _: self._chosen(self._texts[place]))
        return button

    def show(self, texts: Sequence[str]) -> None:
        """Put up the texts, newest first."""
        self._empty.visible = not texts
        for place, button in enumerate(self._buttons):
            known = place < len(texts)
            if known:
                self._texts[place] = texts[place]
                button.label = shorten(texts[place])
            button.visible = known
