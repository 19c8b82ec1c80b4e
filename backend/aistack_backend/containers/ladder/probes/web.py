"""One HTTP request for probes: its own connection, bounded in time and size, no redirects, no proxies."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from aistack_backend.containers.ladder.probes.patience import limited

MOST = 1 << 20
"""Bytes of an answer that are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    body: bytes

    def text(self) -> str:
        """Return the body as text."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """Return the body as JSON; ``ValueError`` when it is none."""
        return json.loads(self.body)


def ask(
    where: tuple[str, int],
    path: str,
    seconds: float,
    *,
    method: str = "GET",
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    tls: bool = False,
    host: str = "",
) -> Answer:
    """Ask once. ``body`` is sent as JSON unless it is bytes. With ``tls`` the certificate is not checked: the stack
    makes its own, and the request goes to an address of this machine.

    Raises:
        OSError: refused, broken or late (``TimeoutError``). HTTPException: the answer is no HTTP.
    """
    sent = {"Host": host or f"{where[0]}:{where[1]}", "Connection": "close", **(headers or {})}
    content = body
    if body is not None and not isinstance(body, bytes):
        content = json.dumps(body).encode()
        sent.setdefault("Content-Type", "application/json")
    plain = socket.create_connection(where, timeout=seconds)
    with closing(plain), limited(plain.fileno(), seconds):
        connection = http.client.HTTPConnection(*where)
        connection.sock = _wrapped(plain, host or where[0]) if tls else plain
        try:
            connection.request(method, path, body=content, headers=sent)
            answer = connection.getresponse()
            return Answer(status=answer.status, body=answer.read(MOST))
        finally:
            connection.close()


def certificate(where: tuple[str, int], seconds: float, host: str) -> bytes:
    """Return the certificate that is shown there, DER; nothing is asked and nothing of it is trusted.

    Raises:
        OSError: refused, broken or late; it speaks no TLS (``ssl.SSLError``).
    """
    plain = socket.create_connection(where, timeout=seconds)
    with closing(plain), limited(plain.fileno(), seconds), _wrapped(plain, host) as wrapped:
        return wrapped.getpeercert(binary_form=True) or b""


def _wrapped(plain: socket.socket, name: str) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(plain, server_hostname=name)


def said(error: BaseException) -> str:
    """Return what went wrong with a request, in words."""
    if isinstance(error, ConnectionRefusedError):
        return "refuses the connection"
    if isinstance(error, TimeoutError):
        return "does not answer in time"
    if isinstance(error, ConnectionResetError | BrokenPipeError | http.client.RemoteDisconnected):
        return "ends the connection without an answer"
    if isinstance(error, ssl.SSLError):
        return f"does not speak TLS properly ({error.reason or error})"
    if isinstance(error, http.client.HTTPException):
        return f"answers with something that is no HTTP ({type(error).__name__})"
    if isinstance(error, OSError):
        return f"cannot be reached ({error.strerror or error})"
    return f"failed: {error}"
