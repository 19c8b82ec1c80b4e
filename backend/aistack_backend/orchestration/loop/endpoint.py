"""Where an agent's model or an agent itself answers, when that is elsewhere; and what it costs."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlsplit

from aistack_backend.errors import BadInput
from aistack_backend.wire.providerconfig import is_here

LONGEST = 300
_PRICE = re.compile(r"(\d{1,5}(?:\.\d{1,6})?)/(\d{1,5}(?:\.\d{1,6})?)")


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens."""

    read: Decimal
    written: Decimal

    def cost(self, read: int, written: int) -> int:
        """Return millionths of a dollar, rounded up."""
        return math.ceil(self.read * read + self.written * written)

    def tokens(self, left: int) -> int | None:
        """Return how many tokens of an answer so many millionths of a dollar pay; None = any number."""
        return int(left / self.written) if self.written else None


FREE = Price(Decimal(0), Decimal(0))


def price(text: str) -> Price:
    """Read a price, e.g. ``0.15/0.60``; "" costs nothing.

    Raises:
        BadInput: it is none.
    """
    if not text:
        return FREE
    found = _PRICE.fullmatch(text)
    if found is None:
        raise BadInput(
            f"{text[:40]!r} is no price.", "Write US dollars for a million tokens read and written, e.g. 0.15/0.60."
        )
    return Price(Decimal(found[1]), Decimal(found[2]))


def check(url: str, *, keyed: bool) -> None:
    """Hold a URL that a person named against what may be asked.

    Raises:
        BadInput: it is no plain http or https URL, or would carry a key in clear over a network.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise BadInput(f"{url[:LONGEST]!r} is no URL: {error}.") from error
    plain = all(32 < ord(one) < 127 and one not in '\\"<>`{}|^' for one in url)
    odd = parts.username or parts.password or parts.query or parts.fragment or "?" in url or "#" in url or "@" in url
    if not (plain and host and not odd and parts.scheme in ("http", "https") and len(url) <= LONGEST):
        raise BadInput(
            f"{url[:LONGEST]!r} is no endpoint.", "Write http(s)://HOST[:PORT]/PATH, without user, query or fragment."
        )
    if keyed and parts.scheme == "http" and not is_here(host):
        raise BadInput(f"The key would go to {host} in clear.", "Use https.")
