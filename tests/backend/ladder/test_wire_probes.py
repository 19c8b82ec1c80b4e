"""The probes in other protocols than HTTP: Redis, PostgreSQL, plain TCP, and commands inside."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.backend.ladder.servers import Loopback, Redis, Talk, closed_port, dripping, saying, silent, talking

from aistack_backend.containers.ladder.probes import registry
from aistack_backend.containers.models import ExecResult

SQL = {"user": "mcp", "database": "mcp", "secret": "key"}
KINDS: dict[str, dict[str, Any]] = {
    "redis": {"secret": "key"},
    "sql": SQL,
    "tcp": {"port": 1, "greeting": "+hello"},
}


def ask(kind: str, port: int, *, seconds: float = 2.0, secret: str = "k", **more: Any) -> Any:
    options = {**KINDS[kind], **more}
    assert registry.check_probe(kind, options) == ""
    return registry.run(kind, options, Loopback(port, seconds=seconds, key=secret))


@pytest.mark.parametrize("kind", KINDS)
def test_a_closed_port_refuses(kind: str) -> None:
    found = ask(kind, closed_port())
    assert (found.ok, "refuse" in found.evidence, bool(found.next_step)) == (False, True, True)


@pytest.mark.parametrize("talk", [dripping(b"+" * 99, 0.05), silent], ids=["drips", "mute"])
@pytest.mark.parametrize("kind", ["redis", "tcp"])
def test_a_slow_answer_ends_in_time(kind: str, talk: Talk) -> None:
    began = time.monotonic()
    with talking(talk) as port:
        found = ask(kind, port, seconds=0.4, **({"greeting": "+" * 500} if kind == "tcp" else {}))
    assert (found.ok, "in time" in found.evidence) == (False, True), found
    assert time.monotonic() - began < 2.0


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00\xff\r\n" * 9, b"", b"$x\r\n", b"*3\r\n"])
@pytest.mark.parametrize("kind", KINDS)
def test_garbage_fails(kind: str, said: bytes) -> None:
    with talking(saying(said)) as port:
        found = ask(kind, port, seconds=1.0)
    assert (found.ok, bool(found.next_step)) == (False, True), found


def test_redis_takes_a_value_and_keeps_nothing() -> None:
    with talking(server := Redis("right")) as port:
        found = ask("redis", port, secret="right")
    assert (found.ok, found.evidence) == (True, "It took a value and gave it back.")
    assert server.keys == {}


@pytest.mark.parametrize(
    ("server", "words", "step"),
    [
        (Redis("other"), "WRONGPASS", "The password in its secret"),
        (Redis("k", SET="OOM command not allowed when used memory > 'maxmemory'."), "OOM", "raise maxmemory"),
        (Redis("k", SET="MISCONF Redis is configured to save RDB snapshots"), "MISCONF", "cannot write to its disk"),
        (Redis("k", SET="READONLY You can't write against a read only replica."), "READONLY", "cannot write"),
        (Redis("k", SET="LOADING Redis is loading the dataset in memory"), "LOADING", "Read its log."),
    ],
    ids=["password", "full", "disk", "read-only", "loading"],
)
def test_redis_says_what_is_wrong(server: Redis, words: str, step: str) -> None:
    with talking(server) as port:
        found = ask("redis", port)
    assert found.ok is False
    assert words in found.evidence
    assert step in found.next_step


def test_redis_without_a_password_given_is_told() -> None:
    with talking(Redis("right")) as port:
        found = registry.run("redis", {}, Loopback(port))
    assert (found.ok, "NOAUTH" in found.evidence) == (False, True)


def test_redis_that_forgets_at_once_is_not_useful() -> None:
    server = Redis("k")
    server.forgets = True
    with talking(server) as port:
        found = ask("redis", port)
    assert (found.ok, found.evidence) == (False, "It took a value and gave None back.")


def test_postgres_that_never_answers_ends_in_time() -> None:
    began = time.monotonic()
    with talking(silent) as port:
        found = ask("sql", port, seconds=1.0)
    assert found.ok is False
    assert time.monotonic() - began < 5.0


def test_postgres_that_freezes_after_the_login_ends_in_time() -> None:
    def talk(connection: Any) -> None:
        asked = connection.recv(65536)
        if asked[4:8] == b"\x04\xd2\x16\x2f":  # the wish for TLS
            connection.sendall(b"N")
            connection.recv(65536)
        connection.sendall(b"R\x00\x00\x00\x08\x00\x00\x00\x00" + b"Z\x00\x00\x00\x05I")
        silent(connection)

    began = time.monotonic()
    with talking(talk) as port:
        found = ask("sql", port, seconds=1.0)
    assert (found.ok, "in time" in found.evidence) == (False, True), found
    assert time.monotonic() - began < 4.0


def test_tcp_hears_the_greeting() -> None:
    def greet(connection: Any) -> None:
        connection.sendall(b"+hello\r\n")
        silent(connection)

    with talking(greet) as port:
        assert ask("tcp", port).ok
        other = ask("tcp", port, greeting="220 mail")
    assert (other.ok, "would be right" in other.evidence) == (False, True)


@pytest.mark.parametrize(
    ("done", "options", "ok", "words"),
    [
        (ExecResult(exit_code=0, out=b"PONG\n", err=b""), {"contains": "PONG"}, True, "ends with 0"),
        (ExecResult(exit_code=0, out=b"nope", err=b""), {"contains": "PONG"}, False, "does not say 'PONG', but: nope"),
        (ExecResult(exit_code=2, out=b"", err=b"no space"), {}, False, "ends with 2: no space"),
        (ExecResult(exit_code=127, out=b"", err=b""), {}, False, "There is no command sh in it."),
        (ExecResult(exit_code=3, out=b"", err=b""), {"code": 3}, True, "ends with 3"),
    ],
)
def test_a_command_inside(done: ExecResult, options: dict[str, Any], ok: bool, words: str) -> None:
    reach = Loopback(1)
    reach.done = done
    found = registry.run("exec", {"command": "redis-cli ping", **options}, reach)
    assert (found.ok, words in found.evidence) == (ok, True), found
    assert reach.commands == [("sh", "-c", "redis-cli ping")]


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("htpt", {}, "There is no probe 'htpt'; use exec, grafana, http"),
        ("http", {"prt": 80}, "did you mean port?"),
        ("http", {}, "The option port is missing."),
        ("http", {"port": 70000}, "a number from 1 to 65535"),
        ("http", {"port": True}, "a number would be right"),
        ("http", {"port": 80, "method": "DELETE"}, "use GET, POST, PUT, HEAD"),
        ("sql", {"user": "a", "database": "b"}, "The option secret is missing."),
    ],
)
def test_wrong_options_are_told_when_the_manifest_is_read(kind: str, options: dict[str, Any], words: str) -> None:
    assert words in registry.check_probe(kind, options)
