"""Buttons that save a face as a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.errors import Emo3DError
from emo3d_exp.studio.appearance import Appearance
from emo3d_exp.studio.downloads import DOWNLOADS, Download, file_name

if TYPE_CHECKING:
    from viser import ClientHandle


class DownloadPanel:
    """One button a format.

    Args:
        face: ``left`` or ``right`` → (scores, head, text) as they are now.
    """

    def __init__(
        self, client: ClientHandle, face: Callable[[str], tuple[np.ndarray, Appearance, str]]
    ) -> None:
        self.client, self._face = client, face
        self._which = client.gui.add_dropdown("Which head", ("left", "right"), hint="With one head: that one")
        for download in DOWNLOADS:
            self._add(download)

    def _add(self, download: Download) -> None:
        button = self.client.gui.add_button(download.label, color="gray")

        @button.on_click
        def _(_: object) -> None:
            scores, appearance, text = self._face(self._which.value)
            try:
                content = download.make(scores, appearance, text)
            except Emo3DError as error:
                self.client.add_notification("No file", str(error), color="red")
                return
            name = file_name(text, download.suffix)
            self.client.send_file_download(name, content, save_immediately=True)
