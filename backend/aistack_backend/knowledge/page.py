"""Take the text out of an HTML page in one pass.

The standard library's parser needs quadratic time for pages made to (measured: minutes for 200 kB of ``<``), so this
one looks at each character a bounded number of times and understands only what it takes to leave the markup out.
"""

from __future__ import annotations

import html
import re

_TAG = re.compile(r"(/?)([a-zA-Z][a-zA-Z0-9:-]{0,30})")
_HEADING = re.compile(r"h[1-6]")
_BLOCKS = frozenset(
    (
        "p",
        "div",
        "section",
        "article",
        "header",
        "li",
        "ul",
        "ol",
        "dt",
        "dd",
        "table",
        "tr",
        "pre",
        "blockquote",
        "br",
        "hr",
    )
)
_SILENT = frozenset({"script", "style", "template", "noscript", "svg"})


def text_of(page: str) -> tuple[str, str]:
    """Return title and text of a page; headings become Markdown's, what scripts and styles say is left out."""
    parts: list[str] = []
    title = ""
    low = page.lower() if len(page.lower()) == len(page) else page
    at = 0
    while (mark := page.find("<", at)) >= 0:
        parts.append(_said(page[at:mark]))
        at, name, closing = _markup(page, low, mark)
        if name == "title" and not closing and not title:
            end = low.find("</title", at)
            title, at = (_said(page[at:end]).strip(), end) if end >= 0 else (title, at)
        elif name == "<":
            parts.append("<")
        elif name in _BLOCKS or _HEADING.fullmatch(name):
            level = int(name[1]) if name[0] == "h" and name[1:].isdigit() and not closing else 0
            parts.append("\n\n" + "#" * level + " " * bool(level))
    parts.append(_said(page[at:]))
    lines = (line.strip() for line in "".join(parts).splitlines())
    return title, re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _markup(page: str, low: str, at: int) -> tuple[int, str, bool]:
    """Return where the markup at ``at`` ends, the tag's name (``<`` = it is none but text), and whether it closes."""
    if page.startswith("<!--", at):
        return _after(page, "-->", at + 4), "", False
    if page[at + 1 : at + 2] in ("!", "?"):
        return _after(page, ">", at), "", False
    if not (tag := _TAG.match(page, at + 1)):
        return at + 1, "<", False
    name, closing = tag.group(2).lower(), bool(tag.group(1))
    end = _after(page, ">", at)
    if name in _SILENT and not closing:
        end = _after(page, ">", _after(low, f"</{name}", end))
    return end, name, closing


def _after(page: str, what: str, at: int) -> int:
    found = page.find(what, at)
    return len(page) if found < 0 else found + len(what)


def _said(text: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(text))
