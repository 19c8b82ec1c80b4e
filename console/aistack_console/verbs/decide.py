"""``approve`` and ``deny``: a person's decision, made without the screens but by the same rules."""

from __future__ import annotations

import time

from aistack_backend.wire.actions import Approval, ApprovalState, DecideRequest, Verdict
from aistack_backend.wire.tasks import Task
from aistack_console.client.api import Client
from aistack_console.present.approvals import said, winner
from aistack_console.present.units import span
from aistack_console.verbs import waiting
from aistack_console.verbs.approvals import whole
from aistack_console.verbs.context import Context, VerbError, interactive, question, warn
from aistack_console.verbs.exits import Exit


def run(context: Context) -> Exit:
    """Show the action, make sure, decide; with ``--until-done`` wait for its end."""
    chosen = context.arguments
    context.mutate(chosen.verb)

    async def job(client: Client) -> tuple[Approval, Task | None]:
        before = await client.approval(chosen.id)
        request = _deny(before, chosen.reason) if chosen.verb == "deny" else _approve(context, before)
        if getattr(chosen, "go_on", False):
            await client.go_on(chosen.id)
        decided = await client.decide(chosen.id, request)
        if not getattr(chosen, "until_done", False):
            return decided, None
        task = await client.task(decided.task_id)
        return decided, await waiting.until(client, task, waiting.ended, chosen.timeout)

    decided, task = context.with_backend(job)
    context.show(task or decided, lambda: waiting.words(task) if task else _words(decided))
    return waiting.verdict(task) if task else Exit.OK


def _deny(one: Approval, reason: str) -> DecideRequest:
    if not reason.strip():
        raise VerbError(Exit.USAGE, "A denial needs a reason.", "Say it with --reason.")
    return DecideRequest(verdict=Verdict.DENY, action_hash=one.action_hash, reason=reason)


def _approve(context: Context, one: Approval) -> DecideRequest:
    chosen = context.arguments
    _decidable(one)
    warn(whole(one) + "\n")
    code = chosen.code or _typed(one.code, "code", f"Type the code {one.code} to approve: ")
    name = chosen.name or _typed(one.typed_name, "name", f"This loses data. Type {one.typed_name} to approve: ")
    if not (chosen.yes or chosen.code or chosen.name or one.code or one.typed_name):
        _ask()
    return DecideRequest(verdict=Verdict.APPROVE, action_hash=one.action_hash, code=code, typed_name=name)


def _decidable(one: Approval) -> None:
    if one.state is not ApprovalState.PENDING:
        said = winner(one.decided_by, one.state.value, one.decided_at)
        raise VerbError(Exit.FAILED, f"{said} Approval {one.id} is no longer open.")
    if (left := one.ready_at - time.time()) > 0:
        raise VerbError(Exit.NOT_ALLOWED, f"Approval {one.id} cools off: it can be decided in {span(left)}.")


def _typed(wanted: str, what: str, prompt: str) -> str:
    if not wanted:
        return ""
    if not interactive():
        raise VerbError(
            Exit.NOT_ALLOWED, f"This action needs its {what} and nobody can type it here.", f"Give --{what}."
        )
    return question(prompt)


def _ask() -> None:
    if not interactive():
        raise VerbError(Exit.NOT_ALLOWED, "Nobody can confirm this here.", "Say --yes if it was read and is wanted.")
    if question("Approve this? [y/N] ").lower() not in ("y", "yes"):
        raise VerbError(Exit.NOT_ALLOWED, "Not approved; it still waits for a decision.")


def _words(one: Approval) -> str:
    if one.state is ApprovalState.PENDING:
        return f"{said(one)} (task {one.task_id})"
    return f"approval {one.id} {one.state.value} by {one.decided_by}: {one.title} (task {one.task_id})"
