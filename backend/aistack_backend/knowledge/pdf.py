"""The text of a PDF, page by page, taken out in a child with limits: what makes the reader stumble costs that file."""

from __future__ import annotations

import json
import re
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from aistack_backend.errors import BadInput
from aistack_backend.knowledge.confine import Bounds, Child

BEGINS = b"%PDF-"
CHILD = Path(__file__).with_name("pdf_child.py")
BOUNDS = Bounds(seconds=30, memory=768 << 20, file=0)
MOST_TEXT = 8 << 20
"""Characters of its text."""
LINE = 16 << 20
"""Bytes of one line of the child's at most."""
_TURNS = threading.BoundedSemaphore(2)
_MARKUP = re.compile(r"^(?=#{1,6}[ \t]| {0,3}(?:`{3,}|~{3,}))", re.MULTILINE)
"""Where a line of a page would be read as a heading or as a fence."""
FAULTS = {
    "encrypted": ("is encrypted.", "Save it without its password."),
    "pages": ("has too many pages; 5000 at most are read.", "Split it."),
    "memory": (f"needs more memory than the {BOUNDS.memory >> 20} MB that reading one may take.", "Give its text."),
    "nested": ("is nested too deeply.", "Give its text."),
}


def text_of(data: bytes, name: str, bounds: Bounds = BOUNDS) -> tuple[str, str]:
    """Return title and text of a PDF; each page stands under a heading ``Page N``. Blocks, ``bounds.seconds`` at most
    once it is its turn: a few are read at once.

    Raises:
        BadInput: it is broken, encrypted, has no text, or takes too much; one sentence.
    """
    with _TURNS, Child([sys.executable, "-I", "-B", str(CHILD)], bounds, {}) as child:
        with suppress(OSError):  # it may have ended already, and says why
            child.input.write(data)
            child.input.close()
        title, pages, told = _told(child, name)
        code = child.wait()
        if told is None:
            if child.late or code in (-9, -24):
                raise BadInput(f"{name} took longer to read than {bounds.seconds:g} s.", "Give its text.")
            raise BadInput(f"{name} cannot be read: its reader ended with {code}.", "Give its text.")
    if not any(text.strip() for text in pages):
        raise BadInput(f"{name} has no text: its {told} pages are pictures, or empty.", "Give its text.")
    return title, "\n\n".join(f"## Page {at}\n\n{_MARKUP.sub('    ', text)}" for at, text in enumerate(pages, 1))


def _told(child: Child, name: str) -> tuple[str, list[str], int | None]:
    """Return title, pages, and how many there are; None = the child ended before it had told them all."""
    title, pages, held = "", list[str](), 0
    while line := child.output.readline(LINE):
        try:
            one: dict[str, Any] = json.loads(line)
        except ValueError as error:
            raise BadInput(f"{name} has a page of more than {LINE} bytes of text.", "Split it.") from error
        if fault := one.get("fault"):
            raise _fault(name, str(fault), str(one.get("why", "")))
        if "pages" in one:
            return title, pages, int(one["pages"])
        title = str(one.get("title", title))
        if "page" in one:
            pages.append(str(one["text"]))
            held += len(pages[-1])
        if held > MOST_TEXT:
            raise BadInput(f"{name} has more than {MOST_TEXT} characters of text.", "Split it.")
    return title, pages, None


def _fault(name: str, fault: str, why: str) -> BadInput:
    said, hint = FAULTS.get(fault, (f"is a broken PDF ({' '.join(why.split())[:120]}).", "Save it anew."))
    return BadInput(f"{name} {said}", hint)
