"""The probes over HTTP: what passes, and every way in which a server can be broken."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.backend.ladder.servers import Loopback, Talk, closed_port, dripping, http, saying, silent, standin, talking

from aistack_backend.containers.ladder.probes import registry
from aistack_backend.containers.ladder.probes.finding import Finding

KINDS: dict[str, dict[str, Any]] = {
    "http": {"port": 80, "path": "/health"},
    "proxy": {"port": 80, "path": "/aidb/"},
    "qdrant": {"port": 6333, "secret": "key"},
    "scrape": {"port": 9090},
    "grafana": {"secret": "key", "source": "prometheus"},
    "model": {"port": 8080},
}
GARBAGE = [
    b"SSH-2.0-OpenSSH_9.2\r\n",
    b"\x00\xff" * 400,
    b"",
    http("200 OK", b"<html>"),
    http("200 OK", b"[1, 2]"),
    http("200 OK", b'{"data": 7, "result": 7}'),
    http("200 OK", b'{"data": {"activeTargets": [3, null]}, "result": [3, null]}'),
    http("200 OK", b'{"data": {"activeTargets": [{"labels": 3}]}, "result": {"a": 1}}'),
    b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nshort",
]


def ask(kind: str, port: int, *, seconds: float = 2.0, secret: str = "k", **more: Any) -> Finding:
    options = {**KINDS[kind], **more}
    assert registry.check_probe(kind, options) == ""
    return registry.run(kind, options, Loopback(port, seconds=seconds, key=secret))


@contextmanager
def trial(talk: Talk, kind: str, **more: Any) -> Iterator[Finding]:
    with talking(talk) as port:
        yield ask(kind, port, **more)


@pytest.mark.parametrize("kind", KINDS)
def test_a_closed_port_refuses(kind: str) -> None:
    found = ask(kind, closed_port())
    assert (found.ok, "refuses the connection" in found.evidence, bool(found.next_step)) == (False, True, True)


@pytest.mark.parametrize(
    "talk", [dripping(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 900, 0.05), silent], ids=["drips", "mute"]
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_slow_answer_ends_in_time(kind: str, talk: Talk) -> None:
    began = time.monotonic()
    with trial(talk, kind, seconds=0.5) as found:
        assert (found.ok, "in time" in found.evidence) == (False, True)
    assert time.monotonic() - began < 3.0


@pytest.mark.parametrize("said", GARBAGE, ids=range(len(GARBAGE)))
@pytest.mark.parametrize("kind", ["qdrant", "scrape", "grafana", "model"])
def test_garbage_fails_and_never_breaks_the_probe(kind: str, said: bytes) -> None:
    with trial(saying(said), kind) as found:
        assert found.ok is False
        assert found.evidence.endswith(".")


@pytest.mark.parametrize("said", GARBAGE[:3], ids=range(3))
@pytest.mark.parametrize("kind", ["http", "proxy"])
def test_what_is_no_http_fails(kind: str, said: bytes) -> None:
    with trial(saying(said), kind) as found:
        assert found.ok is False


@pytest.mark.parametrize(
    ("said", "more", "ok", "words"),
    [
        (http("200 OK", b'{"status": "ok"}'), {"json": {"status": "ok"}}, True, "/health answers 200."),
        (http("200 OK", b'{"status": "no"}'), {"json": {"status": "ok"}}, False, "status is 'no'; 'ok' would be right"),
        (http("200 OK", b"oops"), {"json": {"status": "ok"}}, False, "no JSON"),
        (http("200 OK", b"hello"), {"contains": "Grafana"}, False, "does not contain 'Grafana'"),
        (http("503 Busy", b"loading the model"), {}, False, "answers 503; 200 would be right. It says: loading"),
        (http("401 No", b""), {}, False, "answers 401"),
        (http("204 None", b""), {"status": [200, 204]}, True, "answers 204"),
    ],
)
def test_http_compares_status_and_content(said: bytes, more: dict[str, Any], ok: bool, words: str) -> None:
    with trial(saying(said), "http", **more) as found:
        assert (found.ok, words in found.evidence) == (ok, True), found


@pytest.mark.parametrize("status", ["502 Bad Gateway", "504 Gateway Timeout"])
def test_a_dead_upstream_is_the_fault_of_what_stands_behind(status: str) -> None:
    with trial(saying(http(status, b"<h1>nginx</h1>", "text/html")), "proxy") as found:
        assert found.ok is False
        assert "What stands behind it does not answer" in found.next_step


@pytest.mark.parametrize(
    "status", ["200 OK", "401 Unauthorized", "404 Not Found", "503 Service Unavailable", "307 Temporary Redirect"]
)
def test_any_answer_of_the_upstream_is_a_hop(status: str) -> None:
    with trial(saying(http(status, b"{}")), "proxy") as found:
        assert (found.ok, found.evidence) == (True, "A hop to /aidb/ arrived.")


def test_qdrant_takes_a_vector_and_gives_it_back(tmp_path: Path) -> None:
    with standin("qdrant", KEY="right", STORAGE=tmp_path) as port:
        good, bad = ask("qdrant", port, secret="right"), ask("qdrant", port, secret="wrong")
    assert (good.ok, good.evidence) == (True, "It took a vector and found it.")
    assert (bad.ok, "answers 401" in bad.evidence, "key" in bad.next_step) == (False, True, True)
    assert not list(tmp_path.rglob("aistack-probe*"))


@pytest.mark.parametrize("status", ["404 Not Found", "507 Insufficient Storage", "500 No Disk"])
def test_qdrant_that_loses_its_collection_or_cannot_write(status: str) -> None:
    def talk(connection: Any) -> None:
        asked = connection.recv(65536)
        made = asked.startswith(b"PUT") and b"/points" not in asked.split(b"\r\n")[0]
        connection.sendall(http("200 OK", b'{"result": true}') if made else http(status, b'{"status": "lost"}'))

    with trial(talk, "qdrant") as found:
        assert (found.ok, f"answers {status[:3]}" in found.evidence, bool(found.next_step)) == (False, True, True)


def test_grafana_answers_its_health_route() -> None:
    with standin("grafana") as port:
        good = ask("http", port, path="/api/health", json={"database": "ok"})
        shut = ask("http", port, path="/api/datasources")
    assert good.ok
    assert (shut.ok, "password" in shut.next_step) == (False, True)


def targets(**more: object) -> bytes:
    own = {
        "labels": {"job": "prometheus"},
        "scrapeUrl": "http://x:9090/metrics",
        "health": "up",
        "lastScrape": datetime.now(UTC).isoformat().replace("+00:00", "123Z"),
    }
    down = {"labels": {"job": "other"}, "health": "down"}
    return http("200 OK", json.dumps({"data": {"activeTargets": [{**own, **more}, down]}}).encode())


OLD = (datetime.now(UTC) - timedelta(hours=1)).isoformat()


@pytest.mark.parametrize(
    ("more", "ok", "words"),
    [
        ({}, True, "is fresh; 1 of 2 targets are down."),
        ({"lastScrape": OLD}, False, "s old; 60 would be right."),
        ({"lastScrape": "0001-01-01T00:00:00Z", "health": "unknown"}, False, "is unknown: no reason given"),
        ({"lastScrape": "0001-01-01T00:00:00Z"}, False, "has not been scraped yet."),
        ({"lastScrape": "yesterday"}, False, "has not been scraped yet."),
        ({"health": "down", "lastError": "connection refused"}, False, "is down: connection refused"),
        ({"labels": {"job": "else"}}, False, "has no target of the job prometheus"),
    ],
)
def test_scrape_wants_a_fresh_one(more: dict[str, object], ok: bool, words: str) -> None:
    with trial(saying(targets(**more)), "scrape") as found:
        assert (found.ok, words in found.evidence) == (ok, True), found
