"""What a data role needs in its container: the stack's PostgreSQL and Qdrant, and the role below it."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from aistack_backend.api.roles.checks import WITHIN, WITHIN_BELOW, Need
from aistack_backend.errors import Unavailable

TIMEOUT = WITHIN_BELOW
"""Seconds for one connection and its answer."""


def needs(role: str, env: Mapping[str, str]) -> tuple[Need, ...]:
    """Return what that role needs, at the places that the stack's variables name."""
    if role == "nixos-docs":
        return (blocking("postgres", lambda: sql_round_trip(told(env, "POSTGRES_HOST"), env)),)
    if role == "aidb":
        return (
            blocking("postgres", lambda: sql_round_trip(told(env, "POSTGRES_HOST"), env)),
            blocking("qdrant", lambda: qdrant_answers(told(env, "QDRANT_URL"), env.get("QDRANT_KEY_FILE", ""))),
        )
    if role == "hybrid-coordinator":
        return (
            blocking("aidb", lambda: role_answers("aidb", told(env, "AIDB_URL")), WITHIN_BELOW),
            blocking("postgres", lambda: sql_round_trip(told(env, "POSTGRES_HOST"), env)),
        )
    return ()


def told(env: Mapping[str, str], name: str) -> str:
    """Return a variable's value.

    Raises:
        Unavailable: it is not set.
    """
    if not (value := env.get(name, "")):
        raise Unavailable(f"The variable {name} is not set, so its place is not known.")
    return value


def blocking(name: str, ask: Callable[[], str], within: float = WITHIN) -> Need:
    """Return a need whose check blocks; it runs in a thread."""
    return Need(name, lambda: asyncio.to_thread(ask), within)


def secret(path: str) -> str:
    """Return what a secret's file holds.

    Raises:
        Unavailable: it cannot be read.
    """
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        raise Unavailable(f"The secret {path} cannot be read: {error.strerror}.") from error


def sql_round_trip(host: str, env: Mapping[str, str]) -> str:
    """Send SQL to PostgreSQL and compare its answer.

    Raises:
        Unavailable: it cannot be reached, refuses the password, or answers something else.
    """
    import psycopg

    user, database = env.get("POSTGRES_USER", "mcp"), env.get("POSTGRES_DB", "mcp")
    file = env.get("POSTGRES_PASSWORD_FILE", "")
    try:
        with psycopg.connect(
            host=host,
            port=env.get("POSTGRES_PORT", "5432"),
            user=user,
            dbname=database,
            password=secret(file) if file else None,
            connect_timeout=2,
        ) as connection:
            row = connection.execute("SELECT 41 + 1, current_setting('server_version')").fetchone()
    except psycopg.Error as error:
        line = str(error).strip().splitlines()
        raise Unavailable(f"PostgreSQL at {host} says no to {user}: {line[-1] if line else error!r}.") from error
    if row is None or row[0] != 42:
        raise Unavailable(f"PostgreSQL at {host} answered {row} to SELECT 41 + 1.")
    return f"PostgreSQL {row[1]} at {host} answered SQL."


def qdrant_answers(url: str, key_file: str) -> str:
    """Ask Qdrant whether it is ready, and for its collections with the key.

    Raises:
        Unavailable: it is not ready, or does not take the key.
    """
    status, _ = get(url, "/readyz")
    if status != 200:
        raise Unavailable(f"Qdrant at {url} answered {status} to /readyz.")
    status, _ = get(url, "/collections", {"api-key": secret(key_file)} if key_file else {})
    if status != 200:
        raise Unavailable(f"Qdrant at {url} answered {status} to /collections with our key.")
    return f"Qdrant at {url} is ready and takes the key."


def role_answers(role: str, url: str) -> str:
    """Ask another role for its health.

    Raises:
        Unavailable: it does not answer, or is not well; its own sentence is in the detail.
    """
    import msgspec

    status, body = get(url, "/health")
    if status != 200:
        try:
            why = msgspec.json.decode(body)["detail"]
        except (msgspec.DecodeError, KeyError, TypeError):
            why = ""
        raise Unavailable(f"{role} at {url} answered {status}. {why}".strip())
    return f"{role} at {url} is well."


def get(url: str, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
    """Return status and body of a GET below ``url``.

    Raises:
        Unavailable: no answer came.
    """
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port or 80, timeout=TIMEOUT)
    try:
        connection.request("GET", place.path.rstrip("/") + path, headers=dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read(1024 * 1024)
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(f"{url} does not answer: {error}.") from error
    finally:
        connection.close()
