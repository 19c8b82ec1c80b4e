"""From a wish to read a place into the knowledge base to one action that says all of it."""

from __future__ import annotations

from pathlib import Path

from aistack_backend.address import forbidden, literal
from aistack_backend.address import read as read_url
from aistack_backend.approvals.action import Action
from aistack_backend.approvals.evidence import Evidence
from aistack_backend.errors import BadInput, NotFound
from aistack_backend.knowledge.reading import LARGEST
from aistack_backend.orchestration.imports import asked
from aistack_backend.wire.actions import Target
from aistack_backend.wire.imports import ImportKind, ImportRequest

KIND = "knowledge.import"
REDIRECTS = 3
SECONDS = {ImportKind.PAGE: 60, ImportKind.GIT: 300}
UNDO = "knowledge remove takes out each document"
KNOWN = "; what was sent to another machine is known there"


class ImportPart:
    """Prepares ``knowledge.import``; the script is the request as JSON, the target its place."""

    kinds = frozenset({KIND})

    def __init__(self, schemes: tuple[str, ...] = ("https",), allowed: tuple[str, ...] = ()) -> None:
        self._schemes, self._allowed = schemes, allowed

    def prepare(
        self, kind: str, target: str, script: str = "", requester: str = "", task_id: int = 0
    ) -> tuple[Action, Evidence]:
        """Hold the wish against the bounds; nothing is resolved, read or sent.

        Raises:
            BadInput: it cannot be. NotFound: the repository's folder is not there.
        """
        request = asked.read(script, schemes=self._schemes)
        if target not in ("", request.url):
            raise BadInput(f"The import is of {request.url}, not of {target}.")
        here = request.kind is ImportKind.GIT and asked.local(request.url)
        network, name = "none", Path(request.url).name
        if here:
            _folder(request.url)
        else:
            place = read_url(request.url)
            if literal(place.host) and (why := forbidden(place.host, self._allowed)):
                raise BadInput(why, "Addresses of this machine and of private networks are never fetched.")
            network, name = place.end, place.host
        action = Action(
            kind=KIND,
            argv=("git", "fetch", "--depth=1", request.url) if request.kind is ImportKind.GIT else ("GET", request.url),
            script=asked.canonical(request),
            network=network,
            limits=_limits(request),
            targets=(
                Target(type="repository" if request.kind is ImportKind.GIT else "url", id=request.url, name=name),
                Target(type="collection", id=request.collection, name=request.collection),
            ),
            requester=requester,
            task_id=task_id,
        )
        title = f"read {name} into the collection {request.collection}"
        undo = UNDO if network == "none" else UNDO + KNOWN
        return action, Evidence(title=title, effect=_effect(request, network), undo=undo, managed=True)


def _folder(url: str) -> None:
    path = Path(url)
    if not path.is_dir():
        raise NotFound(f"There is no folder {url}.", "Name the repository from / on.")


def _limits(request: ImportRequest) -> tuple[tuple[str, str], ...]:
    seconds = ("seconds", str(SECONDS[request.kind]))
    if request.kind is ImportKind.PAGE:
        return (("bytes", str(LARGEST)), ("redirects", f"{REDIRECTS}, to public addresses"), seconds)
    return (("bytes of a file", str(LARGEST)), ("files", str(request.files)), ("MB", str(request.megabytes)), seconds)


def _effect(request: ImportRequest, network: str) -> str:
    into = f"adds to the collection {request.collection}, where what has the same source is replaced"
    if network == "none":
        return f"reads the text files of a repository of this machine; {into}"
    if request.kind is ImportKind.GIT:
        return f"fetches one commit from {network}, which learns that it was asked; {into}"
    return f"sends a GET to {network} (and where that leads), which learns the whole URL; {into}"
