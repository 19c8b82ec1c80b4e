"""What an import was asked, as text in the action record: read strictly, written canonically."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import PurePosixPath

import msgspec

from aistack_backend.address import read as read_url
from aistack_backend.errors import BadInput
from aistack_backend.knowledge.imports import choosing
from aistack_backend.knowledge.imports.repository import REF
from aistack_backend.knowledge.service import check
from aistack_backend.wire.imports import ImportKind, ImportRequest

FILES, MEGABYTES = 20_000, 512
"""The most that a person can allow."""


def canonical(request: ImportRequest) -> str:
    """Return the request as canonical JSON: sorted keys, one a line, so that a person can read it."""
    return json.dumps(msgspec.to_builtins(request), sort_keys=True, ensure_ascii=False, indent=1)


def read(script: str, *, schemes: tuple[str, ...] = ("https",)) -> ImportRequest:
    """Read a request, and hold it against the bounds. ``schemes`` are those by which a repository may be fetched.

    Raises:
        BadInput: it is no request, or something in it cannot be; one sentence.
    """
    try:
        request = msgspec.json.decode(script.encode(), type=ImportRequest)
    except (msgspec.MsgspecError, UnicodeEncodeError) as error:
        raise BadInput(f"The import that is asked for cannot be read: {error}.", "Use: knowledge import URL") from error
    check(request.collection, request.url, request.keep_days)
    choosing.checked(request.only)
    if request.kind is ImportKind.UNKNOWN:
        raise BadInput("There is no such kind of import.", "Use page or git.")
    for name, most in (("files", FILES), ("megabytes", MEGABYTES)):
        if not 1 <= getattr(request, name) <= most:
            raise BadInput(f"The limit {name} is {getattr(request, name)}.", f"Give 1 to {most}.")
    if request.kind is ImportKind.PAGE:
        if request.ref or request.only:
            raise BadInput("Branches and patterns are for repositories.", "Say --git, or leave them out.")
        return replace(request, url=read_url(request.url).url)
    if request.ref and not (REF.fullmatch(request.ref) and ".." not in request.ref):
        raise BadInput(f"{request.ref[:80]!r} is no branch or tag.", "Give e.g. main or v1.2.")
    return replace(request, url=_repository(request.url, schemes))


def _repository(url: str, schemes: tuple[str, ...]) -> str:
    if local(url):
        if "\0" in url or ".." in PurePosixPath(url).parts:
            raise BadInput(f"{url[:200]!r} is no plain path of a repository.", "Name it from / on.")
        return str(PurePosixPath(url))
    place = read_url(url)
    if place.scheme not in schemes:
        raise BadInput(f"A repository is fetched by https, not by {place.scheme}.", "Or give its path on this machine.")
    if "?" in place.url:
        raise BadInput("The URL of a repository has no question mark.", "Give the URL that git clones.")
    return place.url


def local(url: str) -> bool:
    """Say whether a repository lies on this machine."""
    return url.startswith("/")
