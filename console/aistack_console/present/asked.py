"""The command log: each call as the line that does the same from a shell, what became of it, and what undoes it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from typing import Protocol

from aistack_backend.wire.actions import ActionRequest, Approval, ApprovalState, DecideRequest, GoalRequest, Verdict
from aistack_backend.wire.loops import GuideRequest
from aistack_backend.wire.rules import Rule, RuleRequest
from aistack_backend.wire.tasks import Task, TaskList, TaskState
from aistack_console.present.para import Para, fact, para
from aistack_console.present.table import Column, Row, Tone
from aistack_console.present.tasks import ENDED, WORDS
from aistack_console.present.units import clock

COLUMNS = (Column("TIME", 8), Column("TOOK", 6, "right"), Column("BECAME", 22), Column("THE SAME FROM A SHELL", 0))
CONSOLE = "aistack-console"
INVERSE = {
    "container.start": "container.stop",
    "container.stop": "container.start",
    "container.kill": "container.start",
    "container.pause": "container.unpause",
    "container.unpause": "container.pause",
    "service.hold": "service.release",
    "service.release": "service.hold",
}
"""Kinds whose other way is a kind of its own."""


class Call(Protocol):
    """One call as the client noted it."""

    at: float
    method: str
    path: str
    request: object | None
    answer: object | None
    problem: str
    took: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """What takes the last own action back: a request for the gate, a rule to revoke, or why there is nothing."""

    request: ActionRequest | None = None
    rule: int = 0
    resume: int = 0
    pause: int = 0
    why_not: str = ""

    @property
    def question(self) -> str:
        """Return what is asked before a rule is revoked or a task goes on; the gate asks for the rest."""
        if self.rule:
            return f"Revoke rule {self.rule}?"
        return f"Let task {self.resume} go on?" if self.resume else f"Pause task {self.pause}?"


def line(one: Call) -> str:
    """Return the shell line that asks the same; "" where no verb does."""
    words = _words(one)
    return shlex.join((CONSOLE, *words)) if words else ""


def _words(one: Call) -> tuple[str, ...]:
    parts, request = one.path.strip("/").split("/")[1:], one.request
    number = parts[1] if len(parts) > 1 else ""
    if isinstance(request, ActionRequest):
        return _action(request)
    if isinstance(request, GoalRequest):
        return ("run", request.text)
    if isinstance(request, DecideRequest):
        return _decision(number, request)
    if isinstance(request, RuleRequest):
        return ("rules", "allow", str(request.approval_id))
    if isinstance(request, GuideRequest):
        return ("loop", "guide", number, request.text, *(("--now",) if request.now else ()))
    if parts[0] == "tasks" and parts[-1] in ("stop", "pause", "resume"):
        return (parts[-1], number)
    if parts[0] == "rules" and parts[-1] == "revoke":
        return ("rules", "revoke", number)
    return ()


def _action(request: ActionRequest) -> tuple[str, ...]:
    room, _, verb = request.kind.partition(".")
    named = tuple(request.target.split())
    if room == "container":
        return ("run", f"{verb} {request.target}")
    if request.kind == "stack.backup":
        return ("backup",)
    if room == "stack" and verb in ("up", "down", "recreate", "update", "rollback", "restore"):
        return (verb, *named)
    return (verb, *named) if room == "service" else ()


def _decision(number: str, request: DecideRequest) -> tuple[str, ...]:
    if request.verdict is Verdict.DENY:
        return ("deny", number, "--reason", request.reason)
    code = ("--code", request.code) if request.code else ()
    name = ("--name", request.typed_name) if request.typed_name else ()
    return ("approve", number, *code, *name)


def became(one: Call, tasks: TaskList | None) -> tuple[str, Tone]:
    """Return what became of a call: its task's state as it is now, its approval's, a refusal, or that it waits."""
    if one.problem:
        return ("refused or failed", "bad")
    if one.took is None:
        return ("no answer yet", "warn")
    if (task := _task(one, tasks)) is not None:
        word, tone = WORDS[task.state]
        return (f"{word} task {task.id}", tone)
    if isinstance(one.answer, Approval):
        return (f"{one.answer.state.value} {one.answer.id}", "plain")
    return ("done", "ok")


def _task(one: Call, tasks: TaskList | None) -> Task | None:
    if not isinstance(one.answer, Task):
        return None
    newer = (task for task in (tasks.tasks if tasks else ()) if task.id == one.answer.id)
    return next(newer, one.answer)


def rows(calls: Iterable[Call], tasks: TaskList | None) -> tuple[Row, ...]:
    """Return the calls, newest first; a call that no verb makes is told by its route."""
    return tuple(
        Row(f"{one.at}:{number}", (clock(one.at), _took(one), became(one, tasks), line(one) or route(one)))
        for number, one in enumerate(calls)
    )


def route(one: Call) -> str:
    """Return the call as the backend got it."""
    kind = one.request.kind if isinstance(one.request, ActionRequest) else ""
    return f"{one.method} {one.path} {kind}".rstrip()


def _took(one: Call) -> str:
    return "" if one.took is None else f"{one.took:.1f} s"


def detail(one: Call, tasks: TaskList | None) -> tuple[Para, ...]:
    """Return one call in full."""
    paras = [para((line(one) or "No verb of the command line does this.", "accent")), fact("CALL", route(one))]
    paras.append(fact("AT", f"{clock(one.at)}   {_took(one)}"))
    text, tone = became(one, tasks)
    paras.append(fact("BECAME", text, tone))
    if one.problem:
        paras.append(fact("WHY", one.problem, "bad"))
    if (task := _task(one, tasks)) is not None and task.reason:
        paras.append(fact("REASON", task.reason))
    if is_dataclass(one.request) and not isinstance(one.request, type):
        sent = {name: value for name, value in asdict(one.request).items() if value not in ("", (), None)}
        paras.append(fact("SENT", json.dumps(sent, ensure_ascii=False, default=str)))
    return tuple(paras)


def undo(calls: Sequence[Call], tasks: TaskList | None) -> Undo:
    """Return what takes the newest own action back."""
    if not calls:
        return Undo(why_not="This console has changed nothing yet.")
    one = calls[0]
    title = one.answer.action_title if isinstance(one.answer, Task) else ""
    what = title or line(one).removeprefix(f"{CONSOLE} ") or route(one)
    if one.problem or one.took is None:
        return Undo(why_not=f"The last thing asked was not done ({what}): there is nothing to undo.")
    if isinstance(one.answer, Rule) and isinstance(one.request, RuleRequest):
        return Undo(rule=one.answer.id)
    if isinstance(one.answer, Task) and one.path.endswith("/pause"):
        return Undo(resume=one.answer.id)
    if isinstance(one.answer, Task) and one.path.endswith("/resume"):
        return Undo(pause=one.answer.id)
    if isinstance(one.request, ActionRequest) and one.request.kind in INVERSE:
        return _inverse(one.request, _task(one, tasks), what)
    return Undo(why_not=_never(one, what))


def _inverse(request: ActionRequest, task: Task | None, what: str) -> Undo:
    state = task.state if task else TaskState.UNKNOWN
    if state is not TaskState.DONE:
        said = f"It ended as {state.value}" if state in ENDED else f"It is {state.value}"
        return Undo(why_not=f"{said} ({what}): nothing was done that could be undone.")
    return Undo(request=ActionRequest(kind=INVERSE[request.kind], target=request.target, reason=f"undo: {what}"))


def _never(one: Call, what: str) -> str:
    if isinstance(one.request, DecideRequest):
        final = isinstance(one.answer, Approval) and one.answer.state is not ApprovalState.PENDING
        return f"A decision is final and cannot be undone ({what})." if final else f"Deny it to take it back ({what})."
    return f"Nothing undoes this ({what}); its approval says what would help."
