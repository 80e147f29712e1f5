"""Buttons that save a face as a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from emo3d_exp.errors import Emo3DError
from emo3d_exp.exporters import FORMATS
from emo3d_exp.studio.downloads import Saved, file_of, label_of

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
        for name in FORMATS:
            self._add(name)

    def _add(self, name: str) -> None:
        button = self.client.gui.add_button(label_of(name), color="gray", hint=FORMATS[name].about)

        @button.on_click
        def _(_: object) -> None:
            button.disabled = True
            try:
                file, content = file_of(
                    name, self._saved(int(self._which.value == "right"), self._history.value)
                )
                self.client.send_file_download(file, content, save_immediately=True)
            except Emo3DError as error:
                self.client.add_notification("No file", str(error), color="red")
            finally:
                button.disabled = False
