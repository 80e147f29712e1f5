"""51 sliders in folders."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from emo3d_exp.studio.sliders import GROUPS, label
from emo3d_exp.vocab import BLENDSHAPES

if TYPE_CHECKING:
    from viser import ClientHandle


class SliderPanel:
    """Sliders of the left (or only) head.

    Args:
        moved: called with (index, value, both sides) when the visitor moves a slider.
    """

    def __init__(self, client: ClientHandle, moved: Callable[[int, float, bool], None]) -> None:
        self.client, self._moved = client, moved
        self._handles: dict[int, Any] = {}
        gui = client.gui
        self._both = gui.add_checkbox("Both sides together", True, hint="A slider moves its mirror image too")
        for title, indices in GROUPS.items():
            with gui.add_folder(title, expand_by_default=title == "Mouth"):
                for index in indices:
                    self._add(index)
        gui.add_markdown("The 52nd score, `_neutral`, moves nothing and has no slider.")

    def _add(self, index: int) -> None:
        handle = self.client.gui.add_slider(label(index), 0.0, 1.0, 0.01, 0.0, hint=BLENDSHAPES[index])
        self._handles[index] = handle

        @handle.on_update
        def _(event: Any) -> None:
            if event.client is not None:  # the visitor, not :meth:`show`
                self._moved(index, float(handle.value), bool(self._both.value))

    def show(self, face: np.ndarray, indices: Iterable[int] | None = None) -> None:
        """Set sliders to a ``(52,)`` face: those of ``indices``, or all."""
        with self.client.atomic():
            for index in self._handles if indices is None else indices:
                self._handles[index].value = round(float(face[index]), 2)
