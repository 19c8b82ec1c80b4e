"""``http.fetch``: one GET to the public network, and to nothing else (R4.6). Traffic goes to 127.0.0.1 only."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.bed.backend import wait_until

from aistack_backend.address import forbidden, read
from aistack_backend.approvals.risk import judge
from aistack_backend.engine.tools import Fate, Nature
from aistack_backend.errors import BadInput
from aistack_backend.orchestration.fetch.tool import MOST, FetchPart, FetchTool
from aistack_backend.orchestration.rules import plan
from aistack_backend.wire.actions import Risk

ODD = [
    "ftp://example.org/",
    "file:///etc/passwd",
    "unix:///run/podman/podman.sock",
    "gopher://example.org/",
    "//example.org/",
    "example.org",
    "http://",
    "http:///",
    "http://?x",
    "http://user@example.org/",
    "http://user:pw@example.org/",
    "http://example.org@127.0.0.1/",
    "http://127.0.0.1@example.org/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://0/",
    "http://017700000001/",
    "http://0x7f.0.0.1/",
    "http://127.0.0.0x1/",
    "http://1.2.3.4.5/",
    "http://1.2.3/",
    "http://256.1.1.1/",
    "http://[::1",
    "http://[fe80::1%25eth0]/",
    "http://[127.0.0.1]/",
    "http://[v1.x]/",
    "http://ex%61mple.org/",
    "http://example.org:0/",
    "http://example.org:99999/",
    "http://example.org:x/",
    "http://-example.org/",
    "http://example-.org/",
    "http://exa_mple.org/",
    "http://.example.org/",
    "http://example..org/",
    "http://exámple.org/",
    "http://ⓔxample.org/",
    "http://example。org/",
    "http://127。0。0。1/",
    "http://example.org\\@127.0.0.1/",
    "http:\\\\127.0.0.1/",
    "javascript:alert(1)",
    "data:text/plain,x",
    'http://example.org/"x',
    "http://example.org/<x>",
    "http://example.org/`id`",
    "http://example.org/{x}",
    "http://example.org/|x",
    "http://example.org/^",
    "http://①②⑦.0.0.1/",
    "http://[::ffff:127.0.0.1",
    "ws://example.org/",
]
INSIDE = [
    "http://127.0.0.1/",
    "http://127.9.9.9:8080/",
    "http://0.0.0.0/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.64.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://240.0.0.1/",
    "http://192.0.2.1/",
    "http://198.18.0.1/",
    "http://[::1]/",
    "http://[::]/",
    "http://[fe80::1]/",
    "http://[fc00::1]/",
    "http://[fd00::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::ffff:8.8.8.8]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001::1]/",
    "http://[ff02::1]/",
    "http://[2001:db8::1]/",
    "http://127.0.0.1./",
]


@pytest.mark.parametrize("url", ODD)
def test_what_is_written_oddly_is_refused(url: str) -> None:
    with pytest.raises(BadInput):
        read(url)
    with pytest.raises(BadInput):
        FetchPart().prepare("http.fetch", url)


@pytest.mark.parametrize("url", INSIDE)
async def test_addresses_that_are_not_public_are_refused_when_asked_and_when_run(url: str) -> None:
    with pytest.raises(BadInput, match="not an address of the public network"):
        FetchPart().prepare("http.fetch", url)
    assert forbidden(read(url).host)
    action, _ = FetchPart().prepare("http.fetch", "http://example.org/")
    found = read(url).host

    async def rebound(host: str, port: int) -> tuple[str, ...]:
        return ("8.8.8.8", found)

    outcome = await FetchTool(rebound).run("k", action)
    assert not outcome.ok
    assert "example.org is not fetched" in outcome.text


def test_one_action_says_it_all_and_a_person_is_asked() -> None:
    action, evidence = FetchPart().prepare("http.fetch", "https://example.org:8443/a?b=c#d", requester="agent:x")
    assert action.argv == ("GET", "https://example.org:8443/a?b=c")
    assert (action.network, action.targets[0].name) == ("example.org:8443", "example.org")
    assert judge(action, managed=evidence.managed).risk is Risk.HIGH
    assert (FetchTool().nature(action), FetchTool().probe("k", action)) == (Nature.IDEMPOTENT, (Fate.NOT_DONE, None))
    assert FetchTool().recheck(action) == ""
    with pytest.raises(BadInput, match="no script"):
        FetchPart().prepare("http.fetch", "https://example.org/", script="rm -rf /")
    proposal = plan("please fetch https://example.org/a.txt.", ("http.fetch",), ())
    assert (proposal.kind, proposal.target) == ("http.fetch", "https://example.org/a.txt")


class Page(BaseHTTPRequestHandler):
    """Answers by path, and remembers what it was asked."""

    seen: list[tuple[str, str]] = []  # noqa: RUF012  one for all

    def do_GET(self) -> None:
        self.seen.append((self.path, self.headers["Host"]))
        if self.path == "/slow":
            self.server.gone.wait(10)  # type: ignore[attr-defined]
            return
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1/secret")
            self.end_headers()
            return
        body = b"x" * (MOST + 10) if self.path == "/big" else "größe".encode()
        self.send_response(404 if self.path == "/none" else 200)
        self.send_header("Content-Type", "image/png" if self.path == "/image" else "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            return

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def site() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    server.gone = threading.Event()  # type: ignore[attr-defined]
    Page.seen.clear()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.gone.set()  # type: ignore[attr-defined]
    server.shutdown()
    thread.join()
    server.server_close()


async def here(host: str, port: int) -> tuple[str, ...]:
    """Resolve every name to this machine."""
    return ("127.0.0.1",)


LOCAL = FetchTool(here, ("127.0.0.0/8",))


@pytest.mark.parametrize(
    ("path", "ok", "first", "says"),
    [
        ("/", True, "HTTP 200, text/plain, 7 bytes", "größe"),
        ("/none", False, "HTTP 404, text/plain, 7 bytes", "größe"),
        ("/image", True, "HTTP 200, image/png, 7 bytes", "sha256 "),
        ("/big", True, f"HTTP 200, text/plain, {MOST} bytes (cut off after {MOST})", "xxx"),
        ("/away", False, "HTTP 302, no content type, 0 bytes; it leads to http://127.0.0.1/secret, which is not", ""),
    ],
)
async def test_what_comes_back(site: ThreadingHTTPServer, path: str, ok: bool, first: str, says: str) -> None:
    port = site.server_address[1]
    action, _ = FetchPart().prepare("http.fetch", f"http://example.org:{port}{path}")
    outcome = await LOCAL.run("k", action)
    assert (outcome.ok, outcome.text.startswith(first), says in outcome.text) == (ok, True, True), outcome.text
    assert len(outcome.text) < 16_000
    assert Page.seen == [(path, f"example.org:{port}")]


async def test_cancelled_it_lets_go_and_nobody_there_is_a_sentence(site: ThreadingHTTPServer) -> None:
    action, _ = FetchPart().prepare("http.fetch", f"http://example.org:{site.server_address[1]}/slow")
    going = asyncio.create_task(LOCAL.run("k", action))
    await asyncio.to_thread(wait_until, lambda: bool(Page.seen), 10, "the server was not asked")
    going.cancel()
    with pytest.raises(asyncio.CancelledError):
        await going
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed, _ = FetchPart().prepare("http.fetch", f"http://example.org:{free.getsockname()[1]}/")
        outcome = await LOCAL.run("k", closed)
    assert not outcome.ok
    assert "could not be read" in outcome.text

    async def unknown(host: str, port: int) -> tuple[str, ...]:
        raise socket.gaierror(-2, "Name or service not known")

    assert (await FetchTool(unknown).run("k", action)).text == "The name cannot be resolved: Name or service not known."
