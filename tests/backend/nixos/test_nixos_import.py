"""``nixos.import``: what a person allowed is fetched, dated by its server, and read in; a failure changes nothing."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import brotli
import pytest
from tests.bed.nixpkgs import PACKAGES, options, packages

from aistack_backend.approvals.action import Action, parse
from aistack_backend.clock import SystemClock
from aistack_backend.engine.tools import Fate, Nature
from aistack_backend.errors import BadInput
from aistack_backend.knowledge.nixos.service import NixIndex
from aistack_backend.orchestration.fetch.guarded import Guarded
from aistack_backend.orchestration.nixos.tool import NixPart, NixTool
from aistack_backend.store.database import Database

DATE = "Wed, 01 Oct 2025 12:00:00 GMT"


class Channel(BaseHTTPRequestHandler):
    """Serves files as a channel does: brotli as a file, or as an encoding; and some that are bad."""

    def do_GET(self) -> None:
        head, body, status = {"Last-Modified": DATE}, b"", 200
        if self.path == "/packages.json.br":
            body = brotli.compress(packages())
        elif self.path == "/options.json":
            head["Content-Encoding"], body = "gzip", gzip.compress(options())
        elif self.path == "/encoded.json":
            head["Content-Encoding"], body = "br", brotli.compress(options(1))
        elif self.path == "/moved.json":
            status, head["Location"] = 302, "/options.json"
        elif self.path == "/bad.json":
            body = b"<html>no"
            head["Last-Modified"] = "yesterday"
        else:
            status = 404
        self.send_response(status)
        for name, value in head.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def channel() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Channel)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


async def here(host: str, port: int) -> tuple[str, ...]:
    return ("127.0.0.1",)


def asked(url: str, **more: str) -> Action:
    action, _ = NixPart().prepare("nixos.import", "", json.dumps({"url": url, **more}), requester="operator:t")
    return action


@pytest.fixture
def index(tmp_path: Path) -> Iterator[NixIndex]:
    database = Database(f"sqlite:///{tmp_path}/a.db")
    yield NixIndex(database, SystemClock())
    database.close()


async def test_a_channels_files_are_read_in_with_their_servers_date(index: NixIndex) -> None:
    tool = NixTool(lambda: index, Guarded(here, ("127.0.0.0/8",)))
    with channel() as port:
        done = await tool.run("k", asked(f"http://c.example:{port}/packages.json.br"))
        assert done.ok, done.text
        assert done.text.startswith(f"added: package nixos-unstable: {len(PACKAGES)} entries, published ")
        assert "(2025-10-01)" in done.text
        moved = await tool.run("k", asked(f"http://c.example:{port}/moved.json", channel="nixos-24.05"))
        assert f"by way of http://c.example:{port}/moved.json" in moved.text
        encoded = await tool.run("k", asked(f"http://c.example:{port}/encoded.json", channel="nixos-24.11"))
        assert encoded.text.startswith("added: option nixos-24.11: 18 entries")
        again = await tool.run("k", asked(f"http://c.example:{port}/packages.json.br"))
        assert again.text.startswith("unchanged: ")
        for path, why in (("bad.json", "is no packages.json or options.json"), ("none.json", "answered 404")):
            bad = await tool.run("k", asked(f"http://c.example:{port}/{path}"))
            assert (bad.ok, why in bad.text) == (False, True), bad.text
    assert [one.name for one in index.sources().sources] == [
        "option nixos-24.05",
        "option nixos-24.11",
        "package nixos-unstable",
    ]


def test_the_action_says_all_of_it() -> None:
    action = asked("https://c.example/packages.json.br#x")
    assert parse(action.canonical()) == action
    assert (action.argv, action.network) == (("GET", "https://c.example/packages.json.br"), "c.example:443")
    tool = NixTool(lambda: pytest.fail("nothing is read"))
    assert (tool.nature(action), tool.probe("k", action)) == (Nature.IDEMPOTENT, (Fate.NOT_DONE, None))
    assert tool.recheck(action) == ""


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("", "cannot be read"),
        ("{}", "cannot be read"),
        ('{"url": "file:///etc/passwd"}', "Only http and https"),
        ('{"url": "http://10.0.0.1/x"}', "not an address of the public network"),
        ('{"url": "https://c.example/x", "channel": "A B"}', "no name of a channel"),
    ],
)
def test_a_wish_that_cannot_be_is_one_sentence(script: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        NixPart().prepare("nixos.import", "", script)
