"""Markdown as rows of marked text: read block by block, so that an answer that grows is never read twice in full.

Nothing in it acts: a link is its words and where it leads, an image its address, HTML the letters it is made of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

from aistack_console.cells import sure
from aistack_console.present.colours import coloured
from aistack_console.text import plain

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

Mark = str
"""How a piece is drawn: words of ``strong em s code head link dim`` with spaces between; empty = as it is."""
Piece = tuple[str, Mark]
Pieces = tuple[Piece, ...]
Kind = Literal["text", "item", "head", "fence", "code"]

BULLETS = "•◦▪"
DEEPEST = 24
"""Cells of quotes and bullets before a row; what is deeper is not moved further in."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row before it is wrapped: ``lead`` stands before its first line, ``hang`` before the others."""

    pieces: Pieces = ()
    lead: str = ""
    hang: str = ""
    code: bool = False
    """Drawn exactly as it is, broken only where it must be."""


@dataclass(frozen=True, slots=True)
class Table:
    """Cells by row, the first being the head."""

    rows: tuple[tuple[Pieces, ...], ...]
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """What stands together: a paragraph, a list's item, the head of a code block, a line of code."""

    kind: Kind
    rows: tuple[Row | Table, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """One block of code: its language as the fence names it, and its text."""

    language: str
    text: str


@cache
def parser() -> MarkdownIt:
    """Return the one parser: CommonMark with tables and strikethrough; HTML is text."""
    from markdown_it import MarkdownIt  # 20 ms that the first frame does not wait for

    return MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])


def read(source: str, numbered: int = 0, *, whole: bool = False) -> tuple[list[Block], list[Code]]:
    """Return the blocks of a text and its blocks of code, whose numbers begin after ``numbered``; a ``whole`` text,
    which is read once, has the colours of its code too."""
    walk = _Walk(numbered, whole)
    for token in parser().parse(source):
        walk.take(token)
    return walk.blocks, walk.code


def code_head(number: int, language: str, lead: str = "") -> Row:
    """Return the line above a block of code: the number by which it can be copied, and its language."""
    said = f"─ code {number}{' · ' + language if language else ''} ─"
    return Row(((said, "dim"),), lead, lead)


def code_line(text: str, lead: str = "") -> Row:
    """Return one line of code."""
    return Row(((sure(text), "code"),), lead, lead, code=True)


def code_lines(text: str, language: str, lead: str = "") -> tuple[Row, ...]:
    """Return the lines of a whole block of code, in colours where its language is known."""
    if (found := coloured(text, language)) is not None:
        return tuple(Row(pieces, lead, lead, code=True) for pieces in found)
    return tuple(code_line(line, lead) for line in text.split("\n"))


