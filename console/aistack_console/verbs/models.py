"""``models``: what lies on this machine, and what can be done with one of them."""

from __future__ import annotations

import asyncio
import time

from aistack_backend.wire.models import EngineState, ModelStatus
from aistack_backend.wire.shelf import ModelDetail, ModelShelf
from aistack_console.client.api import Client
from aistack_console.errors import ClientError
from aistack_console.present import models as words
from aistack_console.text import plain
from aistack_console.verbs.context import Context, VerbError, columns, fields
from aistack_console.verbs.exits import Exit


def run(context: Context) -> Exit:
    """Do what the second word says."""
    doing = {"list": _list, "show": _show, "use": _use}
    return doing[context.arguments.what](context)


def _list(context: Context) -> Exit:
    found = context.with_backend(lambda client: client.shelf(fresh=True))
    context.show(found, lambda: listed(found))
    return Exit.OK


def listed(found: ModelShelf) -> str:
    """Return the list for a person, and where was looked."""
    table = columns(words.LIST_TITLES, [words.list_row(card) for card in found.cards])
    return f"{table}\n\n" + "\n".join(plain(line) for line in words.looks(found, time.time()))


def _show(context: Context) -> Exit:
    found = context.with_backend(lambda client: one(client, context.arguments.id))

    def said() -> str:
        rows = [words.measured_row(each) for each in found.measured]
        card = fields(words.facts(found.card))
        return f"{card}\n\n{columns(words.MEASURED_TITLES, rows)}" if rows else card

    context.show(found, said)
    return Exit.OK


def _use(context: Context) -> Exit:
    context.mutate("models use")

    async def job(client: Client) -> ModelStatus:
        wanted = (await one(client, context.arguments.id)).card.id
        before = await client.models()
        status = await client.use_model(wanted)
        return status if context.arguments.no_wait else await _loaded(client, wanted, before.since)

    found = context.with_backend(job)
    context.show(found, lambda: fields([("model", found.model), ("engine", found.engine.value), ("why", found.detail)]))
    return (
        Exit.OK if found.engine in (EngineState.READY, EngineState.BUSY) or context.arguments.no_wait else Exit.FAILED
    )


async def _loaded(client: Client, wanted: str, since: float) -> ModelStatus:
    """Wait until the engine has said something new, and is not on the way to something else."""
    while True:
        status = await client.models()
        moving = status.engine in (EngineState.LOADING, EngineState.PREPARING)
        loaded = status.engine is EngineState.READY and any(card.active and card.id == wanted for card in status.cards)
        if loaded or (status.since != since and not moving):
            return status
        await asyncio.sleep(0.2)


async def one(client: Client, word: str) -> ModelDetail:
    """Return the model that a typed word means.

    Raises:
        VerbError: none was named, none is meant, or several are.
    """
    if not word:
        raise VerbError(Exit.USAGE, "No model is named.", "models lists them.")
    try:
        return await client.model(word)
    except ClientError as error:
        if error.status != 404:
            raise
    meant = words.found(await client.shelf(), word)
    if len(meant) != 1:
        said = f"{word} can mean {', '.join(card.id for card in meant[:5])}." if meant else f"There is no model {word}."
        raise VerbError(Exit.FAILED, said, "models lists them.")
    return await client.model(meant[0].id)
