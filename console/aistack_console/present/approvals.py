"""Approvals: the queue, the evidence, and what is still missing before a person may say yes."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass

from aistack_backend.wire.actions import Approval, ApprovalList, ApprovalState
from aistack_console.present.facts import facts, rest_of_record
from aistack_console.present.laid import laid_out
from aistack_console.present.para import Para, fact, numbered, para, text_lines, title
from aistack_console.present.table import Cell, Column, Row, Tone
from aistack_console.present.units import clock, day_clock, many, span
from aistack_console.present.words import RISK_WORDS, risk_cell
from aistack_console.text import plain

COLUMNS = (
    Column("#", 4, "right"),
    Column("RISK", 5),
    Column("AGE", 6, "right"),
    Column("FROM", 15),
    Column("ACTION", 0),
    Column("DEADLINE", 11),
    Column("RULE", 22, min_screen_width=190),
)
STATE_TONES: dict[ApprovalState, Tone] = {
    ApprovalState.PENDING: "warn",
    ApprovalState.APPROVED: "ok",
    ApprovalState.USED: "ok",
    ApprovalState.DENIED: "bad",
}
VERDICTS = {"approve": "approved", "deny": "denied", "used": "approved", "superseded": "edited", "edit": "edited"}
"""A decision as it is told afterwards, where the wire has another word for it."""
STATE_WORDS = {ApprovalState.USED: "STARTED"}
"""Where the wire's word is not what a person would say: its one use has begun, the task has the outcome."""


def queue(found: ApprovalList | None, now: float) -> tuple[Row, ...]:
    """Return the pending approvals as the backend ordered them, then the decided ones under a heading."""
    if found is None:
        return ()
    pending = [one for one in found.approvals if one.state is ApprovalState.PENDING]
    decided = [one for one in found.approvals if one.state is not ApprovalState.PENDING]
    rows = [_row(one, now) for one in pending]
    if decided:
        rows.append(Row("group:decided", (f"decided ({len(decided)})",), group=True))
        rows += [_row(one, now) for one in decided]
    return tuple(rows)


def _row(one: Approval, now: float) -> Row:
    asker = f"{short_actor(one.requester)}#{one.task_id}"
    cells = (str(one.id), risk_cell(one.risk), span(now - one.created_at), asker, one.title, deadline(one, now))
    return Row(str(one.id), (*cells, one.rule))


def short_actor(actor: str) -> str:
    """Return ``planner`` for ``agent:planner``."""
    return actor.partition(":")[2] or actor or "?"


def deadline(one: Approval, now: float) -> Cell:
    """Return what happens when nobody decides, and when; for decided ones, the state."""
    if one.state is not ApprovalState.PENDING:
        return (STATE_WORDS.get(one.state, one.state.value.upper()), STATE_TONES.get(one.state, "dim"))
    left = one.expires_at - now
    if left <= 0:
        return ("expired", "bad")
    if one.paused:
        return (f"{span(left)} PAUSED", "bad")
    return (f"{span(left)} {'1 of 2' if one.first_by else 'DENY'}", "bad" if left < 60 else "warn")


def evidence(one: Approval, now: float) -> tuple[Para, ...]:
    """Return everything there is to know before deciding: nothing is cut, one argument a line."""
    return (
        *_fate(one, now),
        *_what(one),
        *rest_of_record(one),
        *_around(one),
        *_agent(one),
    )


def record(one: Approval) -> tuple[Para, ...]:
    """Return the action record as it is hashed, what cannot be drawn made visible, and its whole hash."""
    if not one.payload.value:
        return (para(("The backend sent no record of this action.", "warn")),)
    return (fact("SHA-256", one.action_hash), title("record"), *text_lines(plain(one.payload.value), ""))


def copies(one: Approval) -> tuple[tuple[str, str], ...]:
    """Return what can be copied of an approval, as ``(what, text)``."""
    return (
        ("command", one.script or shlex.join(one.argv)),
        ("target", one.targets[0].name if one.targets else ""),
        ("target id", one.targets[0].id if one.targets else ""),
        ("line", f"#{one.id} {RISK_WORDS[one.risk]} {one.title} ({one.state.value})"),
        ("approve", f"aistack-console approve {one.id}" if one.state is ApprovalState.PENDING else ""),
        ("hash", one.action_hash),
        ("record", one.payload.value),
    )


def _fate(one: Approval, now: float) -> tuple[Para, ...]:
    if one.state is ApprovalState.PENDING:
        return ()
    who = f" by {one.decided_by}" if one.decided_by else ""
    via = f" ({one.decided_via})" if one.decided_via else ""
    when = f" at {day_clock(one.decided_at, now)}" if one.decided_at else ""
    word = "APPROVED and started" if one.state is ApprovalState.USED else one.state.value.upper()
    paras = [para((f"{word}{who}{via}{when}", STATE_TONES.get(one.state, "dim")))]
    if one.reason:
        paras.append(fact("REASON", one.reason))
    return tuple(paras)


def _what(one: Approval) -> tuple[Para, ...]:
    paras = [fact("WHAT", f"{one.title}   [{one.kind}]")]
    if one.argv:
        paras.append(para((f"COMMAND, {many(len(one.argv), 'argument')}, one a line", "dim")))
        paras += numbered("\n".join(word.replace("\n", "␊") for word in one.argv))
    if one.script:
        shown = laid_out(one.script)
        count = one.script.count("\n") + 1
        lines = f"{count} line{'s' if count > 1 else ''}" if shown == one.script else "one line, shown field by field"
        paras.append(para((f"SCRIPT, {lines}", "dim")))
        paras += numbered(shown)
    for target in one.targets:
        where = f"   on the machine {target.host}" if target.host else ""
        paras.append(fact("ON", f"{target.type} {target.name}   id {target.id}{where}"))
        if target.pin:
            paras.append(fact("AS IT IS", target.pin))
    return tuple(paras)


