"""``federation``: the own key, who is trusted, bundles out and in, and the review of what came."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from aistack_backend.wire.actions import ActionRequest
from aistack_backend.wire.federation import (
    Bundle,
    BundleRequest,
    Federation,
    HeldItem,
    Rival,
    Signer,
    TakenList,
    TrustRequest,
)
from aistack_backend.wire.tasks import Task
from aistack_console.client.api import Client
from aistack_console.present.units import UNMEASURED, many
from aistack_console.text import plain
from aistack_console.verbs import gate, waiting
from aistack_console.verbs.context import Context, VerbError, ago, columns, fields
from aistack_console.verbs.exits import Exit

SHOWN = 300
"""Characters of a text in a list."""


def run(context: Context) -> Exit:
    """Do what the first word says."""
    doing: dict[str, Callable[[Context], Exit]] = {
        "list": _list,
        "key": _key,
        "trust": _trust,
        "revoke": _revoke,
        "export": _export,
        "import": _import,
        "review": _review,
        "accept": _decide,
        "drop": _decide,
    }
    if context.arguments.what not in ("list", "review"):
        context.mutate(f"federation {context.arguments.what}")
    return doing[context.arguments.what](context)


def _list(context: Context) -> Exit:
    _words(context)
    found = context.with_backend(lambda client: client.federation())
    context.show(found, lambda: _told(found))
    return Exit.OK


def _told(found: Federation) -> str:
    head = fields(
        [
            ("role", found.role.value),
            ("own key", found.key or "none yet: federation key makes it"),
            ("waiting", f"{found.quarantined} items from elsewhere"),
        ]
    )
    signers = columns(("signer", "key", "trusted", "by", "number"), [_signer(one) for one in found.signers])
    bundles = columns(
        ("bundle", "way", "when", "items", "left out", "redacted", "by"), [_bundle(one) for one in found.bundles]
    )
    return plain("\n\n".join([head, signers, bundles]))


def _signer(one: Signer) -> tuple[str, ...]:
    until = "revoked" if one.revoked_at else "until revoked" if one.expires_at is None else "for a while"
    return one.name, one.key, f"{ago(one.added_at)}, {until}", one.added_by, str(one.number)


def _bundle(one: Bundle) -> tuple[str, ...]:
    way = f"from {one.signer}" if one.signer else "out"
    return (
        f"{one.number}",
        way,
        ago(one.at),
        str(one.items),
        str(one.left_out),
        str(one.redactions),
        one.by,
    )


def _key(context: Context) -> Exit:
    _words(context)
    found = context.with_backend(lambda client: client.federation_key())
    context.show(found, lambda: found.key)
    return Exit.OK


def _trust(context: Context) -> Exit:
    name, key = _words(context, "a name and a key")
    request = TrustRequest(name=name, key=key, days=context.arguments.days)
    found = context.with_backend(lambda client: client.trust(request))
    context.show(found, lambda: f"{found.name} is trusted; what it sends waits for review.")
    return Exit.OK


def _revoke(context: Context) -> Exit:
    (name,) = _words(context, "a name")
    found = context.with_backend(lambda client: client.revoke_signer(name))
    context.show(found, lambda: f"{found.name} is trusted no more.")
    return Exit.OK


def _export(context: Context) -> Exit:
    (path,) = _words(context, "a new file, or a folder")
    only = context.arguments.only
    request = BundleRequest(
        path=_absolute(path),
        patterns=only != "samples",
        samples=only != "patterns",
        days=context.arguments.days or 30.0,
    )
    found = context.with_backend(lambda client: client.give(request))
    context.show(
        found,
        lambda: (
            f"{found.path}: number {found.number}, {many(found.items, 'item')}, "
            f"{many(found.redactions, 'thing')} redacted, {many(found.left_out, 'item')} left out"
        ),
    )
    return Exit.OK


def _import(context: Context) -> Exit:
    (path,) = _words(context, "a file, a folder, or a URL")
    if "://" in path:
        return _fetch(context, path)
    found = context.with_backend(lambda client: client.take(_absolute(path)))
    context.show(found, lambda: _taken(found))
    return Exit.FAILED if any(one.refused for one in found.files) else Exit.OK


def _fetch(context: Context, url: str) -> Exit:
    chosen = context.arguments

    async def job(client: Client) -> Task:
        task = await gate.ask(context, client, ActionRequest(kind="federation.fetch", target=url))
        return await waiting.until(client, task, waiting.ended, chosen.timeout) if chosen.wait else task

    done = context.with_backend(job)
    context.show(done, lambda: waiting.words(done))
    return waiting.verdict(done)


def _taken(found: TakenList) -> str:
    lines = []
    for one in found.files:
        made = one.bundle
        said = f"refused. {one.refused}" if made is None else f"{made.items} items of {made.signer} wait for review"
        left = f", {made.left_out} left out (known here, or nothing but secrets)" if made and made.left_out else ""
        lines.append(f"{one.path}: {said}{left}")
    return plain("\n".join(lines) or "There is no bundle in that folder.")


def _review(context: Context) -> Exit:
    _words(context)
    found = context.with_backend(lambda client: client.held_items(context.arguments.state))
    context.show(found, lambda: plain("\n\n".join(map(shown, found.items)) or "Nothing waits."))
    return Exit.OK


def shown(one: HeldItem) -> str:
    """Return an item from elsewhere for a person, with what here says otherwise."""
    held = one.item
    value = UNMEASURED if held.value is None else f"{held.value:.2f}"
    pairs = [
        (f"item {one.id}", f"{held.kind or held.type.value} from {one.signer}, {one.state.value}, value {value}"),
        ("about", held.question[:SHOWN]),
        ("says", held.says[:SHOWN]),
        *[("here", _rival(rival)) for rival in one.rivals],
    ]
    return fields([*pairs, ("outcome", one.outcome)] if one.outcome else pairs)


def _rival(one: Rival) -> str:
    who = f"pattern {one.pattern}" if one.pattern else f"item {one.item}"
    wins = {True: "the one from elsewhere", False: "this one"}
    return (
        f"{who} ({one.state}) says: {one.says[:SHOWN]}; by latest {wins[one.latest]} wins, "
        f"by highest-value {wins[one.highest_value]} wins"
    )


def _decide(context: Context) -> Exit:
    (text,) = _words(context, "the number of an item")
    if not text.isdigit():
        raise VerbError(Exit.USAGE, f"{text!r} is no number of an item.", "federation review lists them.")
    number, rule, what = int(text), context.arguments.rule, context.arguments.what
    found = context.with_backend(
        lambda client: client.accept_item(number, rule) if what == "accept" else client.drop_item(number)
    )
    context.show(found, lambda: plain(found.outcome))
    return Exit.OK


def _words(context: Context, wanted: str = "") -> list[str]:
    rest, what = list(context.arguments.rest), context.arguments.what
    count = 0 if not wanted else 2 if " and " in wanted else 1
    if len(rest) != count:
        raise VerbError(Exit.USAGE, f"federation {what} takes {wanted or 'no words'}.", "See federation --help.")
    return rest


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().absolute())
