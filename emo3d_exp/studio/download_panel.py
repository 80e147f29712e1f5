"""Buttons that save a face as a file."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from emo3d_exp.exporters import FORMATS
from emo3d_exp.studio.downloads import Saved, file_of, label_of
from emo3d_exp.studio.notices import errors_told

if TYPE_CHECKING:
    from viser import ClientHandle


class DownloadPanel:
    """One button a format.

    Args:
        saved: (number of the head, with the history?) → what is to be saved.
    """

    def __init__(self, client: ClientHandle, saved: Callable[[int, bool], Saved]) -> None:
        self.client, self._saved = client, saved
        gui = client.gui
        self._which = gui.add_dropdown("Which head", ("left", "right"), hint="With one head: that one")
        self._history = gui.add_checkbox(
            "Through history", False, hint="Moving files go through the texts of the history, oldest first"
        )
        self._buttons = {name: self._button(name) for name in FORMATS}
        self._working = threading.Lock()

    def _button(self, name: str) -> Any:
        button = self.client.gui.add_button(label_of(name), color="gray", hint=FORMATS[name].about)
        button.on_click(lambda _: self.save(name))
        return button

    def save(self, name: str) -> None:
        """Make the file and send it; until then all buttons rest, and a click has no effect."""
        if not self._working.acquire(blocking=False):
            return
        try:
            self._rest(name, True)
            with errors_told(self.client, "No file"):
                saved = self._saved(int(self._which.value == "right"), self._history.value)
                self.client.send_file_download(*file_of(name, saved), save_immediately=True)
        finally:
            self._rest(name, False)
            self._working.release()

    def _rest(self, name: str, resting: bool) -> None:
        with self.client.atomic():
            self._buttons[name].label = "working …" if resting else label_of(name)
            for button in self._buttons.values():
                button.disabled = resting
