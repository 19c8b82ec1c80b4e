"""``models``: what lies on this machine, and what can be done with one of them."""

from __future__ import annotations

import asyncio
import time

from aistack_backend.wire.models import EngineState, ModelStatus
from aistack_backend.wire.shelf import Measured, ModelDetail, ModelShelf
from aistack_console.client.api import Client
from aistack_console.errors import ClientError
from aistack_console.present import models as words
from aistack_console.present.units import size
from aistack_console.text import plain
from aistack_console.verbs.context import Context, VerbError, columns, fields, interactive, question, warn
from aistack_console.verbs.exits import Exit


def run(context: Context) -> Exit:
    """Do what the second word says."""
    doing = {
        "list": _list,
        "show": _show,
        "use": _use,
        "fetch": _fetch,
        "cancel": _cancel,
        "bench": _bench,
        "remove": _remove,
    }
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
        loaded = (
            status.model
            and status.engine is EngineState.READY
            and any(card.active and card.id == wanted for card in status.cards)
        )
        if loaded or (status.since != since and not moving):
            return status
        await asyncio.sleep(0.2)


def _fetch(context: Context) -> Exit:
    context.mutate("models fetch")
    chosen = context.arguments
    if not chosen.id:
        raise VerbError(Exit.USAGE, "No model is named.", "Give the id of an offered one, a URL or OWNER/REPO:FILE.")
    by_source = "://" in chosen.id or ":" in chosen.id

    async def job(client: Client) -> ModelDetail:
        if by_source:
            _agree(context, f"Fetch {chosen.id}?")
            return await _fetched(context, client, await client.fetch_from(chosen.id, chosen.sha256))
        found = await one(client, chosen.id)
        _agree(
            context, f"Fetch {found.card.name}, {size(found.card.size)}, licence: {found.card.licence or 'unknown'}?"
        )
        await client.fetch_model(found.card.id)
        return await _fetched(context, client, await client.model(found.card.id))

    done = context.with_backend(job)
    context.show(done, lambda: fields(words.facts(done.card)))
    return Exit.OK if done.card.path or chosen.no_wait else Exit.FAILED


def _agree(context: Context, asked: str) -> None:
    if context.arguments.yes:
        return
    if not interactive():
        raise VerbError(Exit.USAGE, "Nobody can be asked here.", "Give --yes when it is to be fetched.")
    if question(f"{plain(asked)} [y/N] ").lower() not in ("y", "yes"):
        raise VerbError(Exit.FAILED, "Nothing was fetched.")


async def _fetched(context: Context, client: Client, detail: ModelDetail) -> ModelDetail:
    """Follow a fetch to its end, telling each tenth on stderr.

    Raises:
        VerbError: it did not come; the sentence is the backend's.
    """
    if context.arguments.no_wait:
        return detail
    loop, card, said = asyncio.get_running_loop(), detail.card, ""
    end = loop.time() + context.arguments.timeout
    while loop.time() < end:
        shelf = await client.shelf()
        now = next((each for each in shelf.cards if each.id == card.id), card)
        stage = words.stage_of(card, shelf.stages)
        if not now.fetching:
            if now.path:
                return await client.model(card.id)
            raise VerbError(Exit.FAILED, stage.detail if stage else f"{card.id} did not come.")
        if stage and (told := words.progress(stage)) != said:
            warn(said := told)
        await asyncio.sleep(0.5)
    raise VerbError(Exit.FAILED, f"{card.id} is still being fetched.", "It goes on; models shows how far it is.")


def _cancel(context: Context) -> Exit:
    context.mutate("models cancel")

    async def job(client: Client) -> ModelShelf:
        return await client.cancel_fetch((await one(client, context.arguments.id)).card.id)

    found = context.with_backend(job)
    context.show(found, lambda: listed(found))
    return Exit.OK


def _bench(context: Context) -> Exit:
    context.mutate("models bench")

    async def job(client: Client) -> Measured:
        return await client.bench_model((await one(client, context.arguments.id)).card.id)

    found = context.with_backend(job)
    context.show(found, lambda: columns(words.MEASURED_TITLES, [words.measured_row(found)]))
    return Exit.OK


def _remove(context: Context) -> Exit:
    context.mutate("models remove")

    async def job(client: Client) -> ModelShelf:
        card = (await one(client, context.arguments.id)).card
        typed = context.arguments.name
        if not typed and interactive():
            typed = question(f"Remove {plain(card.name)}, {size(card.size)}? Type its id, {card.id}: ")
        return await client.remove_model(card.id, typed)

    found = context.with_backend(job)
    context.show(found, lambda: listed(found))
    return Exit.OK


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
