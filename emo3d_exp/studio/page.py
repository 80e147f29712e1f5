"""One visitor's page: what stands where, and what follows from what."""

from __future__ import annotations

import html
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from emo3d_exp.studio.appearance import Appearance
from emo3d_exp.studio.bars import emotion_bars, note
from emo3d_exp.studio.compare_panel import ComparePanel
from emo3d_exp.studio.download_panel import DownloadPanel
from emo3d_exp.studio.downloads import Saved
from emo3d_exp.studio.latest import Latest
from emo3d_exp.studio.models import Models
from emo3d_exp.studio.notices import errors_told, tell
from emo3d_exp.studio.runs import LoadedRun
from emo3d_exp.studio.slider_panel import SliderPanel
from emo3d_exp.studio.stage import Stage
from emo3d_exp.studio.state import VisitorState, neutral_face
from emo3d_exp.studio.text_panel import HistoryPanel, TextPanel
from emo3d_exp.studio.texts import clean, shorten
from emo3d_exp.studio.uploads import uploaded_head

if TYPE_CHECKING:
    from viser import ClientHandle

Thing = TypeVar("Thing")
NO_CHANGE = "That did not work"
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
        self.head, self.appearance = models.rig, models.head(models.rig)
        self.uploaded: tuple[str, Appearance] | None = None
        self._closed = False
        self.state.answer("", [neutral_face() for _ in self.runs])
        self.stage = Stage(client)
        self._texts = self._worker(self._answer, "The text got no face", TYPING_PAUSE)
        self._readings = self._worker(self._read, "The face could not be read", 0.1)
        self._run_choices = self._worker(self._choose_runs, NO_CHANGE)
        self._head_choices = self._worker(self._choose_head, NO_CHANGE)
        self._build()
        self._put_up()
        self.text.say(clean("").note)
        self._readings.put(None)

    def close(self) -> None:
        """End this visitor's threads."""
        for worker in (self._texts, self._readings, self._run_choices, self._head_choices):
            worker.close()
        with self._changing:
            self._closed = True
            self.stage.close()

    def _worker(self, work: Callable[[Any], None], trouble: str, quiet: float = 0.0) -> Latest[Any]:
        """A thread of this visitor's; ``trouble`` is the title of the notice where its work fails."""
        name = f"{work.__name__} of visitor {self.client.client_id}"
        return Latest(work, quiet, name, failed=lambda error: tell(self.client, trouble, error))

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
                self.client,
                self.models,
                self._run_choices.put,
                self._head_choices.put,
                lambda name, content: self._head_choices.put((name, content)),
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
            if self._closed:
                return
            faces = [self.models.predict(run, typed.text) for run in self.runs]
            self.state.answer(typed.text, faces)
            self._moved(TEXT_SECONDS)
        self.text.say(typed.note)
        self.history.show(self.state.history.texts)

    def _change(self, act: Callable[[], None]) -> None:
        with errors_told(self.client, NO_CHANGE), self._changing:
            act()
            self._moved(BUTTON_SECONDS)

    def _slider_moved(self, index: int, value: float, both: bool) -> None:
        with errors_told(self.client, NO_CHANGE), self._changing:
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
        def take(runs: list[LoadedRun]) -> None:
            answers = [self.models.predict(run, self.state.text) for run in runs]
            self.runs = runs
            self.state.answer(self.state.text, answers)

        self._replace(lambda: [self.models.run(path) for path in paths], take)

    def _choose_head(self, chosen: str | tuple[str, bytes]) -> None:
        """A name of the list, or a file's name and content."""

        def load() -> tuple[str, Appearance]:
            if not isinstance(chosen, str):
                return f"{shorten(chosen[0], 32)} (yours)", uploaded_head(*chosen)
            if self.uploaded is not None and chosen == self.uploaded[0]:
                return self.uploaded
            return chosen, self.models.head(chosen)

        def take(head: tuple[str, Appearance]) -> None:
            self.head, self.appearance = head
            self.uploaded = self.uploaded if isinstance(chosen, str) else head

        self._replace(load, take)

    def _replace(self, load: Callable[[], Thing], take: Callable[[Thing], None]) -> None:
        """Load something else to show, while the page works on; where that fails it stays as it is."""
        with errors_told(self.client, NO_CHANGE):
            loaded = load()
            with self._changing:
                if self._closed:
                    return
                take(loaded)
                self._put_up()
                self.sliders.show(self.state.faces[0])
        self.compare.show(
            [run.path for run in self.runs], self.head, None if self.uploaded is None else self.uploaded[0]
        )
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
