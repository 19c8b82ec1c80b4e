"""``redis``: log in, write a key that expires by itself, read it, remove it; in Redis' own protocol."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Mapping
from contextlib import closing
from io import BufferedReader

from aistack_backend.containers.ladder.probes import rates, web
from aistack_backend.containers.ladder.probes.finding import Finding, Options, Reach
from aistack_backend.containers.ladder.probes.options import TEXT, Key
from aistack_backend.containers.ladder.probes.patience import limited

KEYS: Mapping[str, Key] = {"port": Key((int,)), "secret": TEXT}
PORT = 6379
LONGEST = 4096


class Refused(Exception):
    """Redis answered with an error; the text is its own."""


def run(options: Options, reach: Reach) -> Finding:
    """SET, GET, DEL a key of our own."""
    where = reach.address(int(options.get("port", PORT)))
    password = reach.secret(options["secret"]) if options.get("secret") else ""
    key, value = f"aistack:probe:{secrets.token_hex(4)}", secrets.token_hex(8)
    try:
        with (
            closing(socket.create_connection(where, timeout=reach.seconds)) as connection,
            limited(connection.fileno(), reach.seconds),
            connection.makefile("rb") as answers,
        ):
            if password:
                _ask(connection, answers, "AUTH", password)
            _ask(connection, answers, "SET", key, value, "EX", "30")
            found = _ask(connection, answers, "GET", key)
            _ask(connection, answers, "DEL", key)
            beside = _beside(connection, answers)
    except Refused as refused:
        return _said(str(refused))
    except (OSError, ValueError) as error:
        said = web.said(error) if isinstance(error, OSError) else "answers in another protocol"
        return Finding(ok=False, evidence=f"Port {where[1]} {said}.", next_step="Read its log.")
    if found != value:
        return Finding(ok=False, evidence=f"It took a value and gave {found!r} back.", next_step="Read its log.")
    return Finding(ok=True, evidence=f"It took a value and gave it back.{beside}")


def _beside(connection: socket.socket, answers: BufferedReader) -> str:
    try:
        return rates.redis(_ask(connection, answers, "INFO", "stats") or "")
    except Refused:  # it does not let this account look
        return ""


def _ask(connection: socket.socket, answers: BufferedReader, *words: str) -> str | None:
    parts = [f"*{len(words)}\r\n".encode()]
    for word in words:
        data = word.encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
    connection.sendall(b"".join(parts))
    return _read(answers)


def _read(answers: BufferedReader) -> str | None:
    line = answers.readline(LONGEST)
    if not line.endswith(b"\r\n"):
        raise ConnectionResetError("it ended the connection")
    kind, rest = line[:1], line[1:-2].decode("utf-8", "replace")
    if kind == b"-":
        raise Refused(rest)
    if kind == b"$":
        size = int(rest)
        return None if size < 0 else answers.read(size + 2)[:-2].decode("utf-8", "replace")
    if kind in (b"+", b":"):
        return rest
    raise ValueError("not Redis")


def _said(text: str) -> Finding:
    if text.startswith(("WRONGPASS", "NOAUTH")):
        step = "The password in its secret is not the one that it was started with."
    elif text.startswith("OOM"):
        step = "It is full: raise maxmemory, or free some keys."
    elif text.startswith(("MISCONF", "READONLY")):
        step = "It cannot write to its disk."
    else:
        step = "Read its log."
    return Finding(ok=False, evidence=f"Redis says: {text[:200]}", next_step=step)
