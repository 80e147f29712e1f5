"""One visitor's page: what stands where, and what follows from what."""

from __future__ import annotations

import html
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from emo3d_exp.errors import Emo3DError
from emo3d_exp.studio.appearance import Appearance
from emo3d_exp.studio.bars import emotion_bars, note
from emo3d_exp.studio.compare_panel import LARGEST_UPLOAD, ComparePanel
from emo3d_exp.studio.download_panel import DownloadPanel
from emo3d_exp.studio.downloads import Saved
from emo3d_exp.studio.latest import Latest
from emo3d_exp.studio.models import Models
from emo3d_exp.studio.runs import LoadedRun
from emo3d_exp.studio.slider_panel import SliderPanel
from emo3d_exp.studio.stage import Stage
from emo3d_exp.studio.state import VisitorState, neutral_face
from emo3d_exp.studio.text_panel import HistoryPanel, TextPanel
from emo3d_exp.studio.texts import clean

if TYPE_CHECKING:
    from viser import ClientHandle

TYPING_PAUSE = 0.25
TEXT_SECONDS = 0.4
SLIDER_SECONDS = 0.15
BUTTON_SECONDS = 0.3


class Page:
    """Everything that one visitor sees and does; nothing in it is shared but ``models``."""

    def __init__(self, client: ClientHandle, models: Models) -> None:
        self.client, self.models = client, models
        self.state = VisitorState()
        self._changing = threading.RLock()
        self.runs: list[LoadedRun] = [models.run(p) for p in (models.first, models.second) if p is not None]
        self.appearance = models.head(models.rig)
        self.state.answer("", [neutral_face() for _ in self.runs])
        self.stage = Stage(client)
        self._texts = Latest(self._answer, TYPING_PAUSE, name=f"texts of visitor {client.client_id}")
        self._readings = Latest(self._read, 0.1, name=f"readings of visitor {client.client_id}")
        self._build()
        self._put_up()
        self.text.say(clean("").note)
        self._readings.put(None)

    def close(self) -> None:
        """End this visitor's threads."""
        for worker in (self._texts, self._readings):
            worker.close()
        self.stage.close()

    def _build(self) -> None:
        gui = self.client.gui
        gui.main_panel.dock_right()
        gui.main_panel.set_width(400)
        self._status = gui.add_html("")
        self.text = TextPanel(self.client, self._texts.put)
        self._reading = gui.add_html("")
        tabs = gui.add_tab_group()
        with tabs.add_tab("Face"):
            self._face_buttons()
            self.sliders = SliderPanel(self.client, self._slider_moved)
        with tabs.add_tab("History"):
            self.history = HistoryPanel(self.client, self._go_back, self.state.history.length)
        with tabs.add_tab("Compare"):
            self.compare = ComparePanel(
                self.client, self.models, self._choose_runs, self._choose_rig, self._take_rig
            )
        with tabs.add_tab("Download"):
            self.download = DownloadPanel(self.client, self._saved)
        self._look_buttons()

    def _face_buttons(self) -> None:
        gui = self.client.gui
        buttons = gui.add_button_group(
            "Face", ("neutral", "mirror", "as predicted"), hint="Sliders act on the left head"
        )
        acts = {"neutral": self.state.rest, "mirror": self.state.mirror, "as predicted": self.state.restore}
        buttons.on_click(lambda _: self._change(acts[buttons.value]))

    def _look_buttons(self) -> None:
        gui = self.client.gui
        front = gui.add_button("View from the front", color="gray")
        front.on_click(lambda _: self.stage.face_camera())
        dark = gui.add_checkbox("Dark page", False)

        @dark.on_update
        def _(_: object) -> None:
            theme(self.client, dark.value)
            self.stage.set_background(dark.value)

    def _put_up(self) -> None:
        names = [f"{run.model} · {run.name}" for run in self.runs]
        self.stage.show(self.appearance, self.state.faces, names)
        lines = [
            f"<b>{html.escape(run.model)}</b> · {html.escape(run.name)}<br>{html.escape(run.scores())}"
            for run in self.runs
        ]
        if [run.path for run in self.runs][:1] == [self.models.first]:
            lines.append(f"<i>{html.escape(self.models.why)}</i>")
        style = "padding:.3em 1em;font-size:12px;opacity:.85;overflow-wrap:anywhere"
        self._status.content = f'<div style="{style}">{"<br>".join(lines)}</div>'

    def _answer(self, raw: str) -> None:
        typed = clean(raw)
        with self._changing:
            faces = [self.models.predict(run, typed.text) for run in self.runs]
            self.state.answer(typed.text, faces)
            self._moved(TEXT_SECONDS)
        self.text.say(typed.note)
        self.history.show(self.state.history.texts)

    def _change(self, act: Callable[[], None]) -> None:
        with self._changing:
            act()
            self._moved(BUTTON_SECONDS)

    def _slider_moved(self, index: int, value: float, both: bool) -> None:
        with self._changing:
            changed = self.state.set_score(index, value, both)
            self.sliders.show(self.state.faces[0], [other for other in changed if other != index])
            self.stage.heads[0].move_to(self.state.faces[0], SLIDER_SECONDS)
        self._readings.put(None)

    def _moved(self, seconds: float) -> None:
        self.stage.move(self.state.faces, seconds)
        self.sliders.show(self.state.faces[0])
        self._readings.put(None)

    def _read(self, _: None) -> None:
        if not self.models.reader_known.is_set():
            self._reading.content = note(self.models.no_reader)
            self.models.reader_known.wait()
        reader = self.models.reader
        if reader is None:
            self._reading.content = note(self.models.no_reader)
            return
        faces, text = list(self.state.faces), self.state.text
        read = reader.pictures([self.appearance.picture(face) for face in faces])
        names = ["in the face"] if len(faces) == 1 else ["in the left face", "in the right face"]
        readings = dict(zip(names, read, strict=True))
        if text:
            readings["in the words"] = reader.text(text)
        self._reading.content = emotion_bars(readings, reader.about())

    def _go_back(self, text: str) -> None:
        self.text.box.value = text
        self._texts.put(text)

    def _choose_runs(self, paths: list[Path]) -> None:
        def load() -> None:
            self.runs = [self.models.run(path) for path in paths]
            text = self.state.text
            self.state.answer(text, [self.models.predict(run, text) for run in self.runs])

        self._replace(load)

    def _choose_rig(self, name: str) -> None:
        def load() -> None:
            self.appearance = self.models.head(name)

        self._replace(load)

    def _take_rig(self, name: str, content: bytes) -> None:
        def load() -> None:
            self.appearance = uploaded_head(name, content)

        self._replace(load)

    def _replace(self, load: Callable[[], None]) -> None:
        """Load something else to show; the page stays as it is where that fails."""
        with self._changing:
            try:
                load()
            except Emo3DError as error:
                self.client.add_notification("That did not work", str(error), color="red")
                return
            self._put_up()
            self.sliders.show(self.state.faces[0])
        self._readings.put(None)

    def _saved(self, number: int, with_history: bool) -> Saved:
        """The face of a head, after those of the texts before it where they are wanted."""
        with self._changing:
            number = min(number, len(self.runs) - 1)
            run, face, text = self.runs[number], self.state.faces[number], self.state.text
            earlier = [t for t in reversed(self.state.history.texts) if t != text] if with_history else []
            return Saved(
                [*earlier, text],
                [*(self.models.predict(run, t) for t in earlier), face],
                self.appearance.rig,
            )


def theme(client: ClientHandle, dark: bool) -> None:
    """Colours of the page; viser's sharing over the internet stays hidden."""
    client.gui.configure_theme(
        dark_mode=dark, show_logo=False, show_share_button=False, brand_color=(64, 99, 150)
    )


def uploaded_head(name: str, content: bytes) -> Appearance:
    """A head from a visitor's .glb. Raises DataError where it is none, or too large."""
    from emo3d_exp.errors import DataError
    from emo3d_exp.faces import load_rig

    if len(content) > LARGEST_UPLOAD:
        raise DataError(f"{name}: {len(content) >> 20} MiB; a head may have {LARGEST_UPLOAD >> 20} MiB here")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "head.glb"
        file.write_bytes(content)
        try:
            return Appearance(load_rig("gltf", file))
        except Emo3DError as error:
            raise DataError(str(error).replace(str(file), name)) from error
