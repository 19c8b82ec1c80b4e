"""The dashboard's door: no header set, no route and no second use of a link gets in."""

from __future__ import annotations

import asyncio
import itertools
import stat
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, CookieJar, WSServerHandshakeError, web

from aistack_backend.wire.containers import Fleet
from aistack_backend.wire.sources import Source, SourceState
from aistack_backend.wire.stack import Provision, Service, ServiceState, Stack
from aistack_console.client.api import Client
from aistack_console.web import pages
from aistack_console.web.guard import COOKIE, OPEN, Door
from aistack_console.web.server import Dashboard

ROUTES = ("/", "/ws", "/dashboard.html", "/login", "/login.js", "/healthz", "/static/js/textual.js", "/nothing")


class Served:
    """A dashboard on a free port of loopback, whose console ends with the first byte that it is sent."""

    def __init__(self, door: Door, port: int, token_file: Path) -> None:
        self.door, self.port, self.token_file = door, port, token_file
        self.host = f"127.0.0.1:{port}"
        self.base = f"http://{self.host}"

    @property
    def token(self) -> str:
        return self.token_file.read_text().strip()


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    import socket

    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    door = Door(tmp_path / "token", port)
    client = Client(tmp_path / "no.sock", via="dashboard")
    runner = web.AppRunner(await Dashboard("exec head -c 1", door, client, port).application(), access_log=None)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    yield Served(door, port, tmp_path / "token")
    await runner.cleanup()
    await client.close()
    await reaped()


async def reaped() -> None:
    """Wait until this loop knows of the end of every console: textual-serve does not, and a process that is collected
    unreaped fails whichever test runs then."""
    for thread in threading.enumerate():
        if thread.name.startswith(("asyncio-waitpid", "waitpid")):
            await asyncio.to_thread(thread.join, 10.0)
    for _ in range(3):
        await asyncio.sleep(0)


def session(cookie: str = "") -> ClientSession:
    return ClientSession(cookie_jar=CookieJar(unsafe=True), cookies={COOKIE: cookie} if cookie else {})


async def test_no_bad_header_set_gets_in_anywhere(served: Served) -> None:
    good = served.door.enter(served.token)
    assert good
    hosts = ("evil.example", "127.0.0.1", "127.0.0.1:1", "evil.example:8888", "localhost.evil:8888", "0.0.0.0:8888")
    origins = ("null", "http://evil.example", "https://127.0.0.1", f"https://{served.host}", "http://127.0.0.1:1")
    sites = ("cross-site", "same-site", "bogus")
    bad = [{"Host": host} for host in hosts]
    bad += [{"Host": served.host, "Origin": origin} for origin in origins]
    bad += [{"Host": served.host, "Sec-Fetch-Site": site, "Origin": o} for site, o in itertools.product(sites, origins)]
    bad += [{"Host": host, "Origin": f"http://{host}"} for host in hosts]
    bad += [{"Host": host, "Origin": o} for host, o in itertools.product(hosts, origins)]
    assert len(bad) >= 60
    accepted = []
    async with session(good) as http:
        for headers, route in itertools.product(bad, ROUTES):
            async with http.get(served.base + route, headers=headers, allow_redirects=False) as answer:
                if answer.status not in (400, 403, 421):
                    accepted.append((headers, route, answer.status))
    print(f"\n  R4.3 dashboard: {len(bad) * len(ROUTES)} tried, {len(accepted)} accepted")
    assert not accepted


async def test_without_a_session_only_the_open_routes_answer(served: Served) -> None:
    async with session() as http:
        for route in ROUTES:
            headers = {"Origin": served.base} if route == "/ws" else {}
            async with http.get(served.base + route, headers=headers) as answer:
                assert (answer.status == 200) is (route in OPEN), route
                assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


async def test_a_link_lets_in_once_and_the_cookie_is_strict(served: Served) -> None:
    first = served.token
    assert stat.S_IMODE(served.token_file.stat().st_mode) == 0o600
    async with session() as http:
        async with http.post(served.base + "/login", json={"token": first}, headers={"Origin": served.base}) as answer:
            assert answer.status == 204
            cookie = answer.headers["Set-Cookie"]
            assert "HttpOnly" in cookie
            assert "SameSite=Strict" in cookie
        async with http.get(served.base + "/") as answer:
            page = await answer.text()
            assert f"ws://{served.host}/ws" in page
            assert "https://" not in page  # nothing is loaded from another site
    assert served.token != first
    async with session() as http:
        async with http.post(served.base + "/login", json={"token": first}) as answer:
            assert answer.status == 403
        async with http.get(served.base + "/") as answer:
            assert answer.status == 401


@pytest.mark.parametrize("body", ["", "[]", '{"token": 1}', '{"token": "é"}', "{", '{"t": "x"}'])
async def test_a_bad_login_is_told_what_is_wrong(served: Served, body: str) -> None:
    async with session() as http:
        for kind, statuses in (("application/json", {400, 403}), ("text/plain", {415})):
            headers = {"Content-Type": kind}
            async with http.post(served.base + "/login", data=body.encode(), headers=headers) as answer:
                assert answer.status in statuses


async def test_the_websocket_needs_session_and_origin(served: Served) -> None:
    good = served.door.enter(served.token)
    assert good
    for cookie, headers in ((good, {}), ("", {"Origin": served.base}), (good, {"Origin": "http://evil.example"})):
        async with session(cookie) as http:
            with pytest.raises(WSServerHandshakeError):
                await http.ws_connect(served.base + "/ws", headers=headers)
    async with session(good) as http, http.ws_connect(served.base + "/ws", headers={"Origin": served.base}) as socket:
        await socket.send_json(["ping", "x"])
        assert await socket.receive_json() == ["pong", "x"]


async def test_a_doubled_header_is_refused(served: Served) -> None:
    async with session() as http:
        headers = [("Origin", served.base), ("Origin", served.base)]
        async with http.get(served.base + "/healthz", headers=headers) as answer:
            assert answer.status == 400


async def test_the_open_page_says_when_nothing_is_known(served: Served) -> None:
    async with session() as http, http.get(served.base + "/dashboard.html") as answer:
        page = await answer.text()
        assert "0 services" in page
        assert "unknown: " in page


def test_the_open_page_names_services_and_escapes_them() -> None:
    source = Source(name="stack", state=SourceState.OK, since=0.0)
    bad = Service(
        id="x",
        container="<script>alert(1)</script>",
        title="",
        group="data",
        provision=Provision.CONTAINER,
        state=ServiceState.BAD,
        why="nothing listens on 8092",
    )
    page = pages.overview(Stack(at=90.0, source=source, services=(bad,)), None, "", 100.0)
    assert "<script>" not in page
    assert "1 services" in page
    assert "measured 10s ago" in page
    assert "nothing listens on 8092" in page
    assert "not measured" in pages.overview(None, Fleet(at=None, source=source), "", 100.0)
