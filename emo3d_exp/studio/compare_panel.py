"""Which runs answer, on which head."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emo3d_exp.studio.models import Models

if TYPE_CHECKING:
    from viser import ClientHandle

NOBODY = "none"
LARGEST_UPLOAD = 64 * 2**20


class ComparePanel:
    """Choices of runs and rigs.

    Args:
        runs_chosen: called with one or two run folders. rig_chosen: with a rig's name. rig_uploaded: with a
            file's name and content.
    """

    def __init__(
        self,
        client: ClientHandle,
        models: Models,
        runs_chosen: Callable[[list[Path]], None],
        rig_chosen: Callable[[str], None],
        rig_uploaded: Callable[[str, bytes], None],
    ) -> None:
        gui, choices = client.gui, models.choices()
        self._paths = {_title(path, choices): path for path in choices}
        titles = tuple(self._paths)
        second = NOBODY if models.second is None else titles[1]
        self.run = gui.add_dropdown("Run", titles, initial_value=titles[0])
        self.other = gui.add_dropdown(
            "Beside it", (NOBODY, *titles), initial_value=second, hint="A second run, on a head of its own"
        )
        self._runs_chosen = runs_chosen
        for handle in (self.run, self.other):
            handle.on_update(self._runs_changed)
        self.rig = gui.add_dropdown("Head", tuple(models.rigs()), initial_value=models.rig)
        self.rig.on_update(lambda _: rig_chosen(self.rig.value))
        upload = gui.add_upload_button("Show a head of yours (.glb)", mime_type=".glb,model/gltf-binary")
        upload.on_upload(lambda _: rig_uploaded(upload.value.name, upload.value.content))
        gui.add_markdown(
            "A head needs morph targets with ARKit's names; it stays with this page and is not kept."
        )

    def _runs_changed(self, event: Any) -> None:
        titles = [self.run.value] + ([] if self.other.value == NOBODY else [self.other.value])
        self._runs_chosen([self._paths[title] for title in titles])


def _title(path: Path, among: list[Path]) -> str:
    """The folder's name, or the whole path where two folders share it."""
    same = [other for other in among if other.resolve().name == path.resolve().name]
    return path.resolve().name if len(same) == 1 else str(path)
