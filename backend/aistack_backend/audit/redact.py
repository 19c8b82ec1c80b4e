"""Take secrets out of what is about to be hashed (R2.7): ``hmac:`` and 12 hex digits stay in their place.

The key is the host's own, so equal secrets look equal on one host and can be searched for, and nobody
without the key can test a guess.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from aistack_backend.audit.formats import ASSIGNMENT, HEADER, PEM, SECRET_NAME, TOKENS, USERINFO
from aistack_backend.errors import Unavailable

MARK = "hmac:"
SHORTEST = 4
"""Known secrets shorter than this are not looked for: they would be found in every word."""
LIMIT = 16 * 1024
"""Longest text kept in one field; of what is beyond, only the length is told."""
_OVERHANG = 4 * 1024
"""Read beyond the limit and dropped after, so that no secret is cut in half and missed."""
_ENV_FIELDS = frozenset({"env", "environment", "environ"})
_DONE = re.compile(r"hmac:[0-9a-f]{12}")


def host_key(folder: Path) -> bytes:
    """Return the host's redaction key, made once (32 random bytes, 0600).

    Raises:
        Unavailable: the file cannot be made or read.
    """
    path = folder / "redaction.key"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            key = bytes.fromhex(path.read_text("ascii").strip())
        else:
            key = secrets.token_bytes(32)
            with os.fdopen(descriptor, "w") as file:
                file.write(key.hex() + "\n")
                file.flush()
                os.fsync(file.fileno())
    except (OSError, ValueError) as error:
        raise Unavailable(f"The redaction key {path} cannot be used: {error}.") from error
    if len(key) < 32:
        raise Unavailable(f"The redaction key {path} holds {len(key)} bytes; 32 are right.", "Remove it to begin anew.")
    return key


def shortened(text: str, limit: int) -> str:
    """Return ``text``, or its whole words within ``limit`` characters and ``…``: half a secret is not recognised."""
    if len(text) <= limit:
        return text
    end = limit
    while end and not text[end].isspace():
        end -= 1
    return f"{text[:end].rstrip()}…"


class Redactor:
    """Replaces secrets in texts and details. Applying it twice gives the same as once."""

    def __init__(self, key: bytes, known: Iterable[str] = ()) -> None:
        self._key = key
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.know(known)

    def know(self, values: Iterable[str]) -> None:
        """Look for these very values from now on (env files, tokens that we issued)."""
        self._known.update(value for value in values if len(value) >= SHORTEST)
        longest_first = sorted(self._known, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def mark(self, secret: str) -> str:
        """Return what stands for a secret on this host."""
        if _DONE.fullmatch(secret):
            return secret
        return MARK + hmac.new(self._key, secret.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:12]

    def text(self, value: str) -> str:
        """Return ``value`` without its secrets, without lone surrogates, and at most ``LIMIT`` long."""
        length = len(value)
        value = value[: LIMIT + _OVERHANG]
        if self._pattern:
            value = self._pattern.sub(lambda found: self.mark(found[0]), value)
        value = PEM.sub(lambda found: self.mark(found[0]), value)
        value = USERINFO.sub(self._keep, value)
        value = HEADER.sub(self._keep, value)
        value = ASSIGNMENT.sub(self._keep, value)
        value = TOKENS.sub(lambda found: self.mark(found[0]), value)
        value = value.replace("\0", "␀").encode("utf-8", "replace").decode()
        if length > LIMIT:
            kept = min(LIMIT, len(value) - (_OVERHANG if length > LIMIT + _OVERHANG else 0))
            value = f"{value[:kept]}… ({length} characters in all)"
        return value

    def detail(self, value: Any, name: str = "") -> Any:
        """Return a JSON-like value without its secrets: by shape, by field name, and all env values."""
        if isinstance(value, Mapping):
            if name.lower() in _ENV_FIELDS:
                return {str(key): self.mark(str(inner)) for key, inner in value.items()}
            return {self.text(str(key)): self.detail(inner, str(key)) for key, inner in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            if name.lower() in _ENV_FIELDS:
                return [self._variable(item) for item in value]
            return self._items([self.detail(item, name) for item in value])
        if isinstance(value, bool | int | float) or value is None:
            return value
        shown = str(value)
        if SECRET_NAME.search(name) and shown:
            return self.mark(shown)
        return self.text(shown)

    def _variable(self, item: Any) -> Any:
        if isinstance(item, list | tuple) and len(item) == 2:
            return [str(item[0]), self.mark(str(item[1]))]
        key, equals, secret = str(item).partition("=")
        return f"{key}={self.mark(secret)}" if equals else key

    def _items(self, items: list[Any]) -> list[Any]:
        """Mask the argument after ``--password`` and its like: in an argv it stands by itself."""
        for index in range(1, len(items)):
            before, item = items[index - 1], items[index]
            if isinstance(item, str) and isinstance(before, str) and _announces(before):
                items[index] = self.mark(item)
        return items

    def _keep(self, found: re.Match[str]) -> str:
        groups = found.groupdict()
        keep, secret = groups["keep"], groups["secret"]
        if keep is None:
            keep, secret = groups["keep2"], groups["secret2"]
        quote = secret[0] if secret[:1] in "\"'" and len(secret) > 1 and secret[-1] == secret[0] else ""
        bare = secret[1:-1] if quote else secret
        return f"{keep}{quote}{self.mark(bare) if bare else ''}{quote}"


def _announces(argument: str) -> bool:
    """Whether the argument after this one is a secret (``--password`` and its like)."""
    return argument.startswith("--") and "=" not in argument and bool(SECRET_NAME.search(argument[2:]))
