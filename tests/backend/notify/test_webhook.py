"""The webhook against a real HTTP server on loopback: signed, bounded, no redirect, every failure told."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from aistack_backend.clock import HandClock
from aistack_backend.errors import BadInput
from aistack_backend.observe.notify import webhook
from aistack_backend.observe.notify.models import News, news_of
from aistack_backend.observe.notify.service import ways
from aistack_backend.observe.notify.webhook import Webhook, checked, key_of
from aistack_backend.wire.actions import Approval, ApprovalState, Risk
from aistack_backend.wire.config import NotifyConfig

KEY = b"a key of some length"
NEWS = News(approval_id=7, task_id=3, risk="high", kind="shell.run", expires_at=1_700_000_900.0)
Got = tuple[str, dict[str, str], bytes]


@contextmanager
def server(answer: Callable[[BaseHTTPRequestHandler, int], None]) -> Iterator[tuple[str, list[Got]]]:
    """Serve on loopback; ``answer`` gets the handler and how many came before."""
    got: list[Got] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            answer(self, len(got) - 1)

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as on:
        thread = threading.Thread(target=on.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{on.server_address[1]}/hook", got
        finally:
            on.shutdown()
            thread.join(5)


def says(*codes: int, **headers: str) -> Callable[[BaseHTTPRequestHandler, int], None]:
    def answer(handler: BaseHTTPRequestHandler, before: int) -> None:
        handler.send_response(codes[min(before, len(codes) - 1)])
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def hook(url: str, waits: list[float] | None = None) -> Webhook:
    return Webhook(url, KEY, HandClock(), pause=(waits if waits is not None else []).append)


def test_what_is_sent_is_signed_and_ours_alone() -> None:
    with server(says(204)) as (url, got):
        assert hook(url).tell(NEWS) == ""
    ((path, headers, body),) = got
    told = json.loads(body)
    assert (path, told["type"], told["approval_id"], told["risk"]) == ("/hook", "approval", 7, "high")
    assert told["sentence"] == "Approval 7 (high, shell.run) of task 3 waits for a person."
    right = hmac.new(KEY, headers["x-aistack-timestamp"].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["x-aistack-signature"] == f"sha256={right}"
    assert headers["content-type"] == "application/json"
    assert KEY.decode() not in str(got)


def test_nothing_of_the_asker_is_in_it() -> None:
    hostile = "\x1b]9;x\x07[@click=app.quit] sk-secret"
    one = Approval(
        id=1, task_id=2, state=ApprovalState.PENDING, risk=Risk.LOW, kind=f"a.{hostile}", title=hostile, script=hostile,
        agent_says=hostile, requester=hostile, created_at=0.0, expires_at=1.0, action_hash="x",
    )  # fmt: skip
    assert hostile not in news_of(one).sentence
    assert "unknown" in news_of(one).sentence
    assert len(news_of(one).sentence) < 200


@pytest.mark.parametrize(
    ("codes", "tries", "why"),
    [
        ((200,), 1, ""),
        ((500, 503, 200), 3, ""),
        ((503,), 3, "answered 503. Tried 3 times."),
        ((400,), 1, "answered 400."),
        ((401,), 1, "answered 401."),
        ((301,), 1, "answered 301 (it points elsewhere, which is not followed)."),
        ((307,), 1, "answered 307 (it points elsewhere, which is not followed)."),
    ],
)
def test_only_what_may_mend_itself_is_tried_again(codes: tuple[int, ...], tries: int, why: str) -> None:
    waits: list[float] = []
    with server(says(*codes, Location="http://127.0.0.1:9/else")) as (url, got):
        said = hook(url, waits).tell(NEWS)
    assert (len(got), len(waits)) == (tries, tries - 1)
    assert said.endswith(why)
    assert (said == "") is (why == "")


def test_nobody_there_and_a_half_answer_are_told() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        said = hook(f"http://127.0.0.1:{port}/").tell(NEWS)
        assert said.startswith(f"127.0.0.1:{port} did not answer (ConnectError)")

    def half(handler: BaseHTTPRequestHandler, _: int) -> None:
        handler.connection.shutdown(socket.SHUT_RDWR)

    with server(half) as (url, _):
        assert "did not answer (RemoteProtocolError). Tried 3 times." in hook(url).tell(NEWS)


def test_a_server_that_hangs_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "WITHIN", 0.1)
    let_go = threading.Event()
    with server(lambda *_: let_go.wait(10)) as (url, got):  # type: ignore[arg-type, return-value]
        assert "did not answer (ReadTimeout). Tried 3 times." in hook(url).tell(NEWS)
        let_go.set()
    assert len(got) == 3


def test_an_endless_answer_is_not_read() -> None:
    def endless(handler: BaseHTTPRequestHandler, _: int) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b"x" * 65_536)
        except OSError:
            return

    with server(endless) as (url, _):
        assert hook(url).tell(NEWS) == ""


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with server(says(200)) as (url, got):
        assert hook(url).tell(NEWS) == ""
    assert len(got) == 1


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://host/x", "no URL with http"), ("host/x", "no URL with http"), ("https://", "no URL with http"),
        ("https:///path", "no URL with http"), ("https://ho st/", "no URL with http"), ("javascript:x", "no URL"),
        ("https://host/\x1b", "no URL with http"), ("https://host:99999/", "is no URL"), ("https://[x/", "is no URL"),
        ("https://me:pw@host/", "holds a name"), ("https://host/#x", "holds a name"), ("file:///etc/passwd", "no URL"),
        ("http://host/", "without TLS"), ("http://10.0.0.1/", "without TLS"), ("http://127.0.0.1.host/", "without TLS"),
        ("unix:///run/x.sock", "no URL"),
    ],
)  # fmt: skip
def test_a_url_that_cannot_be_is_refused_in_one_sentence(url: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        checked(url)


def test_where_it_may_go() -> None:
    for url in ("https://host/x?y=1", "http://127.0.0.1:8080/", "http://localhost/", "http://[::1]:9/x"):
        assert checked(url) == url


def test_the_key_is_a_private_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(KEY + b"\nmore\n")
    with pytest.raises(BadInput, match="can be read by others"):
        key_of(str(file))
    file.chmod(0o600)
    assert key_of(str(file)) == KEY
    for text in (b"", b"short\n" + b"x" * 99, b"x" * 5000):
        file.write_bytes(text)
        with pytest.raises(BadInput, match="must have 16 to 4096 bytes"):
            key_of(str(file))
    with pytest.raises(BadInput, match="cannot be read"):
        key_of(str(tmp_path / "none"))
    with pytest.raises(BadInput, match="needs notify"):
        ways(NotifyConfig(webhook="https://host/"), HandClock())


def test_which_ways_there_are(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(KEY)
    (tmp_path / "key").chmod(0o600)
    wish: dict[str, Any] = {"webhook": "https://host/", "webhook_key_file": str(tmp_path / "key")}
    assert ways(NotifyConfig(), HandClock()) == ()
    assert [way.name for way in ways(NotifyConfig(desktop=True, **wish), HandClock())] == ["desktop", "webhook"]
