"""The probes of Grafana and Jaeger, on the stand-ins of the test bed and on servers that are broken."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.backend.ladder.servers import Loopback, WgetInside, closed_port, http, saying, silent, standin, talking

from aistack_backend.containers.ladder.probes import registry
from aistack_backend.containers.ladder.probes.finding import Finding
from aistack_backend.containers.models import ExecResult

PROVISIONED = "apiVersion: 1\n\ndatasources:\n  - name: P\n    uid: prometheus\n    type: prometheus\n    url: {url}\n"


def grafana(port: int, *, secret: str = "right", source: str = "prometheus") -> Finding:
    options = {"secret": "key", "source": source}
    assert registry.check_probe("grafana", options) == ""
    return registry.run("grafana", options, Loopback(port, key=secret))


@pytest.fixture
def provisioned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of Grafana's data sources, and the administrator's password."""
    monkeypatch.setenv("GF_SECURITY_ADMIN_PASSWORD", "right")
    monkeypatch.delenv("GF_SECURITY_ADMIN_PASSWORD__FILE", raising=False)
    (tmp_path / "datasources").mkdir()
    return tmp_path / "datasources" / "stack.yaml"


def test_grafana_asks_its_data_source_for_us(provisioned: Path) -> None:
    with talking(saying(http("200 OK", b"{}"))) as prometheus:
        provisioned.write_text(PROVISIONED.format(url=f"http://127.0.0.1:{prometheus}"))
        with standin("grafana", PROVISIONING=provisioned.parent.parent) as port:
            good, shut, lost = grafana(port), grafana(port, secret="wrong"), grafana(port, source="loki")
    assert (good.ok, good.evidence) == (True, "Its data source prometheus answers it.")
    assert (shut.ok, "answers 401" in shut.evidence, "password" in shut.next_step) == (False, True, True)
    assert (lost.ok, lost.evidence) == (False, "It has no data source loki.")


@pytest.mark.parametrize("broken", ["closed", "503"])
def test_a_data_source_that_is_gone_is_said_with_grafanas_reason(provisioned: Path, broken: str) -> None:
    with talking(saying(http("503 Busy", b""))) as busy:
        provisioned.write_text(PROVISIONED.format(url=f"http://127.0.0.1:{busy if broken == '503' else closed_port()}"))
        with standin("grafana", PROVISIONING=provisioned.parent.parent) as port:
            found = grafana(port)
    assert not found.ok
    assert found.evidence.startswith("Its data source prometheus does not answer it: http://127.0.0.1:")
    assert "Look at prometheus" in found.next_step


def test_a_source_of_another_place_cannot_be_smuggled_into_the_path() -> None:
    with talking(saying(http("404 Not Found", b"{}"))) as port:
        assert grafana(port, source="../../../admin").evidence == "It has no data source ../../../admin."


class Heard:
    """Remembers what it was asked, and says the same to everybody."""

    def __init__(self, answer: bytes) -> None:
        self.asked: list[bytes] = []
        self._answer = answer

    def __call__(self, connection: socket.socket) -> None:
        self.asked.append(connection.recv(65536))
        connection.sendall(self._answer)


def test_the_password_goes_by_the_head_alone() -> None:
    heard = Heard(http("200 OK", b'{"status": "OK"}'))
    with talking(heard) as port:
        assert grafana(port, secret="s3cret").ok
    assert b"Authorization: Basic YWRtaW46czNjcmV0" in heard.asked[0]
    assert b"s3cret" not in heard.asked[0]


def jaeger(port: int, *, seconds: float = 2.0, done: ExecResult | None = None, **options: Any) -> Finding:
    assert registry.check_probe("jaeger", options) == ""
    reach = WgetInside(port, seconds=seconds)
    reach.done = done or reach.done
    return registry.run("jaeger", options, reach)


@pytest.fixture
def tracing() -> Iterator[int]:
    with standin("jaeger") as port:
        yield port


def test_jaeger_takes_a_span_and_gives_it_back(tracing: int) -> None:
    found = jaeger(tracing)
    assert (found.ok, found.evidence) == (True, "It took a span and gave it back.")


def test_jaeger_that_forgets_at_once_is_not_useful() -> None:
    with standin("jaeger", SPANS=deque(maxlen=0)) as port:
        found = jaeger(port, seconds=0.6)
    assert (found.ok, found.evidence) == (False, "It took a span and did not give it back within 0.6 s.")


@pytest.mark.parametrize(
    ("done", "words", "step"),
    [
        (ExecResult(exit_code=127, out=b"", err=b""), "no command wget", "image"),
        (ExecResult(exit_code=1, out=b"", err=b"wget: can't connect"), "port 4318: wget: can't connect", "receivers"),
        (ExecResult(exit_code=1, out=b"", err=b""), "wget says nothing", "receivers"),
    ],
)
def test_jaeger_whose_intake_is_shut(tracing: int, done: ExecResult, words: str, step: str) -> None:
    found = jaeger(tracing, done=done)
    assert (found.ok, words in found.evidence, step in found.next_step) == (False, True, True), found


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (http("500 Oops", b"storage is gone"), "takes no span"),
        (http("200 OK", b'{"data": 7}'), "did not give it back"),
        (http("200 OK", b'{"data": [{"traceID": "00ab", "spans": [{}]}]}'), "did not give it back"),
        (http("200 OK", b"[1]"), "did not give it back"),
        (http("200 OK", b"<html>"), "failed: "),
    ],
)
def test_jaeger_that_answers_something_else(said: bytes, words: str) -> None:
    with talking(saying(said)) as port:
        found = jaeger(port, seconds=0.4)
    assert (found.ok, words in found.evidence) == (False, True), found


def test_jaeger_that_answers_no_question_ends_in_time() -> None:
    done = ExecResult(exit_code=0, out=b"", err=b"")

    class Took(WgetInside):
        def exec(self, command: Any, seconds: float) -> ExecResult:
            return done

    with talking(silent) as port:
        found = registry.run("jaeger", {}, Took(port, seconds=0.4))
    assert (found.ok, "in time" in found.evidence) == (False, True)
