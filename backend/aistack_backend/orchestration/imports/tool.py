"""Runs ``knowledge.import``: fetch what was approved, read it file by file, and say of each that was not why."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from aistack_backend.address import Place
from aistack_backend.address import read as read_url
from aistack_backend.approvals.action import Action
from aistack_backend.containers.aside import to_the_end
from aistack_backend.engine.tools import Fate, Nature, Outcome
from aistack_backend.errors import BackendError, BadInput
from aistack_backend.knowledge.imports import choosing
from aistack_backend.knowledge.imports.earlier import Earlier
from aistack_backend.knowledge.imports.repository import Entry, Repository
from aistack_backend.knowledge.reading import LARGEST
from aistack_backend.orchestration.fetch.guarded import Answer, Guarded
from aistack_backend.orchestration.imports import asked
from aistack_backend.orchestration.imports.part import KIND, REDIRECTS, SECONDS
from aistack_backend.orchestration.imports.summary import Summary
from aistack_backend.wire.imports import ImportKind, ImportRequest
from aistack_backend.wire.knowledge import Added, Document

SUFFIX = {"text/html": "html", "application/xhtml+xml": "html", "text/markdown": "markdown"}
AT_ONCE = 20
"""Files that are read from the repository before they are added."""


class Base(Protocol):
    """The knowledge base."""

    async def add(
        self,
        name: str,
        data: bytes,
        source: str,
        by: str,
        *,
        kind: str = "",
        charset: str = "",
        keep_days: float | None = None,
    ) -> Added:
        """See ``Knowledge.add``."""
        ...

    def remove(self, number: int) -> Document:
        """See ``Knowledge.remove``."""
        ...


class ImportTool:
    """See the tool's port. What was added before a failure stays, and is told."""

    kinds = frozenset({KIND})

    def __init__(
        self,
        base: Base,
        earlier: Earlier,
        folder: Path,
        guarded: Guarded | None = None,
        schemes: tuple[str, ...] = ("https",),
    ) -> None:
        """``folder`` is where repositories are fetched to; what is fetched is removed at the end."""
        self._base, self._earlier, self._folder = base, earlier, folder
        self._guarded, self._schemes = guarded or Guarded(), schemes

    def nature(self, action: Action) -> Nature:
        """Say IDEMPOTENT: what has the same source is replaced."""
        return Nature.IDEMPOTENT

    def recheck(self, action: Action) -> str:
        """Take the request apart once more, and look at the lock; names are resolved when it runs."""
        try:
            request = self._request(action)
            elsewhere = not (request.kind is ImportKind.GIT and asked.local(request.url))
            return self._guarded.shut(read_url(request.url)) if elsewhere else ""
        except BadInput as error:
            return error.detail

    async def run(self, key: str, action: Action) -> Outcome:
        """Import. A failure of the whole is one sentence; a file that is not read is one, too, and stops no other."""
        summary = Summary()
        try:
            request = self._request(action)
            if request.kind is ImportKind.PAGE:
                await self._page(request, action.requester, summary)
            else:
                await self._repository(request, action.requester, summary)
        except BackendError as error:
            summary.failed = f"{error.detail} {error.hint}".strip()
        except OSError as error:
            summary.failed = f"{error.strerror or error}."
        return Outcome(ok=summary.fine, text=summary.text())

    def probe(self, key: str, action: Action) -> tuple[Fate, Outcome | None]:
        """Whether all of it was added is not to be seen; adding it again does no harm."""
        return Fate.NOT_DONE, None

    def _request(self, action: Action) -> ImportRequest:
        return asked.read(action.script, schemes=self._schemes)

    async def _page(self, request: ImportRequest, by: str, summary: Summary) -> None:
        found = await self._guarded.get(
            read_url(request.url), LARGEST, follow=REDIRECTS, seconds=SECONDS[ImportKind.PAGE]
        )
        data = _whole(found)
        if found.by_way_of:
            summary.notes.append(f"It was at {found.url}, by way of {', '.join(found.by_way_of)}.")
        kind = "" if _named(found.url) else SUFFIX.get(found.kind, "")
        known = {"kind": kind, "charset": found.charset}
        added = await self._base.add(request.collection, data, request.url, by, **known, keep_days=request.keep_days)
        summary.took(added)

    async def _repository(self, request: ImportRequest, by: str, summary: Summary) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder, prefix="git-", ignore_cleanup_errors=True) as held:
            repository = Repository(Path(held) / "bare", 2 * request.megabytes * 1_000_000, SECONDS[ImportKind.GIT])
            if asked.local(request.url):
                place = f"file://{request.url}"
                commit = await to_the_end(
                    lambda: repository.fetch(place, request.ref, "file"), on_cancel=repository.stop
                )
            else:
                url = read_url(request.url)
                commit = await self._guarded.sent(url, self._fetched(repository, url, request.ref))
            summary.notes.append(f"Commit {commit} of {request.url}.")
            await self._files(request, repository, commit, by, summary)

    async def _fetched(self, repository: Repository, place: Place, ref: str) -> str:
        pinned = f"{place.host}:{place.port}:{await self._guarded.address(place)}"
        return await to_the_end(
            lambda: repository.fetch(place.url, ref, place.scheme, (pinned,)), on_cancel=repository.stop
        )

    async def _files(
        self, request: ImportRequest, repository: Repository, commit: str, by: str, summary: Summary
    ) -> None:
        entries = await to_the_end(lambda: _chosen(request, repository, summary), on_cancel=repository.stop)
        before = await asyncio.to_thread(self._earlier.of, request.collection, request.url)
        summary.gone = len(before.keys() - {one.path for one in entries})
        for at in range(0, len(entries), AT_ONCE):
            part = entries[at : at + AT_ONCE]
            read = await to_the_end(partial(_read, repository, part), on_cancel=repository.stop)
            for entry, data in read:
                olds = before.get(entry.path, [])
                if any(old.sha256 == hashlib.sha256(data).hexdigest() for old in olds):
                    summary.same += 1
                    continue
                source = choosing.source(request.url, commit, entry.path)
                try:
                    added = await self._base.add(request.collection, data, source, by, keep_days=request.keep_days)
                except BadInput as error:
                    summary.refuse(entry.path, error.detail)
                    continue
                summary.took(added, again=bool(olds))
                for old in olds:  # only now: a document that could not be read leaves the old one
                    await asyncio.to_thread(self._base.remove, old.id)


