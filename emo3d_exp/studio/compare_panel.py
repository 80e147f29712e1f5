"""Which runs answer, on which head."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emo3d_exp.studio.models import Models

if TYPE_CHECKING:
    from viser import ClientHandle

NOBODY = "none"


class ComparePanel:
    """Choices of runs and rigs.

    Args:
        runs_chosen: called with one or two run folders. head_chosen: with a name of the list of heads.
        head_uploaded: with a file's name and content.
    """

    def __init__(
        self,
        client: ClientHandle,
        models: Models,
        runs_chosen: Callable[[list[Path]], None],
        head_chosen: Callable[[str], None],
        head_uploaded: Callable[[str, bytes], None],
    ) -> None:
        gui, choices = client.gui, models.choices()
        self._paths = {_title(path, choices): path for path in choices}
        titles, self._rigs = tuple(self._paths), tuple(models.rigs())
        second = NOBODY if models.second is None else titles[1]
        self.run = gui.add_dropdown("Run", titles, initial_value=titles[0])
        self.other = gui.add_dropdown(
            "Beside it", (NOBODY, *titles), initial_value=second, hint="A second run, on a head of its own"
        )
        self._runs_chosen, self._head_chosen = runs_chosen, head_chosen
        for handle in (self.run, self.other):
            handle.on_update(self._runs_changed)
        self.head = gui.add_dropdown("Head", self._rigs, initial_value=models.rig)
        self.head.on_update(self._head_changed)
        upload = gui.add_upload_button("Show a head of yours (.glb)", mime_type=".glb,model/gltf-binary")
        upload.on_upload(lambda _: head_uploaded(upload.value.name, upload.value.content))
        gui.add_markdown(
            "A head needs morph targets with ARKit's names; it stays with this page and is not kept."
        )

    def show(self, runs: Sequence[Path], head: str, uploaded: str | None) -> None:
        """Set the lists to what is on the screen; ``uploaded`` is the visitor's own head, if there is one."""
        titles = {path.resolve(): title for title, path in self._paths.items()}
        shown = [titles[path.resolve()] for path in runs]
        self.run.value, self.other.value = shown[0], shown[1] if len(shown) > 1 else NOBODY
        self.head.options = self._rigs if uploaded is None else (*self._rigs, uploaded)
        self.head.value = head

    def _runs_changed(self, event: Any) -> None:
        if event.client is None:  # not the visitor, but :meth:`show`
            return
        titles = [self.run.value] + ([] if self.other.value == NOBODY else [self.other.value])
        self._runs_chosen([self._paths[title] for title in titles])

    def _head_changed(self, event: Any) -> None:
        if event.client is not None:
            self._head_chosen(self.head.value)


def _title(path: Path, among: list[Path]) -> str:
    """The folder's name, or the whole path where two folders share it."""
    same = [other for other in among if other.resolve().name == path.resolve().name]
    return path.resolve().name if len(same) == 1 else str(path)
