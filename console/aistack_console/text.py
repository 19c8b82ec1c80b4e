"""Untrusted text: the one function that every string from outside passes before a widget may see it.

Container names, labels, logs, model output, tool output and file names are hostile. ``markup=False`` is not
enough: a terminal obeys raw control bytes, and bidi or invisible characters make a person read what is not
there. :func:`plain` is called at the client boundary; widgets may then show what it returns, as plain text.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Callable
from enum import Enum
from operator import is_
from typing import Any, Literal, TypeVar

from aistack_backend.wire.base import Raw

Mode = Literal["show", "drop"]
T = TypeVar("T")

LINE_LIMIT = 8192
"""Longest line in characters that ``drop`` lets through; the rest is counted, not shown."""
MARKS_LIMIT = 4
"""Most combining marks on one base character."""

# Complete sequences, and unterminated ones to the end of their line, 4 KiB at most.
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]{0,4096}(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-Z\\`-~]"
)
# Letters and marks that draw nothing: with them two different names look the same.
_BLANK_LETTERS = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"
# Marks are no word characters, so a run of five others than ASCII is where too many marks can be.
_MAYBE_MARKS = re.compile(rf"[^\w\s\x00-\x7f]{{{MARKS_LIMIT + 1},}}")
_ODD = re.compile(f"{_MAYBE_MARKS.pattern}|[{_BLANK_LETTERS}]")
_TABLE_LIMIT = 4096


class _Table(dict[int, str]):
    """A ``str.translate`` table that decides a character when it first meets it; bounded."""

    def __init__(self, rule: Callable[[str], str], start: dict[int, str]) -> None:
        super().__init__(start)
        self._rule = rule

    def __missing__(self, code: int) -> str:
        found = self._rule(chr(code))
        if len(self) < _TABLE_LIMIT:
            self[code] = found
        return found


def _showing(char: str) -> str:
    """Return a visible form of a character: nothing vanishes, nothing acts."""
    if char.isprintable() and char not in _BLANK_LETTERS:
        return char
    return f"<U+{ord(char):04X}>"


def _dropping(char: str) -> str:
    """Return the character, a space for odd spaces, nothing for invisible ones, U+FFFD for what is left."""
    if char in _BLANK_LETTERS:
        return ""
    if char.isprintable():
        return char
    kind = unicodedata.category(char)
    return {"Zs": " ", "Cf": ""}.get(kind, "\ufffd")


_PICTURES = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "\u2421", 0x0A: "\n"}
_SHOW = _Table(_showing, _PICTURES)
_DROP = _Table(_dropping, _PICTURES | {0x09: "    "})


def plain(s: str, mode: Mode = "show") -> str:
    """Return ``s`` as text that can do nothing: no control byte but newline, no bidi, no invisible character.

    ``show`` (names, approvals, arguments) keeps everything and makes it visible: ``␛``, ``<U+202E>``, ``␉``;
    it never cuts. ``drop`` (log bodies, model output) removes escape sequences and invisible characters,
    turns a tab into four spaces and cuts a line at 8,192 characters, saying how many bytes it left out. Both
    replace a run of more than four combining marks by its count. ``str.isprintable`` decides the usual line:
    a clean line of 100 characters takes 0.2 µs in ASCII and 1.5 µs otherwise, one with colour codes 3 to 4 µs
    (measured 2026-11, 2 busy cores).
    """
    if s.isascii():
        if s.isprintable() and len(s) <= LINE_LIMIT:
            return s
    elif s.isprintable() and len(s) <= LINE_LIMIT and not _ODD.search(s):
        return s
    if mode == "drop":
        s = _SEQUENCE.sub("", s.replace("\r\n", "\n").removesuffix("\r"))
    s = s.translate(_SHOW if mode == "show" else _DROP)
    s = _MAYBE_MARKS.sub(_fewer_marks, s)
    return s if mode == "show" or len(s) <= LINE_LIMIT else "\n".join(_cut(line) for line in s.split("\n"))


def _fewer_marks(match: re.Match[str]) -> str:
    """Keep four combining marks in a row and say how many more there were."""
    out: list[str] = []
    run = extra = 0
    for char in match[0]:
        run = run + 1 if unicodedata.category(char) in {"Mn", "Me"} else 0
        if run == 0 and extra:
            out.append(f"<+{extra} marks>")
            extra = 0
        if run <= MARKS_LIMIT:
            out.append(char)
        else:
            extra += 1
    return "".join(out) + (f"<+{extra} marks>" if extra else "")


def _cut(line: str) -> str:
    """Cut one line at the limit and say how many bytes were left out."""
    if len(line) <= LINE_LIMIT:
        return line
    rest = len(line[LINE_LIMIT:].encode(errors="replace"))
    return f"{line[:LINE_LIMIT]} +{rest} bytes"


def one_line(s: str) -> str:
    """Return ``s`` passed through :func:`plain` in ``show`` mode, its newlines made visible too."""
    return plain(s).replace("\n", "\u240a")


_FIELDS: dict[type, tuple[str, ...]] = {}
_INERT: set[type] = {float, int, bool, type(None)}
"""Types whose objects hold no text to be drawn, and those of the enum members and ``Raw`` that came so far."""


def safe(obj: T, mode: Mode = "show") -> T:
    """Return ``obj`` with every string in it passed through :func:`plain`; the same object when none changed.

    Walks frozen dataclasses, tuples, lists and dicts (keys too). :class:`~aistack_backend.wire.base.Raw`,
    enum members, numbers and None stay as they are.
    """
    done: Any = _safe(obj, mode)
    return done  # type: ignore[no-any-return]


def _safe(obj: Any, mode: Mode) -> Any:
    kind = type(obj)
    if kind is str:
        return plain(obj, mode)
    if kind in _INERT:
        return obj
    if kind in _FIELDS:
        return _safe_fields(obj, mode)
    if isinstance(obj, Enum | Raw):
        _INERT.add(kind)
        return obj
    if isinstance(obj, tuple | list):
        items = [_safe(item, mode) for item in obj]
        return obj if all(map(is_, items, obj)) else kind(items)
    if isinstance(obj, dict):
        return _safe_dict(obj, mode)
    if not dataclasses.is_dataclass(obj):
        return obj
    _FIELDS[kind] = tuple(field.name for field in dataclasses.fields(obj))
    return _safe_fields(obj, mode)


def _safe_dict(obj: dict[Any, Any], mode: Mode) -> dict[Any, Any]:
    out: dict[Any, Any] = {}
    for key, value in obj.items():
        shown = _safe(key, mode)
        while shown in out:  # two keys that look the same once shown are still two
            shown += "'"
        out[shown] = _safe(value, mode)
    return out


def _safe_fields(obj: Any, mode: Mode) -> Any:
    changed: dict[str, Any] = {}
    for name in _FIELDS[type(obj)]:
        value = getattr(obj, name)
        if type(value) not in _INERT and (shown := _safe(value, mode)) is not value:
            changed[name] = shown
    return dataclasses.replace(obj, **changed) if changed else obj
