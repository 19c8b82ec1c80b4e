"""``nixos``: look packages, options and manuals up in what is here, with its date; read more of it in."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

from aistack_backend.wire.actions import ActionRequest
from aistack_backend.wire.nixos import (
    NixAnswer,
    NixFetchRequest,
    NixHit,
    NixImportRequest,
    NixKind,
    NixQuestion,
    NixTaken,
)
from aistack_backend.wire.tasks import Task
from aistack_console.client.api import Client
from aistack_console.present.units import many, size
from aistack_console.text import one_line, plain
from aistack_console.verbs import gate, waiting
from aistack_console.verbs.context import Context, VerbError, ago, columns, fields, warn
from aistack_console.verbs.exits import Exit

KINDS: dict[str, tuple[NixKind, ...]] = {"search": (), "package": (NixKind.PACKAGE,), "option": (NixKind.OPTION,)}
SHOWN = 320
"""Characters of a description."""


def run(context: Context) -> Exit:
    """Do what the first word says."""
    what = context.arguments.what
    if what == "status":
        return _status(context)
    return _import(context) if what == "import" else _search(context, KINDS[what])


def _status(context: Context) -> Exit:
    if context.arguments.rest:
        raise VerbError(Exit.USAGE, "nixos status takes no words.", "To look something up: nixos search WORDS")

    found = context.with_backend(lambda client: client.nix_sources())
    titles = ["SOURCE", "ENTRIES", "SKIPPED", "SIZE", "PUBLISHED", "READ IN", "FROM"]
    rows = [
        [
            one.name,
            str(one.entries),
            str(one.skipped),
            size(one.size),
            f"{ago(one.published_at)} ago" if one.published_at is not None else "-",
            f"{ago(one.imported_at)} ago",
            one.origin,
        ]
        for one in found.sources
    ]
    context.show(found, lambda: columns(titles, rows) if rows else plain(found.detail))
    return Exit.OK


def _search(context: Context, kinds: tuple[NixKind, ...]) -> Exit:
    chosen = context.arguments
    if not chosen.rest:
        hint = "For example: nixos package ripgrep, or: nixos option services.nginx"
        raise VerbError(Exit.USAGE, "Say what to look for.", hint)
    question = NixQuestion(question=" ".join(chosen.rest), kinds=kinds, channel=chosen.channel, most=chosen.most)
    found = context.with_backend(lambda client: client.nix_search(question))
    context.show(found, lambda: _said(found))
    return Exit.OK if found.hits else Exit.FAILED


def _said(found: NixAnswer) -> str:
    head = f"{len(found.hits)} of {many(found.searched, 'entry', 'entries')}, {found.took * 1000:.0f} ms. "
    head += plain(found.detail)
    return "\n\n".join([head, *map(_hit, found.hits)])


def _hit(hit: NixHit) -> str:
    about = [hit.version, hit.title if hit.title != hit.name else "", hit.licence, hit.type]
    lines = [one_line(f"{hit.name}   {'   '.join(filter(None, about))}".rstrip())]
    text = plain(" ".join(hit.text.split()))
    lines += [f"    {text if len(text) <= SHOWN else text[:SHOWN] + '…'}"] if text else []
    said = (("default", hit.default), ("example", hit.example), ("home", hit.homepage))
    lines += [f"    {name}: {one_line(value)}" for name, value in said if value]
    where = ", ".join(hit.declared[:3])
    return "\n".join([*lines, f"    {one_line(hit.source)}{f'; {one_line(where)}' if where else ''}"])


def _import(context: Context) -> Exit:
    context.mutate("nixos import")
    chosen = context.arguments
    if len(chosen.rest) != 1:
        raise VerbError(Exit.USAGE, "Say one file or one URL.", "For example: nixos import packages.json")
    (place,) = chosen.rest
    channel, kind = chosen.channel or "nixos-unstable", NixKind(chosen.kind) if chosen.kind else NixKind.UNKNOWN
    if "://" in place:
        return _fetch(context, NixFetchRequest(url=place, channel=channel, kind=kind))
    path = os.path.abspath(place)  # noqa: PTH100  a link stays what it is called
    if not Path(path).exists():
        raise VerbError(Exit.USAGE, f"There is no {place}.", "Name a packages.json, an options.json or a manual.")
    taken = context.with_backend(
        lambda client: client.nix_import(NixImportRequest(path=path, channel=channel, kind=kind))
    )
    if taken.detail:
        warn(taken.detail)
    context.show(taken, lambda: _taken(taken))
    return Exit.OK


def _taken(taken: NixTaken) -> str:
    one = taken.source
    return fields([(taken.outcome, one.name), ("entries", str(one.entries)), ("skipped", str(one.skipped))])


def _fetch(context: Context, wish: NixFetchRequest) -> Exit:
    chosen = context.arguments

    async def job(client: Client) -> Task:
        task = await gate.ask(context, client, ActionRequest(kind="nixos.import", script=json.dumps(asdict(wish))))
        return await waiting.until(client, task, waiting.ended, chosen.timeout) if chosen.wait else task

    done = context.with_backend(job)
    context.show(done, lambda: waiting.words(done))
    return waiting.verdict(done)
