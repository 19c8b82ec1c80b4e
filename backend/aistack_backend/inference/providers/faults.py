"""What can go wrong with an endpoint, told apart: whose fault it is, and whether asking again makes sense."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from aistack_backend.audit.redact import shortened
from aistack_backend.errors import BadInput, Unavailable

TOLD = 300
"""Characters of an endpoint's own words."""
LONGEST_WAIT = 3_600.0
"""Seconds of a Retry-After that are believed."""


class ProviderDown(Unavailable):
    """It cannot be reached, breaks off, is too slow, fails, or answers what is no answer."""

    type, title = "provider-down", "The provider does not answer"


class KeyRefused(ProviderDown):
    """It does not take the key (401, 403)."""

    type, title = "provider-key-refused", "The provider refuses the key"


class Busy(ProviderDown):
    """It wants to be left alone for a while (429, or 503 with Retry-After)."""

    type, title = "provider-busy", "The provider is busy"

    def __init__(self, detail: str, hint: str, wait: float | None) -> None:
        """``wait``: seconds it asked for; None = it did not say."""
        super().__init__(detail, hint)
        self.wait = wait


class Rejected(BadInput):
    """It refuses this very request (400, 404, 413, 422 …): it is well, and asking again brings the same."""

    type, title = "provider-rejected", "The provider refuses the request"


def of_status(
    host: str, status: int, headers: Mapping[str, str], body: bytes, *, key: str, key_file: str, now: float
) -> ProviderDown | Rejected:
    """Return the fault of an answer that is not 200; the key is in none of its words."""
    words = told(body, key)
    detail = f"{host} answers {status}{f': {words}' if words else ''}{'' if words.endswith('.') else '.'}"
    if status in (401, 403):
        hint = f"Look at the key in {key_file}." if key_file else "It wants a key: name its file as key_file."
        return KeyRefused(detail, hint)
    wait = retry_after(headers, now)
    if status == 429 or (status == 503 and wait is not None):
        return Busy(detail, f"It asks for {wait:g} s." if wait is not None else "Ask it less often.", wait)
    if 300 <= status < 400:
        return ProviderDown(
            f"{host} answers {status} and points elsewhere.", "It is not followed: name the URL itself."
        )
    if 400 <= status < 500 and status != 408:
        return Rejected(detail, "Look at its url and model." if status == 404 else "")
    return ProviderDown(detail)


def told(body: bytes, key: str = "") -> str:
    """Return an endpoint's own words for an error on one line: OpenAI's form, its relatives, else nothing."""
    try:
        found: Any = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    return words(found, key)


def words(found: Any, key: str = "") -> str:
    """Return the sentence of a decoded error; the key, should it be repeated there, is taken out."""
    for name in ("error", "message", "detail"):
        if isinstance(found, dict) and found.get(name):
            found = found[name]
    if not isinstance(found, str):
        return ""
    plain = " ".join("".join(one if one.isprintable() else " " for one in found).split())
    return shortened(plain.replace(key, "[key]") if key else plain, TOLD)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds that ``Retry-After`` asks for, as a number or a date; None = nothing that can be read."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return min(float(text), LONGEST_WAIT)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return min(max(0.0, when.timestamp() - now), LONGEST_WAIT)