class _Walk:
    """Turns the parser's tokens into blocks."""

    def __init__(self, numbered: int, whole: bool) -> None:
        self._whole = whole
        self.blocks: list[Block] = []
        self.code: list[Code] = []
        self._numbered = numbered
        self._rows: list[Row | Table] = []
        self._leads: list[tuple[str, str]] = [("", "")]
        self._heading = False
        self._table: list[list[Pieces]] | None = None

    def take(self, token: Token) -> None:
        """Take the next token."""
        kind = token.type
        if kind == "inline":
            self._inline(token)
        elif kind in {"fence", "code_block"}:
            self._fence(token)
        elif kind == "hr":
            self._rows.append(Row((("─" * 8, "dim"),), *self._lead()))
        elif kind.startswith(("table", "tr")):
            self._table_token(kind)
        else:
            self._nest(kind, token)
        self._end(token)

    def _nest(self, kind: str, token: Token) -> None:
        """Begin or end what holds other blocks."""
        if kind == "list_item_open":
            mark = f"{token.info}{token.markup}" if token.info else self._bullet()
            self._push(f"{mark} ", " " * (len(mark) + 1))
        elif kind == "blockquote_open":
            self._push("│ ", "│ ")
        elif kind in {"list_item_close", "blockquote_close"}:
            self._pop()
        elif kind == "paragraph_open" and self._rows and len(self._leads) > 1:
            self._apart()
        elif kind.startswith("heading"):
            self._heading = kind == "heading_open"

    def _end(self, token: Token) -> None:
        """Close a block where one ends: at the top level, or an item of a list that stands there."""
        if token.type == "heading_close" and token.level == 0 and self._rows:
            self._flush("head")
        elif token.nesting < 1 and self._rows:
            if token.level == 1 and token.type == "list_item_close":
                self._flush("item")
            elif token.level == 0:
                self._flush("text")

    def _flush(self, kind: Kind) -> None:
        self.blocks.append(Block(kind, tuple(self._rows)))
        self._rows = []

    def _bullet(self) -> str:
        return BULLETS[(len(self._leads) - 1) % len(BULLETS)]

    def _push(self, first: str, rest: str) -> None:
        lead, hang = self._leads[-1]
        if len(hang) >= DEEPEST:
            self._leads.append((lead, hang))
        else:
            self._leads.append((lead + first, hang + rest))
            self._leads[-2] = (hang, hang)

    def _pop(self) -> None:
        lead, hang = self._leads.pop()
        if lead != hang:  # an item or a quote with nothing in it
            self._rows.append(Row((), lead, hang))

    def _lead(self) -> tuple[str, str]:
        """Return what stands before the next row; the bullet is used up by it."""
        lead, hang = self._leads[-1]
        self._leads[-1] = (hang, hang)
        return lead, hang

    def _apart(self) -> None:
        """Leave a line free between two paragraphs of one item or quote."""
        last, (lead, hang) = self._rows[-1], self._leads[-1]
        if lead == hang and isinstance(last, Row) and last.hang == hang and not last.code:
            self._rows.append(Row((), hang, hang))

    def _inline(self, token: Token) -> None:
        lines = list(_lines(token.children or (), "head" if self._heading else ""))
        if self._table is not None:
            self._table[-1].append(tuple(piece for line in lines for piece in line))
            return
        for line in lines:
            lead, hang = self._lead()
            self._rows.append(Row(line, lead, hang))

    def _fence(self, token: Token) -> None:
        lead, hang = self._lead()
        text = plain(token.content, "drop").removesuffix("\n")
        language = _language(token.info)
        self.code.append(Code(language, text))
        head = code_head(self._numbered + len(self.code), language, lead)
        rows = (head, *code_lines(text, language if self._whole else "", hang))
        if token.level:
            self._rows += rows
        else:
            self.blocks.append(Block("fence", rows))

    def _table_token(self, kind: str) -> None:
        if kind == "table_open":
            self._table = []
        elif kind == "tr_open" and self._table is not None:
            self._table.append([])
        elif kind == "table_close" and self._table is not None:
            lead, _ = self._lead()
            self._rows.append(Table(tuple(tuple(row) for row in self._table), lead))
            self._table = None


def _language(info: str) -> str:
    return sure(plain(info.split()[0] if info.split() else "", "drop"))[:20]


def _lines(children: Sequence[Token], style: str) -> Iterator[Pieces]:
    """Yield each line of a paragraph as pieces."""
    line: list[Piece] = []
    marks = [style] if style else []
    links: list[tuple[str, int]] = []
    for child in children:
        kind = child.type
        if kind in {"softbreak", "hardbreak"}:
            yield tuple(line)
            line = []
        elif kind == "link_open":
            links.append((str(child.attrs.get("href", "")), len(line)))
            marks.append("link")
        elif kind == "link_close":
            marks.pop()
            href, begin = links.pop()
            if href and "".join(text for text, _ in line[begin:]) != href:
                line.append(_piece(f" ({href})", ["dim"]))
        elif child.nesting > 0:
            marks.append(kind.removesuffix("_open"))
        elif child.nesting < 0:
            marks.pop()
        else:
            line += _leaf(child, marks)
    yield tuple(line)


def _leaf(child: Token, marks: Sequence[str]) -> Iterator[Piece]:
    if child.type == "image":
        yield _piece(f"{child.content or 'image'} ({child.attrs.get('src', '')})", [*marks, "dim"])
    elif child.type == "code_inline":
        yield _piece(f"`{child.content}`", [*marks, "code"])
    elif child.content:
        yield _piece(child.content, marks)


def _piece(text: str, marks: Sequence[str]) -> Piece:
    """Return a piece that is safe to draw: an entity can stand for what ``plain`` took away before."""
    return sure(plain(text, "drop").replace("\n", " ")), " ".join(marks)
