"""``python -m emo3d_exp.studio``: start the server and give each visitor a page."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from emo3d_exp.errors import ConfigError
from emo3d_exp.studio.models import Models
from emo3d_exp.studio.notices import errors_told
from emo3d_exp.studio.page import Page, theme
from emo3d_exp.studio.runs import chosen_run
from emo3d_exp.studio.stage import prepare

if TYPE_CHECKING:
    from viser import ClientHandle, ViserServer

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
TITLE = "emo3d_exp studio"


def serve(cfg: DictConfig) -> None:
    """Serve until the program is interrupted."""
    require_viser()
    from emo3d_exp.app.assemble import build_rig, set_threads
    from emo3d_exp.app.quiet import quiet_libraries

    quiet_libraries()
    set_threads(None)
    check_port(int(cfg.port))
    rig = build_rig(cfg.rig)
    second = None if cfg.run_b is None else Path(cfg.run_b)
    run, why = chosen_run(cfg.run_dir, besides=second)
    log.info("showing %s (%s)", run.path, why)
    models = Models(run.path, second, why, rig, loaded=[run])
    server = Studio(models, int(cfg.port)).server
    log.info("the studio is at http://%s:%d (this machine only); Ctrl+C ends it", HOST, server.get_port())
    if cfg.open_browser:
        import webbrowser

        webbrowser.open(f"http://{HOST}:{server.get_port()}")
    try:
        server.sleep_forever()
    except KeyboardInterrupt:
        server.stop()


def require_viser() -> None:
    """Raise ConfigError where the extra is not installed."""
    try:
        import viser  # noqa: F401
    except ImportError as error:
        raise ConfigError("the studio needs viser: pip install 'emo3d_exp[studio]'") from error


def check_port(port: int) -> None:
    """Raise ConfigError for a port that no ordinary program may use."""
    if not 1024 <= port <= 65535:
        raise ConfigError(f"port={port}: give a port from 1024 to 65535")


class Studio:
    """A running server and the pages of its visitors.

    Args:
        models: shared by all. port: the first to try, from 1024.
    """

    def __init__(self, models: Models, port: int) -> None:
        import viser

        check_port(port)
        self.models = models
        self.pages: dict[int, Page] = {}
        self._lock = threading.Lock()
        self.server: ViserServer = viser.ViserServer(host=HOST, port=port, label=TITLE, verbose=False)
        if self.server.get_port() != port:
            log.info("port %d is taken, so this is port %d", port, self.server.get_port())
        prepare(self.server, 1 if models.second is None else 2)
        self.server.on_client_connect(self._welcome)
        self.server.on_client_disconnect(self._part)

    def _welcome(self, client: ClientHandle) -> None:
        with errors_told(client, "The page could not be set up"):
            theme(client, dark=False)
            page = Page(client, self.models)
            with self._lock:
                self.pages[client.client_id] = page
        if client.client_id not in self.server.get_clients():  # gone before the page was up
            self._part(client)

    def _part(self, client: ClientHandle) -> None:
        with self._lock:
            page = self.pages.pop(client.client_id, None)
        if page is not None:
            page.close()
