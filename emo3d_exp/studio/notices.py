"""Errors, told to the visitor who met them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from emo3d_exp.errors import Emo3DError

if TYPE_CHECKING:
    from viser import ClientHandle

log = logging.getLogger(__name__)

SECONDS = 20.0
"""A notice goes by itself: what fails at each move of a slider must not pile up."""


def tell(client: ClientHandle, title: str, error: Exception) -> None:
    """Show a visitor an error; one that no user can mend is logged with its traceback too."""
    if not isinstance(error, Emo3DError):
        log.error("%s", title, exc_info=error)
    text = str(error) or type(error).__name__
    client.add_notification(title, text, color="red", auto_close_seconds=SECONDS)


@contextmanager
def errors_told(client: ClientHandle, title: str) -> Iterator[None]:
    """Whatever goes wrong inside ends it and is told to the visitor."""
    try:
        yield
    except Exception as error:
        tell(client, title, error)
