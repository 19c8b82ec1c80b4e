"""What the words of a block of code are (a keyword, a string, a remark), so that they can be told apart."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from aistack_console.cells import sure

LONGEST = 3_000
"""Characters from which on code stays as it is: reading it would be felt."""
MARKS = {
    "Token.Keyword": "word",
    "Token.Operator.Word": "word",
    "Token.Name.Tag": "word",
    "Token.Name.Builtin": "call",
    "Token.Name.Function": "call",
    "Token.Name.Class": "call",
    "Token.Name.Attribute": "call",
    "Token.Name.Variable": "call",
    "Token.Literal.String": "string",
    "Token.Literal.Number": "number",
    "Token.Literal": "string",
    "Token.Comment": "remark",
    "Token.Generic.Deleted": "word",
    "Token.Generic.Inserted": "string",
}
"""The kinds that rich's lexers tell, by how their names begin; the first that fits is taken."""


def ready() -> None:
    """Load what reads code, so that the first block of a language does not wait for it; blocks."""
    coloured("x = 1", "python")


@lru_cache(64)
def coloured(text: str, language: str) -> tuple[tuple[tuple[str, str], ...], ...] | None:
    """Return each line of ``text`` as pieces with the mark ``code`` and at most one more; None = it has no colours:
    no language is named or known, it is too long, or its lexer would change a character of it."""
    if not language or len(text) > LONGEST:
        return None
    from rich.syntax import Syntax  # 50 ms that neither the first frame nor an answer waits for: see ``ready``

    lexer = Syntax("", language).lexer
    if lexer is None:
        return None
    lines: list[list[tuple[str, str]]] = [[]]
    for kind, said in lexer.get_tokens(text):
        first, *rest = said.split("\n")
        mark = _mark(str(kind))
        lines[-1] += [(sure(first), mark)] if first else []
        for part in rest:
            lines.append([(sure(part), mark)] if part else [])
    if not lines[-1] and not text.endswith("\n"):
        lines.pop()  # a lexer ends every text with a newline
    return tuple(tuple(_joined(line)) for line in lines) if _same(lines, text) else None


def _mark(kind: str) -> str:
    more = next((mark for name, mark in MARKS.items() if kind.startswith(name)), "")
    return f"code {more}".rstrip()


def _joined(line: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield the pieces of a line, neighbours of one mark as one."""
    said, mark = "", ""
    for text, of in line:
        if of != mark and said:
            yield said, mark
            said = ""
        said, mark = said + text, of
    yield said, mark or "code"


def _same(lines: list[list[tuple[str, str]]], text: str) -> bool:
    return ["".join(part for part, _ in line) for line in lines] == [sure(line) for line in text.split("\n")]
