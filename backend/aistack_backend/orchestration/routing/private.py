"""What must not leave this machine: secrets and personal things, also where they are written in another way."""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

from aistack_backend.audit.formats import ASSIGNMENT, HEADER, PEM, TOKENS, USERINFO
from aistack_backend.audit.redact import MARK, Redactor
from aistack_backend.orchestration.routing import personal

WINDOW, OVERLAP = 8_000, 2_000
"""Characters that are looked at at once, and how far two looks reach into each other."""
_SHAPES = (PEM, USERINFO, HEADER, ASSIGNMENT, TOKENS)
_PACKED = re.compile(r"(?<![A-Za-z0-9+/=_\-])[A-Za-z0-9+/_\-]{16,}={0,2}(?![A-Za-z0-9+/=])")
_HEX = re.compile(r"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{2}){12,}(?![0-9A-Fa-f])")


class Private:
    """Looks through texts; what it finds it names by kind and never repeats. Belongs to any thread."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def kinds(self, texts: Iterable[str]) -> tuple[str, ...]:
        """Return the kinds of private things in these texts, as ``secret`` and ``e-mail``; empty = none was found."""
        found: dict[str, None] = {}
        for text in texts:
            for form in forms(text):
                found |= dict.fromkeys(self._in(form))
        return tuple(found)

    def _in(self, text: str) -> Iterator[str]:
        for start in range(0, max(1, len(text)), WINDOW - OVERLAP):
            window = text[start : start + WINDOW]
            if self._secret(window):
                yield "secret"
            yield from personal.kinds(window)

    def _secret(self, text: str) -> bool:
        if any(_real(found) for shape in _SHAPES for found in shape.finditer(text)):
            return True
        plain = text.replace("\0", " ").encode("utf-8", "replace").decode()
        return self._redactor.text(plain) != plain  # values that are known on this machine


def _real(found: re.Match[str]) -> bool:
    """Whether it is a secret and not the mark that already stands in the place of one."""
    groups = found.groupdict()
    secret = groups.get("secret") or groups.get("secret2") or found[0]
    return not secret.strip("\"'").startswith(MARK)


def forms(text: str) -> Iterator[str]:
    """Yield a text as it is, and in every other way in which the same could be written."""
    yield text
    plain = "".join(one for one in unicodedata.normalize("NFKC", text) if unicodedata.category(one) != "Cf")
    if plain != text:
        yield plain
    if "%" in plain and (opened := unquote(plain)) != plain:
        yield opened
    if unpacked := "\n".join(_unpacked(plain)):
        yield unpacked


def _unpacked(text: str) -> Iterator[str]:
    """Yield what base64 and hex in a text stand for, where that is text."""
    for found in _PACKED.finditer(text):
        bare = found[0].rstrip("=").replace("-", "+").replace("_", "/")
        try:
            data = base64.b64decode(bare + "=" * (-len(bare) % 4))
        except binascii.Error:
            continue
        yield from _text(data)
    for found in _HEX.finditer(text):
        yield from _text(bytes.fromhex(found[0]))


def _text(data: bytes) -> Iterator[str]:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    if all(one.isprintable() or one.isspace() for one in text):
        yield text
