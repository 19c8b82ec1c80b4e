"""A text in Markdown that grows: what is closed never changes, and only the last block is read again."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from aistack_console.cells import sure
from aistack_console.present.colours import coloured
from aistack_console.present.markdown import Block, Code, Row, code_head, code_line, code_lines, parser, read

LIMIT = 60_000
"""Characters from which on a text is shown as it is: reading it would take too long."""
OPEN_LIMIT, SIGNS = 4_000, 400
"""Characters, and among them signs of Markdown, of one open block from which on it is shown as it is."""
AT_ONCE = 2_000
"""Characters read at once of a text that comes whole."""
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})([^\n]*)\n")


@dataclass(slots=True)
class _Fence:
    """An open block of code."""

    marker: str
    language: str
    lines: list[str] = field(default_factory=list)

    def ends(self, line: str) -> bool:
        """Whether this line closes it."""
        bare = line.strip()
        return len(bare) >= len(self.marker) and not bare.strip(self.marker[0]) and len(line) - len(line.lstrip()) < 4


class Growing:
    """Blocks of a text to which text is added. ``formatted=False`` shows every line as it is; the numbers of its
    blocks of code begin after ``numbered``.

    Closing costs each character two readings at the most, whatever the number of pieces in which it comes; what is
    open is read again with each piece: the last paragraph, item, table or line of code.
    """

    def __init__(self, text: str = "", *, formatted: bool = True, numbered: int = 0) -> None:
        self.text = ""
        self._numbered = numbered
        self.closed: list[Block] = []
        self._formatted = formatted
        self._tail = ""
        self._open: list[Block] = []
        self._code: list[Code] = []
        self._open_code: list[Code] = []
        self._fence: _Fence | None = None
        self._recoloured: int | None = None
        if text:
            self.add(text)

    @property
    def open(self) -> list[Block]:
        """The blocks that may still change."""
        return self._open

    @property
    def code(self) -> tuple[Code, ...]:
        """Every block of code so far, an unfinished one too."""
        if (fence := self._fence) is None:
            return (*self._code, *self._open_code)
        rest = [self._tail] if self._tail and not fence.ends(self._tail) else []
        return (*self._code, Code(fence.language, "\n".join([*fence.lines, *rest])))

    def recoloured(self) -> int | None:
        """Return the first closed block that got colours since this was asked last; the number of lines stays."""
        found, self._recoloured = self._recoloured, None
        return found

    def add(self, text: str) -> None:
        """Add text at the end."""
        for at in range(0, len(text), AT_ONCE):
            self._add(text[at : at + AT_ONCE])

    def end(self) -> None:
        """Take the text as complete: a block of code that its last line ends is closed, and gets its colours."""
        if self._fence is not None and self._fence.ends(self._tail):
            self._colour(self._fence)
            self._fence, self._tail, self._open = None, "", []

    def _add(self, text: str) -> None:
        self.text += text
        self._tail += text
        self._open_code = []
        while not self._too_much():
            if not (self._cut() if self._fence is None else self._take_code(self._fence)):
                return
        self._as_it_is()

    def _too_much(self) -> bool:
        """Whether what is open is better shown as it is than read."""
        if not self._formatted or len(self.text) > LIMIT:
            return True
        return self._fence is None and (len(self._tail) > OPEN_LIMIT or sum(map(self._tail.count, "[]`*_~<&|")) > SIGNS)

    def _as_it_is(self) -> None:
        *whole, self._tail = self._tail.split("\n")
        self.closed += [_verbatim(line) for line in whole]
        self._open = [_verbatim(self._tail)] if self._tail else []

    def _cut(self) -> bool:
        """Close what ended and keep the last block open; True = a block of code begins now."""
        tokens = parser().parse(self._tail)
        starts = [token.map[0] for token in tokens if token.map and not token.level and token.nesting >= 0]
        at = starts[-1] if starts else 0
        last = next((token for token in reversed(tokens) if not token.level), None)
        if last is not None and last.type.endswith("_list_close"):
            at = max(
                [at, *(one.map[0] for one in tokens if one.type == "list_item_open" and one.level == 1 and one.map)]
            )
        lines = self._tail.splitlines(keepends=True)
        if at:
            self._close("".join(lines[:at]))
            self._tail = "".join(lines[at:])
        if last is not None and last.type == "fence" and (found := _FENCE.match(self._tail)):
            if last.map and _closed(last.map, found[1], lines):
                self._close(self._tail)
                self._tail, self._open = "", []
                return False
            self._fence = _Fence(found[1], found[2].split()[0] if found[2].split() else "")
            self._tail = self._tail[found.end() :]
            head = code_head(self._numbered + len(self._code) + 1, sure(self._fence.language[:20]))
            self.closed.append(Block("fence", (head,)))
            return True
        self._open, self._open_code = read(self._tail, self._numbered + len(self._code))
        return False

    def _close(self, source: str) -> None:
        blocks, code = read(source, self._numbered + len(self._code), whole=True)
        self.closed += blocks
        self._code += code

    def _take_code(self, fence: _Fence) -> bool:
        """Close each whole line of the open block of code; True = the block ended."""
        *whole, rest = self._tail.split("\n")
        for number, line in enumerate(whole):
            if fence.ends(line):
                self._colour(fence)
                self._fence, self._tail = None, "\n".join([*whole[number + 1 :], rest])
                return True
            fence.lines.append(line)
            self.closed.append(Block("code", (code_line(line),)))
        self._tail = rest
        begun = rest and not rest.strip().strip(fence.marker[0]) and not rest.isspace()
        self._open = [Block("code", (code_line(rest),))] if rest and not begun else []
        return False

    def _colour(self, fence: _Fence) -> None:
        """Keep the code of a block that ended, and show its lines in colours."""
        code = Code(fence.language, "\n".join(fence.lines))
        self._code.append(code)
        if fence.lines and coloured(code.text, code.language) is not None:
            begun = len(self.closed) - len(fence.lines)
            self.closed[begun:] = [Block("code", (row,)) for row in code_lines(code.text, code.language)]
            self._recoloured = begun if self._recoloured is None else min(begun, self._recoloured)


def _closed(span: list[int], marker: str, lines: list[str]) -> bool:
    """Whether the block of code on these lines has its end; a line that is not finished may still become longer."""
    last = lines[span[1] - 1] if span[1] <= len(lines) else ""
    return span[1] - span[0] > 1 and last.endswith("\n") and _Fence(marker, "").ends(last)


def _verbatim(line: str) -> Block:
    return Block("code", (Row(((sure(line), ""),), code=True),))
