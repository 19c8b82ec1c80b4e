"""A webhook: one small signed POST to the one URL that the person configured. No redirect is followed."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import os
import stat
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from aistack_backend.clock import Clock
from aistack_backend.errors import BadInput
from aistack_backend.observe.notify.models import Alarm, News

WITHIN = 5.0
"""Seconds for one try."""
TRIES = (0.0, 1.0, 4.0)
"""Seconds to wait before each try."""
SHORTEST, LONGEST = 16, 4096
"""Bytes of a key."""


class Webhook:
    """Sends to one URL."""

    name = "webhook"

    def __init__(self, url: str, key: bytes, clock: Clock, pause: Callable[[float], None] = time.sleep) -> None:
        """Take what ``checked`` and ``key_of`` gave; ``pause`` waits between two tries."""
        self._url, self._key, self._clock, self._pause = url, key, clock, pause
        self.host = urlsplit(url).netloc

    def tell(self, news: News | Alarm) -> str:
        """POST it, at most three times; only what did not answer, or answered 5xx, is tried again."""
        said = ""
        for wait in TRIES:
            if wait:
                self._pause(wait)
            said, again = self._try(news)
            if not again:
                return said
        return f"{said} Tried {len(TRIES)} times."

    def _try(self, news: News | Alarm) -> tuple[str, bool]:
        body = json.dumps(asdict(news) | {"type": news.type, "sentence": news.sentence}, sort_keys=True).encode()
        stamp = str(int(self._clock.now()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "aistack-backend",
            "X-Aistack-Timestamp": stamp,
            "X-Aistack-Signature": f"sha256={sign(self._key, stamp, body)}",
        }
        try:
            with (
                httpx.Client(timeout=WITHIN, follow_redirects=False, trust_env=False) as client,
                client.stream("POST", self._url, content=body, headers=headers) as answer,  # its body is not read
            ):
                code = answer.status_code
        except httpx.HTTPError as error:
            return f"{self.host} did not answer ({type(error).__name__}).", True
        if 200 <= code < 300:
            return "", False
        moved = " (it points elsewhere, which is not followed)" if 300 <= code < 400 else ""
        return f"{self.host} answered {code}{moved}.", code >= 500


def sign(key: bytes, stamp: str, body: bytes) -> str:
    """Return the HMAC-SHA256 of ``STAMP.BODY`` in hex: who knows the key can check both."""
    return hmac.new(key, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def checked(url: str) -> str:
    """Return a URL that may be posted to.

    Raises:
        BadInput: it is no URL with a host, holds a name and password, or is not https to another machine.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise BadInput(f"notify.webhook is no URL: {error}.", "Write e.g. https://host/path.") from error
    if parts.scheme not in ("http", "https") or not host or not url.isprintable() or " " in url:
        raise BadInput("notify.webhook is no URL with http or https and a host.", "Write e.g. https://host/path.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise BadInput("notify.webhook holds a name, a password or a #.", "The key file proves who sends.")
    if parts.scheme == "http" and not _loopback(host):
        raise BadInput(f"notify.webhook goes to {host} without TLS.", "Use https, or http to this machine alone.")
    return url


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def key_of(file: str) -> bytes:
    """Return the key in the first line of a file.

    Raises:
        BadInput: none is named, it cannot be read, others can read it, or it is too short or long.
    """
    if not file:
        raise BadInput("notify.webhook needs notify.webhook_key_file.", "What is sent is always signed.")
    path = Path(file).expanduser()
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            key = opened.read(LONGEST + 1).split(b"\n", 1)[0].strip() if stat.S_ISREG(mode) else b""
    except OSError as error:
        raise BadInput(f"The webhook's key {path} cannot be read: {error.strerror}.") from error
    if mode & 0o077:
        raise BadInput(f"The webhook's key {path} can be read by others.", f"Run: chmod 600 {path}")
    if not SHORTEST <= len(key) <= LONGEST:
        raise BadInput(f"The webhook's key {path} must have {SHORTEST} to {LONGEST} bytes in its first line.")
    return key
