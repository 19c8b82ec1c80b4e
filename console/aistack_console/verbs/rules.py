"""``rules``: what people allowed in advance; rehearse one, make it, revoke it."""

from __future__ import annotations

import time
from dataclasses import replace

from aistack_backend.wire.rules import Rehearsal, Rule, RuleList, RuleRequest
from aistack_console.client.api import Client
from aistack_console.present.rules import allows, ends, where
from aistack_console.verbs.context import Context, VerbError, columns, fields, interactive, question, warn
from aistack_console.verbs.exits import Exit

TITLES = ("ID", "ALLOWS", "FOR", "WHERE", "USED", "ENDS", "MADE BY")


def run(context: Context) -> Exit:
    """List, rehearse, make or revoke; a rehearsal that finds that a rule could never match ends with 1."""
    chosen = context.arguments
    if chosen.what != "list" and chosen.id is None:
        raise VerbError(Exit.USAGE, f"rules {chosen.what} needs a number.", "Of a rule to revoke, else of an approval.")
    if chosen.what in ("allow", "revoke"):
        context.mutate(f"rules {chosen.what}")

    async def job(client: Client) -> RuleList | Rehearsal | Rule:
        if chosen.what == "list":
            return await client.rules()
        if chosen.what == "revoke":
            return await client.revoke_rule(chosen.id)
        wish = await _wish(client, context)
        found = await client.rehearse_rule(wish)
        return found if chosen.what == "rehearse" else await _make(client, context, wish, found)

    found = context.with_backend(job)
    context.show(found, lambda: _words(found))
    return Exit.FAILED if isinstance(found, Rehearsal) and found.never else Exit.OK


async def _wish(client: Client, context: Context) -> RuleRequest:
    chosen = context.arguments
    one = await client.approval(chosen.id)
    return RuleRequest(
        approval_id=one.id,
        action_hash=one.action_hash,
        pattern=chosen.pattern,
        any_task=chosen.any_task,
        seconds=chosen.seconds,
    )


async def _make(client: Client, context: Context, wish: RuleRequest, found: Rehearsal) -> Rule:
    warn(_words(found) + "\n")
    if not context.arguments.yes:
        if not interactive():
            raise VerbError(Exit.NOT_ALLOWED, "Nobody can confirm this here.", "Say --yes if it is wanted.")
        if question("Make this rule? [y/N] ").lower() not in ("y", "yes"):
            raise VerbError(Exit.NOT_ALLOWED, "The rule was not made.")
    return await client.make_rule(replace(wish, rehearsed=found.rehearsed))


def _words(found: RuleList | Rehearsal | Rule) -> str:
    if isinstance(found, RuleList):
        return columns(TITLES, [_row(one) for one in found.rules]) if found.rules else "No rule was made."
    if isinstance(found, Rule):
        return columns(TITLES, [_row(found)])
    passed = [f"#{one.approval_id} {one.title} (task {one.task_id}, {one.state})" for one in found.passed]
    return fields(
        [
            ("rule", found.words),
            ("never", found.never),
            ("rehearsed", f"it would have let through {len(passed)} of the newest {found.tried} requests"),
            ("these", "\n".join(passed)),
        ]
    )


def _row(one: Rule) -> tuple[str, ...]:
    ending = ends(one, time.time())
    return (str(one.id), allows(one), one.requester, where(one), str(one.used), ending, one.made_by)
