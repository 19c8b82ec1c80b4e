"""``federation.fetch``: prepared strictly, fetched from a real server on loopback, and handed on as bytes."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest

from aistack_backend.approvals.action import Action
from aistack_backend.approvals.risk import judge
from aistack_backend.errors import BadInput, Refused
from aistack_backend.orchestration.federation.tool import BundlePart, BundleTool
from aistack_backend.orchestration.fetch.guarded import Guarded
from aistack_backend.wire.actions import Risk
from aistack_backend.wire.federation import Bundle


class Shelf(http.server.BaseHTTPRequestHandler):
    """Serves one bundle, one redirect, and nothing else."""

    def do_GET(self) -> None:
        """Answer."""
        status = {"/b.aifed.json": 200, "/moved": 302}.get(self.path, 404)
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/b.aifed.json")
        self.end_headers()
        if status == 200:
            self.wfile.write(b"the bundle")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it
        """Say nothing."""


class Takes:
    """Remembers what it was given; refuses what is not the bundle."""

    def __init__(self) -> None:
        self.given: list[tuple[bytes, str, str, str]] = []

    def accepted(self, data: bytes, name: str, place: str, by: str) -> Bundle:
        """Take it."""
        if self.given:
            raise Refused("It was taken in already.")
        self.given.append((data, name, place, by))
        numbers = {"created_at": 0.0, "expires_at": 0.0, "at": 0.0}
        return Bundle(id=1, signer="hub", number=4, sha256="", by=by, path=place, items=2, **numbers)


@pytest.fixture
def port() -> Iterator[int]:
    """A server on loopback."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shelf)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


async def here(host: str, port: int) -> tuple[str, ...]:
    return ("127.0.0.1",)


def asked(url: str) -> Action:
    return BundlePart(schemes=("http",)).prepare("federation.fetch", url, requester="operator:ann")[0]


async def test_a_bundle_is_fetched_and_taken_in_once(port: int) -> None:
    takes = Takes()
    tool = BundleTool(lambda: takes, Guarded(here, ("127.0.0.0/8",)), ("http",))
    url = f"http://hub.example:{port}/b.aifed.json"
    done = await tool.run("1:1:1:1", asked(url))
    assert (done.ok, done.text) == (True, "2 items of hub (number 4) wait for review, 0 left out.")
    assert takes.given == [(b"the bundle", "b.aifed.json", url, "operator:ann")]
    again = await tool.run("1:1:1:1", asked(url))
    assert (again.ok, again.text) == (False, "It was taken in already.")
    for path, status in (("moved", 302), ("none", 404)):
        bad = await tool.run("1:1:1:1", asked(f"http://hub.example:{port}/{path}"))
        assert (bad.ok, f"answered {status}" in bad.text) == (False, True)


async def test_a_private_address_is_not_reached(port: int) -> None:
    takes = Takes()
    done = await BundleTool(lambda: takes, Guarded(here), ("http",)).run(
        "1:1:1:1", asked(f"http://hub.example:{port}/b")
    )
    assert (done.ok, takes.given) == (False, [])


def test_what_is_asked_of_a_person() -> None:
    action, evidence = BundlePart().prepare("federation.fetch", "https://hub.example.org/b", requester="operator:ann")
    assert judge(action, managed=True).risk is Risk.HIGH
    assert "quarantine" in evidence.effect
    assert BundleTool(Takes).recheck(action) == ""


@pytest.mark.parametrize("url", ["", "http://hub.example.org/b", "https://127.0.0.1/b", "file:///etc/passwd"])
def test_urls_that_are_not_fetched(url: str) -> None:
    with pytest.raises(BadInput):
        BundlePart().prepare("federation.fetch", url)


def test_a_script_is_refused() -> None:
    with pytest.raises(BadInput, match="no script"):
        BundlePart().prepare("federation.fetch", "https://hub.example.org/b", script="ls")
