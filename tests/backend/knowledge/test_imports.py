"""``knowledge.import``: what was approved is fetched and read; each file that is not read is a sentence, none lost."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.backend.knowledge.conftest import Shelf
from tests.bed.gits import Origin, served

from aistack_backend.approvals.action import Action, parse
from aistack_backend.approvals.risk import judge
from aistack_backend.engine.tools import Fate, Nature
from aistack_backend.errors import BadInput, NotFound
from aistack_backend.knowledge.imports.earlier import Earlier
from aistack_backend.knowledge.reading import LARGEST
from aistack_backend.orchestration.fetch.guarded import Guarded
from aistack_backend.orchestration.imports.part import KIND, ImportPart
from aistack_backend.orchestration.imports.tool import ImportTool
from aistack_backend.wire.actions import Risk
from aistack_backend.wire.imports import ImportKind, ImportRequest

WEB = ("http", "https")


async def here(host: str, port: int) -> tuple[str, ...]:
    """Resolve every name to this machine, but for one."""
    return ("127.0.0.1", "10.0.0.1") if host.startswith("private") else ("127.0.0.1",)


class Pages(BaseHTTPRequestHandler):
    """Answers by path."""

    def do_GET(self) -> None:
        port = self.server.server_address[1]
        away = {
            "/moved": f"http://other.example:{port}/page",
            "/inside": f"http://private.example:{port}/page",
            "/literal": f"http://10.1.2.3:{port}/page",
            "/file": "file:///etc/passwd",
            "/round": "/round",
        }
        if self.path in away:
            self.send_response(302)
            self.send_header("Location", away[self.path])
            self.end_headers()
            return
        said = {"/latin": "; charset=windows-1252", "/seven": '; charset="utf-7"'}
        latin = "<meta charset=big5><title>Größe</title><p>5 €".encode("cp1252")
        bodies = {
            "/latin": latin,
            "/seven": b"<p>+ADw-script+AD4-",
            "/page": b"<title>Ports</title><p>Redis listens on 6379.",
            "/big": b"x" * (LARGEST + 2),
        }
        body = bodies.get(self.path, b"gone")
        self.send_response(200 if self.path in bodies else 404)
        self.send_header("Content-Type", "text/html" + said.get(self.path, ""))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            return

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def pages() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def script(url: str, **more: Any) -> str:
    return json.dumps(asdict(ImportRequest(url=url, collection=more.pop("collection", "docs"), **more)))


def asked(url: str, **more: Any) -> Action:
    action, _ = ImportPart(WEB).prepare(KIND, "", script(url, **more), requester="operator:t")
    return action


def tool(shelf: Shelf, tmp_path: Path) -> ImportTool:
    guarded = Guarded(here, ("127.0.0.0/8",))
    return ImportTool(shelf.knowledge, Earlier(shelf.database), tmp_path / "imports", guarded, WEB)


def sources(shelf: Shelf) -> list[str]:
    return [one.source for one in shelf.knowledge.documents("docs")]


async def test_a_page_is_fetched_and_found(shelf: Shelf, tmp_path: Path) -> None:
    with pages() as port:
        action = asked(f"http://site.example:{port}/moved", keep_days=3)
        done = await tool(shelf, tmp_path).run("k", action)
    assert (done.ok, done.text.splitlines()[0]) == (True, "1 added, 0 replaced, 0 unchanged, 0 not read; 1 piece.")
    assert f"It was at http://other.example:{port}/page, by way of http://site.example:{port}/moved." in done.text
    (kept,) = shelf.knowledge.documents("docs")
    assert (kept.title, kept.kind, kept.source, kept.added_by) == (
        "Ports",
        "html",
        f"http://site.example:{port}/moved",
        "operator:t",
    )
    assert kept.expires_at is not None


async def test_a_page_is_read_as_its_server_says(shelf: Shelf, tmp_path: Path) -> None:
    with pages() as port:
        assert (await tool(shelf, tmp_path).run("k", asked(f"http://site.example:{port}/latin"))).ok
    (kept,) = shelf.knowledge.documents("docs")
    assert (kept.title, shelf.knowledge.text(kept.id).passages[0].text) == ("Größe", "5 €")


async def test_a_text_that_was_sent_is_what_it_is_whatever_it_says(shelf: Shelf) -> None:
    page = "<meta charset=windows-1252><title>Größe</title><p>5 €".encode()
    added = await shelf.knowledge.add("docs", page, "note:a.html", "t", charset="utf-8")
    assert added.document.title == "Größe"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/seven", "says that its charset is 'utf-7', which is not read"),
        ("/none", "answered 404"),
        ("/big", f"has more than {LARGEST} bytes"),
        ("/inside", "private.example is not fetched: 10.0.0.1 is not an address of the public network"),
        ("/literal", "10.1.2.3 is not fetched"),
        ("/file", "Only http and https are fetched"),
        ("/round", "More than 3 redirects"),
    ],
)
async def test_a_page_that_cannot_be_read_is_one_sentence(shelf: Shelf, tmp_path: Path, path: str, why: str) -> None:
    with pages() as port:
        done = await tool(shelf, tmp_path).run("k", asked(f"http://site.example:{port}{path}"))
    assert (done.ok, why in done.text.splitlines()[0]) == (False, True), done.text
    assert shelf.knowledge.collections() == ()


async def test_a_repository_file_by_file_and_again(shelf: Shelf, tmp_path: Path) -> None:
    origin = Origin(tmp_path / "origin")
    origin.write(README_md="# Redis\n\nIt listens on 6379.", logo_png=b"\x89PNG\0\1", bad_txt=b"\xff\xff", empty_md="")
    origin.write(docs__a_md="alpha", docs__b_md="beta", _github__x_md="hidden")
    first = origin.commit()
    with served(tmp_path) as (port, _):
        url = f"http://repo.example:{port}/origin"
        run = tool(shelf, tmp_path)
        done = await run.run("k", asked(url, kind=ImportKind.GIT))
        assert done.ok, done.text
        assert done.text.splitlines()[0] == (
            "3 added, 0 replaced, 0 unchanged, 3 not read; 3 pieces; 1 left out by pattern or hidden."
        )
        assert f"Commit {first} of {url}." in done.text
        assert "logo.png: logo.png is a picture, which is not read." in done.text
        assert "bad.txt: bad.txt is not UTF-8" in done.text
        assert set(sources(shelf)) == {f"{url}@{first}:{one}" for one in ("README.md", "docs/a.md", "docs/b.md")}
        assert {one.title for one in shelf.knowledge.documents("docs")} == {"Redis", "a.md", "b.md"}
        origin.write(docs__a_md="alpha two", docs__c_md="gamma", README_md=b"\xff now broken")
        (origin.folder / "docs" / "b.md").unlink()
        second = origin.commit()
        done = await run.run("k", asked(url, kind=ImportKind.GIT))
    assert done.text.splitlines()[0] == (
        "1 added, 1 replaced, 0 unchanged, 4 not read; 2 pieces; 1 left out by pattern or hidden; "
        "1 of earlier commits not in it now, kept."
    )
    kept = [(first, "README.md"), (second, "docs/a.md"), (first, "docs/b.md"), (second, "docs/c.md")]
    assert sorted(sources(shelf)) == sorted(f"{url}@{commit}:{path}" for commit, path in kept)  # nothing is lost
    assert list((tmp_path / "imports").iterdir()) == []


async def test_patterns_and_limits_of_a_local_repository(shelf: Shelf, tmp_path: Path) -> None:
    origin = Origin(tmp_path / "origin")
    origin.write(**{f"n{at}_md": f"number {at}" for at in range(6)}, x_txt="x", big_md="y" * 2_000_000)
    commit = origin.commit()
    run = tool(shelf, tmp_path)
    wish = {"kind": ImportKind.GIT, "only": ("*.md",), "files": 3, "megabytes": 1}
    done = await run.run("k", asked(str(origin.folder), **wish))
    assert done.text.splitlines()[0] == (
        "3 added, 0 replaced, 0 unchanged, 0 not read; 3 pieces; 1 left out by pattern or hidden; "
        "4 left out by the limits."
    )
    assert sources(shelf)[0].startswith(f"{origin.folder}@{commit}:n")
    again = await run.run("k", asked(str(origin.folder), **wish))
    assert again.text.startswith("0 added, 0 replaced, 3 unchanged")
    gone = await run.run("k", asked(str(tmp_path), kind=ImportKind.GIT))
    assert (gone.ok, "git could not do it" in gone.text) == (False, True)


async def test_a_cancelled_import_leaves_no_child_and_no_folder(shelf: Shelf, tmp_path: Path) -> None:
    origin = Origin(tmp_path / "origin")
    origin.write(**{f"n{at}_md": f"number {at}" for at in range(50)})
    origin.commit()
    running = asyncio.create_task(tool(shelf, tmp_path).run("k", asked(str(origin.folder), kind=ImportKind.GIT)))
    await shelf.embeds.first.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert list((tmp_path / "imports").iterdir()) == []


def test_the_action_says_all_of_it(tmp_path: Path) -> None:
    part = ImportPart()
    action, evidence = part.prepare(KIND, "", script("https://example.org/a.html#x", collection="web"))
    assert parse(action.canonical()) == action
    assert action.argv == ("GET", "https://example.org/a.html")
    assert (action.network, [one.name for one in action.targets]) == ("example.org:443", ["example.org", "web"])
    assert '"collection": "web"' in action.script
    assert "sends a GET to example.org:443" in evidence.effect
    found = judge(action, managed=evidence.managed)
    assert (found.risk, len(found.reasons)) == (Risk.HIGH, 1)
    local, told = part.prepare(KIND, "", script(str(tmp_path), kind=ImportKind.GIT))
    assert (local.network, "of this machine" in told.effect) == ("none", True)
    nobody: Any = None
    runs = ImportTool(nobody, nobody, tmp_path)
    assert (runs.nature(action), runs.probe("k", action), runs.recheck(action)) == (
        Nature.IDEMPOTENT,
        (Fate.NOT_DONE, None),
        "",
    )


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({"url": "http://127.0.0.1/x"}, "not an address of the public network"),
        ({"url": "http://169.254.169.254/latest"}, "not an address of the public network"),
        ({"url": "https://user:pw@example.org/"}, "user name"),
        ({"url": "ftp://example.org/"}, "Only http and https"),
        ({"url": "https://example.org/r", "kind": "git", "ref": "-x"}, "no branch or tag"),
        ({"url": "http://example.org/r", "kind": "git"}, "fetched by https"),
        ({"url": "https://example.org/r?x=1", "kind": "git"}, "no question mark"),
        ({"url": "/a/../b", "kind": "git"}, "no plain path"),
        ({"url": "relative/path", "kind": "git"}, "Only http and https"),
        ({"url": "https://example.org/", "kind": "other"}, "no such kind"),
        ({"url": "https://example.org/", "only": ["*.md"]}, "for repositories"),
        ({"url": "https://example.org/", "collection": "A B"}, "no name of a collection"),
        ({"url": "https://example.org/", "files": 0}, "The limit files is 0"),
        ({"url": "https://example.org/", "megabytes": 513}, "The limit megabytes is 513"),
        ({"url": "https://example.org/", "keep_days": -1}, "keep_days is -1"),
        ({"url": "https://example.org/r", "kind": "git", "only": ["/etc/*"]}, "no pattern of files"),
        ({"collection": "docs"}, "cannot be read"),
    ],
)
def test_a_wish_that_cannot_be_is_one_sentence(wish: dict[str, Any], why: str) -> None:
    with pytest.raises(BadInput, match=why):
        ImportPart().prepare(KIND, "", json.dumps({"collection": "docs", **wish}))


def test_other_wishes_that_cannot_be() -> None:
    for bad in ("", "docs", "[]", "null", '{"url": 1, "collection": "docs"}', '{"url": "\\ud800", "collection": "d"}'):
        with pytest.raises(BadInput):
            ImportPart().prepare(KIND, "", bad)
    with pytest.raises(NotFound, match="There is no folder /nonexistent"):
        ImportPart().prepare(KIND, "", script("/nonexistent", kind=ImportKind.GIT))
    with pytest.raises(BadInput, match=r"The import is of https://a\.example/, not of"):
        ImportPart().prepare(KIND, "https://b.example/", script("https://a.example/"))
