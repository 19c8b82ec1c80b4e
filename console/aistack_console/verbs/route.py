"""``route``: a question by the best way there is, and the ways that questions took."""

from __future__ import annotations

import sys

from aistack_backend.wire.routing import Route, RouteAnswer, RouteList, RouteRequest
from aistack_console.client.api import Client
from aistack_console.present import routes as words
from aistack_console.text import plain
from aistack_console.verbs.context import Context, VerbError, columns, fields
from aistack_console.verbs.exits import Exit


def run(context: Context) -> Exit:
    """Do what the first word says."""
    doing = {"ask": _ask, "list": _list}
    return doing[context.arguments.what](context)


def _ask(context: Context) -> Exit:
    context.mutate("route ask")
    chosen = context.arguments
    text = sys.stdin.read() if chosen.rest == ["-"] else " ".join(chosen.rest)
    if not text.strip():
        raise VerbError(Exit.USAGE, "The question is empty.", "For example: route ask What is NixOS?")
    request = RouteRequest(
        query=text,
        session=chosen.session,
        prefer=chosen.prefer,
        local_only=chosen.local_only,
        fresh=chosen.fresh,
    )

    async def job(client: Client) -> RouteAnswer:
        return await client.route(request)

    found = context.with_backend(job)
    context.show(found, lambda: _said(found))
    return Exit.FAILED if found.route is Route.NONE else Exit.OK


def _said(found: RouteAnswer) -> str:
    figures = [(name, plain(value)) for name, value in words.figures(found)]
    tried = [f"  {one}" for one in words.steps(found.tried)]
    return "\n".join([plain(found.answer, "drop"), "", fields(figures), "tried:", *tried])


def _list(context: Context) -> Exit:
    chosen = context.arguments
    if chosen.rest:
        raise VerbError(Exit.USAGE, "route list takes no words.", "To ask: route ask WORDS")

    async def job(client: Client) -> RouteList:
        return await client.routes(chosen.most)

    found = context.with_backend(job)
    rows = [words.row(one) for one in found.routes]
    context.show(found, lambda: columns(list(words.TITLES), rows) if rows else "Nothing was asked yet.")
    return Exit.OK
