"""Read bytes as a document's text: plain, Markdown, HTML or PDF, in UTF-8, or UTF-16 with its mark.

A page may say another encoding. Nothing is guessed.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from aistack_backend.errors import BadInput
from aistack_backend.knowledge import charsets, page, pdf
from aistack_backend.knowledge.chunking import headings

LARGEST = 8 << 20
"""Bytes of one document."""
KINDS = {".md": "markdown", ".markdown": "markdown", ".html": "html", ".htm": "html", ".xhtml": "html", ".pdf": "pdf"}
NOT_READ = {
    b"%PDF-": "a PDF",
    b"PK\x03\x04": "a ZIP archive or office file",
    b"PK\x05\x06": "an empty ZIP archive",
    b"\x1f\x8b": "gzip data",
    b"BZh": "bzip2 data",
    b"\xfd7zXZ\0": "xz data",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"GGUF": "a model",
    b"\x7fELF": "a program",
    b"SQLite format 3": "a database",
}
_COMMIT = re.compile(r"@[0-9a-f]{40,64}:")
"""In the source of a file of a repository, before its path."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A document as text."""

    title: str
    kind: str
    text: str


def read(data: bytes, source: str, title: str = "", kind: str = "", charset: str = "") -> Read:
    """Return the text of a document; ``charset`` = what was said with it, which a page says itself otherwise.

    Raises:
        BadInput: too large, empty, not text, in another encoding, or of a kind that is not read.
    """
    last = _COMMIT.split(source)[-1]
    name = PurePosixPath(last.partition("?")[0]).name or last
    if len(data) > LARGEST:
        raise BadInput(f"{name} has {len(data)} bytes; a document has {LARGEST} at most.", "Split it.")
    kind = kind or KINDS.get(PurePosixPath(name).suffix.lower(), "text")
    if kind not in ("text", *KINDS.values()):
        raise BadInput(f"{kind} is no kind of document.", "text, markdown, html or pdf")
    found, text, kind = _text(data, name, kind, charset)
    text = _CONTROL.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))
    if not text.strip():
        raise BadInput(f"{name} has no text.", "An empty document answers nothing.")
    heading = next(iter(headings(text).values()), "") if kind == "markdown" else ""
    named = title or found or heading or name
    return Read(title=" ".join(named.split())[:200], kind=kind, text=text)


def _text(data: bytes, name: str, kind: str, charset: str) -> tuple[str, str, str]:
    """Return the title that stands in it, the text, and the kind as it was found to be."""
    if kind == "pdf" and not data.startswith(pdf.BEGINS):
        raise BadInput(f"{name} is no PDF: it does not begin as one.", "Say what it is.")
    if kind in ("text", "pdf") and data.startswith(pdf.BEGINS):
        return *pdf.text_of(data, name), "pdf"
    if kind == "html":
        return *page.text_of(_page(data, charset, name)), kind
    return "", decoded(data, name), kind


def _page(data: bytes, charset: str, name: str) -> str:
    if charsets.of(data, charset, name) == "utf-8":
        return decoded(data, name)
    _refuse(data, name)
    text = charsets.text(data, charset, name)
    if "\0" in text:
        raise BadInput(f"{name} is no text: character {text.index(chr(0))} of it is zero.", "Save it as UTF-8.")
    return text


def _refuse(data: bytes, name: str) -> None:
    for begin, what in NOT_READ.items():
        if data.startswith(begin):
            raise BadInput(f"{name} is {what}, which is not read.", "Give its text.")


def decoded(data: bytes, name: str) -> str:
    """Return the characters of a text.

    Raises:
        BadInput: it is no text, or not UTF-8 (or UTF-16 with its mark).
    """
    _refuse(data, name)
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if not utf16 and b"\0" in data:
        raise BadInput(f"{name} is no text: byte {data.index(0)} of it is zero.", "Give its text.")
    try:
        text = data.decode("utf-16" if utf16 else "utf-8-sig")
        if "\0" in text:
            raise BadInput(f"{name} is no text: character {text.index(chr(0))} of it is zero.", "Save it as UTF-8.")
        return text
    except UnicodeDecodeError as error:
        hint = "Save it as UTF-8."
        raise BadInput(
            f"{name} is not {'UTF-16' if utf16 else 'UTF-8'}: byte {error.start} of it fits no character.", hint
        ) from error