def _read(repository: Repository, entries: Sequence[Entry]) -> list[tuple[Entry, bytes]]:
    return list(repository.contents(entries))


def _chosen(request: ImportRequest, repository: Repository, summary: Summary) -> list[Entry]:
    """Return what is to be read, within the limits; what is over them is told."""
    chosen, total = list[Entry](), 0
    for entry in repository.files():
        if not choosing.fits(entry.path, request.only):
            summary.passed += 1
        elif entry.size > LARGEST:
            summary.refuse(entry.path, f"It has {entry.size} bytes; a document has {LARGEST} at most.")
        elif len(chosen) == request.files or total + entry.size > request.megabytes * 1_000_000:
            summary.over += 1
        else:
            chosen.append(entry)
            total += entry.size
    return chosen


def _whole(found: Answer) -> bytes:
    if found.leads_to:
        raise BadInput(f"More than {REDIRECTS} redirects lead on to {found.leads_to[:200]}.")
    if not 200 <= found.status < 300:
        raise BadInput(f"{found.url} answered {found.status}.")
    if found.cut:
        raise BadInput(f"{found.url} has more than {LARGEST} bytes; a document has {LARGEST} at most.")
    return found.body


def _named(url: str) -> bool:
    """Whether the last part of a URL has an ending that says a kind."""
    last = url.partition("?")[0].rpartition("/")[2]
    return last.rpartition(".")[2].lower() in ("md", "markdown", "html", "htm", "xhtml", "txt", "pdf")
