"""``[providers.NAME]``: OpenAI-compatible endpoints elsewhere, every value checked before anything is sent.

A key never stands here: only the file that holds it is named, and no sentence of a mistake repeats what was written
where a key could have been pasted.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
LONGEST = 300
"""Characters of a URL, and of a model's name."""
CURRENCY = re.compile(r"[A-Z]{3}")
KEYS_INLINE = ("key", "api_key", "apikey", "token", "secret", "password", "authorization", "bearer")
"""How somebody would write the key itself."""
_URL = re.compile(r"https?://[A-Za-z0-9.\-_~%/:\[\]]+")
_PATH = re.compile(r"/[^\x00-\x1f\x7f]+")
_PRICE = re.compile(r"\d{1,7}(\.\d{1,6})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderConfig:
    """One endpoint; prices are of a million tokens, None where they are not known."""

    name: str
    url: str
    """Up to and with ``/v1``, without a slash at the end."""
    model: str
    key_file: str = ""
    timeout: float = 300.0
    """Seconds for one answer as a whole."""
    read_timeout: float = 120.0
    """Seconds without a byte."""
    connect_timeout: float = 10.0
    price_in: Decimal | None = None
    price_out: Decimal | None = None
    currency: str = ""
    local: bool = False
    """It stands on this machine or in the owner's own network, and nowhere else."""
    max_tokens: int = 1024
    """Most tokens of one answer."""

    @property
    def host(self) -> str:
        """Host and port, for the screen."""
        return urlsplit(self.url).netloc


DOC = {
    "url": "The endpoint up to and with /v1; https anywhere, http to loopback alone; needed.",
    "model": "What the endpoint calls the model; needed.",
    "key_file": "File, 0600 and yours, whose first line is the key; empty = no key is sent. A key never stands here.",
    "timeout": "Seconds for one answer as a whole (default 300).",
    "read_timeout": "Seconds without a byte until it counts as gone (default 120).",
    "connect_timeout": "Seconds until a connection stands (default 10).",
    "price_in": "Price of a million tokens read; left out = not known, and costs are then shown as -.",
    "price_out": "Price of a million tokens written; given together with price_in.",
    "currency": "What the prices are in, as three letters, e.g. USD; needed where there are prices.",
    "local": "true = it stands on this machine or in your own network; a public address is then refused.",
    "max_tokens": "Most tokens that one answer may have (default 1024).",
}
"""The keys of one provider, and what each is."""
_SECONDS = {
    "timeout": (300.0, 1.0, 3600.0),
    "read_timeout": (120.0, 1.0, 3600.0),
    "connect_timeout": (10.0, 0.1, 120.0),
}
"""Default, least and most."""


class ProviderError(ValueError):
    """A value that cannot be; ``key`` is which one's (empty = the name of the provider itself)."""

    def __init__(self, key: str, sentence: str) -> None:
        super().__init__(sentence)
        self.key = key


def provider(name: str, values: dict[str, Any], home: Path) -> ProviderConfig:
    """Return the endpoint that a section describes; ``~/`` stands for ``home``. Fractions come as ``Decimal``.

    Raises:
        ProviderError: a value that cannot be, and what would be right.
    """
    if not NAME.fullmatch(name):
        raise ProviderError("", "must be named by 1 to 32 of a-z, 0-9 and -, beginning with a letter.")
    price_in, price_out, currency = _prices(values)
    return ProviderConfig(
        name=name,
        url=_url(_text(values, "url")),
        model=_model(_text(values, "model")),
        key_file=_file(_text(values, "key_file"), home),
        timeout=_seconds(values, "timeout"),
        read_timeout=_seconds(values, "read_timeout"),
        connect_timeout=_seconds(values, "connect_timeout"),
        price_in=price_in,
        price_out=price_out,
        currency=currency,
        local=_local(values.get("local", False)),
        max_tokens=_count(values.get("max_tokens", 1024)),
    )


def is_here(host: str) -> bool:
    """Whether a host, as it is written, is this machine: a loopback address, or ``localhost``. All that asks whether
    something leaves this machine asks here; a name is not resolved for it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _text(values: dict[str, Any], key: str) -> str:
    found = values.get(key, "")
    if not isinstance(found, str):
        raise ProviderError(key, "must be text.")
    return found


def _url(text: str) -> str:
    if not text:
        raise ProviderError("url", "is needed, e.g. https://host/v1.")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if not _URL.fullmatch(text) or not host or port == 0 or len(text) > LONGEST:
        raise ProviderError("url", "must be http(s)://HOST[:PORT]/PATH without user, key, query or fragment.")
    if parts.scheme == "http" and not is_here(host):
        raise ProviderError("url", f"goes to {host} without TLS: use https, or http to a loopback address alone.")
    return text.rstrip("/")


def _model(text: str) -> str:
    if not 0 < len(text) <= LONGEST or not all(32 < ord(one) < 127 for one in text):
        raise ProviderError("model", f"must be the model's name there: 1 to {LONGEST} characters without blanks.")
    return text


def _file(text: str, home: Path) -> str:
    path = str(home / text[2:]) if text.startswith("~/") else text
    if path and not _PATH.fullmatch(path):
        raise ProviderError("key_file", "must be the absolute path of a file, or one in ~/; never the key itself.")
    return path


def _seconds(values: dict[str, Any], key: str) -> float:
    default, least, most = _SECONDS[key]
    found = values.get(key, default)
    found = float(found) if isinstance(found, Decimal) else found
    if isinstance(found, bool) or not isinstance(found, int | float) or not least <= found <= most:
        raise ProviderError(key, f"must be a number of seconds between {least:g} and {most:g}.")
    return float(found)


def _prices(values: dict[str, Any]) -> tuple[Decimal | None, Decimal | None, str]:
    currency = _text(values, "currency")
    given = [key for key in ("price_in", "price_out") if key in values]
    if len(given) == 1:
        missing = "price_out" if given == ["price_in"] else "price_in"
        raise ProviderError(missing, f"is needed beside {given[0]}; 0 = it costs nothing.")
    if not given:
        if currency:
            raise ProviderError("currency", "belongs to prices, and none is given.")
        return None, None, ""
    if not CURRENCY.fullmatch(currency):
        raise ProviderError("currency", "must be three letters, e.g. USD, where there are prices.")
    return _price(values, "price_in"), _price(values, "price_out"), currency


def _price(values: dict[str, Any], key: str) -> Decimal:
    found = values[key]
    text = found if isinstance(found, str) else format(found, "f") if isinstance(found, Decimal) else str(found)
    if isinstance(found, bool) or not isinstance(found, str | int | Decimal) or not _PRICE.fullmatch(text):
        raise ProviderError(key, "must be a price of a million tokens with at most 6 decimals, e.g. 0.15.")
    return Decimal(text)


def _local(found: Any) -> bool:
    if not isinstance(found, bool):
        raise ProviderError("local", "must be true or false.")
    return found


def _count(found: Any) -> int:
    if type(found) is not int or not 1 <= found <= 1_000_000:
        raise ProviderError("max_tokens", "must be a whole number between 1 and 1000000.")
    return found
