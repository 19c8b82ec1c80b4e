"""``loop run|list|show|diff|guide|remove``: an agent that works on a copy of a folder until a proof passes."""

from __future__ import annotations

import os
from dataclasses import fields as dataclass_fields
from dataclasses import replace
from pathlib import Path

from aistack_backend.wire import configfile
from aistack_backend.wire.actions import ActionRequest
from aistack_backend.wire.loops import AgentKind, Gauge, GuideRequest, Loop, LoopAsk, LoopLimits, LoopList, LoopRequest
from aistack_backend.wire.providerconfig import ProviderConfig
from aistack_backend.wire.tasks import Task
from aistack_console.client.api import Client
from aistack_console.present.loops import HEADINGS, pass_words, row
from aistack_console.text import plain
from aistack_console.verbs import gate, waiting
from aistack_console.verbs.context import Context, VerbError, columns, fields
from aistack_console.verbs.exits import Exit

OF_HERE = (AgentKind.LOCAL, AgentKind.AIDER)
"""Agents that take the loaded model when no other is named."""


def run(context: Context) -> Exit:
    """Do what the second word says."""
    doing = {"run": _run, "list": _list, "show": _show, "diff": _diff, "guide": _guide, "remove": _remove}
    return doing[context.arguments.what](context)


def _run(context: Context) -> Exit:
    context.mutate("loop run")
    chosen = context.arguments
    asked = LoopAsk(loop=request(context))

    async def job(client: Client) -> Task:
        ask = asked
        if chosen.yes:
            seen = await client.preview_loop(ask)
            ask = replace(ask, confirmed_hash=seen.action_hash, code=seen.code)
        task = await client.ask_loop(ask)
        return await waiting.until(client, task, waiting.ended, chosen.timeout) if chosen.wait else task

    task = context.with_backend(job)
    context.show(task, lambda: waiting.words(task))
    return waiting.verdict(task)


def request(context: Context) -> LoopRequest:
    """Return what the arguments ask for.

    Raises:
        VerbError: goal, folder or proof is missing, or a limit is none.
    """
    chosen = context.arguments
    if not (chosen.rest and chosen.source and chosen.proof):
        raise VerbError(
            Exit.USAGE,
            "A loop needs a goal, --source and --proof.",
            'E.g. loop run "GOAL" --source . --proof "make test"',
        )
    agent = AgentKind(chosen.agent or ("command" if chosen.command else "rules"))
    provider = _provider(context, agent)
    key_file = str(Path(chosen.key_file).expanduser().absolute()) if chosen.key_file else ""
    limits = {}
    for text in chosen.limit:
        name, _, value = text.partition("=")
        if not hasattr(LoopLimits(), name) or not value.isdigit():
            known = ", ".join(one.name for one in dataclass_fields(LoopLimits))
            raise VerbError(Exit.USAGE, f"{text!r} is no limit.", f"Write NAME=NUMBER; the names: {known}.")
        limits[name] = int(value)
    return LoopRequest(
        goal=" ".join(chosen.rest),
        source=str(Path(chosen.source).expanduser().resolve()),
        proof=chosen.proof,
        checks=tuple(path.rstrip("/") for path in chosen.check),
        agent=agent,
        command=chosen.command,
        files=tuple(chosen.file),
        model=chosen.model
        or (provider.model if provider else "local" if agent in OF_HERE and not chosen.endpoint else ""),
        endpoint=provider.url if provider else chosen.endpoint,
        key_file=key_file or (provider.key_file if provider else ""),
        price=chosen.price or (_price(provider) if provider else ""),
        image=chosen.image,
        limits=LoopLimits(**limits),
    )


def _provider(context: Context, agent: AgentKind) -> ProviderConfig | None:
    """Return the provider that ``--endpoint`` names; None where it is a URL or not given.

    Raises:
        VerbError: no provider has that name, or it cannot be an agent.
    """
    name = context.arguments.endpoint
    if not name or "://" in name or agent is AgentKind.HTTP:
        return None
    found = configfile.load(context.options.config_file, os.environ).config.providers
    for one in found:
        if one.name == name:
            return one
    known = ", ".join(one.name for one in found) or "none"
    raise VerbError(
        Exit.USAGE, f"There is no provider {name!r}.", f"Give a URL, or a provider's name; there is {known}."
    )


def _price(provider: ProviderConfig) -> str:
    """Return its price as a loop wants it; empty where it is not known in dollars, which the loop then asks for."""
    return f"{provider.price_in}/{provider.price_out}" if provider.currency == "USD" else ""


def _list(context: Context) -> Exit:
    found = context.with_backend(lambda client: client.loops())
    context.show(found, lambda: _listed(found))
    return Exit.OK


def _listed(found: LoopList) -> str:
    return columns(HEADINGS, [row(one) for one in found.loops])


def _show(context: Context) -> Exit:
    number = _number(context)
    found = context.with_backend(lambda client: client.loop(number))
    context.show(found, lambda: shown(found))
    return Exit.OK


def shown(loop: Loop) -> str:
    """Return one loop for a person."""
    parts = [waiting.words(loop.task), fields([(one.name, gauge(one)) for one in loop.gauges])]
    parts += ["\n".join(pass_words(one)) for one in loop.passes]
    if loop.waiting:
        parts.append(f"waits for the next pass: {loop.waiting}")
    return plain("\n\n".join(parts))


def gauge(one: Gauge) -> str:
    """Return a limit as ``used of limit`` with its evidence."""
    said = f"{one.used} of {one.limit}"
    return f"{said}   {one.evidence}" if one.evidence else said


def _diff(context: Context) -> Exit:
    number = _number(context)
    found = context.with_backend(lambda client: client.loop_patch(number, context.arguments.number))
    context.show(found, lambda: plain(found.text).removesuffix("\n"))
    return Exit.OK


def _guide(context: Context) -> Exit:
    context.mutate("loop guide")
    number, words = _number(context), context.arguments.rest[1:]
    asked = GuideRequest(text=" ".join(words), now=context.arguments.now)
    found = context.with_backend(lambda client: client.guide_loop(number, asked))
    context.show(found, lambda: shown(found))
    return Exit.OK


def _remove(context: Context) -> Exit:
    context.mutate("loop remove")
    chosen = context.arguments
    if (chosen.older is None) == (not chosen.rest):
        raise VerbError(Exit.USAGE, "Name the loops whose folders are to go, or --older DAYS.", "E.g. loop remove 3 4")
    target = " ".join(chosen.rest) if chosen.older is None else f"older:{chosen.older}"

    async def job(client: Client) -> Task:
        task = await gate.ask(context, client, ActionRequest(kind="workspace.remove", target=target))
        return await waiting.until(client, task, waiting.ended, chosen.timeout) if chosen.wait else task

    task = context.with_backend(job)
    context.show(task, lambda: waiting.words(task))
    return waiting.verdict(task)


def _number(context: Context) -> int:
    words = context.arguments.rest
    if not words or not words[0].isdigit():
        raise VerbError(Exit.USAGE, "No loop is named.", "Give its number; loop list names them.")
    return int(words[0])