def _around(one: Approval) -> tuple[Para, ...]:
    pinned = any(one.image in target.pin for target in one.targets)  # then the image stands there already
    where = "   ".join(
        f"{name} {value}"
        for name, value in (("in", one.cwd), ("as", one.user), ("image", "" if pinned else one.image))
        if value
    )
    asked = f"{one.requester or '?'} via {one.via or '?'} at {clock(one.created_at)}, task #{one.task_id}"
    if one.revision > 1:
        asked += f", revision {one.revision}"
    rows: list[tuple[str, str]] = [
        ("WHERE", where),
        ("EFFECT", one.effect or "not measured"),
        ("UNDO", one.undo or "not known"),
    ]
    first = tuple(fact(name, value) for name, value in rows if value)
    return (*first, *facts(one), *_judged(one, asked))


def _judged(one: Approval, asked: str) -> tuple[Para, ...]:
    rows = [
        ("RISK", f"{RISK_WORDS[one.risk]}: {'; '.join(one.risk_reasons) or 'no reason given'}"),
        ("RULE", one.rule),
        ("PEOPLE", people(one)),
        ("PAUSED", one.paused),
        ("ASKED", asked if one.id else ""),
        ("BOUND TO", f"sha {one.action_hash[:16]}"),
    ]
    return tuple(fact(name, value) for name, value in rows if value)


def people(one: Approval) -> str:
    """Return who has to say yes, and who has; empty where one person is enough."""
    if one.people < 2:
        return ""
    wanted = "two have to approve it, and neither may have asked for it"
    if not one.first_by:
        return f"{wanted}; nobody has yet" if one.state is ApprovalState.PENDING else wanted
    return f"{wanted}; {one.first_by} did at {clock(one.first_at)}"


def _agent(one: Approval) -> tuple[Para, ...]:
    if not one.agent_says:
        return ()
    words = (Para((("  | ", "dim"), *line.cells), "  | ") for line in text_lines(one.agent_says, ""))
    return (title("the agent says (its own words, not checked)"), *words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What the person typed in the dialog."""

    code: str = ""
    name: str = ""


def missing(one: Approval, *, unseen: int, typed: Typed, now: float) -> str:
    """Return what still stands between this person and a yes; empty = nothing."""
    if blocked := blocked_by(one, unseen=unseen, now=now):
        return blocked
    if one.code and typed.code != one.code:
        return f"Type the code {one.code} and press Enter."
    if one.typed_name and typed.name != one.typed_name:
        return f"Type the name {one.typed_name} and press Enter."
    return ""


def blocked_by(one: Approval, *, unseen: int, now: float) -> str:
    """Return what no typing can mend: decided already, expired, cooling off, not read to the end."""
    if one.state is not ApprovalState.PENDING:
        return winner(one.decided_by, one.state.value, one.decided_at)
    if one.id and one.expires_at <= now:
        return "It has expired: that counts as no."
    if one.ready_at > now:
        return f"Cooling off: {span(one.ready_at - now)} until it can be approved."
    if unseen:
        return f"{unseen} more line{'s' if unseen > 1 else ''} to read before it can be approved: space reads on."
    return ""


def uneditable(one: Approval) -> str:
    """Return why the text of this action cannot be edited on the screen; empty = it can."""
    if one.kind != "shell.run":
        return "Only the text of a shell command can be edited: deny it, and ask for another action."
    stored = script_of(one)
    if not stored:
        return "The backend sent no record of this action."
    if plain(bare := stored.replace("\t", " ")) != bare or "\r" in stored:
        return "It holds signs that cannot be drawn: use aistack-console edit with a file."
    return ""


def script_of(one: Approval) -> str:
    """Return the script as it is hashed, tabs and all; empty = the record does not tell."""
    try:
        return str(json.loads(one.payload.value)["script"])
    except (ValueError, KeyError, TypeError):
        return ""


def said(one: Approval) -> str:
    """Return what a decision that was just taken has come to."""
    if one.state is ApprovalState.PENDING:
        return f"Approval {one.id} has your yes; another person has to approve it as well: {one.title}"
    return f"{VERDICTS.get(one.state.value, one.state.value).capitalize()} {one.id}: {one.title}"


def winner(who: str, decision: str, at: float | None) -> str:
    """Return who was first, what they decided and when."""
    said = VERDICTS.get(decision, decision) or "decided"
    return f"Already {said} by {who or 'somebody'} at {clock(at)}."


def head(one: Approval, now: float) -> tuple[Cell, ...]:
    """Return the dialog's first line."""
    left = one.expires_at - now
    words = f"  {one.title}"
    if not one.id:
        return (" ", risk_cell(one.risk), words, ("   your own action", "dim"))
    asker = f"   #{one.id} from {short_actor(one.requester)}"
    if one.state is not ApprovalState.PENDING:
        return (" ", risk_cell(one.risk), words, (f"{asker}   ", "dim"), deadline(one, now))
    what = "1 of 2 yes, else DENY" if one.first_by else "no answer = DENY"
    return (" ", risk_cell(one.risk), words, (f"{asker}   {what} in {span(left)}", "dim"))
