"""A page as a browser would take it: tags that close, text, tables, and nothing from outside."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

VOID = {"meta", "img", "br", "hr", "link"}
DRAWN = {"line", "rect"}


class Page(HTMLParser):
    """Attributes: tags in order; text without styles and scripts; tables as rows of texts; pictures as (kind,
    bytes); titles of SVG bars; scripts."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.text, self.pictures, self.titles, self.scripts = "", [], [], []
        self.tables: list[list[list[str]]] = []
        self.values: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self._open.append(tag)
        for name, value in attributes:
            assert not name.startswith("on"), f"{tag} {name} runs code"
            self._check_address(tag, name, value or "")
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        self.values += [value or "" for name, value in attributes if name == "data-value"]

    def _check_address(self, tag: str, name: str, value: str) -> None:
        assert "url(" not in value, f"{tag} {name} fetches {value[:60]}"
        if name in ("src", "href", "srcset", "data", "action", "poster", "xlink:href"):
            kind, _, data = value.removeprefix("data:").partition(";base64,")
            assert value.startswith("data:image/"), f"{tag} {name} fetches {value[:60]}"
            self.pictures.append((kind, base64.b64decode(data, validate=True)))

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag in VOID | DRAWN, tag
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open and self._open[-1] == tag, f"</{tag}> closes {self._open[-3:]}"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        where = self._open[-1] if self._open else ""
        if where == "style":
            assert "url(" not in data and "@import" not in data
        elif where == "script":
            assert not re.search(r"https?:|fetch\(|XMLHttp|import", data)
            self.scripts.append(data)
        elif where == "title" and "svg" in self._open:
            self.titles.append(data)
        else:
            self.text += data
            if {"td", "th"} & set(self._open):
                self.tables[-1][-1][-1] += data


def read_page(file: Path) -> Page:
    """The page; fails where a tag stays open, or where anything would be fetched."""
    page = Page()
    page.feed(file.read_text(encoding="utf-8"))
    page.close()
    assert not page._open, page._open
    return page
