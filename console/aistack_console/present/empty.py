"""What a pane says while it has nothing to show: why, what will stand there, and how it gets there."""

from __future__ import annotations

from aistack_backend.wire.containers import Fleet
from aistack_backend.wire.sources import Source, SourceState
from aistack_backend.wire.status import Status
from aistack_console.present.para import Para, fact, para
from aistack_console.present.services import View
from aistack_console.present.units import span

GAP = para("")


def _said(first: str, *rows: tuple[str, str]) -> tuple[Para, ...]:
    return (para(first), GAP, *(fact(name, text) for name, text in rows))


def away(why: str) -> tuple[Para, ...]:
    """Return why nothing is known at all: the backend has not told it yet."""
    return (para((why or "Not measured yet.", "warn")),)


def approvals(status: Status | None) -> tuple[Para, ...]:
    """Return what the evidence pane says while the queue is empty."""
    asks = f"risk {status.threshold} or higher" if status and status.require_approval else "destructive risk"
    return _said(
        "Nothing waits for a decision.",
        ("comes", f"every action of {asks} that an agent, a goal or a program asks for"),
        ("try", '6, then /do restart NAME; or in a shell: aistack-console run "restart NAME"'),
        ("then", "here stands the whole action: its command, target, effect, undo, risk and who asked"),
        ("rule", "nothing runs before a person decides; no answer in time is a no"),
    )


def tasks() -> tuple[Para, ...]:
    """Return what the result pane says while there is no task."""
    return _said(
        "Nothing has been asked of the stack yet.",
        ("comes", "each goal (/do in Chat, aistack-console run), and each key that changes a container"),
        ("then", "here stands who asked, what was proposed, who approved it and what it gave back"),
    )


def audit(text: str) -> tuple[Para, ...]:
    """Return what the record pane says while no record is listed."""
    if text:
        return _said(f"No record contains {text}.", ("esc", "shows every record again"))
    return _said(
        "No record has come yet.",
        ("comes", "every wish, decision, start and outcome, by a person, an agent or the backend itself"),
        ("then", "here stands the record in full, and the hashes that chain it to the one before"),
        ("v", "checks the whole chain"),
    )


def services(fleet: Fleet, view: View, now: float) -> tuple[Para, ...]:
    """Return why the list of services is empty: a source at fault, a filter, or no container at all."""
    if fleet.source.state is not SourceState.OK:
        return fault(fleet.source, now)
    if fleet.containers:
        by = f"the filter {view.text} (esc clears it)" if view.text else "A, which hides stopped ones"
        return _said(f"None of {len(fleet.containers)} containers is shown.", ("hidden", f"by {by}"))
    return _said(
        "Podman answers and has no containers.",
        ("comes", "each container of this Podman, at the moment it is created, whoever creates it"),
        ("try", "podman run -d --name web -p 8080:80 IMAGE"),
        ("then", "here stand its health, logs, usage, environment and events"),
    )


def fault(source: Source, now: float) -> tuple[Para, ...]:
    """Return what is wrong with a source, what was tried, and what would mend it, one a line."""
    rows = (("said", source.detail), ("tried", source.tried), ("fix", source.hint))
    since = "has never answered" if source.last_ok is None else f"has not answered for {span(now - source.since)}"
    head = para((f"{source.name} is {source.state.value}: it {since}.", "bad"))
    return (head, GAP, *(fact(name, text) for name, text in rows if text))


def chat(answers: bool) -> tuple[Para, ...]:
    """Return what can be asked, while a session has no message."""
    model = "anything: it runs on this machine, nothing leaves it" if answers else "anything, once it is ready"
    return _said(
        "Ask the local model, or give the stack a goal.",
        ("ask", model),
        ("/do", "a goal, e.g. /do restart web   (! is the same: !restart web)"),
        ("then", "an agent proposes one action; it waits in Approvals until a person decides"),
        ("keys", "enter sends, ^j begins a line, esc cancels or leaves the prompt, up brings the last message back"),
    )
